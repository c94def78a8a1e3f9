package tlsconf

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"strings"
	"testing"

	"tain.dev/tain/test/pki"
)

func TestNameSelectsCertificate(t *testing.T) {
	ca := pki.New(t)
	s, _ := newStore()
	conf := mustServer(t, s, Listener{Certificates: []Pair{
		paths(ca.Issue(t, "first.example")),
		paths(ca.Issue(t, "*.b.example", "b.example")),
		paths(ca.Issue(t, "exact.b.example")),
		paths(ca.Issue(t, "*.c.b.example", "Upper.Example")),
	}})
	f := func(name, want string) {
		t.Helper()
		got, _, err := shake(t, conf, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil || got.PeerCertificates[0].DNSNames[0] != want {
			t.Errorf("%s gets the certificate of %v, %v; want %s", name, got.PeerCertificates[0].DNSNames, err, want)
		}
	}
	f("first.example", "first.example")
	f("x.b.example", "*.b.example")
	f("b.example", "*.b.example")
	f("EXACT.b.example", "exact.b.example")
	f("x.c.b.example", "*.c.b.example")
	f("x.y.b.example", "first.example")
	f("upper.example", "*.c.b.example")
	f("other.example", "first.example")
	f("example", "first.example")
	f("127.0.0.1", "first.example") // no SNI
}

func TestKeyThatTheClientCanUse(t *testing.T) {
	ca := pki.New(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := newStore()
	conf := mustServer(t, s, Listener{Certificates: []Pair{
		paths(ca.Issue(t, "a.example")),
		paths(ca.Make(t, pki.Leaf{Names: []string{"a.example"}, Key: key})),
	}})
	f := func(suite uint16) {
		t.Helper()
		old := trusting(ca, "a.example")
		old.MaxVersion, old.CipherSuites = tls.VersionTLS12, []uint16{suite}
		if got, _, err := shake(t, conf, old); err != nil || got.CipherSuite != suite {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), err)
		}
	}
	f(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
	f(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
}

func TestVersionsAndProtocols(t *testing.T) {
	ca := pki.New(t)
	pair := []Pair{paths(ca.Issue(t, "a.example"))}
	s, _ := newStore()
	f := func(l Listener, change func(*tls.Config), wantProtocol, wantErr string) {
		t.Helper()
		l.Certificates = pair
		c := trusting(ca, "a.example")
		change(c)
		got, _, err := shake(t, mustServer(t, s, l), c)
		wants(t, "handshake", err, wantErr)
		if err == nil && got.NegotiatedProtocol != wantProtocol {
			t.Errorf("protocol %q, want %q", got.NegotiatedProtocol, wantProtocol)
		}
	}
	offer := func(protocols ...string) func(*tls.Config) {
		return func(c *tls.Config) { c.NextProtos = protocols }
	}
	version := func(max uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, max }
	}
	f(Listener{}, offer(), "", "")
	f(Listener{}, offer("http/1.1", "h2"), "h2", "")
	f(Listener{}, offer("http/1.1"), "http/1.1", "")
	f(Listener{}, offer("spdy/3"), "", "no application protocol")
	f(Listener{ALPN: []string{"http/1.1"}}, offer("h2", "http/1.1"), "http/1.1", "")
	f(Listener{}, version(tls.VersionTLS13), "", "")
	f(Listener{}, version(tls.VersionTLS12), "", "")
	f(Listener{}, version(tls.VersionTLS11), "", "protocol version not supported")
	f(Listener{MinVersion: "1.2"}, version(tls.VersionTLS12), "", "")
	f(Listener{MinVersion: "1.3"}, version(tls.VersionTLS12), "", "protocol version not supported")
	f(Listener{}, func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	}, "", "handshake failure")
}

func TestForwardSecret(t *testing.T) {
	ids := forwardSecret()
	for _, id := range ids {
		if name := tls.CipherSuiteName(id); !strings.Contains(name, "ECDHE") || strings.Contains(name, "CBC") {
			t.Errorf("%s is let in", name)
		}
	}
	if len(ids) < 6 {
		t.Errorf("only %d suites", len(ids))
	}
}

func TestClientCertificates(t *testing.T) {
	ca, clients := pki.New(t), pki.New(t)
	pair := []Pair{paths(ca.Issue(t, "a.example"))}
	s, _ := newStore()
	alice, stranger, late := clients.Client(t, "alice"), pki.New(t).Client(t, "mallory"), clients.Expired(t, "alice")
	f := func(auth string, shows *pki.Pair, want string) {
		t.Helper()
		c := trusting(ca, "a.example")
		if shows != nil {
			cert := shows.TLS(t)
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}
		l := Listener{Certificates: pair, ClientAuth: auth}
		if auth != "" {
			l.ClientCA = clients.File
		}
		_, got, err := shake(t, mustServer(t, s, l), c)
		wants(t, auth, err, want)
		if err == nil && (len(got.VerifiedChains) > 0) != (auth != "" && shows != nil) {
			t.Errorf("%s: %d verified chains", auth, len(got.VerifiedChains))
		}
	}
	f(AuthNone, nil, "")
	f(AuthNone, &stranger, "")
	f(AuthOptional, nil, "")
	f(AuthOptional, &alice, "")
	f(AuthOptional, &stranger, "unknown certificate authority")
	f(AuthOptional, &late, "expired certificate")
	f(AuthRequired, nil, "certificate required")
	f(AuthRequired, &alice, "")
	f(AuthRequired, &stranger, "unknown certificate authority")
}

