package proxy

import (
	"bytes"
	"errors"
	"io"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// h2Client is a stream of a user's HTTP/2 connection.
type h2Client struct {
	r      *request
	stream *http2.Stream
	begun  bool  // the head of the answer was sent
	left   int64 // bytes of the body that are to be forwarded; less than 0 where its length was not told
}

// serve2 handles the request of a stream. It runs in a coroutine.
func (l *lane) serve2(s *http2.Stream) {
	r := l.borrow(s.Conn().Net())
	r.h2.stream, r.client = s, &r.h2
	defer l.giveBack(r)
	conn := s.Conn().Net().Data.(*session)
	if conn.requests++; conn.requests == l.p.cfg.MaxRequestsPerConn {
		s.Conn().Shutdown()
	}
	if r.h2.readHead() {
		r.handle()
	}
	r.writeLog()
}

// readHead parses the head of the stream. It returns false when it was refused.
func (c *h2Client) readHead() bool {
	r := c.r
	r.begin()
	r.at = r.lane.loop.Now()
	r.isHead = bytes.HasPrefix(c.stream.Head(), []byte("HEAD "))
	if c.stream.TooLarge() {
		r.refuse(errLargeHead)
		return false
	}
	if err := r.in.Parse(c.stream.Head()); err != nil {
		r.refuse(err)
		return false
	}
	if !c.awaitEmpty() {
		return false
	}
	c.measure()
	return true
}

// awaitEmpty waits for the end of a body that has no bytes: bytes may come all the same, and then the
// request is malformed (RFC 9113, section 8.1.1), while a server of HTTP/1.1 would have taken its head
// for all of it. It returns false when the end did not come.
func (c *h2Client) awaitEmpty() bool {
	r := c.r
	if r.in.Body != http1.BodyLength || r.in.Length > 0 || c.stream.Ended() {
		return true
	}
	r.noteHead()
	c.stream.SetDeadline(r.lane.p.cfg.BodyTimeout)
	switch err := c.fill(); {
	case err == nil:
		return true
	case errors.Is(err, netloop.ErrTimeout):
		r.refuse(errSlowBody)
	default:
		r.noteFault(reasonClient, err)
		r.lane.classes[0].Add(1)
		c.leave()
	}
	return false
}

// measure gives a request whose body is all here its length, which HTTP/2 need not tell.
func (c *h2Client) measure() {
	in := &c.r.in
	c.r.measured = in.Body == http1.BodyChunked && c.stream.Ended() && len(c.stream.Trailer()) == 0
	if c.r.measured {
		in.Body, in.Length = http1.BodyLength, int64(len(c.stream.Buffered()))
	}
}

func (c *h2Client) takeHead() {
	c.left = -1
	if c.r.in.Body == http1.BodyLength {
		c.left = c.r.in.Length
	}
}

func (c *h2Client) whole() (body []byte, ok bool) {
	if !c.stream.Ended() || len(c.stream.Trailer()) > 0 {
		return nil, false
	}
	return c.stream.Buffered(), true
}

// body keeps the last byte back until the body has ended: what comes behind it would make the request
// malformed, and a server of HTTP/1.1 takes a request for complete when it has as many bytes as were
// announced.
func (c *h2Client) body() (data []byte, n int, done bool, err error) {
	data, done = c.stream.Buffered(), c.stream.Ended()
	if n = len(data); int64(n) == c.left && !done {
		n--
	}
	return data[:n], n, done, nil
}

func (c *h2Client) consume(n int) {
	c.left -= int64(n)
	c.stream.Consume(n)
}

// fill waits for more of the body, or for its end, of which body tells.
func (c *h2Client) fill() error {
	err := c.stream.Fill()
	c.stream.SetDeadline(0) // a later wait is one for the user to take something
	if err == io.EOF {
		return nil
	}
	return err
}

func (c *h2Client) trailer() []byte             { return c.stream.Trailer() }
func (c *h2Client) setDeadline(d time.Duration) { c.stream.SetDeadline(d) }
func (c *h2Client) gone() bool                  { return c.stream.Broken() || c.stream.Closed() }
func (c *h2Client) conn() *netloop.Conn         { return c.stream.Conn().Net() }
func (c *h2Client) proto() string               { return "HTTP/2.0" }
func (c *h2Client) traffic() (in, out uint64)   { return c.stream.TakeTraffic() }

func (c *h2Client) interim() error {
	r := c.r
	r.answer = r.out.AppendHead(r.answer[:0])
	return c.stream.WriteResponse(r.answer, false)
}

func (c *h2Client) begin() { c.begun = false }

// part sends the head first, together with the end of the stream where no body follows.
func (c *h2Client) part(data []byte, done bool, trailer []byte) error {
	if !c.begun {
		c.begun = true
		end := done && len(data)+len(trailer) == 0
		if err := c.stream.WriteResponse(c.r.answer, end); err != nil || end {
			return err
		}
	}
	if done {
		return c.stream.SendLast(data, trailer)
	}
	return c.stream.Send(data)
}

func (c *h2Client) stalls(n int) bool { return c.stream.Stalls(n) }

func (c *h2Client) flush() error {
	if c.begun {
		return nil
	}
	return c.part(nil, false, nil)
}

func (c *h2Client) finish() (goesOn bool) {
	if c.r.wholeSize > 0 {
		c.stream.Consume(c.r.wholeSize)
	}
	return false
}

func (c *h2Client) reply(status int, fields, body []byte, _ bool) (goesOn bool) {
	r := c.r
	r.answer = r.appendOwnHead(r.answer[:0], status, fields, len(body))
	end := r.isHead || len(body) == 0
	if err := c.stream.WriteResponse(r.answer, end); err == nil && !end {
		_ = c.stream.SendLast(body, nil)
	}
	return false
}

// abort resets the stream. Clients of gRPC take CANCEL, after their deadline, for DEADLINE_EXCEEDED.
func (c *h2Client) abort() {
	if c.r.hasty && c.r.late() {
		c.stream.Reset(http2.Cancel)
		return
	}
	c.stream.Abort()
}

func (c *h2Client) leave() { c.stream.Abort() }

func (c *h2Client) switched() (upstream.Tunnel, error) {
	return c.stream, c.stream.WriteResponse(c.r.answer, false)
}
