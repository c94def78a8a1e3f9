package http2

// dataFrame is the DATA frame that is being received. It may be larger than what is read at a time,
// so that its parts are handed on as they come.
type dataFrame struct {
	stream uint32
	left   int // bytes of the body
	pad    int // bytes behind them
	end    bool
}

// beginData looks at the header of a DATA frame, and returns its length, or 0 where the length of
// the padding is not here.
func (c *Conn) beginData(f frame, b []byte) (n int, fault *fault) {
	n, pad := headerSize, 0
	if f.has(flagPadded) {
		switch {
		case f.length == 0:
			return 0, errFrameSize
		case len(b) == headerSize:
			return 0, nil
		}
		n++
		if pad = int(b[headerSize]); pad >= f.length {
			return 0, errPadding
		}
	}
	content := f.length - pad - (n - headerSize)
	if c.window -= f.length; c.window < 0 {
		return 0, errConnWindow
	}
	fault = c.admit(f, content)
	if fault != nil {
		return 0, fault
	}
	c.headBy = 0
	c.data = dataFrame{stream: f.stream, left: content, pad: pad, end: f.has(flagEndStream)}
	c.returnWindow(c.byID[f.stream], f.length-content) // of padding nobody ever hears
	if content == 0 {
		c.endData()
	}
	if f.length == content && content == 0 && !c.data.end {
		return n, c.meter(glitchEmpty)
	}
	return n, nil
}

// admit decides whether the stream of a DATA frame takes it. When it does not, the frame is read
// all the same, and dropped.
func (c *Conn) admit(f frame, content int) *fault {
	s := c.byID[f.stream]
	switch {
	case s == nil:
		return c.absent(f.stream)
	case s.ended:
		return c.refuse(f.stream, errAfterEnd)
	case !s.gotHead:
		return c.refuse(f.stream, errEarlyData)
	case f.length > s.window:
		return c.refuse(f.stream, errStreamWindow)
	case s.length >= 0 && (int64(content) > s.length || f.has(flagEndStream) && int64(content) < s.length):
		return c.refuse(f.stream, errLength)
	}
	s.window -= f.length
	s.in += uint64(headerSize + f.length)
	if s.length >= 0 {
		s.length -= int64(content)
	}
	return nil
}

// takeData takes what is here of a frame's body and padding, and returns how much that is.
func (c *Conn) takeData(b []byte) (n int) {
	d := &c.data
	if n = min(d.left, len(b)); n > 0 {
		d.left -= n
		if s := c.byID[d.stream]; s != nil {
			s.body.append(b[:n], d.left)
			s.wakeReader()
		} else {
			c.giveBack(n)
		}
		if d.left == 0 {
			c.endData()
		}
	}
	skip := min(d.pad, len(b)-n)
	d.pad -= skip
	return n + skip
}

// endData is called when the body of a frame is here.
func (c *Conn) endData() {
	if s := c.byID[c.data.stream]; s != nil && c.data.end {
		s.end()
	}
}

// returnWindow gives n bytes back to the windows of the connection and of s, which may be nil.
func (c *Conn) returnWindow(s *Stream, n int) {
	if n == 0 {
		return
	}
	c.giveBack(n)
	if s != nil {
		s.giveBack(n)
	}
}

// giveBack makes room for n more bytes in the window of the connection, and tells the peer once it
// is worth a frame.
func (c *Conn) giveBack(n int) {
	if c.owed += n; c.owed >= c.set.ConnWindow/2 {
		c.control(appendWindow(c.scratch[:0], 0, c.owed))
		c.window += c.owed
		c.owed = 0
	}
}

// giveBack is the same of the stream. A peer that has sent everything need not hear of it.
func (s *Stream) giveBack(n int) {
	if s.ended || s.err != nil || s.closed {
		return
	}
	if s.owed += n; s.owed >= s.conn.streamWindow()/2 {
		s.conn.control(appendWindow(s.conn.scratch[:0], s.id, s.owed))
		s.window += s.owed
		s.owed = 0
	}
}
