package upstream

import (
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
)

// noOutlier keeps servers that fail in the choice.
var noOutlier = route.Outlier{Off: true}

var policies = []route.Policy{route.RoundRobin, route.LeastRequest, route.Random, route.Maglev}

// tries is how often each server was tried, by address.
func (r *rig) tries() map[string]uint64 {
	all := make(map[string]uint64)
	for s := range r.met {
		if n := s.requests.Load(); n > 0 {
			all[s.Addr.String()] = n
		}
	}
	return all
}

// TestFindsTheServerThatWorks holds that no policy leads to the same bad servers again and again.
func TestFindsTheServerThatWorks(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		for _, policy := range policies {
			good := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
			servers := append(closedPorts(t, 6), good.addr)
			r := newRig(t, nil, urlOf(scheme, servers...), &route.Options{Balance: route.Balance{Policy: policy}, Outlier: noOutlier})
			for i := range 20 {
				r.mustAsk(&Ask{Hash: mix(uint64(i)), Timeout: patience}, get("/"))
			}
			for at, n := range r.tries() {
				if n > 20 {
					t.Errorf("%s, policy %d: %s was tried %d times for 20 requests", scheme, policy, at, n)
				}
			}
			good.expectConns(t, scheme, 1)
		}
	}
}

// TestEachServerIsTriedOnce also where all are tried in vain, be they well or ill.
func TestEachServerIsTriedOnce(t *testing.T) {
	f := func(policy route.Policy, why string) {
		t.Helper()
		servers := closedPorts(t, 5)
		r := newRig(t, nil, urlOf("http", servers...), &route.Options{Balance: route.Balance{Policy: policy}, Outlier: noOutlier})
		s := r.cluster.Servers()
		setIll(r.cluster, why, s...)
		r.in(func() {
			_, _, err := r.pool.Take(&Ask{Hash: 42, Token: s[3].Token, Except: s[2], Timeout: patience})
			expectError(t, "all refuse", err, syscall.ECONNREFUSED, "connecting to 127.0.0.1:")
		})
		for _, at := range servers {
			if n := r.tries()[at]; n != 1 {
				t.Errorf("policy %d, ill by %q: %s was tried %d times", policy, why, at, n)
			}
		}
	}
	for _, policy := range policies {
		f(policy, "")
		f(policy, "bad")
	}
}

// TestOrderOfTries follows the token, and leaves the server that failed before for the end.
func TestOrderOfTries(t *testing.T) {
	servers := closedPorts(t, 4)
	r := newRig(t, nil, urlOf("http", servers...), &route.Options{Outlier: noOutlier})
	s := r.cluster.Servers()
	f := func(what string, a *Ask, first, last *Server) {
		t.Helper()
		if got := r.pool.first(a); first != nil && got != first {
			t.Errorf("%s: %s is asked first, want %s", what, got.Addr, first.Addr)
		}
		r.in(func() {
			_, _, err := r.pool.Take(a)
			var dial *netloop.DialError
			if !errors.As(err, &dial) || last != nil && dial.Addr != last.Addr {
				t.Errorf("%s: the error is %v, want that of the last, %s", what, err, last.Addr)
			}
		})
	}
	f("token", &Ask{Token: s[2].Token, Timeout: patience}, s[2], nil)
	f("except", &Ask{Except: s[1], Timeout: patience}, nil, s[1])
	f("both", &Ask{Token: s[0].Token, Except: s[3], Timeout: patience}, s[0], s[3])
	f("nobody", &Ask{Token: 1, Timeout: patience}, nil, nil)
	r.pool.picker.next = 3
	f("in turn", &Ask{Timeout: patience}, s[3], s[3]) // f takes its first turn
}

func TestExceptAlone(t *testing.T) {
	good := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, nil, urlOf("http", good.addr), nil)
	s := r.cluster.Servers()[0]
	r.mustAsk(&Ask{Token: s.Token, Except: s, Timeout: patience}, get("/"))
}

