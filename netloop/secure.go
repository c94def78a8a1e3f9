package netloop

import (
	"crypto/tls"
	"errors"
	"time"
)

// Secure makes c a TLS connection.
func (c *Conn) Secure(conf *tls.Config, server bool, timeout time.Duration) error {
	return errors.New("TLS is not there yet")
}

// TLS says what the handshake has agreed on; nil for a cleartext connection.
func (c *Conn) TLS() *tls.ConnectionState { return nil }
