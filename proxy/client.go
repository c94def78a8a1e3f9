package proxy

import (
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// client is the user's side of a request: an HTTP/1.1 connection, or a stream of an HTTP/2 one. The
// answer's head stands in request.answer, in normal form, when begin is called.
type client interface {
	// takeHead ends the use of the request's head, and begins its body.
	takeHead()
	// whole returns the request's body where all of it is here, and nothing waits behind it.
	whole() (body []byte, ok bool)
	// body returns what is here of the request's body, of which n bytes are to be consumed, and
	// whether it ends with that.
	body() (data []byte, n int, done bool, err error)
	consume(n int)
	fill() error
	trailer() []byte
	setDeadline(d time.Duration) // of waits for the body
	gone() bool
	traffic() (in, out uint64) // bytes since it was last asked
	proto() string
	conn() *netloop.Conn

	// interim sends r.out, a 1xx answer.
	interim() error
	// begin starts the answer of which r.answer holds the head.
	begin()
	// part sends more of the answer's body, or gathers it until flush.
	part(data []byte, done bool, trailer []byte) error
	flush() error
	// stalls says that n more bytes would have to wait for the user.
	stalls(n int) bool
	// finish ends an exchange whose answer was sent whole, and says whether the connection goes on
	// with another request in the same coroutine.
	finish() (goesOn bool)
	// reply gives the user a whole answer of tain's own, whose length field it adds to the fields. last
	// says that nothing more goes over this connection. It returns whether the connection goes on.
	reply(status int, fields, body []byte, last bool) (goesOn bool)
	// abort breaks off an answer so that the user sees that it is not complete.
	abort()
	// leave ends the exchange without an answer.
	leave()
	// switched answers that the protocol is switched, as the head in r.answer says, and returns what
	// carries it.
	switched() (upstream.Tunnel, error)
}
