package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"tain.dev/tain/test/pki"
)

// handshake returns what a client that trusts the root and asks for name says of the certificate.
func handshake(t *testing.T, ca *pki.CA, pair pki.Pair, name string) error {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair.TLS(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			defer c.Close()
			_ = c.(*tls.Conn).Handshake() // the client tells how it ends
		}
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool(), ServerName: name})
	if err == nil {
		c.Close()
	}
	return err
}

func TestCertificates(t *testing.T) {
	ca := pki.New(t)
	f := func(pair pki.Pair, name, want string) {
		t.Helper()
		err := handshake(t, ca, pair, name)
		if want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	f(ca.Issue(t, "a.example", "127.0.0.1"), "a.example", "")
	f(ca.Issue(t, "a.example", "127.0.0.1"), "127.0.0.1", "")
	f(ca.Intermediate(t).Intermediate(t).Issue(t, "*.a.example"), "b.a.example", "")
	f(ca.Issue(t, "b.example"), "a.example", "valid for b.example")
	f(ca.Expired(t, "a.example"), "a.example", "expired")
	f(pki.SelfSigned(t, "a.example"), "a.example", "unknown authority")
	f(pki.New(t).Issue(t, "a.example"), "a.example", "unknown authority")
	f(ca.Client(t, "a.example"), "a.example", "legacy Common Name")
}

func TestClientsOnlyShowClientCertificates(t *testing.T) {
	ca := pki.New(t)
	verify := func(p pki.Pair) error {
		_, err := p.TLS(t).Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
	if err := verify(ca.Client(t, "alice")); err != nil {
		t.Error(err)
	}
	var invalid x509.CertificateInvalidError
	if err := verify(ca.Issue(t, "alice")); !errors.As(err, &invalid) || invalid.Reason != x509.IncompatibleUsage {
		t.Error(err)
	}
}

func TestReplace(t *testing.T) {
	ca := pki.New(t)
	p, other := ca.Issue(t, "a.example"), ca.Issue(t, "b.example")
	p.Replace(t, other)
	if got := p.TLS(t).Leaf.DNSNames[0]; got != "b.example" {
		t.Error(got)
	}
}
