package upstream

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newTestCluster makes a cluster whose goroutines do not run.
func newTestCluster(t testing.TB, url string, o *route.Options) *Cluster {
	t.Helper()
	c, err := NewSet(discard()).Cluster(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// numbered makes a cluster of n servers, 10.0.0.0:80, 10.0.0.1:80 and so on. Their weights are those
// that are given, then 1.
func numbered(t testing.TB, n int, policy route.Policy, weights ...uint32) *Cluster {
	t.Helper()
	c := newTestCluster(t, "http://numbered", &route.Options{Balance: route.Balance{Policy: policy}})
	places := make([]place, n)
	for i := range places {
		places[i] = place{addr: addr(t, fmt.Sprintf("10.0.%d.%d:80", i/256, i%256)), origin: c.origins[0], weight: 1}
		if i < len(weights) {
			places[i].weight = weights[i]
		}
	}
	c.setPlaces(c.origins[0], places)
	return c
}

func addr(t testing.TB, text string) (a netloop.Addr) {
	t.Helper()
	if err := a.AddrPort.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return a
}

// setIll makes servers ill, or well.
func setIll(c *Cluster, why string, servers ...*Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range servers {
		c.setIllLocked(s, unsound, why)
	}
}

// addrs is the addresses of servers, with a space between two.
func addrs(servers []*Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Addr.String())
	}
	return strings.Join(all, " ")
}

func TestClusterOfURL(t *testing.T) {
	f := func(url, name, host, scheme, servers string) {
		t.Helper()
		c := newTestCluster(t, url, nil)
		if c.Name() != name || c.Host() != host || c.Scheme() != scheme || addrs(c.Servers()) != servers {
			t.Errorf("%s: name %q, host %q, scheme %q, servers %q; want %q, %q, %q, %q",
				url, c.Name(), c.Host(), c.Scheme(), addrs(c.Servers()), name, host, scheme, servers)
		}
	}
	f("http://127.0.0.1", "127.0.0.1:80", "127.0.0.1", "http", "127.0.0.1:80")
	f("https://127.0.0.1/", "127.0.0.1:443", "127.0.0.1", "https", "127.0.0.1:443")
	f("h2c://[::1]:9000", "[::1]:9000", "::1", "http", "[::1]:9000")
	f("h2://[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]:443", "::ffff:10.0.0.1", "https", "10.0.0.1:443")
	f("http://Shop:8080", "shop:8080", "shop", "http", "")
	f("http://10.0.0.1:80,10.0.0.2:81", "10.0.0.1:80,10.0.0.2:81", "10.0.0.1", "http", "10.0.0.1:80 10.0.0.2:81")
	f("http://10.0.0.1:80,[::ffff:10.0.0.1]:80", "10.0.0.1:80,[::ffff:10.0.0.1]:80", "10.0.0.1", "http", "10.0.0.1:80")
	f("http+unix:///run/app.sock", "/run/app.sock", "localhost", "http", "unix:/run/app.sock")
	f("srv+https://_http._tcp.shop.example", "_http._tcp.shop.example", "shop.example", "https", "")
	f("srv+http://web.service.consul", "web.service.consul", "web.service.consul", "http", "")
	f("srv+http://_web", "_web", "_web", "http", "")
}

func TestVersionOfHTTP(t *testing.T) {
	f := func(url string, follow, user, want bool) {
		t.Helper()
		c := newTestCluster(t, url, &route.Options{FollowVersion: follow})
		if got := c.HTTP2(user); got != want {
			t.Errorf("%s with follow %v, user %v: %v", url, follow, user, got)
		}
	}
	f("http://a", false, true, false)
	f("h2c://a", false, false, true)
	f("https://a", false, true, false)
	f("h2://a", false, false, true)
	f("http://a", true, true, true)
	f("h2c://a", true, false, false)
}

