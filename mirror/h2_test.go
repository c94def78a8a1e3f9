package mirror

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// startEcho starts a server of both versions of HTTP that sends back a request's body and its trailers,
// and hands on what it got.
func startEcho(t testing.TB, got chan<- string) (addr string) {
	t.Helper()
	return wire.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Write(body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
		got <- fmt.Sprintf("%s %s %s, %d bytes %x, trailer %s", r.Proto, r.Method, r.URL, len(body), body[:min(len(body), 4)], r.Trailer.Get("X-Sum"))
	})
}

// client asks in one version of HTTP.
func client(t testing.TB, version int) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Copies go in the version of their target, with the same body and trailers, whichever the user's is.
func TestVersions(t *testing.T) {
	body := make([]byte, 300_000)
	random := rand.NewChaCha8([32]byte{3})
	random.Read(body)
	f := func(user int, live, target string) {
		t.Helper()
		atLive, atTarget := make(chan string, 1), make(chan string, 1)
		r := start(t, plain(), "route all\nbackend "+live+"://"+startEcho(t, atLive)+
			"\nmirror v2 100%\nwrites\nto "+target+"://"+startEcho(t, atTarget)+" v2\n")
		same := make(chan bool, 1)
		r.onLoop(func() {
			r.watch = func(p *traffic.Pair) {
				var a, b []byte
				live, mirror := &p.Live.Response, &p.Mirror.Response
				bodies, _ := live.SameBody(mirror, &a, &b)
				same <- bodies && len(live.Trailer) > 0 && bytes.EqualFold(live.Trailer, mirror.Trailer)
			}
		})
		asker := client(t, user)
		for _, n := range []int{0, 5, len(body)} {
			req, err := http.NewRequest("POST", "http://"+r.addr+"/a?b=c", io.MultiReader(bytes.NewReader(body[:n])))
			if err != nil {
				t.Fatal(err)
			}
			req.Trailer = http.Header{"X-Sum": {"7"}}
			resp, err := asker.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, body[:n]) || resp.ProtoMajor != user {
				t.Errorf("%d bytes of %d came back by %s, %v", len(got), n, resp.Proto, err)
			}
			resp.Body.Close()
			proto := map[string]string{"http": "HTTP/1.1", "h2c": "HTTP/2.0"}
			want := fmt.Sprintf(" POST /a?b=c, %d bytes %x, trailer 7", n, body[:min(n, 4)])
			if got := <-atLive; got != proto[live]+want {
				t.Errorf("live got %q, want %q", got, proto[live]+want)
			}
			if got := <-atTarget; got != proto[target]+want {
				t.Errorf("the target got %q, want %q", got, proto[target]+want)
			}
			if !<-same {
				t.Errorf("the answers of %s and %s to %d bytes by HTTP/%d are not the same", live, target, n, user)
			}
		}
		asker.CloseIdleConnections()
	}
	for _, user := range []int{1, 2} {
		for _, live := range []string{"http", "h2c"} {
			for _, target := range []string{"http", "h2c"} {
				f(user, live, target)
			}
		}
	}
}

// TestFaultyTargetsOverHTTP2 is [TestFaultyTargets] for users who share one connection of HTTP/2: a bad
// target holds back none of its streams.
func TestFaultyTargetsOverHTTP2(t *testing.T) {
	const users, requests = 8, 30
	f := func(mode, scheme string) {
		t.Run(scheme+" "+mode, func(t *testing.T) {
			t.Parallel()
			live, target := startFaulty(t, "ok"), startFaulty(t, mode)
			cfg := plain()
			cfg.Mirror.DrainAnswer, cfg.Mirror.QueueTimeout = 256<<10, 200*time.Millisecond
			r := start(t, cfg, "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nwrites\ntimeout 150ms\nto "+scheme+"://"+target.Addr+" v2\n")
			_, want, _ := strings.Cut(okAnswer, "\r\n\r\n")
			asker := client(t, 2)
			var all sync.WaitGroup
			for range users {
				all.Go(func() {
					for range requests {
						resp, err := asker.Post("http://"+r.addr+"/", "text/plain", strings.NewReader(strings.Repeat("b", 3000)))
						if err != nil {
							t.Errorf("a user got %v", err)
							return
						}
						if got, err := io.ReadAll(resp.Body); err != nil || string(got) != want || resp.ProtoMajor != 2 {
							t.Errorf("a user got %s %q, %v", resp.Proto, got, err)
						}
						resp.Body.Close()
					}
				})
			}
			all.Wait()
			asker.CloseIdleConnections()
			r.settled(t)
			if n := r.total("seen"); n != users*requests {
				t.Errorf("%d requests were seen, want %d", n, users*requests)
			}
		})
	}
	for _, mode := range []string{"ok", "never-answer", "reset", "endless"} {
		f(mode, "http")
	}
	for _, mode := range []string{"ok", "refuse", "accept-never-read", "reset", "garbage"} {
		f(mode, "h2c") // none of them speaks it
	}
}
