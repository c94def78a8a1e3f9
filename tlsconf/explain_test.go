package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
)

// explains makes a connection that fails, and checks the sentence about it. want may hold * for what
// differs from run to run.
func explains(t *testing.T, server, client *tls.Config, want string) {
	t.Helper()
	_, _, err := shake(t, server, client)
	if err == nil {
		t.Errorf("no error; want %s", want)
		return
	}
	saying(t, fmt.Errorf("connecting to a backend: %w", err), want)
}

func saying(t *testing.T, err error, want string) {
	t.Helper()
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, ".+") + "$"
	if got := Explain(err); !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("%v is explained as\n%s\nwant\n%s", err, got, want)
	}
}

func TestExplainCertificates(t *testing.T) {
	ca := pki.New(t)
	s, _ := newStore()
	trusts := mustClient(t, s, Client{CA: ca.File}, "a.example")
	f := func(p pki.Pair, want string) {
		t.Helper()
		explains(t, serving(t, p), trusts, want)
	}
	f(ca.Issue(t, "b.example"), "the backend's certificate is for b.example, not for a.example; set serverName to a name that it has")
	f(ca.Issue(t, "b1", "b2", "b3", "b4", "b5", "b6", "127.0.0.1"), "the backend's certificate is for b1, b2, b3, b4, b5 and 2 more, not for a.example; set serverName to a name that it has")
	f(ca.Client(t, "a.example"), "the backend's certificate names no host at all, and so not a.example; it has to be issued with subject alternative names")
	f(ca.Make(t, pki.Leaf{Names: []string{"a.example"}, NotBefore: time.Now().AddDate(0, 0, -2), NotAfter: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)}),
		"the backend's certificate has expired on 2020-02-03 04:05 UTC; it has to be renewed")
	f(ca.Make(t, pki.Leaf{Names: []string{"a.example"}, NotBefore: time.Now().Add(time.Hour)}),
		"the backend's certificate is not valid before * UTC; check this machine's clock")
	f(pki.SelfSigned(t, "a.example"), `the backend's certificate, "CN=a.example", is self-signed and not trusted; set ca to a file with it`)
	f(pki.New(t).Issue(t, "a.example"),
		`the backend's certificate is from an authority, "CN=Test Root *", that is not trusted; set ca to a file with the authority's certificate, or let the backend send its intermediates`)
}

func TestExplainPeers(t *testing.T) {
	ca := pki.New(t)
	s, _ := newStore()
	backend := serving(t, ca.Issue(t, "a.example"))
	h2 := mustClient(t, s, Client{CA: ca.File}, "a.example", "h3")
	explains(t, backend, h2, "the backend does not speak the HTTP version asked for; use https:// in its URL for HTTP/1.1, h2:// for HTTP/2")
	old := backend.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	explains(t, old, mustClient(t, s, Client{CA: ca.File}, "a.example"), "the backend speaks no TLS version from 1.2 on")
	strict := backend.Clone()
	strict.ClientAuth, strict.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	explains(t, strict, mustClient(t, s, Client{CA: ca.File}, "a.example"),
		"the backend refuses the certificate that tain shows, or wants one (tls: certificate required); set cert and key to the files of one that it trusts")
	strict12 := strict.Clone()
	strict12.MaxVersion = tls.VersionTLS12
	explains(t, strict12, mustClient(t, s, Client{CA: ca.File}, "a.example"),
		"the backend ends the handshake: it wants a certificate, for which cert and key are to be set, or has no cipher in common with tain")
	stranger := pki.New(t).Client(t, "tain")
	explains(t, strict, mustClient(t, s, Client{CA: ca.File, Cert: stranger.Cert, Key: stranger.Key}, "a.example"),
		"the backend refuses the certificate that tain shows, or wants one (tls: *); set cert and key to the files of one that it trusts")
}

func TestExplainCleartext(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		_, _ = far.Read(make([]byte, 4096))
		_, _ = io.WriteString(far, "HTTP/1.1 400 Bad Request\r\n\r\n")
	}()
	saying(t, tls.Client(near, &tls.Config{ServerName: "a.example"}).Handshake(), "the backend does not speak TLS at this port; use http:// or h2c:// in its URL")
}

func TestExplainOthers(t *testing.T) {
	saying(t, errors.New("no route to host"), "no route to host")
	saying(t, io.EOF, "EOF")
	saying(t, &net.OpError{Op: "dial", Err: errors.New("bad certificate")}, "dial: bad certificate")
	saying(t, &net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, "remote error: tls: internal error")
	saying(t, &net.OpError{Op: "remote error", Err: errors.New("tls: unrecognized name")},
		"the backend serves no host of the name asked for; set serverName to one that it serves")
	saying(t, x509.SystemRootsError{Err: errors.New("gone")},
		"the certificates of the system's authorities can't be read (gone); install them, or set ca to a file with the backend's")
	saying(t, x509.UnknownAuthorityError{}, "the backend's certificate is from an authority that is not trusted; set ca *")
	saying(t, x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}, "the backend's certificate is not meant for servers; *")
	saying(t, x509.CertificateInvalidError{Reason: x509.TooManyIntermediates}, "x509: too many intermediates *")
	saying(t, errors.New("a\x1b[31mb\nc"), "a?[31mb?c")
}

func TestExplainAuthorityThatExpired(t *testing.T) {
	ca := pki.New(t)
	ca.Cert.NotAfter = time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	saying(t, x509.CertificateInvalidError{Cert: ca.Cert, Reason: x509.Expired},
		`the certificate of the backend's authority, "CN=Test Root *", has expired on 2020-02-03 04:05 UTC; it has to be renewed`)
}
