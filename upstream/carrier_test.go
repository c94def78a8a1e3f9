package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/test/pki"
)

// everyway runs a test over each version of HTTP, in the clear and secured, against a server with
// that handler.
func everyway(t *testing.T, handler http.HandlerFunc, fn func(t *testing.T, r *rig)) {
	ca := pki.New(t)
	pair := ca.Issue(t, "127.0.0.1")
	for _, scheme := range []string{"http", "https", "h2c", "h2"} {
		t.Run(scheme, func(t *testing.T) {
			cert := &pair
			if scheme == "http" || scheme == "h2c" {
				cert = nil
			}
			r := newRig(t, ca, urlOf(scheme, newSite(t, cert, handler).addr), nil)
			fn(t, r)
			r.in(func() { // whatever it was, the next one goes well
				if _, err := r.ask(anyone(), get("/")); err != nil {
					t.Errorf("the request after it: %v", err)
				}
			})
		})
	}
}

// mirrorBody answers with what it got: method, body and trailer, the last as a trailer.
func mirrorBody(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).EnableFullDuplex()
	w.Header().Set("Trailer", "X-After")
	fmt.Fprintf(w, "%s %s ", r.Method, r.URL.Path)
	w.(http.Flusher).Flush()
	if _, err := io.Copy(w, r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-After", r.Trailer.Get("X-Before"))
}

// piece is a part of a body.
type piece struct {
	text    string
	done    bool
	trailer string
}

// TestBodies sends bodies in every way, while the answer is read.
func TestBodies(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	everyway(t, mirrorBody, func(t *testing.T, r *rig) {
		f := func(what, head, body string, rest Rest, want answer, pieces ...piece) {
			t.Helper()
			r.in(func() {
				c := r.take(anyone())
				sent := r.loop.Current()
				sending := true
				r.loop.Go(func() {
					defer func() { sending = false; sent.Wake() }()
					if err := c.Send([]byte(head+"\r\n"), []byte(body), rest); err != nil {
						t.Errorf("%s: %v", what, err)
					}
					for _, p := range pieces {
						if err := c.SendBody([]byte(p.text), p.done, []byte(p.trailer)); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					}
				})
				got, err := read(c)
				if err != nil || got.status != want.status || got.body != want.body || !strings.EqualFold(got.trailer, want.trailer) {
					t.Errorf("%s: status %d, body of %d bytes, trailer %q, %v; want %d, %d, %q",
						what, got.status, len(got.body), got.trailer, err, want.status, len(want.body), want.trailer)
				}
				for sending {
					sent.Wait()
				}
				c.Release()
			})
		}
		put := "PUT /x HTTP/1.1\r\nHost: a\r\n"
		ok := func(body, trailer string) answer {
			return answer{status: 200, body: "PUT /x " + body, trailer: trailer}
		}
		f("none", put, "", RestNone, ok("", "X-After: \r\n"))
		f("whole", put+"Content-Length: 4\r\n", "ping", RestNone, ok("ping", "X-After: \r\n"))
		f("length", put+"Content-Length: 6\r\n", "pi", RestLength, ok("pingpo", "X-After: \r\n"),
			piece{text: "ng"}, piece{}, piece{text: "po", done: true})
		f("end by itself", put+"Content-Length: 4\r\n", "", RestLength, ok("ping", "X-After: \r\n"),
			piece{text: "ping"}, piece{done: true})
		chunked := put + "Transfer-Encoding: chunked\r\nTrailer: X-Before\r\n"
		f("chunks", chunked, "pi", RestChunked, ok("pingpong", "X-After: \r\n"),
			piece{text: "ng"}, piece{}, piece{text: "pong"}, piece{done: true})
		f("trailer", chunked, "", RestChunked, ok("ping", "X-After: b\r\n"),
			piece{text: "ping", done: true, trailer: "X-Before: b\r\n"})
		f("empty", chunked, "", RestChunked, ok("", "X-After: b\r\n"), piece{done: true, trailer: "X-Before: b\r\n"})
		f("big", chunked, big, RestChunked, ok(big+big+big, "X-After: b\r\n"),
			piece{text: big}, piece{text: big, done: true, trailer: "X-Before: b\r\n"})
	})
}

func TestInterimHeads(t *testing.T) {
	everyway(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "done")
	}, func(t *testing.T, r *rig) {
		got := r.mustAsk(anyone(), get("/"))
		if !slices.Equal(got.interim, []int{103, 103}) || got.body != "done" {
			t.Errorf("%+v", got)
		}
	})
}

func TestAnswersWithoutBody(t *testing.T) {
	everyway(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		}
	}, func(t *testing.T, r *rig) {
		f := func(path string, want int) {
			t.Helper()
			r.in(func() {
				got, err := r.ask(anyone(), get(path))
				if err != nil || got.status != want || got.body != "" {
					t.Errorf("%s: %+v, %v", path, got, err)
				}
			})
		}
		f("/204", 204)
		f("/304", 304)
		f("/200", 200)
	})
}

// TestBrokenAnswers end in an error, wherever they break.
func TestBrokenAnswers(t *testing.T) {
	everyway(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/head":
			panic(http.ErrAbortHandler)
		case "/body":
			io.WriteString(w, "a part")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}, func(t *testing.T, r *rig) {
		for _, path := range []string{"/head", "/body"} {
			r.in(func() {
				c := r.take(anyone())
				if err := c.Send([]byte(get(path)), nil, RestNone); err != nil {
					t.Error(err)
				}
				got, err := read(c)
				if err == nil || errors.Is(err, io.EOF) {
					t.Errorf("%s: %+v, %v", path, got, err)
				}
				c.Abort(OutcomeOf(err))
			})
		}
		if n := r.cluster.Servers()[0].failed.Load(); n != 2 {
			t.Errorf("%d requests are counted as failed, want 2", n)
		}
	})
}

// TestOutcomes are told by the status, where the answer is whole.
func TestOutcomes(t *testing.T) {
	everyway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/503" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}, func(t *testing.T, r *rig) {
		for _, path := range []string{"/503", "/", "/503"} {
			r.in(func() {
				if _, err := r.ask(anyone(), get(path)); err != nil {
					t.Error(err)
				}
			})
		}
		s := r.cluster.Servers()[0]
		if s.failed.Load() != 2 || s.requests.Load() != 3 {
			t.Errorf("%d of %d failed, want 2 of 3", s.failed.Load(), s.requests.Load())
		}
	})
}

// TestDeadlineOfACarrier ends a wait for the answer, and not those of the next loan.
func TestDeadlineOfACarrier(t *testing.T) {
	release := make(chan struct{})
	everyway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}, func(t *testing.T, r *rig) {
		r.in(func() {
			c := r.take(anyone())
			c.Send([]byte(get("/slow")), nil, RestNone)
			c.SetDeadline(20 * time.Millisecond)
			_, err := read(c)
			expectError(t, "the wait", err, netloop.ErrTimeout, "")
			c.Abort(OutcomeOf(err))
		})
	})
	close(release)
}
