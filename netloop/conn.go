package netloop

import (
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection on a loop. A handler touches it by Fill, Consume, Send and Close, so that
// another kind of loop can come behind the same four.
//
// At most one coroutine may wait in Fill, and one in Send, at a time.
type Conn struct {
	loop       *Loop
	fd         int32
	generation uint32

	readable, writable bool // as far as known: the next call will not say EAGAIN
	peerClosed         bool // the peer sends no more
	broken             bool // reset, or closed both ways
	timedOut           bool // the deadline passed and was not moved since
	closed             bool
	idle               bool // nobody handles it: it waits for bytes, or in a pool

	buf        []byte // borrowed while it holds bytes; what is unread is buf[start:end]
	start, end int
	limit      int // how large buf may grow

	in, out uint64 // bytes since TakeTraffic

	reader, writer *Task // who waits in Fill and in Send
	guardian       *Task // see Loop.Guard
	timer          Timer

	// serve is run in a coroutine when the connection is idle and bytes arrive; nil means that
	// whatever happens to an idle connection closes it, as is right for one in a pool.
	serve func(*Conn)
	// OnClose is called once, when the connection is closed for any reason. May be nil.
	OnClose func(*Conn)
	// Data is for the owner of the connection.
	Data any

	peer netip.AddrPort
}

// adopt registers a non-blocking socket with the loop.
func (l *Loop) adopt(fd int, serve func(*Conn)) (*Conn, error) {
	l.generation++
	c := &Conn{loop: l, fd: int32(fd), generation: l.generation, serve: serve, limit: BufferSize, idle: serve != nil}
	c.timer.conn = c
	if err := l.poller.watch(fd, c.generation); err != nil {
		unix.Close(fd)
		return nil, err
	}
	for len(l.conns) <= fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[fd] = c
	return c, nil
}

// ready takes what the poller says of the connection.
func (c *Conn) ready(events uint32) {
	if events&eventRead != 0 {
		c.readable = true
	}
	if events&eventWrite != 0 {
		c.writable = true
	}
	if events&eventPeerClosed != 0 {
		c.peerClosed = true
	}
	if events&eventBroken != 0 {
		c.broken = true
		if c.guardian != nil {
			c.guardian.Wake()
		}
	}
	if c.readable {
		c.wakeReader()
	}
	if c.writable && c.writer != nil {
		c.writer.Wake()
	}
}

// wakeReader resumes who waits for bytes, or starts the handler of an idle connection.
func (c *Conn) wakeReader() {
	switch {
	case c.reader != nil:
		c.reader.Wake()
	case !c.idle:
	case c.serve != nil:
		c.idle = false
		c.loop.start(c.serve, c, nil, false)
	default:
		c.Close()
	}
}

// expire is called when the deadline passed.
func (c *Conn) expire() {
	if c.idle {
		c.Close()
		return
	}
	c.timedOut = true
	if c.reader != nil {
		c.reader.Wake()
	}
	if c.writer != nil {
		c.writer.Wake()
	}
}

// Loop is the loop that the connection belongs to.
func (c *Conn) Loop() *Loop { return c.loop }

// Peer is the address of the other side.
func (c *Conn) Peer() netip.AddrPort { return c.peer }

// Closed says whether Close was called.
func (c *Conn) Closed() bool { return c.closed }

// Broken says whether the connection was reset, or closed by both sides.
func (c *Conn) Broken() bool { return c.broken }

// TakeTraffic returns how many bytes were received and sent since it was last called.
func (c *Conn) TakeTraffic() (in, out uint64) {
	in, out = c.in, c.out
	c.in, c.out = 0, 0
	return in, out
}

// SetLimit bounds the buffer: Fill fails with [ErrFull] once n bytes are unread, or [BufferSize]
// where n is less.
func (c *Conn) SetLimit(n int) { c.limit = n }

// SetDeadline ends waits with [ErrTimeout] once d has passed, counted from the beginning of this
// turn; d of 0 means never. An idle connection is closed then. The precision is about 17 ms.
func (c *Conn) SetDeadline(d time.Duration) {
	c.timedOut = false
	if d == 0 {
		c.timer.stop()
		return
	}
	c.loop.timers.set(&c.timer, c.loop.now+int64(d))
}

// Buffered is what was received and not consumed. It is valid until the next Fill or Consume.
func (c *Conn) Buffered() []byte { return c.buf[c.start:c.end] }

// Consume drops the first n unread bytes, and gives the buffer back when none is left.
func (c *Conn) Consume(n int) {
	c.start += n
	if c.start < c.end || c.buf == nil {
		return
	}
	c.loop.giveBuffer(c.buf)
	c.buf, c.start, c.end = nil, 0, 0
}

// Idle ends the handling of the connection for now: the next bytes start
// its handler in a new coroutine. An idle connection without a handler, as in a pool, is closed by
// whatever happens to it, until Use.
func (c *Conn) Idle() {
	if c.closed {
		return
	}
	c.idle = true
	if c.readable || c.start < c.end {
		c.wakeReader()
	}
}

// Use takes a connection out of its pool. It reports false when it can't be used any more.
func (c *Conn) Use() bool {
	c.idle = false
	return !c.closed && !c.peerClosed && !c.broken && !c.readable
}

// Fill waits until more bytes are buffered. It returns [io.EOF] when the peer sends no more, and
// else one of this package's errors or the system's.
func (c *Conn) Fill() error {
	for {
		if c.closed {
			return ErrClosed
		}
		if c.readable {
			if n, err := c.receive(); n > 0 || err != nil {
				c.loop.current.spend()
				if c.closed {
					return ErrClosed // meanwhile
				}
				return err
			}
			continue
		}
		c.reader = c.loop.current
		err := c.wait()
		c.reader = nil
		if err != nil {
			return err
		}
	}
}

// wait parks the running coroutine, and says why it must not go on, if it must not.
func (c *Conn) wait() error {
	t := c.loop.current
	if err := c.interrupted(t); err != nil {
		return err
	}
	t.park()
	return c.interrupted(t)
}

func (c *Conn) interrupted(t *Task) error {
	switch {
	case t.canceled:
		return ErrCanceled
	case t.guard != nil && t.guard != c && t.guard.broken:
		return ErrGuard
	case c.timedOut:
		return ErrTimeout
	}
	return nil
}

// Wait parks the running coroutine until it is woken by [Task.Wake]. It ends early, as Fill and
// Send do, by deadline, cancellation and guard, and when the connection is closed or broken.
func (c *Conn) Wait() error {
	if err := c.gone(); err != nil {
		return err // nothing would wake it
	}
	c.writer = c.loop.current
	err := c.wait()
	c.writer = nil
	if err != nil {
		return err
	}
	return c.gone()
}

func (c *Conn) gone() error {
	switch {
	case c.closed:
		return ErrClosed
	case c.broken:
		return unix.ECONNRESET
	}
	return nil
}

// receive reads once. It returns 0 and no error when there was nothing to read after all.
func (c *Conn) receive() (int, error) {
	if err := c.makeRoom(); err != nil {
		return 0, err
	}
	room := c.buf[c.end:]
	n, errno := recv(c.fd, room)
	if n == 0 {
		c.Consume(0) // an empty buffer is not kept for the wait
	}
	switch {
	case errno == unix.EAGAIN:
		c.readable = false
		return 0, nil
	case errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		c.broken = true
		return 0, errno
	case n == 0:
		c.peerClosed = true
		return 0, io.EOF
	}
	c.end += n
	c.in += uint64(n)
	if n < len(room) && !c.peerClosed {
		c.readable = false
	}
	return n, nil
}

// makeRoom sees to it that at least one more byte fits.
func (c *Conn) makeRoom() error {
	switch {
	case c.buf == nil:
		c.buf = c.loop.takeBuffer()
	case c.end < len(c.buf):
	case c.start > 0:
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
	case len(c.buf) >= c.limit:
		return ErrFull
	default:
		larger := make([]byte, min(2*len(c.buf), c.limit))
		c.end = copy(larger, c.buf)
		c.loop.giveBuffer(c.buf)
		c.buf = larger
	}
	return nil
}

// Send sends p whole, waiting as often as the peer's window makes it.
func (c *Conn) Send(p []byte) error {
	for len(p) > 0 {
		if c.closed {
			return ErrClosed
		}
		n, errno := send(c.fd, p)
		c.out += uint64(n)
		p = p[n:]
		if err := c.sent(errno, len(p)); err != nil {
			return err
		}
	}
	return nil
}

// MaxCoalesced is up to how many bytes it costs less to copy what belongs behind a head, and send
// both as one, than to send two pieces.
const MaxCoalesced = 4 << 10

// Send2 sends p and q as Send does, in one system call where it can.
func (c *Conn) Send2(p, q []byte) error {
	for len(p) > 0 && len(q) > 0 {
		if c.closed {
			return ErrClosed
		}
		n, errno := c.loop.vectors.send(c.fd, p, q)
		c.out += uint64(n)
		first := min(n, len(p))
		p, q = p[first:], q[n-first:]
		if err := c.sent(errno, len(p)+len(q)); err != nil {
			return err
		}
	}
	if len(p) == 0 {
		p = q
	}
	return c.Send(p)
}

// sent looks at the outcome of a send, and waits where the window is full.
func (c *Conn) sent(errno unix.Errno, left int) error {
	switch {
	case errno == unix.EAGAIN:
		c.writable = false
		for !c.writable && !c.closed {
			c.writer = c.loop.current
			err := c.wait()
			c.writer = nil
			if err != nil {
				return err
			}
		}
	case errno != 0 && errno != unix.EINTR:
		c.broken = true
		return errno
	}
	return nil
}

// CloseWrite tells the peer that no more will be sent.
func (c *Conn) CloseWrite() {
	if !c.closed {
		unix.Shutdown(int(c.fd), unix.SHUT_WR)
	}
}

// Abort makes Close reset the connection, so that its peer can't take what was sent for
// something complete.
func (c *Conn) Abort() {
	if !c.closed {
		unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		c.Close()
	}
}

// Close closes the connection and ends every wait on it. It may be called more than once.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	c.closed = true
	l := c.loop
	l.timers.cancel(&c.timer)
	c.idle = false
	l.conns[c.fd] = nil
	unix.Close(int(c.fd))
	// Somebody may be sending on what is unread: only an empty buffer is lent to others.
	if c.buf != nil && c.start == c.end {
		l.giveBuffer(c.buf)
	}
	c.buf, c.start, c.end = nil, 0, 0
	if c.reader != nil {
		c.reader.Wake()
	}
	if c.writer != nil {
		c.writer.Wake()
	}
	if c.OnClose != nil {
		c.OnClose(c)
	}
}
