package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// direct sends requests to a handler without a network, so that a test can fake the clock.
type direct func(*http.Request) (*http.Response, error)

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) { return d(r) }

// serve answers r by h.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	// The handler must not see the client's fields.
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	h.ServeHTTP(w, in)
	return w
}

func testLoad(t *testing.T, rate int, send direct) *Load {
	t.Helper()
	l, err := NewLoad("http://shop.example", rate)
	if err != nil {
		t.Fatal(err)
	}
	l.client.Transport = send
	return l
}

// TestEveryPlantShows runs 8 seconds of the load on version 1, asks both versions the same, and
// counts how often each plant shows.
func TestEveryPlantShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v1, v2 := Shop(1, 1), Shop(2, 2)
		var mu sync.Mutex
		seen, shown := 0, make(map[string]int)
		l := testLoad(t, 350, func(r *http.Request) (*http.Response, error) {
			live := serve(v1, r)
			if r.Method == "POST" {
				return live.Result(), nil // is not copied
			}
			copied := serve(v2, r)
			mu.Lock()
			defer mu.Unlock()
			seen++
			shown[differing(t, r, live, copied)]++
			return live.Result(), nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		l.Run(ctx)
		t.Logf("%d requests: %v", seen, shown)
		for _, name := range []string{"rounded price", "missing discount", "failing search", "id became text", "lost caching", "slow recommendations"} {
			if shown[name] < 80 {
				t.Errorf("plant %q shows %d times in %d requests, want 80", name, shown[name], seen)
			}
		}
		if failing := 100 * shown["failing search"] / seen; failing < 2 || failing > 6 {
			t.Errorf("%d %% of the load fail on version 2, want about 4", failing)
		}
		if shown["unplanned"] > 0 {
			t.Errorf("%d pairs differ by what is not planted", shown["unplanned"])
		}
	})
}

// differing names the plant that a pair of answers shows, "" for none, "unplanned" for a
// difference that is neither a plant nor noise.
func differing(t *testing.T, r *http.Request, v1, v2 *httptest.ResponseRecorder) string {
	t.Helper()
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/recommendations/"):
		return "slow recommendations"
	case v2.Code == 500 && v1.Code == 200 && path == "/search":
		return "failing search"
	case v1.Code != v2.Code:
		return "unplanned"
	case v1.Header().Get("Cache-Control") != v2.Header().Get("Cache-Control"):
		return "lost caching"
	}
	a, b := shape(t, v1), shape(t, v2)
	switch {
	case a == b:
		return ""
	case strings.HasPrefix(path, "/products/"):
		return "rounded price"
	case strings.HasPrefix(path, "/orders/") && !strings.Contains(b, `"discount":`):
		return "missing discount"
	case strings.HasPrefix(path, "/cart/"):
		return "id became text"
	default:
		return "unplanned"
	}
}

func TestLoadVaries(t *testing.T) {
	p := newPlan(&url.URL{Scheme: "http", Host: "shop.example"}, 1)
	h := &shop{catalogue: theCatalogue(), noise: newNoise(1)}
	seen := make(map[string]int)
	for range 5000 {
		r := p.next()
		seen[r.Method]++
		seen["agent "+r.UserAgent()]++
		for _, name := range []string{"Cookie", "Authorization", "Accept-Encoding", "If-None-Match", "Content-Type"} {
			if r.Header.Get(name) != "" {
				seen[name]++
			}
		}
		if strings.HasPrefix(r.URL.Path, "/products/") {
			p.learn(r, &http.Response{Header: http.Header{"Etag": {`"x"`}}})
			id, _ := strconv.Atoi(r.URL.Path[len("/products/"):])
			if id == 1 || id == numProducts {
				seen["product "+strconv.Itoa(id)]++
			}
		}
		if id, ok := strings.CutPrefix(r.URL.Path, "/orders/"); ok && h.orders[id].ID == "" {
			seen["missing order"]++
		}
	}
	for _, what := range []string{"GET", "HEAD", "POST", "Cookie", "Authorization", "Accept-Encoding", "If-None-Match", "Content-Type", "missing order", "product 1"} {
		if seen[what] == 0 {
			t.Errorf("5000 requests have no %s", what)
		}
	}
	for _, agent := range agents {
		if seen["agent "+agent] == 0 {
			t.Errorf("5000 requests have none of user agent %q", agent)
		}
	}
	if popular, rare := seen["product 1"], seen["product 240"]; popular < 10*rare {
		t.Errorf("product 1 is asked %d times and product %d %d times, want far fewer", popular, numProducts, rare)
	}
	if len(p.tags) > maxTags {
		t.Errorf("the plan remembers %d entity tags, want at most %d", len(p.tags), maxTags)
	}
}