// TestIllServersAreNotTried while enough others are well, and are when there are too few.
func TestIllServersAreNotTried(t *testing.T) {
	good := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, nil, urlOf("http", append(closedPorts(t, 3), good.addr)...), &route.Options{Outlier: noOutlier})
	s := r.cluster.Servers()
	setIll(r.cluster, "bad", s[2], s[3])
	r.in(func() {
		_, _, err := r.pool.Take(anyone())
		expectError(t, "two that are well refuse", err, syscall.ECONNREFUSED, "")
	})
	if n := r.tries(); len(n) != 2 {
		t.Errorf("tried were %v, want the two that are well", n)
	}
	setIll(r.cluster, "bad", s[1])
	r.mustAsk(anyone(), get("/"))
}

// TestLowerPriorities are tried when nobody of a higher one can be reached.
func TestLowerPriorities(t *testing.T) {
	good := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, nil, "http://shop", &route.Options{Outlier: noOutlier})
	var places []place
	for i, at := range append(closedPorts(t, 3), good.addr) {
		places = append(places, place{addr: addr(t, at), origin: r.cluster.origins[0], weight: 1, priority: uint16(i / 2)})
	}
	r.setPlaces(places)
	for range 3 {
		r.mustAsk(anyone(), get("/"))
	}
	good.expectConns(t, "after three requests", 1)
}

func TestUnresolved(t *testing.T) {
	r := newRig(t, nil, "http://shop", nil)
	f := func(want string) {
		t.Helper()
		r.in(func() {
			if r.pool.Resolved() {
				t.Error("it counts as resolved")
			}
			_, _, err := r.pool.Take(anyone())
			expectError(t, "no server", err, ErrUnresolved, want)
		})
	}
	f("connecting to shop:80")
	why := errors.New("resolving shop: no such host")
	r.cluster.origins[0].err.Store(&why)
	f("no such host")
	if r.pool.Name() != "shop:80" || r.pool.Cluster() != r.cluster {
		t.Errorf("its name is %s", r.pool.Name())
	}
	r.setServers("127.0.0.1:1")
	if !r.pool.Resolved() {
		t.Error("it does not count as resolved")
	}
}

// TestServersGoneMeanwhile tells the last failure, not that there is no server any more.
func TestServersGoneMeanwhile(t *testing.T) {
	r := newRig(t, nil, "http://shop", nil)
	r.setServers(closedPorts(t, 2)...)
	r.in(func() {
		s := r.pool.first(anyone())
		if got := r.pool.next(anyone(), s, map[*Server]bool{s: true}); got == nil || got == s {
			t.Errorf("%v follows", got)
		}
		r.setServers()
		if got := r.pool.next(anyone(), s, map[*Server]bool{s: true}); got != nil {
			t.Errorf("%v follows where there is none", got.Addr)
		}
	})
}

// TestGoneServers holds that nothing is kept of a server that the upstream has no more, and that
// what runs goes on.
func TestGoneServers(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		release := make(chan struct{})
		gone := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-release
			}
			w.Write([]byte("done"))
		})
		stays := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
		r := newRig(t, nil, scheme+"://shop", nil)
		r.setServers(gone.addr, gone.addr)
		r.mustAsk(anyone(), get("/"))
		slow := r.begin(func() {
			if got, err := r.ask(anyone(), get("/slow")); err != nil || got.body != "done" {
				t.Errorf("%s: %+v, %v", scheme, got, err)
			}
		})
		r.until("the slow request runs", func() bool { return r.cluster.status().Requests.Running == 1 })
		if scheme == "http" {
			r.mustAsk(anyone(), get("/")) // so that another connection is idle
		}
		r.setServers(stays.addr)
		r.mustAsk(anyone(), get("/"))
		r.in(func() {
			if n := len(r.pool.servers); n != 1 {
				t.Errorf("%s: the pool knows %d servers", scheme, n)
			}
		})
		r.until("the idle connection is closed", func() bool { return gone.open.Load() == 1 })
		close(release)
		wire.Await(t, slow, "the slow request")
		r.until("the last connection is closed", func() bool { return gone.open.Load() == 0 })
	}
}

