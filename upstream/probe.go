package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

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

// connect makes a connection that is as secure as those of requests are.
func (c *Cluster) connect(ctx context.Context, s *Server) (net.Conn, error) {
	conf, err := s.TLS(c.protocol())
	if err != nil {
		return nil, err
	}
	conn, err := c.dial(ctx, s)
	if err != nil || conf == nil {
		return conn, err
	}
	secured := tls.Client(conn, conf)
	err = secured.HandshakeContext(ctx)
	if err == nil && c.protocol() == protocolHTTP2 && secured.ConnectionState().NegotiatedProtocol != protocolHTTP2 {
		err = errNoH2
	}
	if err != nil {
		conn.Close()
		return nil, &HandshakeError{s.Addr, err}
	}
	return secured, nil
}

func (c *Cluster) askTCP(ctx context.Context, s *Server) error {
	conn, err := c.connect(ctx, s)
	if err == nil {
		conn.Close()
	}
	return err
}

// askHTTP wants an answer with one of the statuses that the check names.
func (c *Cluster) askHTTP(ctx context.Context, s *Server) error {
	r, err := c.request(ctx, s, http.MethodGet, c.options.Check.Path, nil)
	if err != nil {
		return err
	}
	read := func(answer *http.Response) error {
		for _, good := range c.options.Check.Statuses {
			if good.From <= answer.StatusCode && answer.StatusCode <= good.To {
				return nil
			}
		}
		return fmt.Errorf("it answers %s with %d", c.options.Check.Path, answer.StatusCode)
	}
	if c.protocol() == protocolHTTP2 {
		return c.roundTrip2(s, r, read)
	}
	return c.roundTrip1(s, r, read)
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

// maxCheckHead bounds the heads of an answer to a check, in bytes.
const maxCheckHead = 64 << 10

// roundTrip1 sends a request to a server by HTTP/1.1, and gives the answer to read. It uses no
// http.Transport, because that one writes what servers send out of turn to the standard log.
func (c *Cluster) roundTrip1(s *Server, r *http.Request, read func(*http.Response) error) error {
	conn, err := c.connect(r.Context(), s)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(r.Context(), func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if err := r.Write(conn); err != nil {
		return err
	}
	from := bufio.NewReader(io.LimitReader(conn, maxCheckHead))
	for {
		answer, err := http.ReadResponse(from, r)
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return read(answer)
		}
	}
}

// roundTrip2 does so by HTTP/2.
func (c *Cluster) roundTrip2(s *Server, r *http.Request, read func(*http.Response) error) error {
	var speaks http.Protocols
	speaks.SetHTTP2(c.address.TLS)
	speaks.SetUnencryptedHTTP2(!c.address.TLS)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return c.connect(ctx, s) }
	t := &http.Transport{
		DialContext:            dial,
		DialTLSContext:         dial,
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
