//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"tain.dev/tain/test/pki"
)

// certificate is a pair of PEM files.
type certificate struct{ cert, key string }

// newCertificate writes a new self-signed ECDSA P-256 certificate into dir. Files that are there already
// are replaced, each at once, so that no reader sees half of one.
func newCertificate(dir string) (certificate, error) {
	c := certificate{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	cert, key, err := pki.SelfSignedPEM("localhost", "127.0.0.1")
	if err != nil {
		return c, err
	}
	if err := replaceFile(c.key, key); err != nil {
		return c, err
	}
	return c, replaceFile(c.cert, cert)
}

// replaceFile puts content where path is, at once.
func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// checkTLS holds that a server speaks what the comparison is about: TLS 1.3 with AES-128-GCM, and the
// protocol that is asked for by ALPN.
func checkTLS(addr, protocol string) error {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	c, err := tls.DialWithDialer(dialer, "tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
	if err != nil {
		return fmt.Errorf("TLS with %s: %w", addr, err)
	}
	defer c.Close()
	state := c.ConnectionState()
	if state.Version != tls.VersionTLS13 || state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		return fmt.Errorf("TLS with %s: %s and %s, want TLS 1.3 and TLS_AES_128_GCM_SHA256", addr, tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	}
	if state.NegotiatedProtocol != protocol && (protocol != "http/1.1" || state.NegotiatedProtocol != "") {
		return fmt.Errorf("TLS with %s: the server chose %q, want %q", addr, state.NegotiatedProtocol, protocol)
	}
	return nil
}
