package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// crowd makes n requests at once, and returns a channel with how each ended.
func (r *rig) crowd(n int, head string) <-chan error {
	ends := make(chan error, n)
	r.loop.Submit(func() {
		for range n {
			r.loop.Go(func() {
				_, err := r.ask(anyone(), head)
				ends <- err
			})
		}
	})
	return ends
}

// expectAll holds that n requests of a crowd end well.
func expectAll(t *testing.T, ends <-chan error, n int) {
	t.Helper()
	for range n {
		if err := wire.Await(t, ends, "a request"); err != nil {
			t.Errorf("a request of the crowd ended with %v", err)
		}
	}
}

// meeting is a handler that answers when so many requests are there at the same time.
type meeting struct {
	mu   sync.Mutex
	left int
	full chan struct{}
}

func newMeeting(n int) *meeting { return &meeting{left: n, full: make(chan struct{})} }

func (m *meeting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	if m.left--; m.left == 0 {
		close(m.full)
	}
	m.mu.Unlock()
	select {
	case <-m.full:
	case <-r.Context().Done():
	}
}

// few makes a server take so many streams per connection.
func few(n int) func(*http.Server) {
	return func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: n} }
}

// conns are what the pool knows of the first server.
func (r *rig) conns() *conns { return r.pool.servers[r.cluster.Servers()[0]] }

// TestStreamsShareAConnection that one of them makes while the others wait.
func TestStreamsShareAConnection(t *testing.T) {
	ca := pki.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	for scheme, pair := range map[string]*pki.Pair{"h2c": nil, "h2": &cert} {
		const n = 80
		srv := newSite(t, pair, newMeeting(n).ServeHTTP)
		r := newRig(t, ca, urlOf(scheme, srv.addr), nil)
		expectAll(t, r.crowd(n, get("/")), n)
		srv.expectConns(t, scheme+", after a crowd", 1)
		if _, reused, err := takeAndAbort(r); err != nil || !reused {
			t.Errorf("%s: reused %v, %v", scheme, reused, err)
		}
	}
}

func takeAndAbort(r *rig) (c Carrier, reused bool, err error) {
	r.in(func() {
		if c, reused, err = r.pool.Take(anyone()); err == nil {
			c.Abort(Ignored)
		}
	})
	return c, reused, err
}

// TestWhoIsFirstIsNotReused, and the others are.
func TestWhoIsFirstIsNotReused(t *testing.T) {
	srv := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	var first, second bool
	one := r.begin(func() {
		c, reused, err := r.pool.Take(anyone())
		if first = reused; err == nil {
			c.Abort(Ignored)
		}
	})
	two := r.begin(func() {
		c, reused, err := r.pool.Take(anyone())
		if second = reused; err == nil {
			c.Abort(Ignored)
		}
	})
	wire.Await(t, one, "the first")
	wire.Await(t, two, "the second")
	if first == second {
		t.Errorf("reused: %v and %v", first, second)
	}
}

// TestFewStreams makes as many connections as it takes, and no request is refused by a server that
// could not say in time how few streams it takes.
func TestFewStreams(t *testing.T) {
	const n, each = 20, 4
	srv := newSite(t, nil, newMeeting(n).ServeHTTP, few(each))
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	expectAll(t, r.crowd(n, get("/")), n)
	srv.expectConns(t, "after the crowd", n/each)
	expectAll(t, r.crowd(n, get("/")), n)
	srv.expectConns(t, "after another", n/each)
}

// TestRoomIsUsed by who waits for another connection, as soon as there is any.
func TestRoomIsUsed(t *testing.T) {
	srv := newSite(t, nil, func(http.ResponseWriter, *http.Request) {}, few(1))
	silent := newByHand(t)
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	r.mustAsk(anyone(), get("/"))
	var first, fresh, late Carrier
	r.in(func() {
		first = r.take(anyone())
		r.cluster.Servers()[0].Addr = addr(t, silent.addr) // from here on
		fresh = r.take(anyone())
	})
	done := r.begin(func() { late = r.take(anyone()) })
	r.until("it waits", func() bool { return len(r.conns().waiting) == 1 })
	r.in(func() { first.Release() })
	wire.Await(t, done, "who waited")
	r.in(func() {
		if c := late.(*h2).stream.Conn(); c == fresh.(*h2).stream.Conn() || c != r.conns().shared[0] {
			t.Error("it has not got the stream that was given back")
		}
		fresh.Abort(Ignored)
		late.Abort(Ignored)
	})
}

// TestGoodbye makes another connection where the server has said that this one takes no more, and
// every request is answered.
func TestGoodbye(t *testing.T) {
	srv := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/last" {
			w.Header().Set("Connection", "close") // GOAWAY
		}
	})
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	for i := range int32(3) {
		r.mustAsk(anyone(), get("/"))
		r.mustAsk(anyone(), get("/last"))
		srv.expectConns(t, "meanwhile", i+1)
		r.until("the goodbye is heard", func() bool { return !r.conns().shared[0].Usable() })
	}
	r.mustAsk(anyone(), get("/"))
	if n := len(r.conns().shared); n != 1 {
		t.Errorf("%d connections are known, want the one that can be used", n)
	}
}

