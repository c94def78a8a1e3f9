package upstream

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
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
	set := NewSet(slog.New(slog.DiscardHandler))
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
	r := &rig{TB: t, cluster: c, met: make(map[*Server]bool)}
	t.Cleanup(r.expectNothing)
	r.start()
	r.meet()
	return r
}

// start gives the rig a loop that runs, with a pool.
func (r *rig) start() {
	r.Helper()
	loop, err := netloop.New(0, slog.New(slog.NewTextHandler(panics{r}, nil)))
	if err != nil {
		r.Fatal(err)
	}
	r.loop = loop
	r.remake(PoolConfig{MaxIdle: 10, MaxHead: 64 << 10})
	done := make(chan struct{})
	go func() {
		defer close(done)
		loop.Run()
	}()
	r.Cleanup(func() {
		r.in(func() { r.pool.Close() })
		loop.Stop()
		wire.Await(r, done, "the loop to stop")
	})
}

// beside is a rig on another loop, for the same cluster.
func (r *rig) beside() *rig {
	r.Helper()
	other := &rig{TB: r.TB, cluster: r.cluster, met: r.met}
	other.start()
	return other
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
	wire.Await(r, r.begin(fn), "a coroutine to end")
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

// urlOf is the URL of an upstream with these servers.
func urlOf(scheme string, at ...string) string { return scheme + "://" + strings.Join(at, ",") }

// expectError holds that an error is of a kind, and that its text says something.
func expectError(t testing.TB, what string, err, kind error, text string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want an error of the kind %v that says %q", what, err, kind, text)
	}
}
