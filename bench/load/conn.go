//go:build linux

package load

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// conn is one connection with at most one request under way.
type conn struct {
	fd      int
	waiting bool
	number  int    // of the request under way
	buf     []byte // the answer must fit
	filled  int
}

// open connects connection i. Connecting blocks: the server is on this machine.
func (g *generator) open(i int) error {
	family := unix.AF_INET
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(g.addr.Port()), Addr: g.addr.Addr().As4()}
	if g.addr.Addr().Is6() {
		family = unix.AF_INET6
		sa = &unix.SockaddrInet6{Port: int(g.addr.Port()), Addr: g.addr.Addr().As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	g.conns[i].fd = fd
	if err := unix.Connect(fd, sa); err != nil {
		return fmt.Errorf("connecting to %s: %w", g.addr, err)
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
	if err := unix.EpollCtl(g.poll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// reopen replaces a broken connection. What it waited for has failed.
func (g *generator) reopen(i int) error {
	c := &g.conns[i]
	unix.Close(c.fd)
	c.fd = -1
	if c.waiting {
		g.done(i, false)
	}
	return g.open(i)
}

// send sends the next request of the schedule over connection i.
func (g *generator) send(i int) error {
	c := &g.conns[i]
	c.waiting, c.number, c.filled = true, g.next, 0
	g.next++
	g.busy++
	// A request is far smaller than a socket's buffer, so a short write is a broken connection.
	if n, err := unix.Write(c.fd, g.request); err != nil || n < len(g.request) {
		return g.reopen(i)
	}
	return nil
}

// receive reads what came on connection i.
func (g *generator) receive(i int) error {
	c := &g.conns[i]
	n, err := unix.Read(c.fd, c.buf[c.filled:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil || n == 0 || !c.waiting {
		return g.reopen(i)
	}
	c.filled += n
	size, status, err := answer(c.buf[:c.filled])
	if err != nil {
		return err
	}
	if size > len(c.buf) {
		return fmt.Errorf("an answer has %d bytes, more than %d", size, len(c.buf))
	}
	if size == 0 || size > c.filled {
		if c.filled == len(c.buf) {
			return fmt.Errorf("an answer's head has more than %d bytes", len(c.buf))
		}
		return nil
	}
	g.done(i, status == 200)
	return nil
}

// done books the request of connection i and frees the connection.
func (g *generator) done(i int, ok bool) {
	c := &g.conns[i]
	c.waiting = false
	g.busy--
	g.free.push(int32(i))
	if c.number < g.warm {
		return
	}
	g.result.Latency.Add(time.Since(g.start) - g.intended(c.number))
	if ok {
		g.result.OK++
	} else {
		g.result.Failed++
	}
}

// epollWait waits with a time-out in nanoseconds. The ordinary epoll_wait knows milliseconds only,
// which is as long as ten requests.
func epollWait(poll int, events []unix.EpollEvent, timeout *unix.Timespec) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(poll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(timeout)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
