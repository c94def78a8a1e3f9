package http2

import (
	"bytes"
	"encoding/binary"

	"tain.dev/tain/netloop"
)

// read is the handler of the connection underneath: it takes frames for as long as there are any,
// and then gives back its coroutine until bytes arrive.
func (c *Conn) read(nc *netloop.Conn) {
	for waiting := len(nc.Buffered()); ; waiting = 0 {
		if waiting == 0 {
			if err := nc.Fill(); err != nil {
				c.gone(lost(err))
				nc.Close()
				return
			}
		}
		c.take()
		switch {
		case c.over:
			return
		case len(nc.Buffered()) == 0:
			nc.Idle()
			return
		}
	}
}

// take handles what is buffered, but for the beginning of a frame that is not here as a whole.
func (c *Conn) take() {
	fault := c.frames()
	if fault != nil {
		c.die(fault)
	}
	if c.ending && !c.over {
		c.drop()
	}
}

// drop reads what comes after the end.
func (c *Conn) drop() {
	n := len(c.net.Buffered())
	c.net.Consume(n)
	if c.dropped += n; c.dropped > lingerBytes {
		c.net.Close()
	}
}

// frames handles whole frames, and parts of DATA.
func (c *Conn) frames() *fault {
	if !c.began {
		if ok, fault := c.takePreface(); !ok {
			return fault
		}
	}
	for !c.ending && !c.over {
		b := c.net.Buffered()
		switch {
		case c.data.left > 0 || c.data.pad > 0:
			if len(b) == 0 {
				return nil
			}
			if n := c.takeData(b); !c.over {
				c.net.Consume(n)
			}
		case len(b) < headerSize:
			c.expect(len(b) > 0)
			return nil
		default:
			n, fault := c.frame(b)
			if fault != nil || n == 0 || c.over {
				return fault
			}
			c.net.Consume(n)
		}
	}
	return nil
}

// takePreface reads the preface, and reports whether it is complete.
func (c *Conn) takePreface() (ok bool, fault *fault) {
	is, more := IsPreface(c.net.Buffered())
	if !is && !more {
		return false, errPreface
	}
	if is {
		c.began = true
		c.net.Consume(len(preface))
	}
	return is, nil
}

// expect sets the time by which a frame that has begun has to be complete, and forgets it between
// frames.
func (c *Conn) expect(partial bool) {
	switch {
	case partial || c.block.stream != 0 || !c.settled && c.server:
		if c.headBy == 0 {
			c.headBy = c.after(c.set.HeadTimeout)
		}
	default:
		c.headBy = 0
	}
}

// frame handles the frame at the beginning of b, and returns how many bytes of b are done with: 0
// where more are needed.
func (c *Conn) frame(b []byte) (n int, fault *fault) {
	f := parseFrame(b)
	if f.length > maxFrame {
		return 0, errFrameSize
	}
	if fault := c.inOrder(f); fault != nil {
		return 0, fault
	}
	if f.kind == frameData {
		return c.beginData(f, b)
	}
	n = headerSize + f.length
	if len(b) < n {
		c.expect(true)
		return 0, nil
	}
	return n, c.dispatch(f, b[headerSize:n])
}

// inOrder holds that SETTINGS come first, and that nothing stands among the frames of a head.
func (c *Conn) inOrder(f frame) *fault {
	switch {
	case !c.settled && (f.kind != frameSettings || f.has(flagAck)):
		return errPreface
	case c.block.stream != 0 && (f.kind != frameContinuation || f.stream != c.block.stream):
		return errInterleaved
	case c.block.stream == 0 && f.kind == frameContinuation:
		return errInterleaved
	}
	return nil
}

// dispatch handles any frame but DATA.
func (c *Conn) dispatch(f frame, payload []byte) *fault {
	switch f.kind {
	case frameHeaders:
		return c.onHeaders(f, payload)
	case frameContinuation:
		return c.onContinuation(f, payload)
	case framePriority:
		return c.onPriority(f, payload)
	case frameReset:
		return c.onReset(f, payload)
	case frameSettings:
		return c.onSettings(f, payload)
	case framePush:
		return errPush
	case framePing:
		return c.onPing(f, payload)
	case frameGoAway:
		return c.onGoAway(f, payload)
	case frameWindow:
		return c.onWindow(f, payload)
	}
	return c.meter(glitchOther) // an extension that this side does not know
}

// absent says what it means that a frame is on a stream that is not open.
func (c *Conn) absent(id uint32) *fault {
	switch {
	case id == 0:
		return errStreamID
	case !c.begun(id):
		return errIdle
	case !c.server || c.resets.has(id) || c.final && id > c.finalID:
		return nil // the peer could not know that the stream had ended
	}
	return errClosedStream
}

