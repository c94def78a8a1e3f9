package netloop

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	acceptsPerTurn = 64
	acceptPause    = 200 * time.Millisecond // after a failure that time may mend
)

// Listener is a listening socket that several loops may accept from.
type Listener struct {
	addr net.Addr
	file *os.File
	// fd is file's descriptor, taken once: asking for it makes the socket a blocking one.
	fd   int
	path os.FileInfo // of a Unix socket; else nil
}

// Listen opens a listening socket at addr: "host:port", where port 0 is any free one, or "unix:" and
// the path of a Unix socket. That has mode 0660, and takes the place of one that nobody listens at.
func Listen(addr string) (*Listener, error) {
	if path, ok := strings.CutPrefix(addr, unixScheme); ok {
		return listenUnix(path)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	l, err := newListener(addr, ln.Addr(), ln.(*net.TCPListener).File)
	if err == nil {
		setOptions(l.fd) // accepted sockets inherit them
	}
	return l, err
}

// newListener makes a Listener of a socket that the net package has opened, and gives a copy of.
func newListener(name string, addr net.Addr, dup func() (*os.File, error)) (*Listener, error) {
	file, err := dup()
	if err != nil {
		return nil, fmt.Errorf("listening at %s: %w", name, err)
	}
	fd := int(file.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		file.Close()
		return nil, fmt.Errorf("listening at %s: %w", name, err)
	}
	return &Listener{addr: addr, file: file, fd: fd}, nil
}

// setOptions sets what all TCP sockets of a loop have: what is sent goes out at once, and a peer that
// is gone without a word is noticed, at the system's intervals, even in a tunnel that has no
// time-out. A socket without them works too.
func setOptions(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

// Addr is the address that the listener has.
func (ln *Listener) Addr() net.Addr { return ln.addr }

// Close closes the socket, and removes the file of a Unix one, unless somebody else has it now.
// Loops that accept from it must have been told by [Loop.Unlisten].
func (ln *Listener) Close() error {
	if ln.path != nil {
		if now, err := os.Lstat(ln.addr.String()); err == nil && os.SameFile(now, ln.path) {
			os.Remove(ln.addr.String())
		}
	}
	return ln.file.Close()
}

type acceptor struct {
	loop     *Loop
	listener *Listener
	fd       int
	open     func(*Conn) bool
	serve    func(*Conn)
	failed   func(error)
	paused   bool
	timer    Timer
}

// Accept makes the loop take connections from ln. Each one is shown to open first, which says
// whether to keep it; serve then runs, in a coroutine, whenever bytes arrive on an idle one.
// failed hears of connections that could not be accepted, for want of descriptors for example;
// the loop tries again soon after. It must be called on the loop, or before it runs.
func (l *Loop) Accept(ln *Listener, open func(*Conn) bool, serve func(*Conn), failed func(error)) error {
	a := &acceptor{loop: l, listener: ln, fd: ln.fd, open: open, serve: serve, failed: failed}
	if err := l.poller.listen(a.fd); err != nil {
		return fmt.Errorf("listening at %s: watching the socket: %w", ln.addr, err)
	}
	l.acceptors = append(l.acceptors, a)
	return nil
}

// Unlisten makes the loop take no more connections from ln, or from any listener where ln is nil.
// The connections that it has go on.
func (l *Loop) Unlisten(ln *Listener) {
	l.acceptors = slices.DeleteFunc(l.acceptors, func(a *acceptor) bool {
		if ln != nil && a.listener != ln {
			return false
		}
		if !a.paused {
			a.accept() // who has connected by now would else be reset when the socket is closed
			if !a.paused {
				l.poller.unlisten(a.fd)
			}
		}
		l.timers.cancel(&a.timer)
		return true
	})
}

func (a *acceptor) accept() {
	for range acceptsPerTurn {
		fd, from, err := accept(a.fd)
		switch err {
		case nil:
			a.take(fd, from)
		case unix.EAGAIN:
			return
		case unix.EINTR, unix.ECONNABORTED:
		default:
			a.pause(err)
			return
		}
	}
}

func (a *acceptor) take(fd int, from unix.Sockaddr) {
	c, err := a.loop.adopt(fd, a.serve)
	if err != nil {
		a.pause(err)
		return
	}
	c.accepted = true
	c.peer = addrPort(from)
	if !a.open(c) {
		c.Close()
	}
}

// pause keeps a listening socket that can't be served from being reported ready again and again.
func (a *acceptor) pause(err error) {
	a.failed(fmt.Errorf("accepting a connection at %s: %w%s", a.listener.addr, err, descriptorHint(err)))
	if a.paused {
		return
	}
	a.paused = true
	a.loop.poller.unlisten(a.fd)
	a.loop.After(&a.timer, acceptPause, func() {
		a.paused = false
		if err := a.loop.poller.listen(a.fd); err != nil {
			a.pause(err)
		}
	})
}
