package netloop

import "golang.org/x/sys/unix"

// outbox holds bytes on their way out, in buffers borrowed from the loop. It is borrowed itself,
// while it holds any; a nil one is empty.
type outbox struct {
	chunks [][]byte // all but the last are full
	start  int      // how much of the first has gone
	size   int      // bytes that wait
}

func (o *outbox) len() int {
	if o == nil {
		return 0
	}
	return o.size
}

// push appends p to o, which may be nil, and returns o.
func (l *Loop) push(o *outbox, p []byte) *outbox {
	if o == nil && len(p) > 0 {
		o = l.takeOutbox()
	}
	for len(p) > 0 {
		last := len(o.chunks) - 1
		if last < 0 || len(o.chunks[last]) == cap(o.chunks[last]) {
			o.chunks = append(o.chunks, l.takeBuffer()[:0])
			continue
		}
		chunk := o.chunks[last]
		n := copy(chunk[len(chunk):cap(chunk)], p)
		o.chunks[last] = chunk[:len(chunk)+n]
		o.size += n
		p = p[n:]
	}
	return o
}

// drop forgets the first n bytes of o, and returns o, or nil where none is left.
func (l *Loop) drop(o *outbox, n int) *outbox {
	o.size -= n
	o.start += n
	gone := 0
	for gone < len(o.chunks) && o.start >= len(o.chunks[gone]) {
		o.start -= len(o.chunks[gone])
		l.giveBuffer(o.chunks[gone])
		gone++
	}
	left := copy(o.chunks, o.chunks[gone:])
	clear(o.chunks[left:])
	o.chunks = o.chunks[:left]
	if left > 0 {
		return o
	}
	l.giveOutbox(o)
	return nil
}

// first is the first piece of o, which is not empty. No piece is longer than what a record of TLS
// holds.
func (o *outbox) first() []byte { return o.chunks[0][o.start:] }

// gather points v at the first bytes of o, and returns how many those are.
func (o *outbox) gather(v *iovecs) (n int) {
	start := o.start
	for _, chunk := range o.chunks {
		if !v.add(chunk[start:]) {
			break
		}
		n += len(chunk) - start
		start = 0
	}
	return n
}

func (l *Loop) takeOutbox() *outbox {
	if n := len(l.outboxes); n > 0 {
		o := l.outboxes[n-1]
		l.outboxes = l.outboxes[:n-1]
		return o
	}
	return &outbox{}
}

func (l *Loop) giveOutbox(o *outbox) {
	if len(l.outboxes) < spareBuffers && cap(o.chunks) <= spareBuffers {
		o.start = 0
		l.outboxes = append(l.outboxes, o)
	}
}

// Queue appends p to what the loop sends at the end of this turn, together with all else that is
// queued by then. What the socket does not take waits, without bound: see Queued and OnDrain. It
// never waits itself, may be called outside of coroutines, and does nothing on a connection that was
// closed, or broke while it sent what was queued. It must not be called while a coroutine waits in
// Send.
func (c *Conn) Queue(p []byte) {
	if c.closed || c.failure != nil || len(p) == 0 {
		return
	}
	c.enqueue(p)
	c.flushLater()
}

func (c *Conn) enqueue(p []byte) {
	c.sent += uint64(len(p))
	if c.tls != nil {
		c.tls.plain = c.loop.push(c.tls.plain, p)
		return
	}
	c.out = c.loop.push(c.out, p)
}

// Queued is how many bytes wait to be sent.
func (c *Conn) Queued() int {
	n := c.out.len()
	if c.tls != nil {
		n += c.tls.plain.len()
	}
	return n
}

// flushLater makes the loop flush c when the tasks of this turn have run.
func (c *Conn) flushLater() {
	if !c.dirty {
		c.dirty = true
		c.loop.dirty = append(c.loop.dirty, c)
	}
}

