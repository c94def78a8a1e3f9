//go:build !tain_portable

package netloop

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// event is what the poller has to say of one descriptor. Pad is its generation.
type event = unix.EpollEvent

// What the bits of an event mean.
const (
	eventRead       = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	eventWrite      = unix.EPOLLOUT | unix.EPOLLHUP | unix.EPOLLERR
	eventPeerClosed = unix.EPOLLRDHUP | unix.EPOLLHUP
	eventBroken     = unix.EPOLLHUP | unix.EPOLLERR
)

// poller is an epoll instance, and an eventfd that wakes who waits on it.
type poller struct {
	epfd, wakefd int
}

func (p *poller) open() error {
	var err error
	if p.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	if p.wakefd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(p.epfd)
		return fmt.Errorf("eventfd: %w", err)
	}
	if err := p.control(unix.EPOLL_CTL_ADD, p.wakefd, unix.EPOLLIN|unix.EPOLLET, 0); err != nil {
		p.close()
		closeWake(p.wakefds())
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// close leaves the eventfd open, see [New].
func (p *poller) close() { unix.Close(p.epfd) }

// wakefds are where the signal of wake is read and written.
func (p *poller) wakefds() [2]int { return [2]int{p.wakefd, p.wakefd} }

func closeWake(fds [2]int) { unix.Close(fds[0]) }

func (p *poller) control(op, fd int, events, generation uint32) error {
	return unix.EpollCtl(p.epfd, op, fd, &event{Events: events, Fd: int32(fd), Pad: int32(generation)})
}

// watch reports, from now on, when a socket becomes readable or writable. That ends when it is
// closed.
func (p *poller) watch(fd int, generation uint32) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET, generation)
}

// listen reports, in every turn, that a listening socket has connections to accept. Of several
// loops that listen, not all are woken.
func (p *poller) listen(fd int) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, 0)
}

func (p *poller) unlisten(fd int) { _ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_DEL, fd, nil) }

// poll fills l.events. A wait that a signal ended is an empty turn.
func poll(l *Loop, wait time.Duration) (int, error) {
	if wait == 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.poller.epfd), uintptr(unsafe.Pointer(&l.events[0])), eventsPerTurn, 0, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return 0, errno
		}
		if errno != 0 {
			n = 0
		}
		return int(n), nil
	}
	n, err := unix.EpollWait(l.poller.epfd, l.events[:], milliseconds(wait))
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}
