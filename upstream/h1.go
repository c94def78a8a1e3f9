package upstream

import (
	"io"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
)

// h1 is a [Carrier] over an HTTP/1.1 connection. It is kept as long as the connection.
type h1 struct {
	conns *conns
	conn  *netloop.Conn

	rest   Rest
	sent   bool // the whole request was sent
	head   int  // bytes of the head that ReadHead returned last
	keep   bool // the answer's head lets the connection go on
	closed bool // the server sends no more, and that ends the body
	status int
	body   http1.Decoder
	chunk  []byte        // what was sent last of a body in chunks
	at     int64         // when the loan began; -1 without one
	within time.Duration // as SetDeadline was told
}

// keptChunk is the capacity up to which the memory of a chunk is kept while the connection is idle.
const keptChunk = 4 << 10

func (h *h1) begin(at int64) {
	h.conn.SetDeadline(0)
	h.sent, h.keep, h.closed, h.head, h.status, h.at = false, false, false, 0, 0, at
}

func (h *h1) Send(head, body []byte, rest Rest) error {
	h.rest = rest
	if rest == RestChunked && len(body) > 0 {
		if err := h.conn.Send(head); err != nil {
			return h.overdue(err, noTaking)
		}
		return h.SendBody(body, false, nil)
	}
	if err := h.conn.Send2(head, body); err != nil {
		return h.overdue(err, noTaking)
	}
	h.sent = rest == RestNone
	return nil
}

func (h *h1) SendBody(p []byte, done bool, trailer []byte) error {
	if h.rest == RestChunked {
		h.chunk = http1.AppendChunk(h.chunk[:0], p)
		if done {
			h.chunk = http1.AppendLastChunk(h.chunk, trailer)
		}
		p = h.chunk
	}
	if err := h.conn.Send(p); err != nil {
		return h.overdue(err, noTaking)
	}
	h.sent = done
	return nil
}

func (h *h1) ReadHead(r *http1.Response, method []byte) error {
	h.conn.Consume(h.head)
	h.head = 0
	scanned := 0
	for {
		if n := http1.HeadEnd(h.conn.Buffered(), &scanned); n > 0 {
			h.head = n
			return r.Parse(h.conn.Buffered()[:n], method)
		}
		if err := r.Early(h.conn.Buffered()); err != nil {
			if other := h.conns.otherThanHTTP1(h.conn.Buffered()); other != nil {
				return other
			}
			return err
		}
		if err := h.conn.Fill(); err == io.EOF {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return h.overdue(h.conns.late(err), noAnswer)
		}
	}
}

func (h *h1) StartBody(r *http1.Response) {
	h.body.Reset(&r.Head)
	h.keep, h.status = r.KeepAlive && !r.Upgrade, r.Status
	h.conn.Consume(h.head)
	h.head = 0
}

func (h *h1) Body() (data []byte, n int, done bool, err error) {
	data, n, done, err = h.body.Next(h.conn.Buffered())
	return data, n, done || h.closed, err
}

func (h *h1) Consume(n int) { h.conn.Consume(n) }

func (h *h1) Fill() error {
	switch err := h.conn.Fill(); err {
	case nil:
		return nil
	case io.EOF:
		h.closed = true
		return h.body.Close()
	default:
		return h.overdue(err, noMore)
	}
}

func (h *h1) Trailer() []byte { return h.body.Trailer() }

func (h *h1) SetDeadline(d time.Duration) {
	h.within = d
	h.conn.SetDeadline(d)
}

func (h *h1) overdue(err error, what string) error { return h.conns.overdue(err, what, h.within) }

func (h *h1) Wait() error { return h.conn.Wait() }

func (h *h1) Tunnel() Tunnel { return h.conn }

func (h *h1) Server() *Server { return h.conns.server }

func (h *h1) Release() {
	h.ended(outcomeOf(h.status))
	switch {
	case !h.sent:
		h.conn.Abort() // it got a part of a request
	case h.keep:
		if cap(h.chunk) > keptChunk {
			h.chunk = nil
		}
		h.conns.put(h)
	default:
		h.conn.Close()
	}
}

func (h *h1) Abort(o Outcome) {
	h.ended(o)
	if h.sent {
		h.conn.Close()
	} else {
		h.conn.Abort() // it got a part of a request
	}
}

func (h *h1) Cut() { h.conn.Abort() }

// ended reports the outcome of the loan, once.
func (h *h1) ended(o Outcome) {
	if h.at >= 0 {
		h.conns.pool.ended(h.conns.server, o, h.at)
		h.at = -1
	}
}
