package upstream

import (
	"time"

	"tain.dev/tain/http1"
)

// Carrier carries one request to a server and its answer back: over an HTTP/1.1 connection that it
// has to itself, or over a stream of an HTTP/2 one. [Pool.Take] lends it, Release or Abort ends the
// loan. It belongs to its loop. One coroutine may send the request while another one reads the
// answer.
type Carrier interface {
	// Send sends the head of a request, which is text of HTTP/1.1 with all that belongs to the hop
	// and the empty line, and body, which is the whole body where rest is [RestNone].
	Send(head, body []byte, rest Rest) error
	// SendBody sends more of the body; done says that it is the last part. trailer holds field
	// lines, each with its CRLF.
	SendBody(p []byte, done bool, trailer []byte) error
	// ReadHead waits for the next head of the answer, an interim (1xx) or the final one. It is valid
	// until the next ReadHead or StartBody.
	ReadHead(h *http1.Response, method []byte) error
	// StartBody ends the use of the final head h.
	StartBody(h *http1.Response)
	// Body returns what is here of the answer's body, of which n bytes are to be consumed, and
	// whether it ends with that. Data is valid until Consume or Fill.
	Body() (data []byte, n int, done bool, err error)
	// Consume drops n bytes.
	Consume(n int)
	// Fill waits until there is more of the body.
	Fill() error
	// Trailer returns the trailer lines of a body that is done.
	Trailer() []byte
	// SetDeadline ends every wait with [netloop.ErrTimeout] after d; 0 is never.
	SetDeadline(d time.Duration)
	// Wait parks the running coroutine until it is woken by another one, or the server is gone, or
	// the deadline passes.
	Wait() error
	// Tunnel is what the connection has become after an upgrade.
	Tunnel() Tunnel
	// Release gives back a carrier whose answer was read whole, or which was a tunnel. What can't be
	// used again is closed.
	Release()
	// Abort ends the loan in the middle, so that the server can't take what it got for something
	// complete.
	Abort(o Outcome)
	// Cut resets the connection or the stream, which ends every wait. The loan goes on until Abort.
	Cut()
	// Server is who answers.
	Server() *Server
}

// Tunnel is a connection that carries bytes both ways. [netloop.Conn] is one.
type Tunnel interface {
	Buffered() []byte
	Consume(n int)
	Fill() error
	Send(p []byte) error
	CloseWrite()
	Abort()
	SetDeadline(d time.Duration)
}

// Rest says how a request's body goes on behind what was sent with the head.
type Rest uint8

// What may follow.
const (
	RestNone    Rest = iota // nothing
	RestLength              // as much as Content-Length says
	RestChunked             // it ends when the last part says so
)
