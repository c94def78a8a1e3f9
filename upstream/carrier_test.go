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

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
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

// TestCut ends the waits of other coroutines, and leaves the loan to its owner.
func TestCut(t *testing.T) {
	f := func(scheme, at string) {
		t.Run(scheme, func(t *testing.T) {
			r := newRig(t, nil, urlOf(scheme, at), nil)
			var c Carrier
			var reading, sending error
			r.in(func() {
				c = r.take(anyone())
				if err := c.Send([]byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), nil, RestChunked); err != nil {
					t.Error(err)
				}
			})
			begun := 0
			reader := r.begin(func() {
				begun++
				_, reading = read(c)
			})
			sender := r.begin(func() {
				begun++
				for sending == nil {
					sending = c.SendBody(make([]byte, 64<<10), false, nil)
				}
			})
			r.until("both wait", func() bool { return begun == 2 })
			r.in(func() {
				c.Cut()
				if n := r.cluster.status().Requests.Running; n != 1 {
					t.Errorf("%d requests run after the cut, want the one whose loan goes on", n)
				}
			})
			within(t, reader, "who reads")
			within(t, sender, "who sends")
			if reading == nil || sending == nil {
				t.Errorf("reading ended with %v, sending with %v", reading, sending)
			}
			r.in(func() {
				if err := c.Wait(); err == nil {
					t.Error("waiting ended without an error")
				}
				c.Abort(Ignored)
				c.Cut() // as one who comes too late
			})
		})
	}
	f("http", newByHand(t).addr) // it never reads
	f("h2c", newSite(t, nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).addr)
}

// TestWait ends when another coroutine wakes it, and when the server is gone.
func TestWait(t *testing.T) {
	f := func(scheme, at string, leave func()) {
		t.Run(scheme, func(t *testing.T) {
			r := newRig(t, nil, urlOf(scheme, at), nil)
			var c Carrier
			var task *netloop.Task
			var word bool
			r.in(func() {
				c = r.take(anyone())
				if err := c.Send([]byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), nil, RestChunked); err != nil {
					t.Error(err)
				}
			})
			done := r.begin(func() {
				task = r.loop.Current()
				for !word { // it may be woken for nothing
					if err := c.Wait(); err != nil {
						t.Errorf("the wait ended with %v", err)
						return
					}
				}
				for c.Wait() == nil {
				}
			})
			r.until("it waits", func() bool { return task != nil })
			r.in(func() {
				word = true
				task.Wake()
			})
			leave()
			within(t, done, "who was left")
			r.in(func() { c.Abort(Ignored) })
		})
	}
	hand := newByHand(t)
	f("http", hand.addr, func() {
		theirs := hand.next()
		theirs.SetLinger(0)
		theirs.Close()
	})
	leave := make(chan struct{})
	site := newSite(t, nil, func(http.ResponseWriter, *http.Request) { <-leave; panic(http.ErrAbortHandler) })
	f("h2c", site.addr, func() { close(leave) })
}

// TestUnfinishedRequests are reset, whether they are aborted or answered before: the server must not
// take a part for the whole.
func TestUnfinishedRequests(t *testing.T) {
	bodies := make(chan error, 1)
	everyway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			return
		}
		if r.URL.Path == "/early" {
			http.NewResponseController(w).EnableFullDuplex()
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "no")
			w.(http.Flusher).Flush()
		}
		_, err := io.Copy(io.Discard, r.Body)
		bodies <- err
	}, func(t *testing.T, r *rig) {
		f := func(what, path, framing string, rest Rest, end func(Carrier)) {
			t.Helper()
			r.in(func() {
				c := r.take(anyone())
				head := "PUT " + path + " HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n\r\n"
				if err := c.Send([]byte(head), []byte("a part"), rest); err != nil {
					t.Errorf("%s: %v", what, err)
				}
				end(c)
			})
			if err := within(t, bodies, "the body"); err == nil {
				t.Errorf("%s: the server takes a part of a body for the whole", what)
			}
		}
		abort := func(c Carrier) { c.Abort(Ignored) }
		cut := func(c Carrier) { c.Cut(); c.Abort(Ignored) }
		early := func(c Carrier) {
			var got answer
			if _, err := readHead(c, &got); err != nil || got.status != 200 {
				t.Errorf("%+v, %v", got, err)
			}
			c.Release()
		}
		f("aborted", "/", "Transfer-Encoding: chunked", RestChunked, abort)
		f("aborted", "/", "Content-Length: 10", RestLength, abort)
		f("cut", "/", "Transfer-Encoding: chunked", RestChunked, cut)
		f("answered early", "/early", "Transfer-Encoding: chunked", RestChunked, early)
		f("answered early", "/early", "Content-Length: 10", RestLength, early)
	})
}

