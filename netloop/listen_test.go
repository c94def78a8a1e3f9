package netloop

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestListenErrors(t *testing.T) {
	taken, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := Listen(taken.Addr().String()); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("a port in use: %v", err)
	}
	if _, err := Listen("no port"); err == nil {
		t.Error("an address without a port was taken")
	}
}

func TestOpenRefuses(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listenOpen(func(c *Conn) bool {
		if !c.Peer().Addr().IsLoopback() || c.Peer().Port() == 0 {
			t.Errorf("the peer is %v", c.Peer())
		}
		return false
	}, echo)
	c := dial(t, addr)
	expectEnd(t, c)
	r.on(func() {
		if n := r.countConns(); n != 0 {
			t.Errorf("%d connections were kept", n)
		}
	})
}

// TestSocketOptions holds what sockets have, on whichever side they were opened.
func TestSocketOptions(t *testing.T) {
	r := newRig(t, nil)
	check := func(what string, c *Conn) {
		t.Helper()
		fd := int(c.fd)
		if on, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on == 0 {
			t.Errorf("%s: TCP_NODELAY is %d, %v", what, on, err)
		}
		if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE); err != nil || on == 0 {
			t.Errorf("%s: SO_KEEPALIVE is %d, %v", what, on, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: FD_CLOEXEC is not set: %x, %v", what, flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("%s: O_NONBLOCK is not set: %x, %v", what, flags, err)
		}
	}
	accepted, _ := r.pair(echo, false)
	r.on(func() { check("accepted", accepted) })
	addr := r.listen(echo)
	r.in(func() {
		dialled, err := r.Dial(tcp(addr), patience)
		if err != nil {
			t.Error(err)
			return
		}
		check("dialled", dialled)
		dialled.Close()
	})
}

func TestManyConnectionsAtOnce(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(echo)
	conns := make([]*net.TCPConn, 4*acceptsPerTurn)
	for i := range conns {
		conns[i] = dial(t, addr)
		write(t, conns[i], "x")
	}
	for _, c := range conns {
		expect(t, c, "x")
	}
}

func TestTwoLoopsShareAListener(t *testing.T) {
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepted [2]atomic.Int32
	var rigs []*rig
	for i := range accepted {
		r := newRig(t, nil)
		r.on(func() {
			open := func(*Conn) bool { accepted[i].Add(1); return true }
			if err := r.Accept(ln, open, echo, func(err error) { t.Errorf("accept: %v", err) }); err != nil {
				t.Error(err)
			}
		})
		rigs = append(rigs, r)
	}
	exchange := func() {
		c := dial(t, addrOf(ln.Addr()))
		write(t, c, "hello")
		expect(t, c, "hello")
	}
	const conns = 50
	for range conns {
		exchange()
	}
	if sum := accepted[0].Load() + accepted[1].Load(); sum != conns {
		t.Errorf("%d connections were accepted, want %d", sum, conns)
	}
	// Each of them serves alone once the other has left.
	rigs[0].on(func() { rigs[0].Unlisten(nil) })
	before := accepted[1].Load()
	exchange()
	if accepted[1].Load() != before+1 {
		t.Error("the loop that still listens did not accept")
	}
	rigs[1].end()
	rigs[0].end()
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		c.Close()
		t.Error("a closed listener accepts")
	}
}

func TestUnlistenKeepsConnections(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(echo, false)
	r.on(func() {
		r.Unlisten(nil)
		r.Unlisten(nil)
	})
	write(t, theirs, "hello")
	expect(t, theirs, "hello")
	r.on(func() {
		if ours.Closed() {
			t.Error("it was closed")
		}
	})
}

// TestAcceptPausesAndResumes lets the descriptors of a process of its own run out.
func TestAcceptPausesAndResumes(t *testing.T) {
	const child = "TAIN_TEST_FEW_DESCRIPTORS"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	r := newRig(t, fakeClock)
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 100)
	var accepted atomic.Int32
	r.on(func() {
		open := func(*Conn) bool { accepted.Add(1); return true }
		if err := r.Accept(ln, open, echo, func(err error) { failed <- err }); err != nil {
			t.Error(err)
		}
	})
	c := dial(t, addrOf(ln.Addr()))
	write(t, c, "before")
	expect(t, c, "before")

	spare := takeAllDescriptors(t)
	waiting := connectRaw(t, spare, addrOf(ln.Addr()))
	if err := wait(t, failed, "the failure"); !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("it is told as: %v", err)
	}
	write(t, c, "meanwhile")
	expect(t, c, "meanwhile")
	r.on(func() {
		if len(failed) > 0 {
			t.Error("the loop goes on trying in vain")
		}
	})
	r.advance(acceptPause + tick)
	wait(t, failed, "the failure of the second attempt")
	if _, err := New(1, nil); !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("a loop without descriptors: %v", err)
	}
	var dialErr error
	r.in(func() { _, dialErr = r.Dial(tcp(addrOf(ln.Addr())), time.Second) })
	if !errors.Is(dialErr, unix.EMFILE) || !strings.Contains(dialErr.Error(), "ulimit -n") {
		t.Errorf("dialling without descriptors: %v", dialErr)
	}

	limitDescriptors(t, 200)
	r.advance(acceptPause + tick)
	r.until("the waiting connection is accepted", func() bool { return accepted.Load() == 2 })
	unix.Close(waiting)
	r.end()
}

func limitDescriptors(t *testing.T, n uint64) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = n
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// takeAllDescriptors leaves this process no descriptor, but the socket that it returns.
func takeAllDescriptors(t *testing.T) (spare int) {
	spare, err := socket(unix.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	limitDescriptors(t, 100)
	for {
		fd, err := unix.Dup(0)
		if err == unix.EMFILE {
			return spare
		}
		if err != nil || fd > 200 {
			t.Fatalf("dup: %d, %v", fd, err)
		}
	}
}

func connectRaw(t *testing.T, fd int, addr netip.AddrPort) int {
	err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	if err != nil && err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	return fd
}
