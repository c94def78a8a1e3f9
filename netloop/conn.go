package netloop

import (
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection on a loop, cleartext or of TLS. A handler touches it by Fill, Consume, Send or
// Queue, and Close, so that another kind of loop can come behind the same few.
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
	accepted           bool // by a listener, not dialled
	low                bool // serve runs in a low task
	dirty              bool // stands in the loop's list of those to flush
	finished           bool // CloseWrite was called; to be told when nothing is queued

	failure error // why sending what was queued broke it; nothing is sent any more

	buf        []byte // borrowed while it holds bytes; what is unread is buf[start:end]
	start, end int
	limit      int // how large buf may grow

	tls *secured // nil for cleartext
	out *outbox  // what is queued for the socket

	received, sent uint64 // bytes since TakeTraffic; what is queued counts as sent

	reader, writer *Task // who waits in Fill and in Send
	guardian       *Task // see Loop.Guard
	timer          Timer

	// serve is run in a coroutine when the connection is idle and bytes arrive; nil means that
	// whatever happens to an idle connection closes it, as is right for one in a pool.
	serve func(*Conn)
	// OnClose is called once, when the connection is closed for any reason. May be nil.
	OnClose func(*Conn)
	// OnDrain is called, outside of any coroutine, at the end of a turn in which the last of what was
	// queued has gone. May be nil.
	OnDrain func(*Conn)
	// OnRetire is what [Loop.Retire] calls on an accepted connection, instead of closing it if it
	// is idle. May be nil.
	OnRetire func(*Conn)
	// Data is for the owner of the connection.
	Data any

	peer, local netip.AddrPort
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
	if c.writable && c.Queued() > 0 {
		c.flushLater()
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
		c.loop.start(c.serve, c, nil, c.low)
	case c.failure != nil || !c.tls.quiet():
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

// Peer is the address of the other side; the zero AddrPort where that is a Unix socket.
func (c *Conn) Peer() netip.AddrPort { return c.peer }

// SetPeer makes addr the address of the other side, where somebody in between has told it.
func (c *Conn) SetPeer(addr netip.AddrPort) { c.peer = addr }

// Local is the address of this side; the zero AddrPort of a Unix socket or a closed connection that
// was not asked before.
func (c *Conn) Local() netip.AddrPort {
	if !c.local.IsValid() && !c.closed {
		if sa, err := unix.Getsockname(int(c.fd)); err == nil {
			c.local = addrPort(sa)
		}
	}
	return c.local
}

// SetHandler makes serve run, in a coroutine, whenever bytes arrive on the idle connection, be it
// accepted or dialled. low says that the coroutine is as those of [Loop.GoLow].
func (c *Conn) SetHandler(serve func(*Conn), low bool) { c.serve, c.low = serve, low }

// Closed says whether Close was called.
func (c *Conn) Closed() bool { return c.closed }

// Broken says whether the connection was reset, or closed by both sides.
func (c *Conn) Broken() bool { return c.broken }

// TakeTraffic returns how many bytes were received and sent since it was last called.
func (c *Conn) TakeTraffic() (in, out uint64) {
	in, out = c.received, c.sent
	c.received, c.sent = 0, 0
	return in, out
}

// SetLimit bounds the buffer: Fill fails with [ErrFull] once n bytes are unread, or [BufferSize]
// where n is less.
func (c *Conn) SetLimit(n int) { c.limit = n }

// SetDeadline ends waits with [ErrTimeout] once d has passed, counted from the beginning of this
// turn; d of 0 means never. An idle connection is closed then. The precision is about 17 ms.
func (c *Conn) SetDeadline(d time.Duration) {
	at := int64(0)
	if d != 0 {
		at = c.loop.now + int64(d)
	}
	c.setDeadline(at)
}

// setDeadline moves the deadline to a time on the loop's clock; 0 is never.
func (c *Conn) setDeadline(at int64) {
	c.timedOut = false
	if at == 0 {
		c.timer.stop()
		return
	}
	c.loop.timers.set(&c.timer, at)
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
	if c.readable || c.start < c.end || c.tls.pending() {
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
		if c.readable || c.tls.pending() {
			if n, err := c.receive(); n > 0 || err != nil {
				c.loop.current.spend()
				if c.closed {
					return ErrClosed // meanwhile
				}
				return err
			}
			continue
		}
		if c.failure != nil {
			return c.failure
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
	err := t.Interrupted()
	if err == ErrGuard && t.guard == c {
		err = nil // the call on c itself tells what it met
	}
	if err == nil && c.timedOut {
		err = ErrTimeout
	}
	return err
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
	case c.failure != nil:
		return c.failure
	case c.broken:
		return unix.ECONNRESET
	}
	return nil
}

// receive reads once. It returns 0 and no error when there was nothing to read after all.
func (c *Conn) receive() (int, error) {
	if c.tls != nil {
		return c.tls.receive()
	}
	if err := c.makeRoom(); err != nil {
		return 0, err
	}
	n, err := c.recv(c.buf[c.end:])
	c.end += n
	c.received += uint64(n)
	c.Consume(0) // an empty buffer is not kept for the wait
	return n, err
}

// recv reads once from the socket. It returns 0 and no error when there was nothing to read.
func (c *Conn) recv(room []byte) (int, error) {
	n, errno := recv(c.fd, room)
	switch {
	case errno == unix.EAGAIN:
		c.readable = false
		return 0, nil
	case errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		c.broken = true
		return 0, errno
	case n == 0 && c.failure != nil:
		return 0, c.failure
	case n == 0:
		c.peerClosed = true
		return 0, io.EOF
	}
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