// TestEndOfAConnection tells the server whether it got a whole request.
func TestEndOfAConnection(t *testing.T) {
	f := func(what string, reset bool, end func(c *h1)) {
		t.Helper()
		srv := newByHand(t)
		r := newRig(t, nil, urlOf("http", srv.addr), nil)
		ours, theirs := r.hold(srv, 1)
		r.in(func() { end(ours[0]) })
		theirs[0].expectEnd(get("/"), reset)
	}
	whole := func(c *h1) { c.Send([]byte(get("/")), nil, RestNone) }
	part := func(c *h1) { c.Send([]byte(get("/")), nil, RestLength) }
	f("aborted, whole", false, func(c *h1) { whole(c); c.Abort(Ignored) })
	f("released unread, whole", false, func(c *h1) { whole(c); c.Release() })
	f("cut, whole", true, func(c *h1) { whole(c); c.Cut(); c.Abort(Ignored) })
	f("aborted, a part", true, func(c *h1) { part(c); c.Abort(Ignored) })
	f("released, a part", true, func(c *h1) { part(c); c.Release() })
	more := func(c *h1, done bool) { part(c); c.SendBody(nil, done, nil) }
	f("aborted, more", true, func(c *h1) { more(c, false); c.Abort(Ignored) })
	f("aborted, all", false, func(c *h1) { more(c, true); c.Abort(Ignored) })
}

// TestTunnel switches protocols, over either version, and gives back what has become of it. Over
// HTTP/2 the tunnel is the body of its request, which so must not have ended.
func TestTunnel(t *testing.T) {
	f := func(scheme string, rest Rest) {
		t.Run(scheme, func(t *testing.T) {
			r := newRig(t, nil, urlOf(scheme, newServing(t, switchProtocols)), nil)
			for range 2 {
				r.in(func() { tunnel(t, r, rest) })
			}
		})
	}
	f("http", RestNone)
	f("h2c", RestLength)
}

// tunnel is one exchange of [TestTunnel].
func tunnel(t *testing.T, r *rig, rest Rest) {
	c := r.take(anyone())
	head := "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if err := c.Send([]byte(head), nil, rest); err != nil {
		t.Error(err)
		return
	}
	var got answer
	h, err := readHead(c, &got)
	if err != nil || got.status != http.StatusSwitchingProtocols {
		t.Errorf("%+v, %v", got, err)
		return
	}
	c.StartBody(h)
	live := c.Tunnel()
	live.SetDeadline(patience)
	if err := live.Send([]byte("ping")); err != nil {
		t.Error(err)
	}
	for string(live.Buffered()) != "ping" {
		if err := live.Fill(); err != nil {
			t.Errorf("%q, %v", live.Buffered(), err)
			return
		}
	}
	live.Consume(4)
	c.Release()
	if h, ok := c.(*h1); ok && !h.conn.Closed() {
		t.Error("a connection that was a tunnel is kept")
	}
}

// switchProtocols is a server of tunnels that echo, of HTTP/1.1 and of HTTP/2.
func switchProtocols(c *netloop.Conn) {
	if c.Fill() != nil {
		c.Close()
		return
	}
	const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	if is, _ := http2.IsPreface(c.Buffered()); is {
		http2.Serve(c, nil, func(s *http2.Stream) {
			if s.WriteResponse([]byte(switched), false) == nil {
				echo(s)
			}
		})
		return
	}
	scanned := 0
	for http1.HeadEnd(c.Buffered(), &scanned) == 0 {
		if c.Fill() != nil {
			c.Close()
			return
		}
	}
	c.Consume(len(c.Buffered()))
	if c.Send([]byte(switched)) == nil {
		echo(c)
	}
	c.Close()
}

func echo(c Tunnel) {
	for {
		if p := c.Buffered(); c.Send(p) != nil {
			return
		} else {
			c.Consume(len(p))
		}
		if c.Fill() != nil {
			return
		}
	}
}
