package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"tain.dev/tain/accesslog"
	"tain.dev/tain/config"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/tlsconf"
	"tain.dev/tain/upstream"
)

// backendTLS is how tain speaks TLS to an upstream.
func (s *system) backendTLS(o *route.Options, host string, alpn ...string) (*tls.Config, error) {
	var c tlsconf.Client
	if o != nil && o.TLS != nil {
		c = tlsconf.Client{CA: o.TLS.CA, ServerName: o.TLS.ServerName, Cert: o.TLS.Cert, Key: o.TLS.Key, Insecure: o.TLS.Insecure}
	}
	return s.certs.Client(c, host, alpn...)
}

// openAccessLog opens the access log, if one is wanted.
func (s *system) openAccessLog(mask *redact.Mask) error {
	c := s.cfg.AccessLog
	if c.Path == "" {
		return nil
	}
	format := c.Format
	if format == config.FormatTemplate {
		format = c.Template
	}
	var err error
	s.access, err = accesslog.New(accesslog.Config{
		Path:   c.Path,
		Format: format,
		Lanes:  s.cfg.Loops,
		Mask:   mask.AppendTarget,
		Warn: func(lost uint64, err error) {
			s.log.Warn("the access log can't be written as it should: its disk is full or slow, or its folder has gone", "path", c.Path, "lost", lost, "err", err)
		},
	})
	if err != nil {
		return environment(fmt.Errorf("access log: %w", err), "--access-log and --access-log-format, or accessLog in the file, say where it is and what it looks like")
	}
	return nil
}

// probe tells of a backend that can't be reached at the start.
func (s *system) probe(routeName string, b route.Backend) {
	cluster, err := s.upstreams.Cluster(b.URL, b.Options)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Proxy.ConnectTimeout)
	defer cancel()
	if err := reach(ctx, cluster); err != nil {
		s.log.Warn("live can't be reached; users get 502 until it can: start it, or change --live, or the backends in the file", "route", routeName, "live", b.URL, "err", err)
	}
}

// reach connects to the first server of an upstream, once its name is resolved.
func reach(ctx context.Context, c *upstream.Cluster) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for len(c.Servers()) == 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("resolving %s: %w", c.Name(), ctx.Err())
		case <-tick.C:
		}
	}
	addr, network := c.Servers()[0].Addr, "tcp"
	text := addr.AddrPort.String()
	if addr.Path != "" {
		network, text = "unix", addr.Path
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, text)
	if err != nil {
		return err
	}
	return conn.Close()
}