// flush sends what was queued in this turn, or could be sent now.
func (l *Loop) flush() {
	now := len(l.dirty) // OnDrain may make it longer: that is for the next turn
	for _, c := range l.dirty[:now] {
		c.dirty = false
		c.flush()
		if c.OnDrain != nil && c.Queued() == 0 && !c.closed && c.failure == nil {
			c.OnDrain(c)
		}
	}
	later := copy(l.dirty, l.dirty[now:])
	clear(l.dirty[later:])
	l.dirty = l.dirty[:later]
}

// flush gives the socket what it takes of what is queued. An error breaks the connection.
func (c *Conn) flush() {
	for !c.closed && c.failure == nil {
		if c.tls != nil {
			if err := c.tls.encrypt(); err != nil {
				c.fail(err)
				return
			}
		}
		if c.out == nil || !c.writable {
			break
		}
		v := &c.loop.vectors
		want := c.out.gather(v)
		n, errno := v.send(c.fd)
		c.out = c.loop.drop(c.out, n)
		switch {
		case errno == 0:
			c.writable = n == want
		case errno == unix.EAGAIN:
			c.writable = false
		case errno != unix.EINTR:
			c.fail(errno)
			return
		}
	}
	if c.finished && c.Queued() == 0 && !c.closed {
		c.finished = false
		unix.Shutdown(int(c.fd), unix.SHUT_WR)
	}
}

// fail breaks the connection, and tells everybody who waits on it. Who reads gets what came
// before, and then err.
func (c *Conn) fail(err error) {
	c.broken, c.readable = true, true
	if c.failure == nil {
		c.failure = err
	}
	c.dropQueued()
	if c.guardian != nil {
		c.guardian.Wake()
	}
	if c.writer != nil {
		c.writer.Wake()
	}
	c.wakeReader()
}

func (c *Conn) dropQueued() {
	if c.out != nil {
		c.out = c.loop.drop(c.out, c.out.size)
	}
	if c.tls != nil && c.tls.plain != nil {
		c.tls.plain = c.loop.drop(c.tls.plain, c.tls.plain.size)
	}
}

// Send sends p whole, behind what is queued, waiting as often as the peer's window makes it. After an
// error, nobody knows how much of it the peer gets.
func (c *Conn) Send(p []byte) error {
	if c.tls != nil {
		return c.tls.send(p, nil)
	}
	if err := c.sendQueued(); err != nil {
		return err
	}
	for len(p) > 0 {
		if c.closed {
			return ErrClosed
		}
		n, errno := send(c.fd, p)
		c.sent += uint64(n)
		p = p[n:]
		if err := c.outcome(errno); err != nil {
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
	if c.tls != nil {
		return c.tls.send(p, q)
	}
	if err := c.sendQueued(); err != nil {
		return err
	}
	for len(p) > 0 && len(q) > 0 {
		if c.closed {
			return ErrClosed
		}
		v := &c.loop.vectors
		v.add(p)
		v.add(q)
		n, errno := v.send(c.fd)
		c.sent += uint64(n)
		first := min(n, len(p))
		p, q = p[first:], q[n-first:]
		if err := c.outcome(errno); err != nil {
			return err
		}
	}
	if len(p) == 0 {
		p = q
	}
	return c.Send(p)
}

// sendQueued waits until nothing is queued.
func (c *Conn) sendQueued() error {
	for c.Queued() > 0 {
		if c.flush(); c.Queued() == 0 {
			break
		}
		if err := c.awaitRoom(); err != nil {
			return err
		}
	}
	if c.closed {
		return ErrClosed
	}
	return c.failure
}

// outcome looks at how a send ended, and waits where the window is full.
func (c *Conn) outcome(errno unix.Errno) error {
	switch {
	case errno == unix.EAGAIN:
		c.writable = false
		return c.awaitRoom()
	case errno != 0 && errno != unix.EINTR:
		c.broken = true
		return errno
	}
	return nil
}

// awaitRoom parks until the socket takes more.
func (c *Conn) awaitRoom() error {
	for !c.writable && !c.closed && c.failure == nil {
		c.writer = c.loop.current
		err := c.wait()
		c.writer = nil
		if err != nil {
			return err
		}
	}
	if c.closed {
		return ErrClosed
	}
	return c.failure
}
