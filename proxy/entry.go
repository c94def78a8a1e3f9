package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/proxyproto"
)

// Entry says how the connections of a listener begin.
type Entry struct {
	TLS           *tls.Config // nil is cleartext
	ProxyProtocol bool        // each begins with a PROXY header, which tells the user's address
	NoHTTP2       bool        // only HTTP/1.1 is spoken
}

// session is what is known of a user's connection.
type session struct {
	entry    *Entry
	begun    bool  // the PROXY header, the handshake and the choice of the version are behind it
	requests int   // that began
	seat     *seat // where connections per client are limited
}

// open decides about a new connection.
func (l *lane) open(c *netloop.Conn, e *Entry) bool {
	if n := l.p.clients.Add(1); l.p.cfg.MaxConns > 0 && n > int64(l.p.cfg.MaxConns) {
		l.p.clients.Add(-1)
		l.note(reasonMaxConns, "", errMaxConns(l.p.cfg.MaxConns))
		return false
	}
	s := &session{entry: e}
	if !e.ProxyProtocol && !l.sit(s, c) {
		l.p.clients.Add(-1)
		return false
	}
	c.OnClose, c.Data = l.closed, s
	c.SetLimit(l.p.cfg.MaxHead)
	c.SetDeadline(l.p.cfg.IdleTimeout)
	return true
}

func (l *lane) acceptFailed(err error) { l.note(reasonAccept, "", err) }

// serve is the handler of users' connections: bytes are there. It runs in a coroutine.
func (l *lane) serve(c *netloop.Conn) {
	s := c.Data.(*session)
	if !s.begun {
		version, err := l.begin(c, s.entry)
		if err != nil {
			l.beginFailed(c, err)
			return
		}
		s.begun = true
		if version == 2 {
			http2.Serve(c, &l.http2, l.stream)
			return
		}
	}
	l.serve1(c)
}

// begin does what comes before the first request, and tells the version of HTTP.
func (l *lane) begin(c *netloop.Conn, e *Entry) (version int, err error) {
	if e.ProxyProtocol {
		if err := l.readProxyHeader(c); err != nil {
			return 0, err
		}
	}
	if e.TLS != nil {
		if err := c.Secure(e.TLS, true, l.p.cfg.HandshakeTimeout); err != nil {
			return 0, &handshakeError{err}
		}
		if c.TLS().NegotiatedProtocol == "h2" {
			return 2, nil
		}
	}
	for !e.NoHTTP2 {
		is, more := http2.IsPreface(c.Buffered())
		if is {
			return 2, nil
		}
		if !more {
			return 1, nil
		}
		if err := c.Fill(); err != nil {
			return 0, err
		}
		c.SetDeadline(l.p.cfg.HeadTimeout)
	}
	return 1, nil
}

// readProxyHeader takes the user's address from the PROXY header.
func (l *lane) readProxyHeader(c *netloop.Conn) error {
	for {
		h, n, err := proxyproto.Parse(c.Buffered())
		if err == nil {
			c.Consume(n)
			if !h.Local {
				c.SetPeer(h.Source)
			}
			if !l.sit(c.Data.(*session), c) {
				return errSeat
			}
			return nil
		}
		if err != proxyproto.ErrMore {
			return &proxyHeaderError{err}
		}
		if err := c.Fill(); err != nil {
			return err
		}
		c.SetDeadline(l.p.cfg.HeadTimeout)
	}
}

type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return fmt.Sprintf("TLS handshake: %v", e.err) }

type proxyHeaderError struct{ err error }

func (e *proxyHeaderError) Error() string {
	return fmt.Sprintf("PROXY header: %v; a listener with proxyProtocol takes connections only from a balancer that sends it", e.err)
}

// beginFailed ends a connection before its first request. Who connects and says nothing is not worth
// a word.
func (l *lane) beginFailed(c *netloop.Conn, err error) {
	var handshake *handshakeError
	var header *proxyHeaderError
	switch {
	case errors.As(err, &handshake):
		l.note(reasonHandshake, "", err)
	case errors.As(err, &header):
		l.note(reasonProxyHeader, "", err)
	case err == errSeat: // noted already
	case errors.Is(err, netloop.ErrTimeout) && len(c.Buffered()) > 0:
		l.note(reasonRefused, "", errSlowHead)
	}
	c.Close()
}
