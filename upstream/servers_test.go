package upstream

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// site is an HTTP server that counts its connections.
type site struct {
	addr  string // host:port
	conns atomic.Int32
	open  atomic.Int32
}

// newSite serves handler over every version of HTTP, with TLS if there is a certificate. Each of
// change, which may be none, is called before it starts.
func newSite(t testing.TB, cert *pki.Pair, handler http.HandlerFunc, change ...func(*http.Server)) *site {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newSiteOn(t, ln, cert, handler, change...)
}

func newSiteOn(t testing.TB, ln net.Listener, cert *pki.Pair, handler http.HandlerFunc, change ...func(*http.Server)) *site {
	t.Helper()
	s := &site{addr: ln.Addr().String()}
	srv := httptest.NewUnstartedServer(handler)
	srv.Listener.Close()
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetHTTP2(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Listener = countingListener{ln, s}
	if cert != nil {
		srv.EnableHTTP2 = true
		srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert.TLS(t)}}
	}
	for _, c := range change {
		c(srv.Config)
	}
	if cert != nil {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return s
}

type countingListener struct {
	net.Listener
	site *site
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.site.conns.Add(1)
	l.site.open.Add(1)
	return &countedConn{Conn: c, site: l.site}, nil
}

type countedConn struct {
	net.Conn
	site   *site
	closed atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.site.open.Add(-1)
	}
	return c.Conn.Close()
}

// expectConns holds how many connections a site has had.
func (s *site) expectConns(t testing.TB, what string, want int32) {
	t.Helper()
	if n := s.conns.Load(); n != want {
		t.Errorf("%s, the server has had %d connections, want %d", what, n, want)
	}
}

// byHand is a server whose connections the test serves itself.
type byHand struct {
	testing.TB
	addr     string
	accepted chan *net.TCPConn
}

func newByHand(t testing.TB) *byHand {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	s := &byHand{t, ln.Addr().String(), make(chan *net.TCPConn, 100)}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(patience))
			t.Cleanup(func() { c.Close() })
			s.accepted <- c.(*net.TCPConn)
		}
	}()
	return s
}

// next is the connection that was made first of those that the test has not got yet.
func (s *byHand) next() *far {
	s.Helper()
	c := wire.Await(s.TB, s.accepted, "a connection")
	return &far{s.TB, c, bufio.NewReader(c)}
}

// far is the server's end of a connection.
type far struct {
	testing.TB
	*net.TCPConn
	in *bufio.Reader
}

func (f *far) write(text string) {
	f.Helper()
	if _, err := io.WriteString(f.TCPConn, text); err != nil {
		f.Fatal(err)
	}
}

// expect reads text.
func (f *far) expect(text string) {
	f.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(f.in, got); err != nil || string(got) != text {
		f.Fatalf("the server got %q, %v, want %q", got[:n], err, text)
	}
}

// expectEnd reads how the client ended the connection, and what came before.
func (f *far) expectEnd(before string, reset bool) {
	f.Helper()
	rest, err := io.ReadAll(f.in)
	if string(rest) != before || (err != nil) != reset {
		f.Errorf("the server got %q, and %v; want %q, and a reset: %v", rest, err, before, reset)
	}
}

// newServing is a server on a loop of its own, which runs serve for each connection.
func newServing(t testing.TB, serve func(*netloop.Conn)) string {
	t.Helper()
	ln, err := netloop.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() }) // when the loop has ended
	r := newRig(t, nil, "http://nowhere", nil)
	r.in(func() {
		err = r.loop.Accept(ln, func(*netloop.Conn) bool { return true }, serve, func(err error) { t.Error(err) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return ln.Addr().String()
}

// closedPort is an address that refuses connections, and that nobody else gets meanwhile.
func closedPort(t testing.TB) string {
	t.Helper()
	at, _ := boundPort(t)
	return at
}

// boundPort is a socket at an address, which does not listen yet.
func boundPort(t testing.TB) (at string, fd int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port), fd
}

// closedPorts are n addresses that refuse connections.
func closedPorts(t testing.TB, n int) (all []string) {
	for range n {
		all = append(all, closedPort(t))
	}
	return all
}
