package netloop

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// DialError is a connection that was not made.
type DialError struct {
	Addr Addr
	Err  error
}

func (e *DialError) Error() string {
	return fmt.Sprintf("connecting to %s: %v%s", e.Addr, e.Err, descriptorHint(e.Err))
}

func (e *DialError) Unwrap() error { return e.Err }

// Dial connects to addr within timeout; its error is a [*DialError]. The connection belongs to the
// running coroutine until it is closed or made idle.
func (l *Loop) Dial(addr Addr, timeout time.Duration) (*Conn, error) {
	c, err := l.connect(addr)
	if err != nil {
		return nil, &DialError{addr, err}
	}
	c.peer = addr.AddrPort
	c.SetDeadline(timeout)
	if err := c.connected(); err != nil {
		c.Close()
		return nil, &DialError{addr, err}
	}
	c.SetDeadline(0)
	return c, nil
}

func (l *Loop) connect(addr Addr) (*Conn, error) {
	family, to := addr.sockaddr()
	if family == unix.AF_UNIX {
		if err := checkPath(addr.Path); err != nil {
			return nil, err
		}
	}
	fd, err := socket(family)
	if err != nil {
		return nil, err
	}
	if family != unix.AF_UNIX {
		setOptions(fd)
	}
	err = unix.Connect(fd, to)
	if err == nil || err == unix.EINPROGRESS {
		return l.adopt(fd, nil)
	}
	unix.Close(fd)
	if family == unix.AF_UNIX && err == unix.EAGAIN {
		err = fmt.Errorf("its listener's queue is full: %w", err)
	}
	return nil, err
}

// connected waits until the connection is made or has failed.
func (c *Conn) connected() error {
	for !c.writable {
		c.writer = c.loop.current
		err := c.wait()
		c.writer = nil
		if err != nil {
			return err
		}
		if c.closed {
			return ErrClosed
		}
	}
	if errno, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil || errno != 0 {
		if err == nil {
			err = unix.Errno(errno)
		}
		return err
	}
	return nil
}