// begun says whether a stream of that id has been there.
func (c *Conn) begun(id uint32) bool {
	if c.server {
		return id%2 == 1 && id <= c.lastID
	}
	return id%2 == 1 && id < c.nextID
}

func (c *Conn) onPriority(f frame, payload []byte) *fault {
	switch {
	case f.stream == 0:
		return errStreamID
	case len(payload) != prioritySize:
		return c.refuse(f.stream, errFrameSize)
	case dependency(payload) == f.stream:
		return c.refuse(f.stream, errSelfDependency)
	}
	return c.meter(glitchOther)
}

// dependency is the stream that a priority names.
func dependency(p []byte) uint32 { return binary.BigEndian.Uint32(p) & maxStreamID }

func (c *Conn) onReset(f frame, payload []byte) *fault {
	if len(payload) != 4 {
		return errFrameSize
	}
	s := c.byID[f.stream]
	if s == nil {
		if f.stream == 0 {
			return errStreamID
		}
		if !c.begun(f.stream) {
			return errIdle
		}
		c.resets.drop(f.stream) // both sides ended it at once, and the peer can't send more
		return c.meter(glitchOther)
	}
	answered := s.sentHead
	s.fail(&StreamError{Code: ErrCode(binary.BigEndian.Uint32(payload))})
	c.leave(s)
	if c.server && !answered {
		return c.meter(glitchReset)
	}
	return nil
}

func (c *Conn) onPing(f frame, payload []byte) *fault {
	switch {
	case f.stream != 0:
		return errStreamID
	case len(payload) != 8:
		return errFrameSize
	case !f.has(flagAck):
		c.control(appendPing(c.scratch[:0], payload, flagAck))
	case c.graceBy != 0 && string(payload) == string(gracePing):
		c.finalise()
		return nil
	}
	return c.meter(glitchPing)
}

func (c *Conn) onGoAway(f frame, payload []byte) *fault {
	switch {
	case f.stream != 0:
		return errStreamID
	case len(payload) < 8:
		return errFrameSize
	case c.server:
		return c.meter(glitchOther) // no stream was ever opened from here
	}
	c.retiring = true
	last := binary.BigEndian.Uint32(payload) & maxStreamID
	err := &ConnError{
		Code: ErrCode(binary.BigEndian.Uint32(payload[4:])), Reason: "the peer went away: " + printable(payload[8:]), unprocessed: true,
	}
	for s := c.first; s != nil; s = s.next {
		if s.id > last || s.id == 0 {
			s.fail(err)
			delete(c.byID, s.id)
		}
	}
	c.changed()
	if c.lent == 0 {
		c.end()
	}
	return c.meter(glitchOther)
}

// printable is what a peer said in its GOAWAY, as far as it is fit for a log.
func printable(p []byte) string {
	said := bytes.Clone(p[:min(len(p), 128)])
	for i, b := range said {
		if b < ' ' || b > '~' {
			said[i] = '?'
		}
	}
	return string(said)
}

func (c *Conn) onWindow(f frame, payload []byte) *fault {
	if len(payload) != 4 {
		return errFrameSize
	}
	increment := int64(binary.BigEndian.Uint32(payload) & maxWindow)
	if f.stream == 0 {
		return c.openConn(increment)
	}
	if !c.begun(f.stream) {
		return errIdle
	}
	if increment == 0 {
		return c.refuse(f.stream, errStreamIncrement)
	}
	s := c.byID[f.stream]
	if s == nil {
		return c.meter(glitchWindow)
	}
	if s.credit += increment; s.credit > maxWindow {
		return c.refuse(f.stream, errStreamWindow)
	}
	s.wakeWriter()
	return c.meter(glitchWindow)
}

// openConn takes a WINDOW_UPDATE of the connection.
func (c *Conn) openConn(increment int64) *fault {
	if increment == 0 {
		return errIncrement
	}
	if c.credit += increment; c.credit > maxWindow {
		return errConnWindow
	}
	c.openedAt = c.loop.Now()
	c.grant()
	return c.meter(glitchWindow)
}

// refuse resets a stream for what the peer did on it, which it may do only so often.
func (c *Conn) refuse(id uint32, f *fault) *fault {
	c.set.Refused(f.reason, f)
	if s := c.byID[id]; s != nil {
		s.fail(&StreamError{Code: f.code, fault: f})
		c.leave(s)
	}
	c.sendReset(id, f.code)
	if !c.server {
		return nil
	}
	return c.meter(glitchReset)
}

// sendReset queues RST_STREAM, and remembers that frames may still come.
func (c *Conn) sendReset(id uint32, code ErrCode) {
	c.resets.add(id)
	c.control(appendReset(c.scratch[:0], id, code))
}
