package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"

	"tain.dev/tain/test/pki"
)

// serving is a server that knows nothing of this package.
func serving(t testing.TB, p pki.Pair) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.TLS(t)}, NextProtos: []string{"h2", "http/1.1"}}
}

func TestBackendCertificates(t *testing.T) {
	ca := pki.New(t)
	s, _ := newStore()
	own, self := Client{CA: ca.File}, pki.SelfSigned(t, "a.example")
	f := func(c Client, host string, p pki.Pair, want string) {
		t.Helper()
		state, _, err := shake(t, serving(t, p), mustClient(t, s, c, host))
		wants(t, host, err, want)
		var refused *tls.CertificateVerificationError
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: the error is a %T", host, err)
		}
		if err == nil && state.Version != tls.VersionTLS13 {
			t.Errorf("%s: version %x", host, state.Version)
		}
	}
	f(own, "a.example", ca.Issue(t, "a.example"), "")
	f(own, "a.example.", ca.Issue(t, "a.example"), "")
	f(own, "127.0.0.1", ca.Issue(t, "127.0.0.1"), "")
	f(own, "::1", ca.Issue(t, "::1"), "")
	f(own, "x.a.example", ca.Intermediate(t).Issue(t, "*.a.example"), "")
	f(own, "a.example", ca.Issue(t, "b.example"), "valid for b.example, not a.example")
	f(own, "127.0.0.1", ca.Issue(t, "127.0.0.2"), "127.0.0.2, not 127.0.0.1")
	f(own, "a.example", ca.Expired(t, "a.example"), "expired")
	f(own, "a.example", self, "unknown authority")
	f(own, "a.example", pki.New(t).Issue(t, "a.example"), "unknown authority")
	f(own, "a.example", ca.Client(t, "a.example"), "Common Name")
	f(Client{}, "a.example", ca.Issue(t, "a.example"), "unknown authority")
	f(Client{CA: self.Cert}, "a.example", self, "")
	f(Client{CA: ca.File, ServerName: "b.example"}, "a.example", ca.Issue(t, "b.example"), "")
	f(Client{CA: ca.File, ServerName: "b.example"}, "a.example", ca.Issue(t, "a.example"), "not b.example")
	f(Client{Insecure: true}, "a.example", self, "")
	f(Client{Insecure: true}, "", ca.Expired(t, "b.example"), "")
	f(Client{Insecure: true, CA: ca.File}, "a.example", self, "")
}

// TestNotForServers holds that the check with own authorities asks for what crypto/tls asks for.
func TestNotForServers(t *testing.T) {
	ca := pki.New(t)
	wrong := ca.Make(t, pki.Leaf{Names: []string{"127.0.0.1"}, Client: true})
	s, _ := newStore()
	conf := mustClient(t, s, Client{CA: ca.File}, "127.0.0.1")
	cert := wrong.TLS(t)
	err := conf.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}})
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) {
		t.Error(err)
	}
}

func TestServerNameAndProtocols(t *testing.T) {
	ca := pki.New(t)
	s, _ := newStore()
	f := func(c Client, host string, alpn []string, wantName, wantProtocol string) {
		t.Helper()
		c.CA = ca.File
		_, got, err := shake(t, serving(t, ca.Issue(t, "a.example", "127.0.0.1")), mustClient(t, s, c, host, alpn...))
		if err != nil || got.ServerName != wantName || got.NegotiatedProtocol != wantProtocol {
			t.Errorf("%s: the server sees %q and %q, %v", host, got.ServerName, got.NegotiatedProtocol, err)
		}
	}
	f(Client{}, "a.example", nil, "a.example", "")
	f(Client{}, "a.example", []string{"h2"}, "a.example", "h2")
	f(Client{}, "a.example", []string{"http/1.1"}, "a.example", "http/1.1")
	f(Client{ServerName: "a.example"}, "other", nil, "a.example", "")
	f(Client{}, "127.0.0.1", nil, "", "")
}

func TestRefusedClients(t *testing.T) {
	ca := pki.New(t)
	good := ca.Client(t, "tain")
	s, _ := newStore()
	f := func(c Client, host, want string) {
		t.Helper()
		_, err := s.Client(c, host)
		wants(t, "Client", err, want)
		if len(s.Status()) > 0 {
			t.Error("files of a client that was refused are kept")
		}
	}
	f(Client{CA: "/no/ca"}, "a.example", "ca: open /no/ca: no such file")
	f(Client{Cert: good.Cert}, "a.example", "cert and key need each other")
	f(Client{Key: good.Key}, "a.example", "cert and key need each other")
	f(Client{Cert: good.Cert, Key: good.Key, CA: "/no/ca"}, "a.example", "/no/ca")
	f(Client{}, "", "no server name")
	if _, err := s.Client(Client{}, ""); !errors.Is(err, ErrNoName) {
		t.Error(err)
	}
}

func TestNewAuthority(t *testing.T) {
	ca, next := pki.New(t), pki.New(t)
	s, _ := newStore()
	conf := mustClient(t, s, Client{CA: ca.File}, "a.example")
	old, renewed := serving(t, ca.Issue(t, "a.example")), serving(t, next.Issue(t, "a.example"))
	resumes(t, old, conf)
	if !resumes(t, old, conf) {
		t.Error("no session is resumed")
	}
	if _, _, err := shake(t, renewed, conf); err == nil {
		t.Error("an authority that is not trusted yet is trusted")
	}
	resumes(t, old, conf)
	writeFile(t, ca.File, readFileText(t, next.File))
	s.Reload()
	if _, _, err := shake(t, renewed, conf); err != nil {
		t.Error(err)
	}
}

// TestResumedSessionIsChecked takes away the authority of a session.
func TestResumedSessionIsChecked(t *testing.T) {
	ca, next := pki.New(t), pki.New(t)
	s, _ := newStore()
	conf, backend := mustClient(t, s, Client{CA: ca.File}, "a.example"), serving(t, ca.Issue(t, "a.example"))
	resumes(t, backend, conf)
	writeFile(t, ca.File, readFileText(t, next.File))
	s.Reload()
	if state, _, err := shake(t, backend, conf); err == nil {
		t.Errorf("the old authority is trusted, resumed %v", state.DidResume)
	}
}

func TestClientCertificate(t *testing.T) {
	ca := pki.New(t)
	identity := ca.Client(t, "first")
	s, _ := newStore()
	conf := mustClient(t, s, Client{CA: ca.File, Cert: identity.Cert, Key: identity.Key}, "a.example")
	backend := serving(t, ca.Issue(t, "a.example"))
	backend.ClientAuth, backend.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	f := func(want string, wantResumed bool) {
		t.Helper()
		_, got, err := shake(t, backend, conf)
		if err != nil || got.PeerCertificates[0].Subject.CommonName != want || got.DidResume != wantResumed {
			t.Errorf("the backend sees %v, resumed %v, %v; want %s", got.PeerCertificates, got.DidResume, err, want)
		}
	}
	f("first", false)
	f("first", true)
	identity.Replace(t, ca.Client(t, "second"))
	f("first", true)
	s.Reload()
	f("second", false)
	f("second", true)
}
