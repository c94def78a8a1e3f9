package tlsconf

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/test/pki"
)

// logbook is a log that a test can read.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since the last call.
func (l *logbook) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func newStore() (*Store, *logbook) {
	l := &logbook{}
	return NewStore(slog.New(slog.NewTextHandler(l, nil))), l
}

// paths makes the pair that the settings want.
func paths(p pki.Pair) Pair { return Pair(p) }

func mustServer(t testing.TB, s *Store, l Listener) *tls.Config {
	t.Helper()
	conf, err := s.Server(l)
	return held(t, conf, err)
}

func mustClient(t testing.TB, s *Store, c Client, host string, alpn ...string) *tls.Config {
	t.Helper()
	conf, err := s.Client(c, host, alpn...)
	return held(t, conf, err)
}

// held keeps a configuration from being forgotten until the test ends.
func held(t testing.TB, conf *tls.Config, err error) *tls.Config {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runtime.KeepAlive(conf) })
	return conf
}

// ends are the two ends of an open connection.
type ends struct{ client, server *tls.Conn }

func (e ends) close() {
	e.client.Close()
	e.server.Close()
}

// connect makes a connection over TCP. A byte goes over it, since a client of TLS 1.3 learns only
// then that its certificate is refused, and gets its session tickets.
func connect(t testing.TB, server, client *tls.Config) (ends, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	e := ends{tls.Client(near, client), tls.Server(far, server)}
	done := make(chan error, 1)
	go func() {
		_, err := e.server.Write([]byte("x"))
		if err != nil {
			far.Close()
		}
		done <- err
	}()
	_, err = io.ReadFull(e.client, make([]byte, 1))
	if err != nil {
		near.Close()
	}
	if serverErr := <-done; err == nil && serverErr != nil {
		t.Fatalf("the client got a byte, and the server %v", serverErr)
	}
	return e, err
}

// shake makes a connection and closes it. It returns what each end knows of it.
func shake(t testing.TB, server, client *tls.Config) (ofClient, ofServer tls.ConnectionState, err error) {
	t.Helper()
	e, err := connect(t, server, client)
	defer e.close()
	return e.client.ConnectionState(), e.server.ConnectionState(), err
}

// trusting is a client that trusts an authority, and knows nothing of this package.
func trusting(ca *pki.CA, name string) *tls.Config {
	return &tls.Config{RootCAs: ca.Pool(), ServerName: name}
}

func wants(t testing.TB, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v; want %q", what, err, want)
	}
}

func readFileText(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
