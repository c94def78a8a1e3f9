package netloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"tain.dev/tain/test/pki"
)

// certified is a server's and a client's side of TLS that trust each other.
func certified(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	ca := pki.New(t)
	server = &tls.Config{
		Certificates:                []tls.Certificate{ca.Issue(t, "a.example").TLS(t)},
		NextProtos:                  []string{"h2", "http/1.1"},
		DynamicRecordSizingDisabled: true,
	}
	client = &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example", DynamicRecordSizingDisabled: true}
	return server, client
}

// secured makes serve run on connections that are secured as conf says. failed, which may be nil,
// hears of handshakes that were not completed.
func securing(conf *tls.Config, serve func(*Conn), failed func(error)) func(*Conn) {
	return func(c *Conn) {
		if c.TLS() == nil {
			if err := c.Secure(conf, true, patience); err != nil {
				if failed != nil {
					failed(err)
				}
				c.Close()
				return
			}
		}
		serve(c)
	}
}

// dialTLS connects with the standard library and shakes hands.
func dialTLS(t testing.TB, addr netip.AddrPort, conf *tls.Config) *tls.Conn {
	t.Helper()
	c := tls.Client(dial(t, addr), conf)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecureEcho(t *testing.T) {
	f := func(version uint16) {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			client.MinVersion, client.MaxVersion = version, version
			c := dialTLS(t, r.listen(securing(server, echo, func(err error) { t.Error(err) })), client)
			for _, text := range []string{"a", "hello", strings.Repeat("x", BufferSize), strings.Repeat("y", 3*BufferSize+1)} {
				write(t, c, text)
				expect(t, c, text)
			}
			c.CloseWrite()
			expectEnd(t, c)
		})
	}
	f(tls.VersionTLS12)
	f(tls.VersionTLS13)
}

// TestSecureEchoStream sends much through little: both sides park in turn, and nothing may be lost.
func TestSecureEchoStream(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	raw, tcp := r.pair(securing(server, echo, nil), false)
	theirs := tls.Client(tcp, client)
	sent := make([]byte, 8<<20)
	random := rand.NewChaCha8([32]byte{3})
	random.Read(sent)
	go func() {
		for p := sent; len(p) > 0; {
			n := min(len(p), 1+int(random.Uint64()%50000))
			if _, err := theirs.Write(p[:n]); err != nil {
				t.Errorf("write: %v", err)
			}
			p = p[n:]
		}
		theirs.CloseWrite()
	}()
	got, err := io.ReadAll(theirs)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
	r.until("it is closed", raw.Closed)
	r.on(func() {
		if in, out := raw.TakeTraffic(); in != uint64(len(sent)) || out != uint64(len(sent)) {
			t.Errorf("%d bytes in, %d out, want %d of each: those that are not encrypted", in, out, len(sent))
		}
		if len(r.outboxes) == 0 {
			t.Error("the queue was not given back")
		}
	})
}

// TestSecureBothSides has a loop at both ends.
func TestSecureBothSides(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	client.NextProtos = []string{"http/1.1"}
	addr := r.listen(securing(server, func(c *Conn) {
		if state := c.TLS(); state.ServerName != "a.example" || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("the server has %q, %q", state.ServerName, state.NegotiatedProtocol)
		}
		echo(c)
	}, nil))
	r.in(func() {
		c, err := r.Dial(tcp(addr), patience)
		if err != nil {
			t.Error(err)
			return
		}
		if c.TLS() != nil {
			t.Error("a cleartext connection has TLS")
		}
		if err := c.Secure(client, false, patience); err != nil {
			t.Error(err)
			return
		}
		if state := c.TLS(); state.NegotiatedProtocol != "http/1.1" || !state.HandshakeComplete || state.Version != tls.VersionTLS13 || c.TLS() != state {
			t.Errorf("the client has %+v", state)
		}
		if c.timer.at != 0 {
			t.Error("the deadline of the handshake goes on")
		}
		if err := c.Send2([]byte("hello, "), []byte("world")); err != nil {
			t.Error(err)
		}
		for len(c.Buffered()) < 12 {
			if err := c.Fill(); err != nil {
				t.Errorf("fill: %v", err)
				return
			}
		}
		if string(c.Buffered()) != "hello, world" {
			t.Errorf("read %q", c.Buffered())
		}
		c.CloseWrite()
		c.Consume(12)
		if err := c.Fill(); err != io.EOF {
			t.Errorf("fill: %v, want the end", err)
		}
		c.Close()
	})
}

var _ = errors.Is
var _ net.Conn
var _ = unix.EPIPE
