package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/proxyproto"
	"tain.dev/tain/route"
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
	prepared bool   // the PROXY header and the handshake are behind it, where there are to be any
	begun    bool   // and the choice of the version: it is HTTP/1.1
	requests int    // that began
	seat     *seat  // where connections per client are limited
	subject  string // of the user's certificate, once the access log wanted it

	port        uint16             // that the user connected to; 0 if it is not known yet
	certificate *route.Certificate // of the user, once there was a request
}

// portOf is the port that the user connected to, 0 on a Unix socket.
func (s *session) portOf(c *netloop.Conn) uint16 {
	if s.port == 0 && c.Peer().IsValid() {
		s.port = c.Local().Port()
	}
	return s.port
}

// certificateOf is the user's certificate for rules. The handshake has checked it.
func (s *session) certificateOf(state *tls.ConnectionState) *route.Certificate {
	if s.certificate == nil && len(state.PeerCertificates) > 0 {
		s.certificate = route.NewCertificate(state.PeerCertificates[0])
	}
	return s.certificate
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
	if s.begun {
		l.serve1(c)
		return
	}
	version, err := l.begin(c, s)
	switch {
	case err != nil:
		l.beginFailed(c, err)
	case version == 1:
		s.begun = true
		l.serve1(c)
	case version == 2:
		http2.Serve(c, &l.http2, l.stream)
	default: // as between two requests, it costs no coroutine
		c.SetDeadline(l.p.cfg.IdleTimeout)
		c.Idle()
	}
}

// begin does what comes before the first request, and tells the version of HTTP: 0 where nothing has
// come yet that would tell it.
func (l *lane) begin(c *netloop.Conn, s *session) (version int, err error) {
	if s.prepared {
		return l.version(c, s.entry)
	}
	s.prepared = true
	if s.entry.ProxyProtocol {
		if err := l.readProxyHeader(c, s); err != nil {
			return 0, err
		}
	}
	if s.entry.TLS != nil {
		if err := c.Secure(s.entry.TLS, true, l.p.cfg.HandshakeTimeout); err != nil {
			return 0, &handshakeError{err}
		}
		if c.TLS().NegotiatedProtocol == "h2" {
			return 2, nil
		}
	}
	if (s.entry.ProxyProtocol || s.entry.TLS != nil) && len(c.Buffered()) == 0 {
		return 0, nil
	}
	return l.version(c, s.entry)
}

// version tells it by the first bytes.
func (l *lane) version(c *netloop.Conn, e *Entry) (int, error) {
	if len(c.Buffered()) == 0 {
		if err := c.Fill(); err != nil {
			return 0, err
		}
	}
	c.SetDeadline(l.p.cfg.HeadTimeout)
	for {
		is, more := http2.IsPreface(c.Buffered())
		switch {
		case e.NoHTTP2, !is && !more:
			return 1, nil
		case is:
			return 2, nil
		}
		if err := c.Fill(); err != nil {
			return 0, err
		}
	}
}

// readProxyHeader takes the user's address from the PROXY header.
func (l *lane) readProxyHeader(c *netloop.Conn, s *session) error {
	c.SetDeadline(l.p.cfg.HeadTimeout)
	for {
		h, n, err := proxyproto.Parse(c.Buffered())
		if err == nil {
			c.Consume(n)
			if !h.Local {
				c.SetPeer(h.Source)
				s.port = h.Dest.Port()
			}
			if !l.sit(s, c) {
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
