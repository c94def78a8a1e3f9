package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// server is a listener's configuration: a fixed one, which hands each handshake on to the current
// one.
type server struct {
	base    *tls.Config // what files do not change
	pairs   []*kept
	ca      *kept // nil without client certificates
	current atomic.Pointer[tls.Config]

	// Guarded by Store.mu. tickets owns the keys of session tickets, which crypto/tls makes and
	// rotates daily; it is used for nothing else. It is of the authorities in trusts: a client that
	// came with a certificate of theirs must not come back by its ticket when they have changed.
	tickets *tls.Config
	trusts  *content
}

// newServer makes a listener's configuration. The caller holds s.mu.
func (s *Store) newServer(l Listener) (*tls.Config, user, error) {
	base, err := l.base()
	if err != nil {
		return nil, user{}, err
	}
	v := &server{base: base}
	var all []*kept
	for i, p := range l.Certificates {
		if p.Cert == "" || p.Key == "" {
			return nil, user{}, fmt.Errorf("certificate %d needs both cert and key, the files of a certificate and of its private key", i+1)
		}
		k, err := s.keep(files{cert: p.Cert, key: p.Key})
		if err != nil {
			return nil, user{}, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		v.pairs = append(v.pairs, k)
	}
	all = append(all, v.pairs...)
	if l.ClientCA != "" {
		if v.ca, err = s.keep(files{cert: l.ClientCA}); err != nil {
			return nil, user{}, fmt.Errorf("clientCA: %w", err)
		}
		all = append(all, v.ca)
	}
	v.reload()
	conf := base.Clone()
	conf.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return v.current.Load(), nil }
	return conf, user{kept: all, reload: v.reload}, nil
}

// base is what the settings say apart from files.
func (l Listener) base() (*tls.Config, error) {
	if len(l.Certificates) == 0 {
		return nil, errors.New("no certificates; name the files of at least one")
	}
	conf := &tls.Config{
		NextProtos:   l.ALPN,
		CipherSuites: forwardSecret(),
		// The proxy writes large pieces, and small first records cost more than they bring.
		DynamicRecordSizingDisabled: true,
	}
	if len(conf.NextProtos) == 0 {
		conf.NextProtos = []string{"h2", "http/1.1"}
	}
	if i := slices.IndexFunc(conf.NextProtos, func(p string) bool { return p == "" || len(p) > 255 }); i >= 0 {
		return nil, fmt.Errorf("alpn %q has no length from 1 to 255", conf.NextProtos[i])
	}
	switch l.MinVersion {
	case "", "1.2":
		conf.MinVersion = tls.VersionTLS12
	case "1.3":
		conf.MinVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf(`minVersion %q is neither "1.2" nor "1.3"`, l.MinVersion)
	}
	switch l.ClientAuth {
	case AuthNone:
	case AuthOptional:
		conf.ClientAuth = tls.VerifyClientCertIfGiven
	case AuthRequired:
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil, fmt.Errorf("clientAuth %q is neither %s nor %s", l.ClientAuth, AuthOptional, AuthRequired)
	}
	if (l.ClientAuth != AuthNone) != (l.ClientCA != "") {
		return nil, fmt.Errorf("clientAuth %q and clientCA %q need each other; set both or neither", l.ClientAuth, l.ClientCA)
	}
	return conf, nil
}

// forwardSecret lists the suites of TLS 1.2 with forward secrecy and authenticated encryption. Those
// of TLS 1.3 all have both, and can't be chosen.
func forwardSecret() []uint16 {
	var ids []uint16
	for _, suite := range tls.CipherSuites() {
		aead := strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_POLY1305_")
		if aead && strings.HasPrefix(suite.Name, "TLS_ECDHE_") {
			ids = append(ids, suite.ID)
		}
	}
	return ids
}

// reload makes the current configuration of what the files hold now.
func (v *server) reload() {
	var trusts *content
	if v.ca != nil {
		trusts = v.ca.now.Load()
	}
	if v.tickets == nil || trusts != v.trusts {
		v.tickets, v.trusts = &tls.Config{}, trusts
	}
	conf := v.base.Clone()
	conf.GetCertificate = newNames(v.pairs).choose
	conf.WrapSession, conf.UnwrapSession = v.tickets.EncryptTicket, v.tickets.DecryptTicket
	if trusts != nil {
		conf.ClientCAs = trusts.pool
	}
	v.current.Store(conf)
}

// names finds certificates by the names that clients ask for, in lower case.
type names struct {
	exact, wildcard map[string][]*tls.Certificate // wildcard without "*."
	first           *tls.Certificate
}

func newNames(pairs []*kept) *names {
	n := &names{exact: map[string][]*tls.Certificate{}, wildcard: map[string][]*tls.Certificate{}, first: pairs[0].now.Load().pair}
	for _, k := range pairs {
		c := k.now.Load()
		for _, name := range c.certs[0].DNSNames {
			name = strings.ToLower(name)
			if rest, ok := strings.CutPrefix(name, "*."); ok {
				n.wildcard[rest] = append(n.wildcard[rest], c.pair)
			} else {
				n.exact[name] = append(n.exact[name], c.pair)
			}
		}
	}
	return n
}

// choose is a GetCertificate of crypto/tls.
func (n *names) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	found := n.exact[name]
	if len(found) == 0 {
		_, rest, _ := strings.Cut(name, ".")
		found = n.wildcard[rest]
	}
	if len(found) == 0 {
		return n.first, nil
	}
	if len(found) > 1 {
		for _, cert := range found {
			if hello.SupportsCertificate(cert) == nil {
				return cert, nil
			}
		}
	}
	return found[0], nil
}
