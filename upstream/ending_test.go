package upstream

import (
	"io"
	"net/http"
	"testing"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

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
			wire.Await(t, reader, "who reads")
			wire.Await(t, sender, "who sends")
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
			var word, heard bool
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
				heard = true
				for c.Wait() == nil {
				}
			})
			r.until("it waits", func() bool { return task != nil })
			r.in(func() {
				word = true
				task.Wake()
			})
			r.until("it has heard", func() bool { return heard })
			leave()
			wire.Await(t, done, "who was left")
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
			if err := wire.Await(t, bodies, "the body"); err == nil {
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
