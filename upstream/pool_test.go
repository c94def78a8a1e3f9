package upstream

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/netloop"
)

// patience bounds every wait of the tests. Nothing waits that long but a test that fails.
const patience = 20 * time.Second

// rig is a loop with a pool on it, and a server that the pool connects to.
type rig struct {
	*testing.T
	loop     *netloop.Loop
	pool     *Pool
	accepted chan *net.TCPConn // by the server
}

func newRig(t *testing.T, maxIdle int, addrs ...netip.AddrPort) *rig {
	loop, err := netloop.New(0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, loop: loop, accepted: make(chan *net.TCPConn, 100)}
	if addrs == nil {
		addrs = append(addrs, r.serve("127.0.0.1:0"))
	}
	r.pool = NewPool(loop, fixed(addrs...), maxIdle)
	done := make(chan struct{})
	go func() {
		defer close(done)
		loop.Run()
	}()
	t.Cleanup(func() {
		loop.Stop()
		wait(t, done, "the loop to stop")
	})
	return r
}

// fixed is an endpoint with the given addresses.
func fixed(addrs ...netip.AddrPort) *Endpoint {
	e := &Endpoint{Name: "shop:80", host: "shop"}
	e.addrs.Store(&addrs)
	return e
}

// serve accepts connections and keeps them.
func (r *rig) serve(at string) netip.AddrPort {
	r.Helper()
	ln, err := net.Listen("tcp", at)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			r.Cleanup(func() { c.Close() })
			r.accepted <- c.(*net.TCPConn)
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) netip.AddrPort {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// in runs fn in a coroutine of the loop and waits until it has returned.
func (r *rig) in(fn func()) {
	r.Helper()
	done := make(chan struct{})
	r.loop.Submit(func() {
		r.loop.Go(func() {
			defer close(done)
			fn()
		})
	})
	wait(r.T, done, "a coroutine to end")
}

// until calls cond on the loop until it holds.
func (r *rig) until(what string, cond func() bool) {
	r.Helper()
	end := time.Now().Add(patience)
	for ok := false; !ok; {
		r.in(func() { ok = cond() })
		if time.Now().After(end) {
			r.Fatalf("waited in vain until %s", what)
		}
	}
}

// dial makes n connections of the pool, in a coroutine.
func (r *rig) dial(n int) (conns []*netloop.Conn) {
	r.Helper()
	r.in(func() {
		for range n {
			c, err := r.pool.Dial(patience)
			if err != nil {
				r.Errorf("dial: %v", err)
				return
			}
			conns = append(conns, c)
		}
	})
	if len(conns) < n {
		r.FailNow()
	}
	return conns
}

func wait[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func TestReuseTakesTheLatest(t *testing.T) {
	r := newRig(t, 10)
	conns := r.dial(3)
	r.in(func() {
		if c := r.pool.Reuse(); c != nil {
			t.Error("an empty pool gave a connection")
		}
		for _, c := range conns {
			r.pool.Put(c)
		}
		for i := len(conns) - 1; i >= 0; i-- {
			if got := r.pool.Reuse(); got != conns[i] {
				t.Errorf("not the connection that was put back last but %d", len(conns)-1-i)
			}
		}
		if c := r.pool.Reuse(); c != nil {
			t.Error("a connection was given out twice")
		}
	})
}

// TestReusedConnectionsWork sends over a connection that has been in the pool.
func TestReusedConnectionsWork(t *testing.T) {
	r := newRig(t, 10)
	conn := r.dial(1)[0]
	theirs := wait(t, r.accepted, "the connection")
	theirs.SetDeadline(time.Now().Add(patience))
	for range 3 {
		r.in(func() { r.pool.Put(conn) })
		r.in(func() {
			c := r.pool.Reuse()
			if c != conn {
				t.Error("another connection")
				return
			}
			if err := c.Send([]byte("ping")); err != nil {
				t.Errorf("send: %v", err)
			}
		})
		got := make([]byte, 4)
		if _, err := io.ReadFull(theirs, got); err != nil || string(got) != "ping" {
			t.Fatalf("the server got %q, %v", got, err)
		}
		if _, err := theirs.Write([]byte("pong")); err != nil {
			t.Fatal(err)
		}
		r.in(func() {
			for len(conn.Buffered()) < 4 {
				if err := conn.Fill(); err != nil {
					t.Errorf("fill: %v", err)
					return
				}
			}
			conn.Consume(4)
		})
	}
}

func TestDeadConnectionsAreNotReused(t *testing.T) {
	f := func(name string, kill func(*net.TCPConn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 10)
			conns := r.dial(2)
			wait(t, r.accepted, "the first connection")
			second := wait(t, r.accepted, "the second connection")
			r.in(func() {
				r.pool.Put(conns[0])
				r.pool.Put(conns[1])
			})
			kill(second)
			r.until("the loop has heard", conns[1].Closed)
			r.in(func() {
				if got := r.pool.Reuse(); got != conns[0] {
					t.Errorf("got %p, want the one that lives, %p", got, conns[0])
				}
			})
		})
	}
	f("closed", func(c *net.TCPConn) { c.Close() })
	f("half-closed", func(c *net.TCPConn) { c.CloseWrite() })
	f("reset", func(c *net.TCPConn) { c.SetLinger(0); c.Close() })
	f("talking", func(c *net.TCPConn) { c.Write([]byte("unasked")) })
}