func TestHabitsAreWhole(t *testing.T) {
	sum := 0
	for _, h := range habits {
		sum += h.percent
	}
	if sum != 100 {
		t.Errorf("the habits are %d percent, want 100", sum)
	}
}

func TestLoadKeepsItsRate(t *testing.T) {
	f := func(rate int, took time.Duration, wantLow, wantHigh uint64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := testLoad(t, rate, func(*http.Request) (*http.Response, error) {
				time.Sleep(took) // on the fake clock
				return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
			})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			l.Run(ctx)
			if got := l.Done(); got < wantLow || got > wantHigh {
				t.Errorf("%d requests per second that take %v: %d done in 10s, want %d to %d", rate, took, got, wantLow, wantHigh)
			}
			if l.Failed() > 0 {
				t.Errorf("%d failed, want 0", l.Failed())
			}
		})
	}
	f(350, 0, 3500, 3501)
	f(350, 40*time.Millisecond, 3480, 3501)
	// Slower than 16 users can be: they do what they can, and the rest is skipped.
	f(350, 100*time.Millisecond, 1500, 1610)
}

func TestLoadSkipsAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var late atomic.Int64
		l := testLoad(t, 100, func(*http.Request) (*http.Response, error) {
			if time.Since(start) < 5*time.Second {
				time.Sleep(5*time.Second - time.Since(start)) // on the fake clock
			}
			late.Add(1)
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		l.Run(ctx)
		// 16 wait through the stall, the second before its end and the one after it are asked.
		if got := late.Load(); got < 190 || got > 230 {
			t.Errorf("%d requests came through, want about 216", got)
		}
		if got := l.Skipped(); got < 350 {
			t.Errorf("%d requests skipped, want about 384", got)
		}
	})
}

func TestLoadCountsFailures(t *testing.T) {
	f := func(status int, body io.ReadCloser, err error, wantFailed bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := testLoad(t, 10, func(*http.Request) (*http.Response, error) {
				if err != nil {
					return nil, err
				}
				return &http.Response{StatusCode: status, Body: body}, nil
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			l.Run(ctx)
			if failed := l.Failed() > 0; failed != wantFailed || (l.Done() > 0) == wantFailed {
				t.Errorf("status %d, error %v: done %d, failed %d, want failed %v", status, err, l.Done(), l.Failed(), wantFailed)
			}
		})
	}
	f(200, http.NoBody, nil, false)
	f(404, http.NoBody, nil, false)
	f(500, http.NoBody, nil, true)
	f(0, nil, errors.New("refused"), true)
	f(200, io.NopCloser(io.MultiReader(bytes.NewReader([]byte("{")), brokenReader{})), nil, true)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestLoadStops ends the load while every answer is overdue.
func TestLoadStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testLoad(t, 100, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		l.Run(ctx)
		if took := time.Since(start); took != time.Second {
			t.Errorf("the load ran for %v, want 1s", took)
		}
		if l.Done()+l.Failed() > 0 {
			t.Errorf("done %d, failed %d, want neither: the load was stopped", l.Done(), l.Failed())
		}
	})
}

// TestLoadOverTheNetwork runs the load on a served shop, and counts its connections.
func TestLoadOverTheNetwork(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var answered, connections atomic.Int64
	shop := Shop(1, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shop.ServeHTTP(w, r)
		if answered.Add(1) == 200 {
			cancel()
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	l, err := NewLoad(server.URL, 350)
	if err != nil {
		t.Fatal(err)
	}
	l.Run(ctx)
	if l.Done() < 180 || l.Failed() > 0 {
		t.Errorf("done %d, failed %d, want about 200 and 0", l.Done(), l.Failed())
	}
	if got := connections.Load(); got < 1 || got > loadWorkers {
		t.Errorf("the load opened %d connections, want at most %d", got, loadWorkers)
	}
}

func TestNewLoadRefuses(t *testing.T) {
	f := func(base string, rate int, want string) {
		t.Helper()
		if _, err := NewLoad(base, rate); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewLoad(%q, %d): error %v, want one with %q", base, rate, err, want)
		}
	}
	f("", 1, `base ""`)
	f("127.0.0.1:80", 1, `base "127.0.0.1:80"`)
	f("https://shop.example", 1, `base "https://shop.example"`)
	f("http://shop.example", 0, "rate 0")
	f("http://shop.example", 10_001, "rate 10001")
}
