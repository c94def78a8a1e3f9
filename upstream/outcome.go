package upstream

import (
	"errors"
	"net/http"
	"slices"
	"syscall"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
)

// Outcome is how a request to a server ended, as far as it tells something of the server.
type Outcome uint8

// The outcomes.
const (
	OK            Outcome = iota // an answer, whose status is below 500 or 501
	ServerError                  // an answer of 500, or of 505 and above
	GatewayError                 // an answer of 502, 503 or 504
	ConnectFailed                // no connection, or no TLS on it
	Reset                        // the connection ended, or carried what is not HTTP, before the answer was whole
	TimedOut                     // no answer in time
	Ignored                      // it says nothing of the server: the user left, a limit refused it, or the server did not begin with it
)

var outcomeNames = [...]string{
	OK:            "answered",
	ServerError:   "answered with a server error",
	GatewayError:  "answered with 502, 503 or 504",
	ConnectFailed: "no connection",
	Reset:         "connection broken",
	TimedOut:      "no answer in time",
	Ignored:       "ended by the user or a limit",
}

// String says it for people.
func (o Outcome) String() string { return outcomeNames[o] }

// notTheirs are errors that are not the server's: the user's, and this machine's when it has no
// descriptors, ports or memory left. To blame servers for those would be to lose them, too.
var notTheirs = []error{
	netloop.ErrCanceled, netloop.ErrGuard, ErrUnresolved, errConns,
	syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM,
}

// OutcomeOf is what an error of a [Carrier] or of [Pool.Take] says of the server.
func OutcomeOf(err error) Outcome {
	var dial *netloop.DialError
	var handshake *HandshakeError
	switch {
	case err == nil:
		return OK
	case slices.ContainsFunc(notTheirs, func(e error) bool { return errors.Is(err, e) }), http2.Unprocessed(err):
		return Ignored
	case errors.As(err, &dial), errors.As(err, &handshake):
		return ConnectFailed
	case errors.Is(err, netloop.ErrTimeout):
		return TimedOut
	}
	return Reset
}

// outcomeOf is what a status says of the server. 501 says that it is well and does not know the
// method.
func outcomeOf(status int) Outcome {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return GatewayError
	case http.StatusNotImplemented:
		return OK
	}
	if status >= 500 {
		return ServerError
	}
	return OK
}
