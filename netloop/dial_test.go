package netloop

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDial(t *testing.T) {
	f := func(listen string) {
		t.Helper()
		ln, err := net.Listen("tcp", listen)
		if err != nil {
			t.Skipf("this machine has no %s: %v", listen, err)
		}
		defer ln.Close()
		go func() {
			if c, err := ln.Accept(); err == nil {
				c.Write([]byte("hello"))
				c.Close()
			}
		}()
		r := newRig(t, fakeClock)
		r.in(func() {
			addr := addrOf(ln.Addr())
			c, err := r.Dial(tcp(addr), time.Second)
			if err != nil {
				t.Error(err)
				return
			}
			if c.Peer() != addr || c.Loop() != r.Loop {
				t.Errorf("peer %v, want %v", c.Peer(), addr)
			}
			if c.timer.at != 0 {
				t.Error("the deadline of the connecting goes on")
			}
			for len(c.Buffered()) < 5 {
				if err := c.Fill(); err != nil {
					t.Errorf("fill: %v", err)
					break
				}
			}
			if string(c.Buffered()) != "hello" {
				t.Errorf("read %q", c.Buffered())
			}
			c.Close()
		})
	}
	f("127.0.0.1:0")
	f("[::1]:0")
}

func TestDialRefused(t *testing.T) {
	r := newRig(t, nil)
	addr := freePort(t)
	r.in(func() {
		_, err := r.Dial(tcp(addr), time.Minute)
		var dial *DialError
		if !errors.As(err, &dial) || dial.Addr != tcp(addr) || !errors.Is(err, unix.ECONNREFUSED) || !strings.Contains(err.Error(), addr.String()) {
			t.Errorf("dialling a closed port: %v", err)
		}
	})
	r.on(func() {
		if n := r.countConns(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

// freePort is an address where nobody listens.
func freePort(t *testing.T) netip.AddrPort {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return addrOf(ln.Addr())
}

// silence is an address that answers no attempt to connect: its queue is full. Not every system
// has such a thing.
func silence(t *testing.T) netip.AddrPort {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := addrPort(sa)
	for range 64 {
		c, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("a full queue does not keep this system from connecting")
	return addr
}

func TestDialEnds(t *testing.T) {
	f := func(name string, want error, end func(r *rig, dialling *Task, c *Conn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, fakeClock)
			addr := silence(t)
			user, theirs := r.pair(nil, false)
			task, ended := r.parked(func() error {
				user.Use()
				r.Guard(user)
				c, err := r.Dial(tcp(addr), 5*time.Second)
				if c != nil {
					t.Error("a connection with an error")
				}
				return err
			})
			var dialling *Conn
			r.until("it waits", func() bool {
				for _, c := range r.conns {
					if c != nil && c != user && c.writer == task {
						dialling = c
					}
				}
				return dialling != nil
			})
			if name == "guard" {
				reset(theirs)
			} else {
				end(r, task, dialling)
			}
			err := wait(t, ended, "the end of the dialling")
			var dial *DialError
			if !errors.As(err, &dial) || !errors.Is(err, want) {
				t.Errorf("it ended with %v, want %v", err, want)
			}
			r.end()
			if !dialling.closed {
				t.Error("the socket is left open")
			}
		})
	}
	f("timeout", ErrTimeout, func(r *rig, _ *Task, _ *Conn) { r.advance(4 * time.Second); r.advance(time.Second + tick) })
	f("cancel", ErrCanceled, func(r *rig, task *Task, _ *Conn) { r.on(task.Cancel) })
	f("close", ErrClosed, func(r *rig, _ *Task, c *Conn) { r.on(c.Close) })
	f("stop", ErrClosed, func(r *rig, _ *Task, _ *Conn) { r.end() })
	f("guard", ErrGuard, nil)
}

// TestUse takes connections from a pool, good ones and all kinds of bad ones.
func TestUse(t *testing.T) {
	f := func(name string, want bool, happen func(r *rig, ours *Conn, theirs *net.TCPConn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			opened := make(chan *Conn, 1)
			_, theirs := r.pair(func(c *Conn) { opened <- c; c.Fill() }, false)
			write(t, theirs, "x")
			ours := wait(t, opened, "the connection")
			r.until("the byte is there", func() bool { return ours.received == 1 })
			r.on(func() {
				ours.Consume(1)
				ours.serve = nil // as one that was dialled
				ours.Idle()
			})
			happen(r, ours, theirs)
			r.on(func() {
				if got := ours.Use(); got != want {
					t.Errorf("usable: %v, want %v", got, want)
				}
				if !want && !ours.Closed() {
					t.Error("it was not closed")
				}
			})
		})
	}
	closed := func(r *rig, ours *Conn) { r.until("it is closed", func() bool { return ours.closed }) }
	f("good", true, func(*rig, *Conn, *net.TCPConn) {})
	f("closed by the peer", false, func(r *rig, ours *Conn, theirs *net.TCPConn) { theirs.Close(); closed(r, ours) })
	f("half-closed by the peer", false, func(r *rig, ours *Conn, theirs *net.TCPConn) { theirs.CloseWrite(); closed(r, ours) })
	f("reset", false, func(r *rig, ours *Conn, theirs *net.TCPConn) { reset(theirs); closed(r, ours) })
	f("unasked bytes", false, func(r *rig, ours *Conn, theirs *net.TCPConn) { write(t, theirs, "unasked"); closed(r, ours) })
	f("closed here", false, func(r *rig, ours *Conn, theirs *net.TCPConn) { r.on(ours.Close) })
}

// TestIdleInPoolWithBytes holds that what comes before a connection goes into its pool closes it,
// too.
func TestIdleInPoolWithBytes(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(nil, false)
	r.on(func() { ours.Use() })
	write(t, theirs, "unasked")
	r.until("the bytes are there", func() bool { return ours.readable })
	r.on(func() {
		ours.Idle()
		if !ours.Closed() {
			t.Error("it waits in the pool with bytes to read")
		}
	})
}

// TestStaleEvents holds that what the poller said of a connection that has gone does not reach the
// one which has its descriptor now.
func TestStaleEvents(t *testing.T) {
	r := newRig(t, nil)
	served := 0
	ours, _ := r.pair(func(c *Conn) { served++; c.Fill() }, false)
	r.on(func() {
		stale := event{Events: eventRead | eventWrite | eventPeerClosed | eventBroken, Fd: ours.fd, Pad: int32(ours.generation - 1)}
		r.dispatch(&stale)
		if ours.broken || ours.peerClosed || ours.readable || !ours.idle || r.live.len() > 0 {
			t.Error("a stale event was taken for a new one")
		}
		ours.Close()
		stale.Pad++
		r.dispatch(&stale) // for a descriptor that nobody has
	})
	if served != 0 {
		t.Error("a handler was started")
	}
}

// TestDescriptorsAreReused opens and closes connections in a row: they share few descriptors, and
// each hears only its own.
func TestDescriptorsAreReused(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(echo)
	for range 300 {
		c := dial(t, addr)
		write(t, c, "x")
		expect(t, c, "x")
		reset(c)
	}
	r.until("all are closed", func() bool { return r.countConns() == 0 })
	r.on(func() {
		if r.generation < 300 || len(r.conns) > 200 {
			t.Errorf("%d connections, descriptors up to %d", r.generation, len(r.conns))
		}
	})
}
