package upstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// TestStatusSaysWhyNoConnectionIsMade of a server that is left out for it.
func TestStatusSaysWhyNoConnectionIsMade(t *testing.T) {
	self := pki.SelfSigned(t, "127.0.0.1")
	f := func(scheme, at, says string) {
		t.Helper()
		r := newRig(t, nil, urlOf(scheme, at, newByHand(t).addr), &route.Options{Outlier: route.Outlier{Failures: 1}})
		first := r.cluster.Servers()[0]
		r.in(func() { r.pool.of(first).take(anyone()) })
		wire.Until(t, scheme+": the server is left out", func() bool { return !first.well() })
		got := r.cluster.status().Servers[0]
		if want := "1 requests in a row failed, the last one: no connection ("; !strings.HasPrefix(got.Why, want) || !strings.Contains(got.Why, says) {
			t.Errorf("%s: the status says %q, want %q", scheme, got.Why, says)
		}
	}
	f("https", newSite(t, &self, http.NotFound).addr, "is self-signed and not trusted; set ca")
	f("http", closedPort(t), "connection refused")
}

// TestHandshakesThatFail say why, whatever the version of HTTP that was to follow.
func TestHandshakesThatFail(t *testing.T) {
	ca := pki.New(t)
	f := func(what, at, says string) {
		t.Helper()
		for _, scheme := range []string{"https", "h2"} {
			r := newRig(t, ca, urlOf(scheme, at), nil)
			err := wire.Await(t, r.crowd(1, get("/")), "the request")
			var handshake *HandshakeError
			if !errors.As(err, &handshake) || OutcomeOf(err) != ConnectFailed || !strings.Contains(err.Error(), says) {
				t.Errorf("%s, %s: %v, want one that says %q", what, scheme, err, says)
			}
		}
	}
	with := func(cert pki.Pair) string { return newSite(t, &cert, http.NotFound).addr }
	f("another name", with(ca.Issue(t, "10.0.0.1")), "is for 10.0.0.1, not for 127.0.0.1; set serverName")
	f("expired", with(ca.Expired(t, "127.0.0.1")), "has to be renewed")
	f("self-signed", with(pki.SelfSigned(t, "127.0.0.1")), "is self-signed and not trusted; set ca")
	f("in the clear", newSite(t, nil, http.NotFound).addr, "does not speak TLS at this port; use http:// or h2c://")
	cert := ca.Issue(t, "127.0.0.1").TLS(t)
	for version, says := range map[uint16]string{
		tls.VersionTLS12: "it wants a certificate, for which cert and key are to be set",
		tls.VersionTLS13: "refuses the certificate that tain shows, or wants one", // it comes with the first read
	} {
		conf := &tls.Config{
			Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}, MaxVersion: version, ClientAuth: tls.RequireAnyClientCert,
		}
		f("without a certificate of ours", scripted(t, func(c net.Conn) {
			_ = tls.Server(c, conf).Handshake() // it fails, as the test says
			_, _ = io.Copy(io.Discard, c)
		}), says)
	}
}
