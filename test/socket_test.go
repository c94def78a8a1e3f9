package test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// socket is a user who writes what they like.
type socket struct {
	*net.TCPConn
	in *bufio.Reader
}

func dial(t *testing.T, addr string) *socket {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &socket{c.(*net.TCPConn), bufio.NewReader(c)}
}

func (s *socket) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(s, text); err != nil {
		t.Fatalf("writing to tain: %v", err)
	}
}

// answer reads one answer, with its body.
func (s *socket) answer(t *testing.T, method string) seen {
	t.Helper()
	answer, err := http.ReadResponse(s.in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("reading the answer's body: %v", err)
	}
	return seen{answer.StatusCode, answer.Header, body}
}

// TestMalformed sends what one parser may read otherwise than the next. tain refuses and hangs
// up; neither live nor the target hears of it.
func TestMalformed(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--writes")
	const closed = 0 // without an answer, because it does not look like HTTP/1
	f := func(request string, want int) {
		t.Helper()
		s := dial(t, p.Addr)
		s.send(t, strings.ReplaceAll(request, "\n", "\r\n"))
		if want == closed {
			if got, err := io.ReadAll(s.in); len(got) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%.60q: got %q, %v; want the end of the connection", request, got, err)
			}
			return
		}
		if got := s.answer(t, "GET"); got.status != want {
			t.Errorf("%.60q: status %d, want %d", request, got.status, want)
		}
		if rest, err := io.ReadAll(s.in); err != nil && !strings.Contains(err.Error(), "reset") || len(rest) > 0 {
			t.Errorf("%.60q: after the answer came %q, %v; want the end of the connection", request, rest, err)
		}
	}
	f("nonsense\n\n", closed)
	f("GET /refused HTTP/1.1\n\n", 400)
	f("GET /refused HTTP/1.1\nHost: a\nHost: b\n\n", 400)
	f("GET /refused HTTP/1.1\nHost : a\n\n", 400)
	f("GET /refused HTTP/1.1\nHost: a\n folded\n\n", 400)
	f("GET /refused HTTP/1.1\nHost: a\nX: \x00\n\n", 400)
	f("GET /refused HTTP/1.1\nHost: a\nX: a\rb\n\n", 400)
	f("POST /refused HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\nab", 400)
	f("POST /refused HTTP/1.1\nHost: a\nContent-Length: +1\n\na", 400)
	f("POST /refused HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n", 400)
	f("POST /refused HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, identity\n\n0\n\n", 400)
	f("GET /refused HTTP/3.0\nHost: a\n\n", closed)
	f("GET /refused HTTP/1.9\nHost: a\n\n", 505)
	f("GET /refused HTTP/1.1\nHost: a\nX: "+strings.Repeat("x", 200_000)+"\n\n", 431)
	hammer(t, p, 8) // so that what came before is in live's log
	if log := live.read("access.log"); bytes.Contains(log, []byte("/refused")) || bytes.Contains(log, []byte("nonsense")) {
		t.Errorf("malformed requests reached live:\n%s", log)
	}
	if b := p.Settled(t); b["seen"] != 8 || target.Requests() != 8 {
		t.Errorf("of 8 requests %d are in the books and %d reached the target", b["seen"], target.Requests())
	}
	p.Stop(t)
}

func TestPipelined(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "never-answer")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	s := dial(t, p.Addr)
	s.send(t, "GET /item HTTP/1.1\r\nHost: a\r\n\r\nHEAD /big.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /missing HTTP/1.1\r\nHost: a\r\n\r\n")
	f := func(method string, wantStatus int) {
		t.Helper()
		if got := s.answer(t, method); got.status != wantStatus {
			t.Errorf("pipelined %s: status %d, want %d", method, got.status, wantStatus)
		}
	}
	f("GET", 200)
	f("HEAD", 200)
	f("GET", 404)
	if b := p.Books(t); b["seen"] != 3 {
		t.Errorf("%d requests seen, want 3", b["seen"])
	}
	p.Stop(t)
}

// TestHalfClosed asks, and says that nothing more will come, before the answer is there.
func TestHalfClosed(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	s := dial(t, p.Addr)
	s.send(t, "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := s.answer(t, "GET"); got.status != 200 || len(got.body) != 1<<20 {
		t.Errorf("status %d and %d bytes, want 200 and %d", got.status, len(got.body), 1<<20)
	}
	p.Stop(t)
}

// TestUserLeaves breaks a request in the middle of its body, over and over.
func TestUserLeaves(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--writes")
	for range 20 {
		s := dial(t, p.Addr)
		s.send(t, "PUT /files/half HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
		s.Close()
	}
	wire.Until(t, "all requests to be seen", func() bool { return p.Books(t)["seen"] == 20 })
	b := p.Settled(t)
	if b["compared"] != 0 || live.read("root/files/half") != nil {
		t.Errorf("broken requests were compared %d times; live has %q", b["compared"], live.read("root/files/half"))
	}
	hammer(t, p, 80)
	p.Stop(t)
}
