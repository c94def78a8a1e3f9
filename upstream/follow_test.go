package upstream

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeNames answers look-ups. A name without addresses does not exist.
type fakeNames struct {
	mu     sync.Mutex
	ttl    time.Duration
	addrs  map[string][]string
	srv    map[string][]service
	err    map[string]error
	hangs  map[string]bool
	asked  map[string]int
	asking int
	most   int // at a time
}

var errServer = errors.New("the name server is broken")

func newFakeNames() *fakeNames {
	return &fakeNames{
		ttl: 10 * time.Second, addrs: map[string][]string{}, srv: map[string][]service{},
		err: map[string]error{}, hangs: map[string]bool{}, asked: map[string]int{},
	}
}

// do changes the names.
func (f *fakeNames) do(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeNames) set(name string, addrs ...string) {
	f.do(func() { f.addrs[name], f.err[name] = addrs, nil })
}

func (f *fakeNames) fail(name string, err error) { f.do(func() { f.err[name] = err }) }

func (f *fakeNames) count(name string) (n int) {
	f.do(func() { n = f.asked[name] })
	return n
}

func (f *fakeNames) begin(ctx context.Context, name string) (err error) {
	var hangs bool
	f.do(func() {
		f.asked[name]++
		f.asking++
		f.most = max(f.most, f.asking)
		err, hangs = f.err[name], f.hangs[name]
	})
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (f *fakeNames) hosts(ctx context.Context, name string) (hosts, error) {
	err := f.begin(ctx, name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asking--
	var h hosts
	for _, a := range f.addrs[name] {
		h.addrs = append(h.addrs, netip.MustParseAddr(a))
	}
	if err == nil && h.addrs == nil {
		err = errNoName
	}
	if err != nil {
		return hosts{}, err
	}
	h.ttl = f.ttl
	return h, nil
}

func (f *fakeNames) services(ctx context.Context, name string) (services, error) {
	err := f.begin(ctx, name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asking--
	if err == nil && f.srv[name] == nil {
		err = errNoName
	}
	if err != nil {
		return services{}, err
	}
	return services{f.srv[name], f.ttl}, nil
}

// following runs a set over fake names, in fake time, for as long as fn runs.
func following(t *testing.T, fn func(t *testing.T, s *Set, names *fakeNames)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		names := newFakeNames()
		s := NewSet(discard())
		s.lookups = lookups{names.hosts, names.services}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		fn(t, s, names)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func mustCluster(t *testing.T, s *Set, url string) *Cluster {
	t.Helper()
	c, err := s.Cluster(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// expectServers holds what servers a cluster has, as soon as all has been done that can be done.
func expectServers(t *testing.T, what string, c *Cluster, want string) {
	t.Helper()
	synctest.Wait()
	if got := addrs(c.Servers()); got != want {
		t.Errorf("%s: servers %q, want %q", what, got, want)
	}
}

func TestNameHasAllAddresses(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("shop", "10.0.0.1", "::ffff:10.0.0.2", "fd00::1")
		c := mustCluster(t, s, "http://shop:8080")
		expectServers(t, "at once", c, "10.0.0.1:8080 10.0.0.2:8080 [fd00::1]:8080")
		if c.Err() != nil {
			t.Errorf("with the error %v", c.Err())
		}
	})
}

func TestTimeToLive(t *testing.T) {
	f := func(ttl, want time.Duration) {
		t.Helper()
		following(t, func(t *testing.T, s *Set, names *fakeNames) {
			t.Helper()
			names.ttl = ttl
			names.set("shop", "10.0.0.1")
			c := mustCluster(t, s, "http://shop")
			expectServers(t, ttl.String(), c, "10.0.0.1:80")
			names.set("shop", "10.0.0.2")
			time.Sleep(want - 1)
			expectServers(t, ttl.String()+", before", c, "10.0.0.1:80")
			time.Sleep(time.Nanosecond)
			expectServers(t, ttl.String()+", after", c, "10.0.0.2:80")
			time.Sleep(100 * want)
			if n := names.count("shop"); n < 101 || n > 102 {
				t.Errorf("%v: looked up %d times in 101 times %v", ttl, n, want)
			}
		})
	}
	f(10*time.Second, 10*time.Second)
	f(time.Second, time.Second)
	f(0, time.Second)
	f(24*time.Hour, 10*time.Minute)
}

func TestAddressesAreNotLookedUp(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		c := mustCluster(t, s, "http://10.1.1.1,[fd00::1]:81")
		time.Sleep(time.Hour)
		expectServers(t, "an hour later", c, "10.1.1.1:80 [fd00::1]:81")
		if len(names.asked) > 0 {
			t.Errorf("asked for %v", names.asked)
		}
	})
}

func TestFailedLookupKeepsServers(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("shop", "10.0.0.1")
		c := mustCluster(t, s, "http://shop")
		expectServers(t, "at first", c, "10.0.0.1:80")
		names.fail("shop", errServer)
		time.Sleep(time.Hour)
		expectServers(t, "after an hour without answers", c, "10.0.0.1:80")
		if !errors.Is(c.Err(), errServer) || !strings.Contains(c.Err().Error(), "resolving shop") {
			t.Errorf("the reason is %v", c.Err())
		}
		names.set("shop", "10.0.0.2")
		time.Sleep(lastRetry)
		expectServers(t, "once it answers", c, "10.0.0.2:80")
		if c.Err() != nil {
			t.Errorf("the error stays: %v", c.Err())
		}
	})
}

