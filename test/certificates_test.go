package test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// TestQuickStartOfTwoNames gives the quick start two certificates; the name that a user asks for
// selects one, and who asks for another name gets the first.
func TestQuickStartOfTwoNames(t *testing.T) {
	ca := pki.New(t)
	shop, blog := ca.Issue(t, "shop.example.com"), ca.Issue(t, "blog.example.com")
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr,
		"--tls-cert", shop.Cert, "--tls-key", shop.Key, "--tls-cert", blog.Cert, "--tls-key", blog.Key)
	f := func(asked, want string) {
		t.Helper()
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", p.Addr, &tls.Config{RootCAs: ca.Pool(), ServerName: asked, InsecureSkipVerify: asked != want})
		if err != nil {
			t.Fatalf("asking for %s: %v", asked, err)
		}
		defer c.Close()
		if got := c.ConnectionState().PeerCertificates[0].DNSNames[0]; got != want {
			t.Errorf("who asks for %s gets the certificate of %s, want %s", asked, got, want)
		}
	}
	f("shop.example.com", "shop.example.com")
	f("blog.example.com", "blog.example.com")
	f("other.example.com", "shop.example.com")
	p.Stop(t)
}
