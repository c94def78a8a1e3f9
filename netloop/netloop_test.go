package netloop

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of the tests. Nothing waits that long but a test that fails.
const patience = 20 * time.Second

// rig is a running loop with what tests need around it.
type rig struct {
	testing.TB
	*Loop
	now  atomic.Int64 // the fake clock, see fakeClock
	done chan struct{}
}

// newRig starts a loop, which ends with the test. prepare, which may be nil, is called before it
// runs.
func newRig(t testing.TB, prepare func(*rig)) *rig {
	t.Helper()
	l, err := New(0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, Loop: l, done: make(chan struct{})}
	if prepare != nil {
		prepare(r)
	}
	go func() {
		defer close(r.done)
		l.Run()
	}()
	t.Cleanup(r.end)
	return r
}

// end stops the loop and waits until it has. It may be called more than once.
func (r *rig) end() {
	r.Stop()
	wait(r, r.done, "the loop to stop")
}

// fakeClock gives the loop a clock that moves by advance alone.
func fakeClock(r *rig) {
	r.now.Store(int64(time.Hour))
	r.clock = r.now.Load
	r.Loop.now = r.clock()
	r.timers.tick = r.Loop.now >> tickBits
}

// advance moves the fake clock and waits until the loop has seen it.
func (r *rig) advance(d time.Duration) {
	r.Helper()
	r.now.Add(int64(d))
	r.on(func() {})
	r.on(func() {}) // timers fire before submissions run, and the tasks they woke run after
	r.on(func() {})
}

// on runs fn on the loop, outside of any coroutine, and waits for it.
func (r *rig) on(fn func()) {
	r.Helper()
	done := make(chan struct{})
	r.Submit(func() {
		defer close(done)
		fn()
	})
	wait(r, done, "a submission to run")
}

// in runs fn in a coroutine and waits until it has returned.
func (r *rig) in(fn func()) {
	r.Helper()
	wait(r, r.begin(fn), "a coroutine to end")
}

// begin runs fn in a coroutine, and closes the channel once it has returned.
func (r *rig) begin(fn func()) <-chan struct{} {
	done := make(chan struct{})
	r.Submit(func() {
		r.Go(func() {
			defer close(done)
			fn()
		})
	})
	return done
}

// listen accepts connections for serve and returns where.
func (r *rig) listen(serve func(*Conn)) netip.AddrPort {
	return r.listenOpen(func(*Conn) bool { return true }, serve)
}

func (r *rig) listenOpen(open func(*Conn) bool, serve func(*Conn)) netip.AddrPort {
	r.Helper()
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	r.on(func() { err = r.Accept(ln, open, serve, func(err error) { r.Errorf("accept: %v", err) }) })
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		r.end()
		ln.Close()
	})
	return addrOf(ln.Addr())
}

func addrOf(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

// tcp is what Dial takes.
func tcp(addr netip.AddrPort) Addr { return Addr{AddrPort: addr} }

// pair is a TCP connection of which the loop has one end, idle with serve. small keeps the kernel's
// buffer of that end small, so that a megabyte fills both. Smaller ones, or a small one at the other
// end, would make the system wait for itself.
func (r *rig) pair(serve func(*Conn), small bool) (ours *Conn, theirs *net.TCPConn) {
	r.Helper()
	opened := make(chan *Conn, 1)
	addr := r.listenOpen(func(c *Conn) bool {
		if small {
			setSendBuffer(r, c, 128<<10)
		}
		opened <- c
		return true
	}, serve)
	theirs = dial(r, addr)
	ours = wait(r, opened, "the connection to be accepted")
	// The first report of a connection would end a wait that began before it.
	r.until("it is known to be writable", func() bool { return ours.writable })
	return ours, theirs
}

func setSendBuffer(t testing.TB, c *Conn, n int) {
	if err := syscall.SetsockoptInt(int(c.fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, n); err != nil {
		t.Errorf("setsockopt: %v", err)
	}
}

// dial connects with the standard library. Every read and write on it has a deadline.
func dial(t testing.TB, addr netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func write(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("writing %.20q: %v", text, err)
	}
}

// expect reads exactly text.
func expect(t testing.TB, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("read %.40q (%v), want %.40q", got[:n], err, text)
	}
}

// expectEnd reads the clean end of a connection.
func expectEnd(t testing.TB, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
}

// wait receives from ch, or fails the test.
func wait[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// until calls cond on the loop until it holds.
func (r *rig) until(what string, cond func() bool) {
	r.Helper()
	end := time.Now().Add(patience)
	for ok := false; !ok; {
		r.on(func() { ok = cond() })
		if time.Now().After(end) {
			r.Fatalf("waited in vain until %s", what)
		}
	}
}

// echo sends back what comes, until the peer closes.
func echo(c *Conn) {
	for {
		if p := c.Buffered(); len(p) > 0 {
			if c.Send(p) != nil {
				c.Close()
				return
			}
			c.Consume(len(p))
		}
		if c.Fill() != nil {
			c.Close()
			return
		}
	}
}
