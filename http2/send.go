package http2

import (
	"net/http"

	"tain.dev/tain/netloop"
)

// unsendable says why nothing more can be sent.
func (s *Stream) unsendable() error {
	switch {
	case s.err != nil:
		return s.err
	case s.closed, s.sentEnd:
		return netloop.ErrClosed
	}
	return nil
}

// gate waits until the connection takes a head.
func (s *Stream) gate() error {
	for {
		if err := s.unsendable(); err != nil {
			return err
		}
		if !s.conn.full() {
			return nil
		}
		if err := s.queueUp(&s.conn.gated); err != nil {
			return err
		}
	}
}

// allowance waits until some of n bytes may be sent, and says how many in one frame.
func (s *Stream) allowance(n int) (int, error) {
	c := s.conn
	defer s.unstall()
	for {
		err := s.unsendable()
		switch {
		case err != nil:
		case s.credit > 0 && s.mayGo():
			return int(min(int64(min(n, maxFrame)), c.credit, s.credit)), nil
		case s.stalled:
			err = netloop.ErrTimeout
		case s.credit > 0:
			s.stall()
			err = s.awaitTurn()
		default:
			s.yield()
			s.stall()
			err = s.wait(&s.writer)
		}
		if err != nil {
			return 0, err
		}
	}
}

// Stalls says that a body of n more bytes would have to wait for the peer.
func (s *Stream) Stalls(n int) bool {
	c := s.conn
	return min(s.credit, c.credit) < int64(n) || c.net.Queued() >= maxQueued
}

// Send sends p whole as a part of the body, waiting as often as the peer's windows and its reading
// make it. A [*StreamError] of [NoError] means that the peer has answered and wants no more of the
// request.
func (s *Stream) Send(p []byte) error { return s.send(p, false) }

// SendEnd ends the body. trailer holds field lines, each with its CRLF, and may be empty.
func (s *Stream) SendEnd(trailer []byte) error { return s.SendLast(nil, trailer) }

// SendLast sends p as the rest of the body, and its end with it.
func (s *Stream) SendLast(p, trailer []byte) error {
	if len(trailer) == 0 {
		return s.send(p, true)
	}
	if err := s.send(p, false); err != nil {
		return err
	}
	if err := s.gate(); err != nil {
		return err
	}
	return s.writeTrailer(trailer)
}

// CloseWrite ends the body, as [netloop.Conn.CloseWrite] does a tunnel's direction.
func (s *Stream) CloseWrite() { _ = s.SendEnd(nil) }

func (s *Stream) send(p []byte, end bool) error {
	if err := s.unsendable(); err != nil {
		return err
	}
	if s.id == 0 || s.conn.server && !s.sentHead {
		panic("BUG: a body is sent before its head")
	}
	if len(p) == 0 {
		if err := s.gate(); err != nil || !end {
			return err
		}
		s.data(nil, true)
		return nil
	}
	defer s.yield()
	for len(p) > 0 {
		n, err := s.allowance(len(p))
		if err != nil {
			return err
		}
		s.data(p[:n], end && n == len(p))
		p = p[n:]
	}
	return nil
}

// fairFrame is from how many bytes on a frame that a window cuts short lets the peer widen it at
// no charge.
const fairFrame = 1 << 10

// data queues a DATA frame, for which there is room.
func (s *Stream) data(p []byte, end bool) {
	c := s.conn
	f := frame{length: len(p), kind: frameData, stream: s.id}
	if end {
		f.flags = flagEndStream
	}
	s.credit -= int64(len(p))
	c.credit -= int64(len(p))
	if s.credit > 0 && c.credit > 0 || len(p) >= fairFrame {
		c.earn(glitchWindow, 2)
		c.earn(glitchPing, 1)
	}
	s.use(len(p))
	s.out += uint64(headerSize + len(p))
	c.queue(f.append(c.scratch[:0]))
	if len(p) > 0 {
		c.queue(p)
	}
	if end {
		s.finished()
	}
}

// finished is called when END_STREAM was sent.
func (s *Stream) finished() {
	s.sentEnd = true
	if s.ended {
		s.conn.leave(s)
	}
}

// WriteResponse sends the head of an answer, interim (1xx) or final, which is text in the form of
// HTTP/1.1 with or without its empty line; end says that no body follows a final one. Fields that
// are for one connection are left out. A 101 answers an extended CONNECT with success, and makes
// the body a tunnel; see [ErrNotSwitched] for any other 2xx.
func (s *Stream) WriteResponse(head []byte, end bool) error {
	if err := s.gate(); err != nil {
		return err
	}
	w := takeWriter()
	defer giveWriter(w)
	status, err := w.response(head, s.asked.tunnel)
	if err != nil {
		return err
	}
	if s.sentHead {
		return errSecondHead
	}
	final := status/100 != 1 || status == http.StatusSwitchingProtocols
	s.sentHead = final
	s.writeBlock(w, end && final)
	return nil
}

// WriteRequest sends the head of a request, which is text in the form of HTTP/1.1 with or without
// its empty line; end says that no body follows. scheme is "http" or "https". Fields that are for
// one connection are left out, and "te: trailers" is added. A GET without a body that wants to switch
// protocols becomes an extended CONNECT, for which the peer's SETTINGS are waited for; see
// [ErrNoConnect].
func (s *Stream) WriteRequest(head []byte, scheme string, end bool) error {
	if err := s.gate(); err != nil {
		return err
	}
	w := takeWriter()
	defer giveWriter(w)
	ask, err := w.request(head, scheme)
	if err != nil {
		return err
	}
	if err := s.mayAsk(ask.tunnel); err != nil {
		return err
	}
	c := s.conn
	s.asked = ask
	c.unsent--
	c.begin(s, c.nextID)
	c.nextID += 2
	s.credit = c.peer.window
	s.writeBlock(w, end)
	return nil
}

// mayAsk waits until the request can be sent, and looks whether it still can.
func (s *Stream) mayAsk(tunnel bool) error {
	c := s.conn
	for tunnel && !c.settled {
		if err := s.unsendable(); err != nil {
			return err
		}
		if err := s.queueUp(&c.gated); err != nil {
			return err
		}
	}
	switch {
	case s.err != nil:
		return s.err
	case tunnel && !c.peer.connect:
		return ErrNoConnect
	case len(c.byID) >= c.peer.maxStreams, c.nextID > maxStreamID, c.retiring:
		return errNoRoom
	}
	return nil
}

func (s *Stream) writeTrailer(lines []byte) error {
	w := takeWriter()
	defer giveWriter(w)
	if err := w.trailer(lines); err != nil {
		return err
	}
	s.writeBlock(w, true)
	return nil
}

// writeBlock queues a block of fields as HEADERS, and CONTINUATION where it is large.
func (s *Stream) writeBlock(w *headWriter, end bool) {
	c := s.conn
	f := frame{kind: frameHeaders, stream: s.id}
	if end {
		f.flags = flagEndStream
	}
	block := w.block
	if !c.encoded {
		c.encoded = true
		block = append([]byte{noTable}, block...)
	}
	for {
		f.length = min(len(block), maxFrame)
		if f.length == len(block) {
			f.flags |= flagEndHeaders
		}
		s.out += uint64(headerSize + f.length)
		c.queue(f.append(c.scratch[:0]))
		c.queue(block[:f.length])
		if block = block[f.length:]; len(block) == 0 {
			break
		}
		f = frame{kind: frameContinuation, stream: s.id}
	}
	if end {
		s.finished()
	}
}
