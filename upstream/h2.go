package upstream

import (
	"errors"
	"io"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
)

// h2 is a [Carrier] over a stream of an HTTP/2 connection. It is lent for one request and used again.
type h2 struct {
	conns  *conns
	stream *http2.Stream
	status int
	at     int64         // when the loan began
	within time.Duration // as SetDeadline was told
}

// borrow makes a carrier of a stream.
func (p *Pool) borrow(k *conns, s *http2.Stream, at int64) *h2 {
	var h *h2
	if n := len(p.streams); n > 0 {
		h = p.streams[n-1]
		p.streams[n-1] = nil
		p.streams = p.streams[:n-1]
	} else {
		h = new(h2)
	}
	*h = h2{conns: k, stream: s, at: at}
	return h
}

// end ends the loan, and reports how it went.
func (h *h2) end(o Outcome) {
	k, conn := h.conns, h.stream.Conn()
	h.stream.Close()
	h.stream = nil
	k.pool.ended(k.server, o, h.at)
	k.left(conn)
}

func (h *h2) Send(head, body []byte, rest Rest) error {
	done := rest == RestNone
	if err := h.stream.WriteRequest(head, h.conns.pool.cluster.Scheme(), done && len(body) == 0); err != nil || len(body) == 0 {
		return h.explain(err, noTaking)
	}
	return h.SendBody(body, done, nil)
}

func (h *h2) SendBody(p []byte, done bool, trailer []byte) error {
	if done {
		return h.explain(h.stream.SendLast(p, trailer), noTaking)
	}
	return h.explain(h.stream.Send(p), noTaking)
}

// explain says more of an error, of which what is the meaning if time was up.
func (h *h2) explain(err error, what string) error {
	if err == nil {
		return nil
	}
	return h.conns.overdue(h.conns.explain(h.stream.Conn(), err), what, h.within)
}

func (h *h2) ReadHead(r *http1.Response, method []byte) error {
	if err := h.stream.ReadHead(); err != nil {
		return h.explain(unexpected(err), noAnswer)
	}
	return r.Parse(h.stream.Head(), method)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (h *h2) StartBody(r *http1.Response) { h.status = r.Status }

func (h *h2) Body() (data []byte, n int, done bool, err error) {
	data = h.stream.Buffered()
	return data, len(data), h.stream.Ended(), nil
}

func (h *h2) Consume(n int) { h.stream.Consume(n) }

// Fill may return io.EOF, after which Body says that it is done.
func (h *h2) Fill() error {
	if err := h.stream.Fill(); err != nil && err != io.EOF {
		return h.explain(err, noMore)
	}
	return nil
}

func (h *h2) Trailer() []byte { return h.stream.Trailer() }

func (h *h2) SetDeadline(d time.Duration) {
	h.within = d
	h.stream.SetDeadline(d)
}

func (h *h2) Wait() error { return h.stream.Wait() }

func (h *h2) Tunnel() Tunnel { return h.stream }

func (h *h2) Server() *Server { return h.conns.server }

func (h *h2) Release() {
	h.end(outcomeOf(h.status))
	p := h.conns.pool
	p.streams = append(p.streams, h)
}

// Abort does not make the carrier free for another request: where a handler has panicked, somebody
// may still be at work with it.
func (h *h2) Abort(o Outcome) { h.end(o) }

func (h *h2) Cut() {
	if h.stream != nil { // else it comes too late
		h.stream.Abort()
	}
}
