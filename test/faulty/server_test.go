package faulty

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// start starts a target that ends with the test.
func start(t *testing.T, mode string) *Server {
	t.Helper()
	s, err := Start(mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// dial connects to s, with a deadline that only a wrong target reaches.
func dial(t *testing.T, s *Server) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc.(*net.TCPConn)
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func TestKeepAlive(t *testing.T) {
	f := func(mode, requests string, bodies ...string) {
		t.Helper()
		s := start(t, mode)
		nc := dial(t, s)
		if _, err := io.WriteString(nc, requests); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(nc)
		for i, want := range bodies {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("%s: answer %d: %v", mode, i, err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != want {
				t.Fatalf("%s: answer %d is %q, %v; want %q", mode, i, body, err, want)
			}
		}
		if n := s.Requests(); n != uint64(len(bodies)) {
			t.Errorf("%s: %d requests counted, want %d", mode, n, len(bodies))
		}
	}
	f("ok", get+get, okBody, okBody)
	f("ok", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello"+get, okBody, okBody)
	f("ok", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: 1\r\n\r\n"+get, okBody, okBody)
	f("ok", "GET / HTTP/1.1\r\nHost: a\r\nCookie: "+strings.Repeat("c", 10_000)+"\r\n\r\n"+get, okBody, okBody)
	f("slow:1ms", get+get, okBody, okBody)
	f("differ", get+get,
		`{"id":1,"name":"tea 31","price":1,"stock":1,"tags":["1","1"]}`,
		`{"id":2,"name":"tea 62","price":2,"stock":2,"tags":["2","2"]}`)
}

func TestHeadHasNoBody(t *testing.T) {
	nc := dial(t, start(t, "ok"))
	io.WriteString(nc, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"+get)
	in := bufio.NewReader(nc)
	if _, err := http.ReadResponse(in, &http.Request{Method: "HEAD"}); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("the answer after that of HEAD: %v, %v", resp, err)
	}
}

func TestContinue(t *testing.T) {
	nc := dial(t, start(t, "ok"))
	io.WriteString(nc, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	in := bufio.NewReader(nc)
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("before the body: %q, %v", line, err)
	}
}

func TestEarlyAnswersBeforeBody(t *testing.T) {
	nc := dial(t, start(t, "early"))
	io.WriteString(nc, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
	in := bufio.NewReader(nc)
	for range 2 {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		io.WriteString(nc, "hi"+"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
	}
}

func TestCloseComesUnannounced(t *testing.T) {
	nc := dial(t, start(t, "close"))
	io.WriteString(nc, get)
	answer, err := io.ReadAll(nc)
	if err != nil || string(answer) != string(okAnswer) {
		t.Fatalf("answer %q, %v; want %q", answer, err, okAnswer)
	}
}

func TestReset(t *testing.T) {
	nc := dial(t, start(t, "reset"))
	io.WriteString(nc, get)
	answer, err := io.ReadAll(nc)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("answer %q, %v; want %v", answer, err, syscall.ECONNRESET)
	}
	if !strings.HasPrefix(string(okAnswer), string(answer)) || len(answer) == len(okAnswer) {
		t.Fatalf("answer %q is not a beginning of one", answer)
	}
}

func TestGarbage(t *testing.T) {
	s := start(t, "garbage")
	read := func() string {
		nc := dial(t, s)
		io.WriteString(nc, get)
		answer, err := io.ReadAll(nc)
		if err != nil || len(answer) != 4096 {
			t.Fatalf("%d bytes, %v; want 4096", len(answer), err)
		}
		return string(answer)
	}
	first, second := read(), read()
	if first == second {
		t.Error("the same bytes twice")
	}
}

func TestEndless(t *testing.T) {
	f := func(mode string) {
		t.Helper()
		nc := dial(t, start(t, mode))
		io.WriteString(nc, get)
		resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil {
			t.Fatalf("%s: the body ends after %d bytes: %v", mode, n, err)
		}
	}
	f("endless")
	f("endless:1ms")
}

func TestSilence(t *testing.T) {
	f := func(mode string, reads bool) {
		t.Helper()
		nc := dial(t, start(t, mode))
		nc.SetDeadline(time.Now().Add(500 * time.Millisecond))
		_, err := nc.Write(make([]byte, 32<<20)) // more than any socket buffers hold
		if got := err == nil; got != reads {
			t.Errorf("%s: reads everything: %v, want %v", mode, got, reads)
		}
		if n, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: read %d bytes, %v; want a timeout", mode, n, err)
		}
	}
	f("accept-never-read", false)
	f("never-answer", true)
}

func TestRefuse(t *testing.T) {
	f := func(addr string) {
		t.Helper()
		s, err := Listen(addr, "refuse")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := net.Dial("tcp", s.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connecting: %v, want a refusal", err)
		}
		if l, err := net.Listen("tcp", s.Addr); err == nil {
			l.Close()
			t.Error("the port is free for others")
		}
		s.Close()
		l, err := net.Listen("tcp", s.Addr)
		if err != nil {
			t.Fatalf("the port is not given back: %v", err)
		}
		l.Close()
	}
	f("127.0.0.1:0")
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // there is IPv6
		l.Close()
		f("[::1]:0")
	}
}

func TestListenErrors(t *testing.T) {
	s := start(t, "ok")
	f := func(addr, mode, want string) {
		t.Helper()
		got, err := Listen(addr, mode)
		if err == nil {
			got.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen(%q, %q): %v, want %q", addr, mode, err, want)
		}
	}
	f(s.Addr, "ok", "address already in use")
	f(s.Addr, "refuse", "address already in use")
	f("localhost:0", "refuse", "use an IP address and a port")
	f("127.0.0.1:0", "nice", `mode "nice" is not known; use one of ok, refuse,`)
	f("127.0.0.1:0", "drip:soon", `"soon" is not a pause`)
	f("127.0.0.1:0", "drip:-1s", `"-1s" is not a pause`)
	f("127.0.0.1:0", "ok:1s", "ok takes no pause")
}

func TestMalformedRequestEndsConnection(t *testing.T) {
	f := func(request string) {
		t.Helper()
		nc := dial(t, start(t, "ok"))
		io.WriteString(nc, request)
		if answer, _ := io.ReadAll(nc); len(answer) > 0 {
			t.Errorf("%.40q is answered with %q", request, answer)
		}
	}
	f("hello\r\n\r\n")
	f("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n")
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	f("GET / HTTP/1.1\r\nA: " + strings.Repeat("a", maxHead) + "\r\n\r\n")
	f("GET / HTTP/1.1\r\n" + strings.Repeat("A: a\r\n", maxHead/6) + "\r\n")
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("A: a\r\n", maxHead/4) + "\r\n")
}

func TestCloseEndsEverything(t *testing.T) {
	for _, m := range Modes() {
		s := start(t, m.Name)
		if m.Name != "refuse" {
			io.WriteString(dial(t, s), get)
		}
		s.Close() // waits for all goroutines; the test's own timeout is the check
		s.Close()
		if nc, err := net.Dial("tcp", s.Addr); err == nil {
			nc.Close()
			t.Errorf("%s: still accepts", m.Name)
		}
	}
}

// pipe serves one end of a pipe in the given mode, for tests with a clock of their own.
func pipe(t *testing.T, mode string) (client net.Conn, s *Server) {
	t.Helper()
	m, err := ParseMode(mode)
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(m)
	s.listener = io.NopCloser(nil)
	client, server := net.Pipe()
	s.slots <- struct{}{}
	s.running.Go(func() { s.handle(server) })
	return client, s
}

func TestPauses(t *testing.T) {
	f := func(mode string, read int, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			client, s := pipe(t, mode)
			defer s.Close()
			io.WriteString(client, get)
			began := time.Now()
			if _, err := io.ReadFull(client, make([]byte, read)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("%s: %d bytes after %v, want %v", mode, read, took, want)
			}
		})
	}
	f("drip", 1, 0)
	f("drip", 11, 10*time.Second)
	f("drip:3m", 3, 6*time.Minute)
	f("slow", len(okAnswer), 100*time.Millisecond)
	f("slow:7s", len(okAnswer), 7*time.Second)
	f("endless:1h", len(endlessHead)+2*len(endlessChunk), 2*time.Hour)
}

func TestModesAreDescribed(t *testing.T) {
	for _, m := range Modes() {
		got, err := ParseMode(m.Name)
		if err != nil || got.Says == "" || got.Pause != m.Pause {
			t.Errorf("ParseMode(%q) = %+v, %v", m.Name, got, err)
		}
	}
}