func TestMaxIdle(t *testing.T) {
	r := newRig(t, 2)
	conns := r.dial(4)
	r.in(func() {
		for _, c := range conns {
			r.pool.Put(c)
		}
		for i, c := range conns {
			if c.Closed() != (i >= 2) {
				t.Errorf("connection %d of a pool for 2: closed is %v", i, c.Closed())
			}
		}
	})
	// Ones that have died in the pool make room.
	wait(t, r.accepted, "a connection").Close()
	r.until("the loop has heard", conns[0].Closed)
	fresh := r.dial(1)[0]
	r.in(func() {
		r.pool.Put(fresh)
		if fresh.Closed() || r.pool.Reuse() != fresh || r.pool.Reuse() != conns[1] {
			t.Error("a dead connection takes the place of a live one")
		}
	})
	none := NewPool(r.loop, fixed(), 0)
	r.in(func() {
		if none.Put(fresh); !fresh.Closed() {
			t.Error("a pool for none keeps one")
		}
	})
}

func TestPutRefuses(t *testing.T) {
	r := newRig(t, 10)
	conns := r.dial(2)
	wait(t, r.accepted, "a connection").Write([]byte("more than was asked"))
	wait(t, r.accepted, "a connection").Write([]byte("more than was asked"))
	r.in(func() {
		if err := conns[0].Fill(); err != nil {
			t.Errorf("fill: %v", err)
		}
		r.pool.Put(conns[0])
		conns[1].Close()
		r.pool.Put(conns[1])
		if !conns[0].Closed() {
			t.Error("a connection with unread bytes is kept")
		}
		if c := r.pool.Reuse(); c != nil {
			t.Error("a bad connection was given out")
		}
	})
}

func TestClosePool(t *testing.T) {
	r := newRig(t, 10)
	conns := r.dial(3)
	r.in(func() {
		r.pool.Put(conns[0])
		r.pool.Put(conns[1])
		r.pool.Close()
		if !conns[0].Closed() || !conns[1].Closed() || conns[2].Closed() {
			t.Error("Close is for the idle connections, and for them alone")
		}
		if r.pool.Reuse() != nil {
			t.Error("a closed connection was given out")
		}
	})
}

// TestDialTriesEachAddress keeps to the one that worked.
func TestDialTriesEachAddress(t *testing.T) {
	r := newRig(t, 10)
	good := r.serve("127.0.0.1:0")
	r.pool = NewPool(r.loop, fixed(closedPort(t), closedPort(t), good, closedPort(t)), 10)
	conns := r.dial(2)
	if conns[0].Peer() != good || conns[1].Peer() != good {
		t.Errorf("connected to %v and %v, want %v", conns[0].Peer(), conns[1].Peer(), good)
	}
	if r.pool.first != 2 {
		t.Errorf("the next attempt begins with address %d, want the one that works", r.pool.first)
	}
	// The list may become shorter.
	r.in(func() { r.pool.endpoint.addrs.Store(&[]netip.AddrPort{good, closedPort(t)}) })
	if c := r.dial(1)[0]; c.Peer() != good {
		t.Errorf("connected to %v", c.Peer())
	}
}

func TestDialFails(t *testing.T) {
	bad := []netip.AddrPort{closedPort(t), closedPort(t)}
	r := newRig(t, 10, bad...)
	r.in(func() {
		_, err := r.pool.Dial(patience)
		var dial *netloop.DialError
		if !errors.As(err, &dial) || dial.Addr != bad[1] {
			t.Errorf("the error of the last address is told, not %v", err)
		}
	})
}

func TestDialGivesUpWhenCanceled(t *testing.T) {
	bad := []netip.AddrPort{closedPort(t), closedPort(t)}
	r := newRig(t, 10, bad...)
	r.in(func() {
		r.loop.Current().Cancel()
		_, err := r.pool.Dial(patience)
		var dial *netloop.DialError
		if !errors.Is(err, netloop.ErrCanceled) || !errors.As(err, &dial) || dial.Addr != bad[0] {
			t.Errorf("the first attempt ends it, not %v", err)
		}
	})
}

func TestDialUnresolved(t *testing.T) {
	r := newRig(t, 10)
	r.pool = NewPool(r.loop, fixed(), 10)
	f := func(want string) {
		t.Helper()
		r.in(func() {
			if r.pool.Resolved() {
				t.Error("it counts as resolved")
			}
			if _, err := r.pool.Dial(patience); !errors.Is(err, ErrUnresolved) || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want one about %s", err, want)
			}
		})
	}
	f("connecting to shop:80")
	why := errors.New("resolving shop: no such host")
	r.pool.endpoint.err.Store(&why)
	f("no such host")
	if r.pool.Name() != "shop:80" {
		t.Errorf("its name is %s", r.pool.Name())
	}
}