func TestSessionFindsItsServer(t *testing.T) {
	c := numbered(t, 3, route.RoundRobin)
	s := c.Servers()[1]
	again := numbered(t, 3, route.LeastRequest).Servers()[1]
	if s.Token == 0 || s.Token != again.Token {
		t.Errorf("the server's token is %x in this cluster, %x in another with that URL", s.Token, again.Token)
	}
	if c.ByToken(s.Token) != s {
		t.Error("the token does not lead to its server")
	}
	if got := c.ByToken(s.Token + 1); got != nil {
		t.Errorf("a token of nobody leads to %v", got.Addr)
	}
	setIll(c, "bad", s)
	if got := c.ByToken(s.Token); got != nil {
		t.Error("the token leads to a server that is ill")
	}
	setIll(c, "bad", c.Servers()...)
	if c.ByToken(s.Token) != s {
		t.Error("the token leads nowhere where all servers seem ill")
	}
	c.setPlaces(c.origins[0], nil)
	if got := c.ByToken(s.Token); got != nil {
		t.Error("the token leads to a server that is gone")
	}
}

func TestServersStayWhatTheyAre(t *testing.T) {
	c := newTestCluster(t, "http://shop", nil)
	set := func(addrs ...string) {
		var places []place
		for _, a := range addrs {
			places = append(places, place{addr: addr(t, a), origin: c.origins[0], weight: 1})
		}
		c.setPlaces(c.origins[0], places)
	}
	set("10.0.0.1:80", "10.0.0.2:80")
	first := c.state.Load()
	kept := first.servers[1]
	setIll(c, "bad", kept)

	set("10.0.0.2:80", "10.0.0.1:80")
	if c.state.Load() != first {
		t.Error("an answer in another order made another state")
	}
	set("10.0.0.3:80", "10.0.0.2:80")
	if c.Servers()[1] != kept || kept.well() {
		t.Error("a server that stayed is another one, or has lost its health")
	}
	if n := c.state.Load().tiers[0].healthy.Load(); n != 1 {
		t.Errorf("%d servers are well, want 1", n)
	}
	set("10.0.0.3:80", "10.0.0.3:80", "10.0.0.4:80")
	if got := addrs(c.Servers()); got != "10.0.0.3:80 10.0.0.4:80" {
		t.Errorf("servers %s", got)
	}
	if w := c.state.Load().tiers[0].weights; w[0] != 2 || w[1] != 1 {
		t.Errorf("weights %v, want those of the address that is there twice together", w)
	}
}

func TestMerge(t *testing.T) {
	// Each place is written as address*weight@priority.
	f := func(want string, places ...place) {
		t.Helper()
		var got []string
		for _, p := range merge(places) {
			got = append(got, fmt.Sprintf("%d*%d@%d", p.addr.Port(), p.weight, p.priority))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	at := func(port int, weight uint32, priority uint16) place {
		return place{addr: addr(t, fmt.Sprintf("10.0.0.1:%d", port)), weight: weight, priority: priority}
	}
	f("")
	f("2*1@0 1*1@5", at(1, 1, 5), at(2, 1, 0))
	f("1*3@0 2*1@0", at(1, 1, 0), at(2, 1, 0), at(1, 2, 0))
	f("1*1@0", at(1, 7, 1), at(1, 1, 0))
	many := make([]place, 2*maxServers)
	for i := range many {
		many[i] = at(i+1, 1, 0)
	}
	if n := len(merge(many)); n != maxServers {
		t.Errorf("%d places are left, more than a cluster takes", n)
	}
}

// TestPickWhileServersChange is for the race detector.
func TestPickWhileServersChange(t *testing.T) {
	for _, policy := range []route.Policy{route.RoundRobin, route.LeastRequest, route.Random, route.Maglev} {
		c := numbered(t, 8, policy)
		origin := c.origins[0]
		places := origin.places
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				p := NewPicker()
				for i := range 2000 {
					s := c.Pick(&p, uint64(i)*0x9e3779b97f4a7c15, nil)
					if s == nil {
						t.Error("there are servers, and none is picked")
						return
					}
					s.Began()
					c.ByToken(s.Token)
					s.Ended(Outcome(i%int(Ignored+1)), 1)
				}
			})
		}
		all.Go(func() {
			for i := range 20 {
				c.setPlaces(origin, places[i%4:])
				setIll(c, "bad", c.Servers()[0])
				setIll(c, "", c.Servers()[0])
				_ = c.status()
			}
		})
		all.Wait()
	}
}
