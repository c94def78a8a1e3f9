package netloop

import "golang.org/x/sys/unix"

// CloseWrite tells the peer that no more will be sent, once what is queued has been.
func (c *Conn) CloseWrite() {
	if !c.closed {
		if c.tls != nil {
			c.tls.farewell = true
		}
		c.finished = true
		c.flush()
	}
}

// Abort resets the connection, so that its peer can't take what was sent for something complete. At
// a Unix socket, which knows no reset, it gets a mere end, without that of TLS.
func (c *Conn) Abort() {
	if !c.closed {
		unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		c.shut()
	}
}

// Close closes the connection and ends every wait on it. Of what is queued, the peer gets what the
// socket takes at once. It may be called more than once.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	c.idle, c.finished = false, false // nobody is to handle what the flush meets
	if c.tls != nil {
		c.tls.farewell = !c.broken
	}
	if c.tls != nil || c.out != nil {
		c.flush()
	}
	c.shut()
}

func (c *Conn) shut() {
	c.closed, c.idle = true, false
	c.dropQueued()
	l := c.loop
	l.timers.cancel(&c.timer)
	l.conns[c.fd] = nil
	unix.Close(int(c.fd))
	c.giveBuffers()
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

// giveBuffers gives back what a closed connection has borrowed. Somebody may be sending on what is
// unread: only an empty buffer is lent to others.
func (c *Conn) giveBuffers() {
	if c.buf != nil && c.start == c.end {
		c.loop.giveBuffer(c.buf)
	}
	c.buf, c.start, c.end = nil, 0, 0
	if c.tls != nil && c.tls.raw != nil {
		c.loop.giveBuffer(c.tls.raw)
		c.tls.raw, c.tls.wire.in = nil, nil
	}
}
