package upstream

import (
	"fmt"

	"tain.dev/tain/netloop"
	"tain.dev/tain/tlsconf"
)

// HandshakeError is a connection that was made, but not secured.
type HandshakeError struct {
	Addr netloop.Addr
	Err  error
}

// Error says why, and what to set where that helps.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("TLS handshake with %s: %s", e.Addr, tlsconf.Explain(e.Err))
}

func (e *HandshakeError) Unwrap() error { return e.Err }

// late makes an error that came with the first read the one of the handshake that it is: in TLS 1.3, a
// server looks at a certificate only when the client takes the handshake for done.
func (k *conns) late(err error) error {
	if tlsconf.RefusesCertificate(err) {
		return &HandshakeError{k.server.Addr, err}
	}
	return err
}