// TestGoodbyeInTheMiddle lets a stream go on that the server has begun with.
func TestGoodbyeInTheMiddle(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	srv := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/last":
			w.Header().Set("Connection", "close")
		case "/slow":
			close(inside)
			<-leave
			io.WriteString(w, "done")
		}
	})
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	slow := r.begin(func() {
		if got, err := r.ask(anyone(), get("/slow")); err != nil || got.body != "done" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	wire.Await(t, inside, "the slow request")
	r.mustAsk(anyone(), get("/last"))
	r.mustAsk(anyone(), get("/"))
	close(leave)
	wire.Await(t, slow, "the slow answer")
	srv.expectConns(t, "after a goodbye", 2)
}

// TestServersThatStop answers what they have begun, and the rest goes to others.
func TestServersThatStop(t *testing.T) {
	var config *http.Server
	meet := newMeeting(10)
	stops := newSite(t, nil, meet.ServeHTTP, func(s *http.Server) { config = s })
	other := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, nil, urlOf("h2c", stops.addr), nil)
	ends := r.crowd(9, get("/"))
	r.until("all are sent", func() bool { meet.mu.Lock(); defer meet.mu.Unlock(); return meet.left == 1 })
	go config.Shutdown(context.Background())
	r.until("the goodbye is heard", func() bool { return !r.conns().shared[0].Usable() })
	r.setServers(stops.addr, other.addr)
	for range 4 {
		r.mustAsk(anyone(), get("/"))
	}
	close(meet.full)
	expectAll(t, ends, 9)
	other.expectConns(t, "after the other stopped", 1)
}

// TestServersWithoutHTTP2 are refused with what to do about it.
func TestServersWithoutHTTP2(t *testing.T) {
	ca := pki.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	f := func(what string, protocols []string, want string) {
		t.Helper()
		srv := newTLS(t, &tls.Config{Certificates: []tls.Certificate{cert.TLS(t)}, NextProtos: protocols})
		r := newRig(t, ca, urlOf("h2", srv), nil)
		r.in(func() {
			_, _, err := r.pool.Take(anyone())
			var handshake *HandshakeError
			if !errors.As(err, &handshake) || handshake.Addr != r.cluster.Servers()[0].Addr {
				t.Errorf("%s: %v", what, err)
			}
			expectError(t, what, err, nil, want)
		})
		if n := r.cluster.status().Conns.Running; n != 0 {
			t.Errorf("%s: %d connections are left", what, n)
		}
	}
	f("no ALPN", nil, `does not speak HTTP/2 (ALPN "h2"); use https://`)
	f("HTTP/1.1 alone", []string{"http/1.1"}, "does not speak the HTTP version asked for")
}

// newTLS is a server that makes handshakes, and nothing else.
func newTLS(t *testing.T, conf *tls.Config) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", conf)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { ln.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(patience))
				io.Copy(io.Discard, c)
			})
		}
	})
	return ln.Addr().String()
}

func TestUntrustedServers(t *testing.T) {
	ca, other := pki.New(t), pki.New(t)
	f := func(what string, pair pki.Pair, want string) {
		t.Helper()
		srv := newSite(t, &pair, func(http.ResponseWriter, *http.Request) {})
		for _, scheme := range []string{"https", "h2"} {
			r := newRig(t, ca, urlOf(scheme, srv.addr), nil)
			r.in(func() {
				_, _, err := r.pool.Take(anyone())
				var verification *tls.CertificateVerificationError
				if !errors.As(err, &verification) {
					t.Errorf("%s, %s: %v", scheme, what, err)
				}
				expectError(t, what, err, nil, want)
			})
		}
	}
	f("expired", ca.Expired(t, "127.0.0.1"), "expired")
	f("of another authority", other.Issue(t, "127.0.0.1"), "that is not trusted; set ca")
	f("of another name", ca.Issue(t, "127.0.0.2"), "127.0.0.1")
}

// TestFollowVersion sends each request in the version that its user speaks.
func TestFollowVersion(t *testing.T) {
	ca := pki.New(t)
	cert := ca.Issue(t, "127.0.0.1")
	answer := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }
	for scheme, pair := range map[string]*pki.Pair{"http": nil, "https": &cert} {
		srv := newSite(t, pair, answer)
		r := newRig(t, ca, urlOf(scheme, srv.addr), &route.Options{FollowVersion: true})
		for range 2 {
			for _, h2 := range []bool{false, true} {
				want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[h2]
				if got := r.mustAsk(&Ask{HTTP2: h2, Timeout: patience}, get("/")); got.body != want {
					t.Errorf("%s: the server was asked in %s, want %s", scheme, got.body, want)
				}
			}
		}
		srv.expectConns(t, scheme, 2)
	}
}

// TestAbortedCarriersAreNotLentAgain, while released ones are.
func TestAbortedCarriersAreNotLentAgain(t *testing.T) {
	srv := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	r.in(func() {
		released := r.take(anyone())
		released.Release()
		aborted := r.take(anyone())
		if aborted != released {
			t.Error("a carrier that was released is not lent again")
		}
		aborted.Abort(Ignored)
		other := r.take(anyone())
		if other == aborted {
			t.Error("a carrier that was aborted is lent again")
		}
		aborted.Cut() // by who has not heard
		if err := other.Send([]byte(get("/")), nil, RestNone); err != nil {
			t.Errorf("another request was cut: %v", err)
		}
		if got, err := read(other); err != nil || got.status != 200 {
			t.Errorf("%+v, %v", got, err)
		}
		other.Release()
	})
}
