package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Peer is one end of a connection. Its methods fail the test where something else happens than
// they say. It belongs to the test's goroutine.
type Peer struct {
	t    testing.TB
	name string
	conn *net.TCPConn
}

// Dial connects to addr.
func Dial(t testing.TB, name, addr string) *Peer {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return newPeer(t, name, c.(*net.TCPConn))
}

func newPeer(t testing.TB, name string, c *net.TCPConn) *Peer {
	t.Cleanup(func() { c.Close() })
	return &Peer{t, name, c}
}

// In returns p, which fails that test from now on: a subtest of the one that p was made for.
func (p *Peer) In(t testing.TB) *Peer {
	p.t = t
	return p
}

// Conn is the peer's connection, for what no method does.
func (p *Peer) Conn() *net.TCPConn { return p.conn }

// Sends sends text.
func (p *Peer) Sends(text string) {
	p.t.Helper()
	p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(p.conn, text); err != nil {
		p.t.Fatalf("%s sends %.60q: %v", p.name, text, err)
	}
}

// Gets gets want, byte for byte.
func (p *Peer) Gets(want string) {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, len(want))
	n := 0
	for n < len(buf) {
		m, err := p.conn.Read(buf[n:])
		n += m
		// What differs already need not be waited for.
		if got := string(buf[:n]); err != nil || got != want[:n] {
			rest := make([]byte, 4096)
			p.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			m, _ := p.conn.Read(rest)
			if n == len(buf) && got == want {
				return
			}
			p.t.Fatalf("%s gets\n%q and %v; want\n%q", p.name, got+string(rest[:m]), err, want)
		}
	}
}

// GetsUntil returns what comes up to end, and end itself. It reads byte by byte, so that nothing behind it
// is lost.
func (p *Peer) GetsUntil(end string) string {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	for !strings.HasSuffix(string(got), end) {
		var b [1]byte
		if _, err := io.ReadFull(p.conn, b[:]); err != nil {
			p.t.Fatalf("%s gets %q and %v; want %q at the end", p.name, got, err, end)
		}
		got = append(got, b[0])
	}
	return string(got)
}

// GetsNothing finds nothing to read at the moment.
func (p *Peer) GetsNothing() {
	p.t.Helper()
	var buf [256]byte
	p.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := p.conn.Read(buf[:]); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("%s gets %q and %v; want nothing", p.name, buf[:n], err)
	}
}

// SeesEnd gets the end of the connection.
func (p *Peer) SeesEnd() {
	p.t.Helper()
	if got, err := p.rest(); len(got) > 0 || err != nil {
		p.t.Fatalf("%s gets %q and %v; want the end of the connection", p.name, got, err)
	}
}

// SeesBreak gets the end of the connection, or a reset.
func (p *Peer) SeesBreak() {
	p.t.Helper()
	got, err := p.rest()
	if broken := err == nil || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE); len(got) > 0 || !broken {
		p.t.Fatalf("%s gets %q and %v; want that the connection breaks", p.name, got, err)
	}
}

// SeesReset gets no proper end, whatever comes before.
func (p *Peer) SeesReset() {
	p.t.Helper()
	if got, err := p.rest(); !errors.Is(err, syscall.ECONNRESET) {
		p.t.Fatalf("%s gets %d bytes and %v; want a reset", p.name, len(got), err)
	}
}

// rest gets whatever comes until the end of the connection, and how it ended: nil is properly.
func (p *Peer) rest() ([]byte, error) {
	p.conn.SetReadDeadline(time.Now().Add(patience))
	return io.ReadAll(p.conn)
}

// GetsRest returns all that comes until the end of the connection.
func (p *Peer) GetsRest() string {
	p.t.Helper()
	got, err := p.rest()
	if err != nil {
		p.t.Fatalf("%s gets %d bytes and %v; want the end of the connection", p.name, len(got), err)
	}
	return string(got)
}

// Ends sends no more.
func (p *Peer) Ends() {
	p.t.Helper()
	if err := p.conn.CloseWrite(); err != nil {
		p.t.Fatalf("%s ends: %v", p.name, err)
	}
}

// Closes closes the connection.
func (p *Peer) Closes() { p.conn.Close() }

// Resets breaks the connection.
func (p *Peer) Resets() {
	p.conn.SetLinger(0)
	p.conn.Close()
}

// Server is where peers are met.
type Server struct {
	Addr string // host:port

	t        testing.TB
	name     string
	listener *net.TCPListener
}

// Listen opens a server on a free port of the loopback address.
func Listen(t testing.TB, name string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &Server{l.Addr().String(), t, name, l.(*net.TCPListener)}
}

// Accepts takes the next connection.
func (s *Server) Accepts() *Peer {
	s.t.Helper()
	s.listener.SetDeadline(time.Now().Add(patience))
	c, err := s.listener.AcceptTCP()
	if err != nil {
		s.t.Fatalf("%s waits for a connection: %v", s.name, err)
	}
	return newPeer(s.t, s.name, c)
}

// AcceptsNone finds no connection that waits to be taken.
func (s *Server) AcceptsNone() {
	s.t.Helper()
	s.listener.SetDeadline(time.Now().Add(time.Millisecond))
	if c, err := s.listener.AcceptTCP(); err == nil {
		p := newPeer(s.t, s.name, c)
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		got, _ := io.ReadAll(c)
		s.t.Fatalf("%s was called and got %q; want that nobody calls", p.name, got)
	}
}

// Closes refuses connections from now on.
func (s *Server) Closes() { s.listener.Close() }
