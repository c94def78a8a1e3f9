package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
)

// sessionsKept bounds the sessions of one configuration that can be resumed. They are found by name, so
// that one would do, or by address where no name is checked.
const sessionsKept = 16

// newClient makes the configuration of connections to a backend. The caller holds s.mu.
func (s *Store) newClient(c Client, host string, alpn []string) (conf *tls.Config, u user, err error) {
	name := c.ServerName
	if name == "" {
		name = host
	}
	if name == "" && !c.Insecure {
		return nil, user{}, fmt.Errorf("%w; set serverName, as its URL has no host", ErrNoName)
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, user{}, errors.New("cert and key need each other; set both or neither")
	}
	conf = &tls.Config{
		ServerName:                  name,
		NextProtos:                  alpn,
		MinVersion:                  tls.VersionTLS12,
		InsecureSkipVerify:          c.Insecure,
		DynamicRecordSizingDisabled: true, // as on listeners
	}
	var identity *kept
	if c.Cert != "" {
		k, err := s.keep(files{cert: c.Cert, key: c.Key})
		if err != nil {
			return nil, user{}, fmt.Errorf("cert: %w", err)
		}
		identity, u.kept = k, append(u.kept, k)
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return k.now.Load().pair, nil }
	}
	if c.CA != "" {
		ca, err := s.keep(files{cert: c.CA})
		if err != nil {
			return nil, user{}, fmt.Errorf("ca: %w", err)
		}
		u.kept = append(u.kept, ca)
		if !c.Insecure {
			// crypto/tls can't be told of new authorities, so that its own check makes room for one
			// that does the same with the latest. It is also made when a session is resumed.
			conf.InsecureSkipVerify = true
			conf.VerifyConnection = func(state tls.ConnectionState) error { return verify(state, ca.now.Load().pool, name) }
		}
	}
	conf.ClientSessionCache = &sessions{identity: identity}
	return conf, u, nil
}

// verify checks a server's certificate as crypto/tls does, and returns the same errors.
func verify(state tls.ConnectionState, roots *x509.CertPool, name string) error {
	certs := state.PeerCertificates
	opts := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, cert := range certs[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if _, err := certs[0].Verify(opts); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: certs, Err: err}
	}
	return nil
}

// sessions is a cache of sessions, of the certificate that tain shows: a resumed session would go on
// with the old one.
type sessions struct {
	identity *kept // nil if tain shows none

	mu    sync.Mutex
	of    *content
	cache tls.ClientSessionCache
}

func (s *sessions) current() tls.ClientSessionCache {
	s.mu.Lock()
	defer s.mu.Unlock()
	var now *content
	if s.identity != nil {
		now = s.identity.now.Load()
	}
	if s.cache == nil || s.of != now {
		s.cache, s.of = tls.NewLRUClientSessionCache(sessionsKept), now
	}
	return s.cache
}

// Get returns a session to resume.
func (s *sessions) Get(key string) (*tls.ClientSessionState, bool) { return s.current().Get(key) }

// Put adds a session, or removes one if it is nil.
func (s *sessions) Put(key string, session *tls.ClientSessionState) { s.current().Put(key, session) }
