//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"net/http"
)

// protocol is a way to speak HTTP.
type protocol struct {
	name    string
	scheme  string // http or https
	backend string // the scheme of tain's URLs for the same way
	only    func(*http.Protocols, bool)
}

var (
	http1    = protocol{"HTTP/1.1", "http", "http", (*http.Protocols).SetHTTP1}
	http2    = protocol{"HTTP/2 in cleartext", "http", "h2c", (*http.Protocols).SetUnencryptedHTTP2}
	http1TLS = protocol{"HTTP/1.1 over TLS", "https", "https", (*http.Protocols).SetHTTP1}
	http2TLS = protocol{"HTTP/2 over TLS", "https", "h2", (*http.Protocols).SetHTTP2}
)

// connect opens one connection. Unlike what [http.Client] does, a request over it is sent once:
// nothing hides a connection that the server broke.
func (p protocol) connect(ctx context.Context, addr string) (*http.ClientConn, error) {
	t := &http.Transport{
		Protocols:          new(http.Protocols),
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
		DisableCompression: true,
	}
	p.only(t.Protocols, true)
	return t.NewClientConn(ctx, p.scheme, addr)
}
