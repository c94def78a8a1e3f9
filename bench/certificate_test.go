//go:build linux

package main

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
)

func TestCertificateIsReplaced(t *testing.T) {
	dir := t.TempDir()
	seen := make(map[string]bool)
	for range 3 {
		c, err := newCertificate(dir)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			t.Fatal(err)
		}
		seen[pair.Leaf.SerialNumber.String()] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d certificates, want 3", len(seen))
	}
}

func TestCheckTLS(t *testing.T) {
	c, err := newCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		t.Fatal(err)
	}
	f := func(conf *tls.Config, protocol, complaint string) {
		t.Helper()
		conf.Certificates = []tls.Certificate{pair}
		err := checkTLS(handshakes(t, conf), protocol)
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("error %v, want %q", err, complaint)
		}
	}
	f(&tls.Config{}, "http/1.1", "")
	f(&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, "h2", "")
	f(&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, "http/1.1", "")
	f(&tls.Config{}, "h2", `chose "", want "h2"`)
	f(&tls.Config{MaxVersion: tls.VersionTLS12}, "http/1.1", "TLS 1.2 and")
}

// handshakes listens, and shakes hands with whoever connects.
func handshakes(t *testing.T, conf *tls.Config) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s := tls.Server(c, conf)
			s.Handshake()
			defer s.Close()
		}
	}()
	return l.Addr().String()
}
