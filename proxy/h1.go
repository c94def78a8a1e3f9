package proxy

import (
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// h1Client is a user's HTTP/1.1 connection.
type h1Client struct {
	r        *request
	netConn  *netloop.Conn
	in       http1.Decoder
	minor    uint8
	keep     bool // the connection can go on with another request, as far as known
	rechunks bool // the answer's body goes to the user in chunks
}

// takeHead consumes the head of the request.
func (c *h1Client) takeHead() {
	in := &c.r.in
	c.minor, c.keep = in.Minor, in.KeepAlive
	s := c.netConn.Data.(*session)
	if s.requests++; s.requests == c.r.lane.p.cfg.MaxRequestsPerConn {
		c.keep = false
	}
	c.in.Reset(&in.Head)
	c.netConn.Consume(in.Size)
}

func (c *h1Client) whole() (body []byte, ok bool) {
	in := &c.r.in
	if in.Body != http1.BodyLength || int64(len(c.netConn.Buffered())) < in.Length {
		return nil, false
	}
	return c.netConn.Buffered()[:in.Length], true
}

func (c *h1Client) body() (data []byte, n int, done bool, err error) {
	return c.in.Next(c.netConn.Buffered())
}

func (c *h1Client) consume(n int)               { c.netConn.Consume(n) }
func (c *h1Client) fill() error                 { return c.netConn.Fill() }
func (c *h1Client) trailer() []byte             { return c.in.Trailer() }
func (c *h1Client) setDeadline(d time.Duration) { c.netConn.SetDeadline(d) }
func (c *h1Client) gone() bool                  { return c.netConn.Closed() }
func (c *h1Client) conn() *netloop.Conn         { return c.netConn }
func (c *h1Client) proto() string {
	if c.minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}
func (c *h1Client) traffic() (in, out uint64) { return c.netConn.TakeTraffic() }

func (c *h1Client) interim() error {
	if c.minor == 0 {
		return nil
	}
	r := c.r
	r.answer = append(r.out.AppendHead(r.answer[:0]), "\r\n"...)
	return c.send(r.answer)
}

func (c *h1Client) send(p []byte) error {
	c.netConn.SetDeadline(c.r.lane.p.cfg.WriteTimeout)
	return c.netConn.Send(p)
}

// begin ends the head with what depends on how the body and the connection go on.
func (c *h1Client) begin() {
	r := c.r
	framed := r.out.Body == http1.BodyLength || r.out.Body == http1.BodyNone
	if r.unread || r.lane.p.draining.Load() || c.minor == 0 && !framed {
		c.keep = false
	}
	// In chunks because it came so, or because its end would else be told only by closing the
	// connection.
	c.rechunks = c.minor > 0 && !framed
	a := r.answer
	if c.rechunks {
		a = append(a, "Transfer-Encoding: chunked\r\n"...)
	}
	switch {
	case !c.keep:
		a = append(a, "Connection: close\r\n"...)
	case c.minor == 0:
		a = append(a, "Connection: keep-alive\r\n"...)
	}
	r.answer = append(a, "\r\n"...)
}

// part sends what stands in r.answer and a part of the body, framed if need be. Small parts are
// gathered until flush.
func (c *h1Client) part(data []byte, done bool, trailer []byte) error {
	r := c.r
	a := r.answer
	if c.rechunks {
		a = http1.AppendChunk(a, data)
		if done {
			a = http1.AppendLastChunk(a, trailer)
		}
		data = nil
	}
	if len(data) <= netloop.MaxCoalesced {
		a = append(a, data...)
		data = nil
	}
	r.answer = a
	if !done && data == nil && len(a) < netloop.MaxCoalesced {
		return nil
	}
	return c.sendGathered(data)
}

// stalls is never known before: the system tells when its buffer is full.
func (c *h1Client) stalls(int) bool { return false }

func (c *h1Client) flush() error { return c.sendGathered(nil) }

func (c *h1Client) sendGathered(data []byte) error {
	r := c.r
	a := r.answer
	r.answer = a[:0]
	if len(a)+len(data) == 0 {
		return nil
	}
	c.netConn.SetDeadline(r.lane.p.cfg.WriteTimeout)
	return c.netConn.Send2(a, data)
}

func (c *h1Client) finish() (goesOn bool) {
	if c.r.wholeSize > 0 {
		c.netConn.Consume(c.r.wholeSize)
	}
	switch {
	case c.keep:
		return true
	case c.r.unread:
		c.linger()
	default:
		c.netConn.CloseWrite()
		c.netConn.Close()
	}
	return false
}

func (c *h1Client) reply(status int, fields, body []byte, last bool) (goesOn bool) {
	r := c.r
	c.keep = c.keep && !last && !r.unread && !r.lane.p.draining.Load()
	a := r.appendOwnHead(r.answer[:0], status, fields, len(body))
	switch {
	case !c.keep:
		a = append(a, "Connection: close\r\n"...)
	case c.minor == 0:
		a = append(a, "Connection: keep-alive\r\n"...)
	}
	a = append(a, "\r\n"...)
	if !r.isHead {
		a = append(a, body...)
	}
	r.answer = a[:0]
	if last || r.unread {
		c.netConn.SetDeadline(lingerTimeout)
		if err := c.netConn.Send(a); err != nil {
			c.netConn.Close()
			return false
		}
		c.linger()
		return false
	}
	if c.send(a) != nil {
		c.netConn.Close()
		return false
	}
	return c.finish()
}

// How long, and for how many bytes, a connection that was answered before its request ended goes
// on being read. Closing it at once would reset it, and the user might lose the answer.
const (
	lingerTimeout = 2 * time.Second
	lingerBytes   = 1 << 20
)

func (c *h1Client) linger() {
	c.netConn.CloseWrite()
	c.netConn.SetDeadline(lingerTimeout)
	for read := 0; read < lingerBytes; {
		n := len(c.netConn.Buffered())
		c.netConn.Consume(n)
		read += n
		if c.netConn.Fill() != nil {
			break
		}
	}
	c.netConn.Close()
}

func (c *h1Client) abort() { c.netConn.Abort() }

func (c *h1Client) leave() { c.netConn.Close() }

func (c *h1Client) switched() (upstream.Tunnel, error) {
	c.r.answer = append(c.r.answer, "\r\n"...)
	return c.netConn, c.send(c.r.answer)
}
