package websocket

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// nonce is the key of RFC 6455, section 1.3.
const nonce = "dGhlIHNhbXBsZSBub25jZQ=="

// client is one end of a tunnel, over whatever carries it.
type client struct {
	t      *testing.T
	status int
	header http.Header // of the answer to the handshake
	in     *bufio.Reader
	out    io.Writer
	ends   func() // sends no more, but goes on reading
	breaks func() // breaks the tunnel
}

// rig is tain before a WebSocket server, with a listener of each kind.
type rig struct {
	*wire.Tain
	tls    string // address of the listener with TLS
	trusts *tls.Config
	dials  int
}

// way is how a handshake gets to tain.
type way struct {
	name string
	// dial sends a handshake with more fields, as text that ends with CRLF.
	dial func(r *rig, t *testing.T, path, fields string) *client
}

var ways = []way{
	{"HTTP 1.1", func(r *rig, t *testing.T, path, fields string) *client {
		return r.dialH1(t, wire.Dial(t, "the client", r.Addr).Conn(), path, fields)
	}},
	{"TLS", func(r *rig, t *testing.T, path, fields string) *client {
		config := r.trusts.Clone()
		config.NextProtos = []string{"http/1.1"}
		return r.dialH1(t, tls.Client(wire.Dial(t, "the client", r.tls).Conn(), config), path, fields)
	}},
	{"HTTP 2", func(r *rig, t *testing.T, path, fields string) *client {
		return r.dialH2(t, "http", r.Addr, path, fields)
	}},
	{"HTTP 2 over TLS", func(r *rig, t *testing.T, path, fields string) *client {
		return r.dialH2(t, "https", r.tls, path, fields)
	}},
}

// start starts tain before live, with more settings of the proxy.
func start(t *testing.T, live, target, settings string) *rig {
	t.Helper()
	ca := pki.New(t)
	pair := ca.Issue(t, "127.0.0.1")
	r := &rig{tls: wire.FreeAddr(t), trusts: &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"}}
	r.Tain = wire.StartFile(t, fmt.Sprintf(`
listen:
- $listen
- {address: %q, tls: {certificates: {cert: %q, key: %q}}}
admin: $admin
loops: 1
drain: 1s
data: {dir: "off"}
proxy: {%s}
routes:
- name: all
  backends: %s
  mirrors:
  - {writes: true, targets: %s}
`, r.tls, pair.Cert, pair.Key, settings, live, target))
	return r
}

// dialH1 shakes hands over a connection of HTTP/1.1.
func (r *rig) dialH1(t *testing.T, conn net.Conn, path, fields string) *client {
	t.Helper()
	r.dials++
	c := &client{t: t, in: bufio.NewReader(conn), out: conn}
	if raw, ok := conn.(*net.TCPConn); ok {
		c.ends = func() { raw.CloseWrite() }
		c.breaks = func() { raw.SetLinger(0); raw.Close() }
	} else {
		raw := conn.(*tls.Conn)
		c.ends = func() { raw.CloseWrite() }
		c.breaks = func() { tcp := raw.NetConn().(*net.TCPConn); tcp.SetLinger(0); tcp.Close() }
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	c.send(handshake(path, fields))
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatalf("reading the answer to the handshake: %v", err)
	}
	c.status, c.header = answer.StatusCode, answer.Header
	if c.status == http.StatusSwitchingProtocols {
		if got := c.header.Get("Sec-WebSocket-Accept"); got != accept(nonce) || !strings.EqualFold(c.header.Get("Upgrade"), "websocket") {
			t.Fatalf("the answer to the handshake is %v", c.header)
		}
	}
	return c
}

func handshake(path, fields string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + nonce + "\r\n" + fields + "\r\n"
}

// send sends bytes.
func (c *client) send(bytes string) {
	c.t.Helper()
	if _, err := io.WriteString(c.out, bytes); err != nil {
		c.t.Fatalf("sending %d bytes: %v", len(bytes), err)
	}
}

// sends sends frames, all in one write.
func (c *client) sends(frames ...frame) {
	c.t.Helper()
	var all []byte
	for _, f := range frames {
		all = appendFrame(all, f)
	}
	c.send(string(all))
}

// gets gets frames of a server.
func (c *client) gets(frames ...frame) {
	c.t.Helper()
	for i, want := range frames {
		want.bare = true
		got, err := readFrame(c.in)
		if err != nil || got != want {
			c.t.Fatalf("frame %d of %d is %v and %v, want %v", i+1, len(frames), got, err, want)
		}
	}
}

// seesEnd gets nothing but the end of the tunnel.
func (c *client) seesEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
		c.t.Fatalf("got %.100q and %v, want the end of the tunnel", rest, err)
	}
}

// seesBreak gets nothing but an end of the tunnel, or that it is broken.
func (c *client) seesBreak() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || errors.Is(err, context.DeadlineExceeded) {
		c.t.Fatalf("got %.100q and %v, want that the tunnel breaks", rest, err)
	}
}

// leaves closes the tunnel properly, from the client's side.
func (c *client) leaves() {
	c.t.Helper()
	bye := frame{op: shut, payload: closing(1000, "")}
	c.sends(bye)
	c.gets(bye)
	c.ends()
	c.seesEnd()
}

// isClosedWith gets a close frame, answers it, and sees the end.
func (c *client) isClosedWith(code int) {
	c.t.Helper()
	got, err := readFrame(c.in)
	if err != nil || got.op != shut || len(got.payload) < 2 || got.payload[:2] != closing(code, "") {
		c.t.Fatalf("got %v and %v, want to be closed with %d", got, err, code)
	}
	c.sends(frame{op: shut, payload: got.payload})
	c.ends()
	c.seesEnd()
}
