//go:build !linux || tain_portable

package netloop

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// This file runs the same loops on POSIX calls alone, for systems other than Linux. It asks poll(2)
// about every connection in every turn, so its cost grows with the number of connections; it is
// meant for a developer's machine. The build tag tain_portable selects it on Linux too, for tests.
//
// poll(2) tells levels, the loops want edges: it is asked only for what is not known yet.

// event is what the poller has to say of one descriptor. Pad is its generation.
type event struct {
	Events uint32
	Fd     int32
	Pad    int32
}

// What the bits of an event mean. Systems differ about POLLHUP: it may tell no more than that the
// peer sends nothing more.
const (
	eventRead       = unix.POLLIN | unix.POLLHUP | unix.POLLERR | unix.POLLNVAL
	eventWrite      = unix.POLLOUT | unix.POLLERR | unix.POLLNVAL
	eventPeerClosed = unix.POLLHUP
	eventBroken     = unix.POLLERR | unix.POLLNVAL
)

// poller is what poll(2) is asked, and a pipe that wakes who waits for it.
type poller struct {
	wakefd int // where the pipe is read
	pipe   int // where it is written
	fds    []unix.PollFd
}

func (p *poller) open() error {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	for _, fd := range fds {
		if err := prepare(fd); err != nil {
			closeWake(fds)
			return fmt.Errorf("fcntl: %w", err)
		}
	}
	p.wakefd, p.pipe = fds[0], fds[1]
	return nil
}

func (p *poller) close() {}

// wakefds are where the signal of wake is read and written.
func (p *poller) wakefds() [2]int { return [2]int{p.wakefd, p.pipe} }

func closeWake(fds [2]int) {
	unix.Close(fds[0])
	unix.Close(fds[1])
}

// The loop's own lists say what to watch.

func (p *poller) watch(int, uint32) error { return nil }
func (p *poller) listen(int) error        { return nil }
func (p *poller) unlisten(int)            {}

// poll fills l.events. A wait that a signal ended is an empty turn.
func poll(l *Loop, wait time.Duration) (int, error) {
	p := &l.poller
	p.fds = append(p.fds[:0], unix.PollFd{Fd: int32(p.wakefd), Events: unix.POLLIN})
	for _, a := range l.acceptors {
		if !a.paused {
			p.fds = append(p.fds, unix.PollFd{Fd: int32(a.fd), Events: unix.POLLIN})
		}
	}
	for _, c := range l.conns {
		if events, ask := c.unknown(); ask {
			p.fds = append(p.fds, unix.PollFd{Fd: c.fd, Events: events})
		}
	}
	ready, err := unix.Poll(p.fds, milliseconds(wait))
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return l.collect(min(ready, len(l.events))), nil
}

// unknown is what poll(2) is to tell of c, which may be nil. A connection that has broken, or of
// which all is known, would be reported in every turn.
func (c *Conn) unknown() (events int16, ask bool) {
	if c == nil || c.broken {
		return 0, false
	}
	if !c.readable {
		events |= unix.POLLIN
	}
	if !c.writable {
		events |= unix.POLLOUT
	}
	return events, events != 0 || !c.peerClosed
}

// collect turns the answers of poll(2) into at most n events.
func (l *Loop) collect(n int) int {
	found := 0
	for i := range l.poller.fds {
		fd := &l.poller.fds[i]
		if found == n {
			break
		}
		if fd.Revents == 0 {
			continue
		}
		e := &l.events[found]
		*e = event{Events: uint32(uint16(fd.Revents)), Fd: fd.Fd}
		if int(fd.Fd) < len(l.conns) && l.conns[fd.Fd] != nil {
			e.Pad = int32(l.conns[fd.Fd].generation)
		}
		found++
	}
	return found
}

func recv(fd int32, p []byte) (int, unix.Errno) { return outcome(unix.Read(int(fd), p)) }

// send needs no flag against SIGPIPE: the runtime turns that into EPIPE.
func send(fd int32, p []byte) (int, unix.Errno) { return outcome(unix.Write(int(fd), p)) }

func outcome(n int, err error) (int, unix.Errno) {
	if err == nil {
		return n, 0
	}
	errno, ok := err.(unix.Errno)
	if !ok {
		panic("BUG: a system call failed without a number: " + err.Error())
	}
	return 0, errno
}

// iovecs sends one piece at a time.
type iovecs struct{ piece []byte }

// add makes p the piece to send, unless there is one.
func (v *iovecs) add(p []byte) bool {
	if v.piece != nil {
		return false
	}
	v.piece = p
	return true
}

// send sends the piece that was added first, and forgets it.
func (v *iovecs) send(fd int32) (int, unix.Errno) {
	p := v.piece
	v.piece = nil
	return send(fd, p)
}

// socket makes a stream socket that does not block.
func socket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	if err := prepare(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// accept takes a connection, as a socket that does not block.
func accept(fd int) (int, unix.Sockaddr, error) {
	conn, from, err := unix.Accept(fd)
	if err != nil {
		return -1, nil, err
	}
	if err := prepare(conn); err != nil {
		unix.Close(conn)
		return -1, nil, err
	}
	return conn, from, nil
}

func prepare(fd int) error {
	unix.CloseOnExec(fd)
	return unix.SetNonblock(fd, true)
}
