package http2

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

// patience bounds every wait of the tests. Nothing waits that long but a test that fails.
const patience = 20 * time.Second

// rig is a running loop with what tests need around it.
type rig struct {
	testing.TB
	*netloop.Loop
	done chan struct{}

	mu      sync.Mutex
	refused []string // the reasons that Refused heard
	logged  string   // the panics of handlers
}

// panics is where the loop logs what it can only log.
type panics struct{ r *rig }

func (p panics) Write(line []byte) (int, error) {
	if !strings.Contains(string(line), "on purpose") {
		p.r.mu.Lock()
		defer p.r.mu.Unlock()
		p.r.logged += string(line)
	}
	return len(line), nil
}

// sound reports the panics of handlers.
func (r *rig) sound(t testing.TB) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logged != "" {
		t.Error(r.logged)
		r.logged = ""
	}
}

// newRig starts a loop, which ends with the test.
func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{TB: t, done: make(chan struct{})}
	l, err := netloop.New(0, slog.New(slog.NewTextHandler(panics{r}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.Loop = l
	go func() {
		defer close(r.done)
		l.Run()
	}()
	t.Cleanup(func() {
		r.end()
		r.sound(t)
	})
	return r
}

func (r *rig) end() {
	r.Stop()
	wire.Await(r, r.done, "the loop to stop")
}

// on runs fn on the loop, outside of any coroutine, and waits for it.
func (r *rig) on(fn func()) {
	r.Helper()
	done := make(chan struct{})
	r.Submit(func() {
		defer close(done)
		fn()
	})
	wire.Await(r, done, "a submission to run")
}

// in runs fn in a coroutine and waits until it has returned.
func (r *rig) in(fn func()) {
	r.Helper()
	wire.Await(r, r.begin(fn), "a coroutine to end")
}

// begin runs fn in a coroutine, and closes the channel once it has returned.
func (r *rig) begin(fn func()) <-chan struct{} {
	done := make(chan struct{})
	r.Submit(func() {
		r.Go(func() {
			defer close(done)
			fn()
		})
	})
	return done
}

// until calls cond on the loop until it holds.
func (r *rig) until(what string, cond func() bool) {
	r.Helper()
	end := time.Now().Add(patience)
	for ok := false; !ok; {
		r.on(func() { ok = cond() })
		if time.Now().After(end) {
			r.Fatalf("waited in vain until %s", what)
		}
	}
}

// hear is what a server's Refused is.
func (r *rig) hear(reason string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = append(r.refused, reason)
}

// heard returns the reasons so far, and forgets them.
func (r *rig) heard() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := strings.Join(r.refused, " ")
	r.refused = nil
	return all
}

// listen accepts connections and returns where.
func (r *rig) listen(serve func(*netloop.Conn)) string {
	r.Helper()
	ln, err := netloop.Listen("127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	open := func(*netloop.Conn) bool { return true }
	r.on(func() { err = r.Accept(ln, open, serve, func(err error) { r.Errorf("accept: %v", err) }) })
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		r.end()
		ln.Close()
	})
	return ln.Addr().String()
}

// serve runs a server and returns its address. set may be nil.
func (r *rig) serve(set *Settings, handle func(*Stream)) string {
	r.Helper()
	s := Settings{}
	if set != nil {
		s = *set
	}
	s.Refused = r.hear
	return r.listen(func(c *netloop.Conn) {
		for len(c.Buffered()) == 0 {
			if c.Fill() != nil {
				c.Close()
				return
			}
		}
		Serve(c, &s, handle)
	})
}

// client connects to a server of HTTP/2. It is called in a coroutine.
func (r *rig) client(addr string, set *Settings) *Conn {
	nc, err := r.Dial(netloop.Addr{AddrPort: netip.MustParseAddrPort(addr)}, patience)
	if err != nil {
		r.Error(err)
		return nil
	}
	return NewClient(nc, set)
}

// dial connects with the standard library. Every read and write on it has a deadline.
func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// echo answers with the request's head and body, and its trailers as trailers. It answers paths
// of another kind as these say.
func echo(s *Stream) {
	var req http1.Request
	if s.TooLarge() {
		answer(s, "431", "too large")
		return
	}
	if err := req.Parse(s.Head()); err != nil {
		var e *http1.Error
		errors.As(err, &e)
		answer(s, "400", e.Code)
		return
	}
	if string(req.Path) == "/hello" {
		answer(s, "200", "hello")
		return
	}
	if s.WriteResponse([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"), false) != nil {
		return
	}
	for {
		p := s.Buffered()
		done := s.Ended()
		if done {
			s.SendLast(p, s.Trailer())
			s.Consume(len(p))
			return
		}
		if s.Send(p) != nil {
			return
		}
		s.Consume(len(p))
		if err := s.Fill(); err != nil && err != io.EOF {
			return
		}
	}
}

func answer(s *Stream, status, body string) {
	if s.WriteResponse([]byte("HTTP/1.1 "+status+" \r\nContent-Type: text/plain\r\n"), false) == nil {
		s.SendLast([]byte(body), nil)
	}
}
