package websocket

//lint:file-ignore SA1019 http.Transport refuses the pseudo-header :protocol.

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// dialH2 shakes hands by extended CONNECT, and returns the status as that of HTTP/1.1.
func (r *rig) dialH2(t *testing.T, scheme, addr, path, fields string) *client {
	t.Helper()
	r.dials++
	config := r.trusts.Clone()
	config.NextProtos = []string{"h2"}
	transport := &http2.Transport{AllowHTTP: true, TLSClientConfig: config, DisableCompression: true}
	if scheme == "http" {
		transport.DialTLSContext = func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			return net.Dial(network, addr)
		}
	}
	t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, errors.New("the tunnel took 20 s"))
	t.Cleanup(cancel)
	body, out := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, "CONNECT", scheme+"://"+addr+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}}
	for line := range strings.Lines(fields) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		request.Header.Add(name, value)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatalf("the handshake: %v", err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	c := &client{t: t, status: answer.StatusCode, header: answer.Header, in: bufio.NewReader(answer.Body), out: out}
	c.ends, c.breaks = func() { out.Close() }, func() { answer.Body.Close() } // resets the stream
	if c.status == http.StatusOK {
		c.status = http.StatusSwitchingProtocols
		for _, name := range []string{"Upgrade", "Connection", "Sec-WebSocket-Accept"} {
			if c.header.Get(name) != "" {
				t.Errorf("the answer has %s: %s, which HTTP/2 does not have", name, c.header.Get(name))
			}
		}
	}
	return c
}
