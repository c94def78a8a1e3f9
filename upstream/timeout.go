package upstream

import (
	"errors"
	"fmt"
	"time"

	"tain.dev/tain/netloop"
)

// timeoutError is something that a server did not do in time, in words. It unwraps to
// [netloop.ErrTimeout].
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }

func (e *timeoutError) Unwrap() error { return netloop.ErrTimeout }

// unconnected says of an error of connecting, or of a handshake, how long that might take, if it is that it
// took too long.
func (k *conns) unconnected(err error, a *Ask) error {
	if !errors.Is(err, netloop.ErrTimeout) {
		return err
	}
	setting := "proxy.connectTimeout"
	if k.pool.cluster.options.ConnectTimeout > 0 {
		setting = "its connectTimeout"
	}
	return &timeoutError{fmt.Sprintf("not done within %s (%s); see that the backend runs and no firewall is in between, or raise it", k.timeout(a), setting)}
}

// What a server can fail to do in time.
const (
	noAnswer = "gave no answer"
	noMore   = "sent no more of its answer"
	noTaking = "took no more of the request"
)

// overdue says of an error of a carrier who did not do what within d, if it is that it took too long.
func (k *conns) overdue(err error, what string, d time.Duration) error {
	if !errors.Is(err, netloop.ErrTimeout) {
		return err
	}
	return &timeoutError{fmt.Sprintf("the backend %s %s within %s (the shortest of responseTimeout, the route's timeouts and the user's deadline); see what keeps it, or raise them",
		k.server.Addr, what, d)}
}