func TestFailedLookupIsTriedAgain(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.fail("shop", errServer)
		c := mustCluster(t, s, "http://shop")
		var waits []time.Duration
		last := time.Now()
		for seen := 1; len(waits) < 7; time.Sleep(100 * time.Millisecond) {
			synctest.Wait()
			if n := names.count("shop"); n > seen {
				waits = append(waits, time.Since(last).Round(time.Second))
				seen, last = n, time.Now()
			}
		}
		want := []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second}
		if !slices.Equal(waits, want) {
			t.Errorf("tried again after %v, want %v", waits, want)
		}
		names.set("shop", "10.0.0.1")
		time.Sleep(lastRetry)
		expectServers(t, "once it answers", c, "10.0.0.1:80")
		names.fail("shop", errServer)
		time.Sleep(names.ttl)
		synctest.Wait()
		n := names.count("shop")
		time.Sleep(firstRetry)
		synctest.Wait()
		if names.count("shop") != n+1 {
			t.Error("after a success the first wait is not short again")
		}
	})
}

func TestMissingNameLosesItsServersLate(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("shop", "10.0.0.1")
		c := mustCluster(t, s, "http://shop")
		expectServers(t, "at first", c, "10.0.0.1:80")
		names.fail("shop", errNoName)
		time.Sleep(names.ttl + disbelief - 1)
		expectServers(t, "missing, but not for long", c, "10.0.0.1:80")
		if !errors.Is(c.Err(), errNoName) {
			t.Errorf("the reason is %v", c.Err())
		}
		time.Sleep(lastRetry)
		expectServers(t, "missing for long", c, "")
		names.set("shop", "10.0.0.2")
		time.Sleep(lastRetry)
		expectServers(t, "there again", c, "10.0.0.2:80")
	})
}

// TestMissingNowAndThen holds that a name has to be missing without interruption.
func TestMissingNowAndThen(t *testing.T) {
	f := func(what string, between func(names *fakeNames)) {
		t.Helper()
		following(t, func(t *testing.T, s *Set, names *fakeNames) {
			t.Helper()
			names.ttl = time.Second
			names.set("shop", "10.0.0.1")
			c := mustCluster(t, s, "http://shop")
			synctest.Wait()
			for range 10 {
				names.fail("shop", errNoName)
				time.Sleep(disbelief / 2)
				between(names)
				time.Sleep(lastRetry)
				expectServers(t, what, c, "10.0.0.1:80")
			}
		})
	}
	f("found now and then", func(names *fakeNames) { names.set("shop", "10.0.0.1") })
	f("failing now and then", func(names *fakeNames) { names.fail("shop", errServer) })
}

