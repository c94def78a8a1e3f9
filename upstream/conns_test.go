package upstream

import (
	"io"
	"net/http"
	"testing"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// hold takes n new HTTP/1.1 connections to a server, and returns their other ends, too.
func (r *rig) hold(srv *byHand, n int) (ours []*h1, theirs []*far) {
	r.Helper()
	for range n {
		r.in(func() {
			if c := r.take(anyone()); c != nil {
				ours = append(ours, c.(*h1))
			}
		})
		theirs = append(theirs, srv.next())
	}
	return ours, theirs
}

// reuse takes a connection that has to be a reused one, and is not to be dialled. It is called in a
// coroutine.
func (r *rig) reuse() *h1 {
	r.Helper()
	c, reused, err := r.pool.Take(anyone())
	if err != nil || !reused {
		r.Errorf("reused: %v, %v", reused, err)
		return nil
	}
	return c.(*h1)
}

func TestReuseTakesTheLatest(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	conns, _ := r.hold(srv, 3)
	r.in(func() {
		for _, h := range conns {
			pretendAnswered(h)
		}
		for i := len(conns) - 1; i >= 0; i-- {
			if got := r.reuse(); got != conns[i] {
				t.Errorf("not the connection that was given back last but %d", len(conns)-1-i)
			}
		}
		fresh, reused, err := r.pool.Take(anyone())
		if err != nil || reused {
			t.Errorf("a connection was given out twice: reused %v, %v", reused, err)
		}
		fresh.Abort(Ignored)
		for _, h := range conns {
			h.Abort(Ignored)
		}
	})
}

// TestReusedConnectionsWork sends over a connection that has been in the pool, after every kind of
// answer that lets it go on.
func TestReusedConnectionsWork(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	answers := []string{
		noContent,
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
	}
	var theirs *far
	for i := range 2 * len(answers) {
		done := r.begin(func() {
			if _, err := r.ask(anyone(), get("/")); err != nil {
				t.Errorf("answer %d: %v", i, err)
			}
		})
		if theirs == nil {
			theirs = srv.next()
		}
		theirs.expect(get("/"))
		theirs.write(answers[i%len(answers)])
		wire.Await(t, done, "the exchange")
	}
}

// TestConnectionsThatEnd are not used again, and the server sees whether it got a whole request.
func TestConnectionsThatEnd(t *testing.T) {
	f := func(what, answer string) {
		t.Helper()
		srv := newByHand(t)
		r := newRig(t, nil, urlOf("http", srv.addr), nil)
		done := r.begin(func() { r.ask(anyone(), get("/")) })
		theirs := srv.next()
		theirs.expect(get("/"))
		theirs.write(answer)
		if what == "ended by the close" {
			theirs.CloseWrite()
		}
		wire.Await(t, done, "the exchange")
		theirs.expectEnd("", false)
		r.in(func() {
			if _, reused, _ := r.pool.Take(&Ask{Timeout: patience}); reused {
				t.Errorf("%s: the connection is used again", what)
			}
			r.cluster.Leave() // what was taken is closed with the loop
			r.cluster.Servers()[0].active.Add(-1)
		})
	}
	f("close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	f("version 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
	f("ended by the close", "HTTP/1.1 200 OK\r\n\r\npong")
	f("malformed", "HTTP/1.1 2OO OK\r\n\r\n")
}

func TestDeadConnectionsAreNotReused(t *testing.T) {
	f := func(name string, kill func(*far)) {
		t.Run(name, func(t *testing.T) {
			srv := newByHand(t)
			r := newRig(t, nil, urlOf("http", srv.addr), nil)
			ours, theirs := r.hold(srv, 2)
			r.in(func() {
				pretendAnswered(ours[0])
				pretendAnswered(ours[1])
			})
			kill(theirs[1])
			r.until("the loop has heard", func() bool { return ours[1].conn.Closed() })
			r.in(func() {
				got := r.reuse()
				if got != ours[0] {
					t.Error("not the one that lives")
				}
				got.Abort(Ignored)
			})
		})
	}
	f("closed", func(c *far) { c.Close() })
	f("half-closed", func(c *far) { c.CloseWrite() })
	f("reset", func(c *far) { c.SetLinger(0); c.Close() })
	f("talking", func(c *far) { c.write("unasked") })
}

func TestMaxIdle(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	r.remake(PoolConfig{MaxIdle: 2})
	ours, theirs := r.hold(srv, 4)
	r.in(func() {
		for _, h := range ours {
			pretendAnswered(h)
		}
		for i, h := range ours {
			if h.conn.Closed() != (i >= 2) {
				t.Errorf("connection %d of a pool for 2: closed is %v", i, h.conn.Closed())
			}
		}
	})
	// Ones that have died in the pool make room.
	theirs[0].Close()
	r.until("the loop has heard", func() bool { return ours[0].conn.Closed() })
	r.in(func() {
		kept := r.reuse()
		fresh := r.take(anyone()).(*h1)
		pretendAnswered(kept)
		pretendAnswered(fresh)
		if kept.conn.Closed() || fresh.conn.Closed() || r.reuse() != fresh || r.reuse() != kept {
			t.Error("a dead connection takes the place of a live one")
		}
		kept.Abort(Ignored)
		fresh.Abort(Ignored)
	})
}

func TestNoIdle(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	r.remake(PoolConfig{})
	ours, _ := r.hold(srv, 1)
	r.in(func() {
		if pretendAnswered(ours[0]); !ours[0].conn.Closed() {
			t.Error("a pool for none keeps one")
		}
	})
}

// TestUnreadBytes are the beginning of an answer that nobody asked for.
func TestUnreadBytes(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	done := r.begin(func() {
		if _, err := r.ask(anyone(), get("/")); err != nil {
			t.Error(err)
		}
	})
	theirs := srv.next()
	theirs.expect(get("/"))
	theirs.write(noContent + noContent)
	wire.Await(t, done, "the exchange")
	theirs.expectEnd("", false)
	r.in(func() {
		if n := len(r.pool.servers[r.cluster.Servers()[0]].idle); n != 0 {
			t.Errorf("%d connections are kept", n)
		}
	})
}

// TestIdleConnectionsKeepNoBuffer beyond a small one.
func TestIdleConnectionsKeepNoBuffer(t *testing.T) {
	srv := newSite(t, nil, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	f := func(size int, kept bool) {
		t.Helper()
		r.in(func() {
			c := r.take(anyone()).(*h1)
			err := c.Send([]byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), nil, RestChunked)
			if err == nil {
				err = c.SendBody(make([]byte, size), true, nil)
			}
			if err == nil {
				_, err = read(c)
			}
			if err != nil {
				t.Error(err)
			}
			c.Release()
			if c.conn.Closed() || (c.chunk != nil) != kept {
				t.Errorf("after a chunk of %d bytes, an idle connection keeps %d", size, cap(c.chunk))
			}
		})
	}
	f(1000, true)
	f(100_000, false)
	f(1000, true)
}

// TestLoansBeginWithoutDeadline though an idle connection has one.
func TestLoansBeginWithoutDeadline(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), nil)
	ours, _ := r.hold(srv, 1)
	r.in(func() {
		pretendAnswered(ours[0])
		ours[0].conn.SetDeadline(time.Millisecond) // instead of what is a minute
		c := r.reuse()
		task, over := r.loop.Current(), false
		var timer netloop.Timer
		r.loop.After(&timer, 100*time.Millisecond, func() { over = true; task.Wake() })
		for !over {
			if err := c.Wait(); err != nil {
				t.Errorf("a wait ended with %v", err)
				break
			}
		}
		c.Abort(Ignored)
	})
}
