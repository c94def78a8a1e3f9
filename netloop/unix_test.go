package netloop

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listenPath accepts connections at a Unix socket for serve.
func (r *rig) listenPath(path string, serve func(*Conn)) *Listener {
	r.Helper()
	ln, err := Listen("unix:" + path)
	if err != nil {
		r.Fatal(err)
	}
	open := func(c *Conn) bool {
		if c.Peer().IsValid() || c.Local().IsValid() {
			r.Errorf("a Unix connection has the addresses %v and %v", c.Peer(), c.Local())
		}
		return true
	}
	r.on(func() { err = r.Accept(ln, open, serve, func(err error) { r.Errorf("accept: %v", err) }) })
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		r.end()
		ln.Close()
	})
	return ln
}

func TestUnixSocket(t *testing.T) {
	r := newRig(t, nil)
	path := filepath.Join(t.TempDir(), "a.sock")
	ln := r.listenPath(path, echo)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket's file: %v, %v", info.Mode(), err)
	}
	if ln.Addr().String() != path || ln.Addr().Network() != "unix" {
		t.Errorf("the listener is at %v", ln.Addr())
	}
	theirs, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	write(t, theirs, "hello")
	expect(t, theirs, "hello")
	r.in(func() {
		c, err := r.Dial(Addr{Path: path}, patience)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if c.Peer().IsValid() || c.Local().IsValid() {
			t.Errorf("a dialled Unix connection has the addresses %v and %v", c.Peer(), c.Local())
		}
		c.Send2([]byte("good "), []byte("bye"))
		for len(c.Buffered()) < 8 {
			if err := c.Fill(); err != nil {
				t.Errorf("fill: %v", err)
				return
			}
		}
	})
	r.on(func() { r.Unlisten(ln) })
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
}

// TestUnixPeerSaysItsLast holds that what a peer sent before it closed is read, although the system
// reports at once that nothing can be answered.
func TestUnixPeerSaysItsLast(t *testing.T) {
	r := newRig(t, nil)
	path := filepath.Join(t.TempDir(), "a.sock")
	heard := make(chan string, 1)
	r.listenPath(path, func(c *Conn) {
		err := c.Fill()
		for err == nil {
			err = c.Fill()
		}
		heard <- string(c.Buffered()) + err.Error()
		c.Close()
	})
	theirs, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, theirs, "the last word, ")
	theirs.Close()
	if got := wait(t, heard, "the end"); got != "the last word, EOF" {
		t.Errorf("heard %q", got)
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	first, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Listen("unix:" + path); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "somebody listens there") {
		t.Errorf("a second listener: %v", err)
	}
	// Who comes after somebody has removed the file does not lose its own when the first one ends.
	os.Remove(path)
	second, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	first.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the file of the second listener: %v", err)
	}
}

func TestListenLeavesFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:" + path); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("listening at a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "keep" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestUnixPathErrors(t *testing.T) {
	r := newRig(t, nil)
	f := func(path, want string) {
		t.Helper()
		if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("listening at %q: %v, want %q", path, err, want)
		}
		r.in(func() {
			var dial *DialError
			if _, err := r.Dial(Addr{Path: path}, patience); path != "" && (!errors.As(err, &dial) || dial.Addr.Path != path || !strings.Contains(err.Error(), "unix:"+path)) {
				t.Errorf("dialling %q: %v", path, err)
			}
		})
	}
	f("", "is no path")
	f("@abstract", "is no path")
	f("/"+strings.Repeat("x", 200), "has 201 bytes")
	f(filepath.Join(t.TempDir(), "missing", "a.sock"), "no such file")
}

func TestDialUnixWithAFullQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, nil)
	r.in(func() {
		for range 64 {
			if _, err := r.Dial(Addr{Path: path}, patience); err != nil {
				// Linux says EAGAIN, others refuse.
				if !strings.Contains(err.Error(), "queue is full") && !errors.Is(err, unix.ECONNREFUSED) {
					t.Error(err)
				}
				return
			}
		}
		t.Error("a queue of no length took 64 connections")
	})
}

func TestAddr(t *testing.T) {
	f := func(a Addr, want string) {
		t.Helper()
		if a.String() != want || a != (Addr{a.AddrPort, a.Path}) {
			t.Errorf("%q, want %q", a, want)
		}
	}
	f(Addr{AddrPort: netip.MustParseAddrPort("192.0.2.1:80")}, "192.0.2.1:80")
	f(Addr{AddrPort: netip.MustParseAddrPort("[2001:db8::1]:80")}, "[2001:db8::1]:80")
	f(Addr{Path: "/run/a.sock"}, "unix:/run/a.sock")
}

// TestListenersComeAndGo adds and removes listeners while the loop serves.
func TestListenersComeAndGo(t *testing.T) {
	r := newRig(t, nil)
	stays := r.listen(echo)
	c := dial(t, stays)
	open := func(*Conn) bool { return true }
	for range 20 {
		ln, err := Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.on(func() { err = r.Accept(ln, open, echo, func(err error) { t.Errorf("accept: %v", err) }) })
		if err != nil {
			t.Fatal(err)
		}
		passing := dial(t, addrOf(ln.Addr()))
		write(t, passing, "x")
		expect(t, passing, "x")
		r.on(func() { r.Unlisten(ln) })
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		write(t, passing, "y") // it outlives its listener
		expect(t, passing, "y")
		write(t, c, "z")
		expect(t, c, "z")
		dial(t, stays).Close()
	}
}

func TestLocal(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(nil, false)
	r.on(func() {
		if got, want := ours.Local(), addrOf(theirs.RemoteAddr()); got != want {
			t.Errorf("the local address is %v, want %v", got, want)
		}
		ours.SetPeer(netip.MustParseAddrPort("192.0.2.1:80"))
		if got := ours.Peer().String(); got != "192.0.2.1:80" {
			t.Errorf("the peer is %v", got)
		}
		ours.Close()
		if !ours.Local().IsValid() {
			t.Error("a closed connection has forgotten its address")
		}
	})
	other, _ := r.pair(nil, false)
	r.on(func() {
		other.Close()
		if other.Local().IsValid() {
			t.Error("a closed connection tells an address that it was not asked for")
		}
	})
}