func TestRefusedListeners(t *testing.T) {
	ca := pki.New(t)
	good := paths(ca.Issue(t, "a.example"))
	s, _ := newStore()
	f := func(l Listener, want string) {
		t.Helper()
		_, err := s.Server(l)
		wants(t, "Server", err, want)
		if len(s.Status()) > 0 {
			t.Error("files of a listener that was refused are kept")
		}
	}
	f(Listener{}, "no certificates")
	f(Listener{Certificates: []Pair{{Cert: "a"}}}, "certificate 1 needs both cert and key")
	f(Listener{Certificates: []Pair{good, {"/no/cert", "/no/key"}}}, "certificate 2: open /no/cert: no such file")
	pair := []Pair{good}
	f(Listener{Certificates: pair, MinVersion: "1.1"}, `minVersion "1.1"`)
	f(Listener{Certificates: pair, ALPN: []string{""}}, `alpn ""`)
	f(Listener{Certificates: pair, ClientAuth: "maybe"}, `clientAuth "maybe" is neither optional nor required`)
	f(Listener{Certificates: pair, ClientAuth: AuthRequired}, "need each other")
	f(Listener{Certificates: pair, ClientCA: ca.File}, "need each other")
	f(Listener{Certificates: pair, ClientAuth: AuthRequired, ClientCA: good.Key}, "clientCA: "+good.Key+" holds a private key and no certificate")
}

// resumes says whether a connection resumed the session of an earlier one.
func resumes(t *testing.T, server, client *tls.Config) bool {
	t.Helper()
	state, _, err := shake(t, server, client)
	if err != nil {
		t.Fatal(err)
	}
	return state.DidResume
}

func TestTickets(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ca := pki.New(t)
		pair := ca.Issue(t, "a.example")
		s, _ := newStore()
		conf := mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
		c := trusting(ca, "a.example")
		c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(1)
		if resumes(t, conf, c) {
			t.Error("the first connection resumes")
		}
		if !resumes(t, conf, c) {
			t.Error("the second connection does not resume")
		}
		pair.Replace(t, ca.Issue(t, "a.example"))
		s.Reload()
		if !resumes(t, conf, c) {
			t.Error("a new certificate forgets sessions")
		}
		other := mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}, MinVersion: "1.2"})
		if resumes(t, other, c) {
			t.Error("another listener takes the ticket")
		}
	}
}

func TestTicketsEndWithTheAuthority(t *testing.T) {
	ca, clients, others := pki.New(t), pki.New(t), pki.New(t)
	pair := ca.Issue(t, "a.example")
	s, _ := newStore()
	conf := mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}, ClientCA: clients.File, ClientAuth: AuthOptional})
	c := trusting(ca, "a.example")
	c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	c.Certificates = []tls.Certificate{clients.Client(t, "alice").TLS(t)}
	resumes(t, conf, c)
	if !resumes(t, conf, c) {
		t.Fatal("no session is resumed")
	}
	pair.Replace(t, ca.Issue(t, "a.example"))
	s.Reload()
	if !resumes(t, conf, c) {
		t.Error("a new certificate forgets sessions")
	}
	// The authority is still trusted, but no longer alone.
	writeFile(t, clients.File, append(readFileText(t, clients.File), readFileText(t, others.File)...))
	s.Reload()
	if resumes(t, conf, c) {
		t.Error("a session outlives a change of clientCA")
	}
	writeFile(t, clients.File, readFileText(t, others.File))
	s.Reload()
	if state, ofServer, err := shake(t, conf, c); err != nil || state.DidResume || len(ofServer.PeerCertificates) > 0 {
		// A client does not show a certificate of an authority that was not asked for.
		t.Errorf("resumed %v, %d certificates, %v", state.DidResume, len(ofServer.PeerCertificates), err)
	}
}

func TestOpenConnectionsKeepTheirCertificate(t *testing.T) {
	ca := pki.New(t)
	pair := ca.Issue(t, "a.example", "old")
	s, _ := newStore()
	conf := mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
	old, err := connect(t, conf, trusting(ca, "a.example"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.close()
	pair.Replace(t, ca.Issue(t, "a.example", "new"))
	s.Reload()
	state, _, err := shake(t, conf, trusting(ca, "a.example"))
	if err != nil || state.PeerCertificates[0].DNSNames[1] != "new" {
		t.Errorf("a new connection sees %v, %v", state.PeerCertificates[0].DNSNames, err)
	}
	if _, err := old.client.Write([]byte("y")); err != nil {
		t.Error(err)
	}
	if n, err := old.server.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the open connection: %d, %v", n, err)
	}
}