// TestClosedPool serves who still holds it, and keeps nothing.
func TestClosedPool(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		srv := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("done")) })
		r := newRig(t, nil, urlOf(scheme, srv.addr), nil)
		r.mustAsk(anyone(), get("/"))
		r.in(func() { r.pool.Close() })
		r.until("the idle connection is closed", func() bool { return srv.open.Load() == 0 })
		for range 2 {
			r.mustAsk(anyone(), get("/"))
			r.until("it is not kept", func() bool { return srv.open.Load() == 0 })
		}
		srv.expectConns(t, scheme, 3)
		r.remake(PoolConfig{MaxIdle: 10})
		r.in(func() { r.pool.Close() })
		r.mustAsk(anyone(), get("/"))
		r.until("it is not kept by a pool that knew no server", func() bool { return srv.open.Load() == 0 })
	}
}

// TestPoolClosesMeanwhile lets requests go on that have a carrier, sent or not.
func TestPoolClosesMeanwhile(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		srv := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("done")) })
		r := newRig(t, nil, urlOf(scheme, srv.addr), nil)
		r.in(func() {
			sent, unsent := r.take(anyone()), r.take(anyone())
			if err := sent.Send([]byte(get("/")), nil, RestNone); err != nil {
				t.Error(err)
			}
			r.pool.Close()
			if err := unsent.Send([]byte(get("/")), nil, RestNone); err != nil {
				t.Errorf("%s: sending after the pool was closed: %v", scheme, err)
			}
			for _, c := range []Carrier{sent, unsent} {
				if got, err := read(c); err != nil || got.body != "done" {
					t.Errorf("%s: %+v, %v", scheme, got, err)
				}
				c.Release()
			}
		})
		r.until("the connections are closed", func() bool { return srv.open.Load() == 0 })
	}
}

func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	newSiteOn(t, ln, nil, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Proto)) })
	for scheme, proto := range map[string]string{"http": "HTTP/1.1", "h2c": "HTTP/2.0"} {
		r := newRig(t, nil, scheme+"+unix://"+path, nil)
		if got := r.mustAsk(anyone(), get("/")); got.body != proto {
			t.Errorf("%s: %+v", scheme, got)
		}
	}
}

// TestPROXYHeader begins each connection with one, and only that.
func TestPROXYHeader(t *testing.T) {
	f := func(scheme string, version uint8, want string) {
		t.Helper()
		srv := newByHand(t)
		r := newRig(t, nil, urlOf(scheme, srv.addr), &route.Options{ProxyProtocol: version})
		done := r.begin(func() {
			if c, _, err := r.pool.Take(anyone()); err == nil {
				c.Send([]byte(get("/")), nil, RestNone)
				c.Abort(Ignored)
			}
		})
		theirs := srv.next()
		theirs.expect(want)
		theirs.Close()
		wire.Await(t, done, "the request")
	}
	const v1, v2 = "PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	const hello = "\x16\x03\x01" // a record of TLS
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	f("http", 0, get("/"))
	f("http", 1, v1+get("/"))
	f("http", 2, v2+get("/"))
	f("h2c", 1, v1+preface)
	f("h2c", 2, v2+preface)
	f("https", 1, v1+hello)
	f("h2", 2, v2+hello)
}

func TestPROXYHeaderIsSentOnce(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("http", srv.addr), &route.Options{ProxyProtocol: 1})
	done := r.begin(func() {
		for range 2 {
			if _, err := r.ask(anyone(), get("/")); err != nil {
				t.Error(err)
			}
		}
	})
	theirs := srv.next()
	theirs.expect("PROXY UNKNOWN\r\n" + get("/"))
	theirs.write("HTTP/1.1 204 No Content\r\n\r\n")
	theirs.expect(get("/"))
	theirs.write("HTTP/1.1 204 No Content\r\n\r\n")
	wire.Await(t, done, "both requests")
}
