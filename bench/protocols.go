//go:build linux

package main

import (
	"fmt"
	"slices"
)

// secured is what a comparison over TLS has in common for all contenders.
type secured struct {
	certificate
	protocol string // by ALPN: http/1.1 or h2
}

func (b *bench) secured(protocol string) (*secured, error) {
	c, err := newCertificate(b.dir)
	return &secured{c, protocol}, err
}

// nginx is how a listener of nginx speaks TLS here. Go's server prefers AES-128-GCM whatever the
// client does, nginx goes by the client, so it gets to offer nothing else.
func (t *secured) nginx(listen string) string {
	return fmt.Sprintf("listen ADDR ssl%s; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;", listen, t.cert, t.key)
}

func (t *secured) tain() []string { return []string{"--tls-cert", t.cert, "--tls-key", t.key} }

// checked starts a contender that must speak TLS as all others do.
func (t *secured) checked(start func() (*server, error)) func() (*server, error) {
	return func() (*server, error) {
		s, err := start()
		if err != nil {
			return nil, err
		}
		return s, checkTLS(s.addr, t.protocol)
	}
}

// tls compares what a request of HTTP/1.1 over TLS costs.
func (b *bench) tls() error {
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	t, err := b.secured("http/1.1")
	if err != nil {
		return err
	}
	nginx := &contender{name: "nginx", start: t.checked(func() (*server, error) { return b.nginxListening(t.nginx(""), live.addr, "") })}
	tain := &contender{name: "tain", start: t.checked(func() (*server, error) {
		return b.tain(live.addr, slices.Concat(t.tain(), []string{"--to", "http://" + target.addr, "--percent", "0"})...)
	})}
	if err := b.compete(wrkTLS, []*contender{nginx, tain}); err != nil {
		return err
	}
	b.report.add(nginx.row(nginx, limit{}), tain.row(nginx, limit{Must: 1.1, Aim: 0.8}))
	b.report.note("TLS 1.3, AES-128-GCM, ECDSA P-256, the same certificate; cleartext to the upstream. The ratio is to nginx in the same round. Spread: smallest and largest round.")
	return nil
}

// h2c compares what a request of HTTP/2 in cleartext costs.
func (b *bench) h2c() error { return b.multiplexed(h2loadPlain, nil) }

// h2 compares what a request of HTTP/2 over TLS costs.
func (b *bench) h2() error {
	t, err := b.secured("h2")
	if err != nil {
		return err
	}
	return b.multiplexed(h2loadTLS, t)
}

// multiplexed compares nginx and tain, plain and mirroring, with HTTP/2 to the client and HTTP/1.1 to
// the upstream; over TLS unless t is nil.
func (b *bench) multiplexed(g generator, t *secured) error {
	if err := installed("h2load"); err != nil {
		return err
	}
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	listen, flags := "listen ADDR http2;", []string{"--to", "http://" + target.addr}
	wrap := func(start func() (*server, error)) func() (*server, error) { return start }
	if t != nil {
		listen, flags, wrap = t.nginx(" http2"), slices.Concat(flags, t.tain()), t.checked
	}
	nginx := &contender{name: "nginx", start: wrap(func() (*server, error) { return b.nginxListening(listen, live.addr, "") })}
	tain := &contender{name: "tain", start: wrap(func() (*server, error) {
		return b.tain(live.addr, slices.Concat(flags, []string{"--percent", "0"})...)
	})}
	mirrored := &contender{name: "tain, 100 % mirrored and compared", target: target, start: wrap(func() (*server, error) {
		return b.watchedTain(live.addr, flags...)
	})}
	if err := b.compete(g, []*contender{nginx, tain, mirrored}); err != nil {
		return err
	}
	b.report.add(nginx.row(nginx, limit{}), tain.row(nginx, limit{Must: 1.5, Aim: 1.0}), mirrored.row(nginx, limit{Must: 2.2, Aim: 1.5}))
	b.report.note("4 connections with 16 streams each, HTTP/1.1 keep-alive to the upstream. The ratio is to nginx, which does not mirror, in the same round. Spread: smallest and largest round.")
	return nil
}