func TestSeveralNames(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("a", "10.0.0.1", "10.0.0.2")
		names.fail("b", errServer)
		c := mustCluster(t, s, "http://a:1,b:2,10.0.0.9:3")
		expectServers(t, "one fails", c, "10.0.0.1:1 10.0.0.2:1 10.0.0.9:3")
		if !errors.Is(c.Err(), errServer) {
			t.Errorf("the reason is %v", c.Err())
		}
		names.set("b", "10.0.0.1")
		time.Sleep(lastRetry)
		expectServers(t, "all", c, "10.0.0.1:1 10.0.0.2:1 10.0.0.1:2 10.0.0.9:3")
		names.set("a", "10.0.0.2")
		time.Sleep(names.ttl)
		expectServers(t, "one has changed", c, "10.0.0.2:1 10.0.0.1:2 10.0.0.9:3")
		if c.Servers()[1].origin.host != "b" {
			t.Errorf("the server of b is asked for %s", c.Servers()[1].origin.host)
		}
	})
}

func TestSlowNameDelaysNoOther(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.hangs["slow"] = true
		slow := mustCluster(t, s, "http://slow")
		synctest.Wait()
		names.set("shop", "10.0.0.1")
		expectServers(t, "beside a slow one", mustCluster(t, s, "http://shop"), "10.0.0.1:80")
		expectServers(t, "the slow one", slow, "")
	})
}

func TestServices(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.do(func() {
			names.srv["_http._tcp.shop"] = []service{
				{host: "second", port: 80, priority: 20, weight: 1},
				{host: "a", port: 8001, priority: 10, weight: 3},
				{host: "b", port: 8002, priority: 10, weight: 0, addrs: []netip.Addr{netip.MustParseAddr("10.0.0.7")}},
			}
		})
		names.set("a", "10.0.0.1", "10.0.0.2")
		names.set("second", "10.0.0.9")
		c := mustCluster(t, s, "srv+http://_http._tcp.shop")
		expectServers(t, "by priority", c, "10.0.0.1:8001 10.0.0.2:8001 10.0.0.7:8002 10.0.0.9:80")
		var weights []uint32
		for _, t := range c.state.Load().tiers {
			weights = append(weights, t.weights...)
		}
		if !slices.Equal(weights, []uint32{3, 3, 1, 1}) {
			t.Errorf("weights %v", weights)
		}
		if n := names.count("b"); n != 0 {
			t.Error("a host whose address came along was looked up")
		}
		names.do(func() { names.srv["_http._tcp.shop"] = names.srv["_http._tcp.shop"][:1] })
		time.Sleep(names.ttl)
		expectServers(t, "a record is left", c, "10.0.0.9:80")
	})
}

func TestTargetsThatFail(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.do(func() {
			names.srv["shop"] = []service{{host: "a", port: 1}, {host: "b", port: 2}, {host: "b", port: 3}}
		})
		names.set("a", "10.0.0.1")
		names.set("b", "10.0.0.2")
		c := mustCluster(t, s, "srv+http://shop")
		expectServers(t, "at first", c, "10.0.0.1:1 10.0.0.2:2 10.0.0.2:3")
		names.fail("b", errServer)
		time.Sleep(time.Hour)
		expectServers(t, "one target fails", c, "10.0.0.1:1 10.0.0.2:2 10.0.0.2:3")
		names.fail("b", errNoName)
		time.Sleep(lastRetry)
		expectServers(t, "one target is gone", c, "10.0.0.1:1")
		names.fail("a", errNoName)
		time.Sleep(time.Minute + lastRetry)
		expectServers(t, "all targets are gone", c, "")
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), "none of its 3 targets has an address") {
			t.Errorf("the reason is %v", err)
		}
	})
}

func TestManyTargetsAreLookedUpInTurns(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.do(func() {
			for i := range 100 {
				host := "h" + string(rune('0'+i/10)) + string(rune('0'+i%10))
				names.srv["shop"] = append(names.srv["shop"], service{host: host, port: 1})
				names.hangs[host] = true
			}
		})
		mustCluster(t, s, "srv+http://shop")
		synctest.Wait()
		names.do(func() {
			if names.most != targetLookups {
				t.Errorf("%d look-ups at a time, want %d", names.most, targetLookups)
			}
		})
	})
}

func TestRunEndsAmidAllLookups(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.hangs["slow"] = true
		mustCluster(t, s, "http://slow")
		synctest.Wait()
	})
}
