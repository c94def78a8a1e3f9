package upstream

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
)

// patience bounds every wait of the tests of pools. Nothing waits that long but a test that fails.
const patience = 20 * time.Second

// rig is a loop with a pool on it. When its test has ended, nothing may be counted as running any
// more.
type rig struct {
	testing.TB
	loop    *netloop.Loop
	pool    *Pool
	cluster *Cluster
	met     map[*Server]bool // servers that the cluster had
}

// newRig makes a pool for an upstream, whose TLS trusts ca; it may be nil, as options. The pool keeps
// up to 10 idle connections.
func newRig(t testing.TB, ca *pki.CA, url string, o *route.Options) *rig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	loop, err := netloop.New(0, slog.New(slog.NewTextHandler(panics{t}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	set := NewSet(log)
	set.TLS = func(_ *route.Options, host string, alpn ...string) (*tls.Config, error) {
		conf := &tls.Config{ServerName: host, NextProtos: alpn, DynamicRecordSizingDisabled: true}
		if ca != nil {
			conf.RootCAs = ca.Pool()
		}
		return conf, nil
	}
	c, err := set.Cluster(url, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, loop: loop, cluster: c, met: make(map[*Server]bool)}
	r.remake(PoolConfig{MaxIdle: 10, MaxHead: 64 << 10})
	r.meet()
	done := make(chan struct{})
	go func() {
		defer close(done)
		loop.Run()
	}()
	t.Cleanup(func() {
		r.in(func() { r.pool.Close() })
		loop.Stop()
		within(t, done, "the loop to stop")
		r.expectNothing()
	})
	return r
}

// panics is where the loop logs what it can only log.
type panics struct{ testing.TB }

func (p panics) Write(line []byte) (int, error) {
	p.Errorf("%s", line)
	return len(line), nil
}

// remake gives the rig another pool.
func (r *rig) remake(conf PoolConfig) { r.pool = NewPool(r.loop, r.cluster, conf) }

// meet notes the servers of the cluster.
func (r *rig) meet() {
	for _, s := range r.cluster.Servers() {
		r.met[s] = true
	}
}

// setServers gives the cluster servers that nobody has to look up.
func (r *rig) setServers(at ...string) {
	r.Helper()
	places := make([]place, len(at))
	for i, a := range at {
		places[i] = place{addr: addr(r, a), origin: r.cluster.origins[0], weight: 1}
	}
	r.setPlaces(places)
}

func (r *rig) setPlaces(places []place) {
	r.cluster.setPlaces(r.cluster.origins[0], places)
	r.meet()
}

// expectNothing holds that every loan and every connection was counted out.
func (r *rig) expectNothing() {
	r.Helper()
	got := r.cluster.status()
	if got.Requests.Running != 0 || got.Conns.Running != 0 {
		r.Errorf("%d requests and %d connections are left", got.Requests.Running, got.Conns.Running)
	}
	for s := range r.met {
		if n := s.active.Load(); n != 0 {
			r.Errorf("%d requests are left on %s", n, s.Addr)
		}
	}
}

// begin runs fn in a coroutine of the loop, and closes the channel once it has returned.
func (r *rig) begin(fn func()) <-chan struct{} {
	done := make(chan struct{})
	r.loop.Submit(func() {
		r.loop.Go(func() {
			defer close(done)
			fn()
		})
	})
	return done
}

// in runs fn in a coroutine and waits until it has returned.
func (r *rig) in(fn func()) {
	r.Helper()
	within(r, r.begin(fn), "a coroutine to end")
}

// until calls cond on the loop until it holds.
func (r *rig) until(what string, cond func() bool) {
	r.Helper()
	end := time.Now().Add(patience)
	for ok := false; !ok; {
		r.in(func() { ok = cond() })
		if time.Now().After(end) {
			r.Fatalf("waited in vain until %s", what)
		}
	}
}

// within receives from ch, or fails the test.
func within[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// anyone asks for any server.
func anyone() *Ask { return &Ask{Timeout: patience} }

// take is called in a coroutine, and lends a carrier, or fails the test and returns nil.
func (r *rig) take(a *Ask) Carrier {
	r.Helper()
	c, _, err := r.pool.Take(a)
	if err != nil {
		r.Errorf("take: %v", err)
		return nil
	}
	c.SetDeadline(patience)
	return c
}

// answer is what comes back of a request.
type answer struct {
	interim       []int
	status        int
	body, trailer string
}

// ask is called in a coroutine and carries a request of text, whose body is whole, to any server and
// its answer back.
func (r *rig) ask(a *Ask, head string) (answer, error) {
	c, _, err := r.pool.Take(a)
	if err != nil {
		return answer{}, err
	}
	c.SetDeadline(patience)
	if err = c.Send([]byte(head), nil, RestNone); err == nil {
		var got answer
		if got, err = read(c); err == nil {
			c.Release()
			return got, nil
		}
	}
	c.Abort(OutcomeOf(err))
	return answer{}, err
}

// mustAsk is ask in a coroutine of its own, of a request that is answered with 200.
func (r *rig) mustAsk(a *Ask, head string) (got answer) {
	r.Helper()
	r.in(func() {
		var err error
		if got, err = r.ask(a, head); err != nil || got.status != http.StatusOK {
			r.Errorf("%q is answered with %+v, %v", head, got, err)
		}
	})
	return got
}

// get is a request without a body.
func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: shop.example\r\n\r\n" }

// read reads an answer whole, head and body.
func read(c Carrier) (a answer, err error) {
	h, err := readHead(c, &a)
	if err != nil {
		return a, err
	}
	c.StartBody(h)
	for {
		data, n, done, err := c.Body()
		if err != nil {
			return a, err
		}
		a.body += string(data)
		c.Consume(n)
		if done {
			a.trailer = string(c.Trailer())
			return a, nil
		}
		if n == 0 {
			if err := c.Fill(); err != nil {
				return a, err
			}
		}
	}
}

// readHead reads heads up to the final one.
func readHead(c Carrier, a *answer) (*http1.Response, error) {
	h := new(http1.Response)
	for {
		if err := c.ReadHead(h, []byte(http.MethodGet)); err != nil {
			return nil, err
		}
		if h.Status >= 200 || h.Upgrade {
			a.status = h.Status
			return h, nil
		}
		a.interim = append(a.interim, h.Status)
	}
}

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
	c := within(s.TB, s.accepted, "a connection")
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

// urlOf is the URL of an upstream with these servers.
func urlOf(scheme string, at ...string) string { return scheme + "://" + strings.Join(at, ",") }

// expectError holds that an error is of a kind, and that its text says something.
func expectError(t testing.TB, what string, err, kind error, text string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want an error of the kind %v that says %q", what, err, kind, text)
	}
}
