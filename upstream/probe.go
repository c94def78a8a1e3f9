package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"

	"tain.dev/tain/route"
)

// ask asks a server once whether it is well, over a connection of its own: so that a server that
// takes no more connections is found out, too.
func (c *Cluster) ask(ctx context.Context, s *Server) error {
	switch c.options.Check.Kind {
	case route.CheckTCP:
		return c.askTCP(ctx, s)
	case route.CheckGRPC:
		return c.askGRPC(ctx, s)
	}
	return c.askHTTP(ctx, s)
}

// dial connects to a server. Where it expects a PROXY header, it gets one that says that the
// connection is tain's own.
func (c *Cluster) dial(ctx context.Context, s *Server) (net.Conn, error) {
	network, address := "tcp", s.Addr.AddrPort.String()
	if s.Addr.Path != "" {
		network, address = "unix", s.Addr.Path
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if header := proxyHeaders[c.options.ProxyProtocol]; header != "" {
		if _, err := io.WriteString(conn, header); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// proxyHeaders are the PROXY headers without addresses, by version.
var proxyHeaders = [3]string{1: "PROXY UNKNOWN\r\n", 2: "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"}

// protocol is what a check of the upstream speaks.
func (c *Cluster) protocol() string {
	if c.address.HTTP2 || c.options.Check.Kind == route.CheckGRPC {
		return protocolHTTP2
	}
	return protocolHTTP1
}

func (c *Cluster) askTCP(ctx context.Context, s *Server) error {
	conn, err := c.dial(ctx, s)
	if err != nil {
		return err
	}
	defer conn.Close()
	conf, err := s.TLS(c.protocol())
	if err != nil || conf == nil {
		return err
	}
	return tls.Client(conn, conf).HandshakeContext(ctx)
}

// askHTTP wants an answer with one of the statuses that the check names.
func (c *Cluster) askHTTP(ctx context.Context, s *Server) error {
	r, err := c.request(ctx, s, http.MethodGet, c.options.Check.Path, nil)
	if err != nil {
		return err
	}
	return c.roundTrip(s, r, func(answer *http.Response) error {
		for _, good := range c.options.Check.Statuses {
			if good.From <= answer.StatusCode && answer.StatusCode <= good.To {
				return nil
			}
		}
		return fmt.Errorf("it answers %s with %d", c.options.Check.Path, answer.StatusCode)
	})
}

// request is one that a check sends to a server.
func (c *Cluster) request(ctx context.Context, s *Server, method, path string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.Scheme()+"://"+s.origin.authority(c.address.TLS)+path, body)
	if err != nil {
		return nil, err
	}
	if c.options.Check.Host != "" {
		r.Host = c.options.Check.Host
	}
	r.Header.Set("User-Agent", "tain health check")
	r.Close = c.protocol() == protocolHTTP1
	return r, nil
}

// maxCheckHead bounds the head of an answer to a check, in bytes.
const maxCheckHead = 64 << 10

// roundTrip sends a request to a server, and gives the answer to read.
func (c *Cluster) roundTrip(s *Server, r *http.Request, read func(*http.Response) error) error {
	conf, err := s.TLS(c.protocol())
	if err != nil {
		return err
	}
	var speaks http.Protocols
	speaks.SetHTTP1(c.protocol() == protocolHTTP1)
	speaks.SetHTTP2(!speaks.HTTP1() && conf != nil)
	speaks.SetUnencryptedHTTP2(!speaks.HTTP1() && conf == nil)
	t := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx, s) },
		TLSClientConfig:        conf,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxCheckHead,
		Protocols:              &speaks,
	}
	defer t.CloseIdleConnections()
	answer, err := t.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return read(answer)
}
