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

// fakeDNS answers look-ups from a map. A name without addresses is not known.
type fakeDNS struct {
	mu      sync.Mutex
	addrs   map[string][]string
	asked   map[string]int
	hanging map[string]bool // never answered
}

func newFakeDNS() *fakeDNS {
	return &fakeDNS{addrs: map[string][]string{}, asked: map[string]int{}, hanging: map[string]bool{}}
}

func (d *fakeDNS) set(host string, addrs ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addrs[host] = addrs
}

func (d *fakeDNS) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if network != "ip" {
		return nil, errors.New("asked for network " + network)
	}
	d.mu.Lock()
	d.asked[host]++
	hangs := d.hanging[host]
	var found []netip.Addr
	for _, a := range d.addrs[host] {
		found = append(found, netip.MustParseAddr(a))
	}
	d.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if len(found) == 0 {
		return nil, errors.New("no such host")
	}
	return found, nil
}

func (d *fakeDNS) count(host string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[host]
}

// resolve runs a resolver over a fake DNS, in fake time, for as long as fn runs.
func resolve(t *testing.T, fn func(r *Resolver, dns *fakeDNS)) {
	synctest.Test(t, func(t *testing.T) {
		dns := newFakeDNS()
		r := NewResolver()
		r.lookup = dns.lookup
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		fn(r, dns)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func endpoint(t *testing.T, r *Resolver, url string) *Endpoint {
	t.Helper()
	e, err := r.Endpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func expectAddrs(t *testing.T, e *Endpoint, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, a := range e.Addrs() {
		got = append(got, a.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has the addresses %v, want %v", e.Name, got, want)
	}
}

func TestEndpointOfURL(t *testing.T) {
	r := NewResolver()
	f := func(url, name, addr string) {
		t.Helper()
		e := endpoint(t, r, url)
		if e.Name != name {
			t.Errorf("%s is named %s, want %s", url, e.Name, name)
		}
		got := ""
		if len(e.Addrs()) > 0 {
			got = e.Addrs()[0].String()
		}
		if got != addr {
			t.Errorf("%s has the address %q, want %q", url, got, addr)
		}
		if endpoint(t, r, url) != e {
			t.Errorf("%s has two endpoints", url)
		}
	}
	f("http://127.0.0.1", "127.0.0.1:80", "127.0.0.1:80")
	f("http://127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1:9000")
	f("http://127.0.0.1:9000/", "127.0.0.1:9000", "127.0.0.1:9000")
	f("http://[::1]:9000", "[::1]:9000", "[::1]:9000")
	f("http://[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]:80", "10.0.0.1:80")
	f("http://shop", "shop:80", "")
	f("http://shop:8080", "shop:8080", "")

	if endpoint(t, r, "http://shop") == endpoint(t, r, "http://shop:8080") {
		t.Error("two ports share an endpoint")
	}
	bad := func(url string) {
		t.Helper()
		if _, err := r.Endpoint(url); err == nil || !strings.Contains(err.Error(), url) {
			t.Errorf("%s: %v", url, err)
		}
	}
	bad("")
	bad("shop")
	bad("http://")
	bad("http://shop:99999")
	bad("http://shop:port")
}

func TestResolve(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.set("shop", "10.0.0.1", "::ffff:10.0.0.2", "fd00::1")
		e := endpoint(t, r, "http://shop:8080")
		expectAddrs(t, e, "10.0.0.1:8080", "10.0.0.2:8080", "[fd00::1]:8080")
		if e.Err() != nil {
			t.Errorf("with the error %v", e.Err())
		}
		literal := endpoint(t, r, "http://10.1.1.1")
		expectAddrs(t, literal, "10.1.1.1:80")
		time.Sleep(time.Hour)
		if n := dns.count("10.1.1.1"); n != 0 {
			t.Errorf("an address was looked up %d times", n)
		}
	})
}

func TestRefresh(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.set("shop", "10.0.0.1")
		e := endpoint(t, r, "http://shop")
		expectAddrs(t, e, "10.0.0.1:80")
		dns.set("shop", "10.0.0.2")
		time.Sleep(refreshInterval - time.Nanosecond)
		expectAddrs(t, e, "10.0.0.1:80")
		time.Sleep(time.Nanosecond)
		expectAddrs(t, e, "10.0.0.2:80")
		time.Sleep(10 * refreshInterval)
		if n := dns.count("shop"); n < 11 || n > 12 {
			t.Errorf("looked up %d times in eleven intervals", n)
		}
	})
}

func TestRetryWithoutAddress(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.set("other", "10.9.9.9")
		other := endpoint(t, r, "http://other")
		e := endpoint(t, r, "http://shop")
		expectAddrs(t, e)
		if err := e.Err(); err == nil || !strings.Contains(err.Error(), "resolving shop") || !strings.Contains(err.Error(), "no such host") {
			t.Errorf("the reason is: %v", err)
		}
		time.Sleep(3 * retryInterval)
		expectAddrs(t, e)
		if n := dns.count("shop"); n != 4 {
			t.Errorf("looked up %d times, want one at first and one a second", n)
		}
		dns.set("shop", "10.0.0.1")
		time.Sleep(retryInterval)
		expectAddrs(t, e, "10.0.0.1:80")
		if e.Err() != nil {
			t.Errorf("the error stays: %v", e.Err())
		}
		expectAddrs(t, other, "10.9.9.9:80")
		if n := dns.count("other"); n != 1 {
			t.Errorf("a name that is fine was looked up %d times because of one that is not", n)
		}
	})
}

func TestFailureKeepsOldAddresses(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.set("shop", "10.0.0.1")
		e := endpoint(t, r, "http://shop")
		expectAddrs(t, e, "10.0.0.1:80")
		dns.set("shop")
		time.Sleep(5 * refreshInterval)
		expectAddrs(t, e, "10.0.0.1:80")
		if e.Err() == nil {
			t.Error("the failure is not told")
		}
		dns.set("shop", "10.0.0.2")
		time.Sleep(refreshInterval)
		expectAddrs(t, e, "10.0.0.2:80")
		if e.Err() != nil {
			t.Errorf("the error stays: %v", e.Err())
		}
	})
}

func TestASlowNameDelaysNoOther(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.hanging["slow"] = true
		slow := endpoint(t, r, "http://slow")
		synctest.Wait()
		dns.set("shop", "10.0.0.1")
		e := endpoint(t, r, "http://shop")
		expectAddrs(t, e, "10.0.0.1:80") // in no time
		expectAddrs(t, slow)
		if slow.Err() != nil {
			t.Errorf("before its time: %v", slow.Err())
		}
		time.Sleep(lookupTimeout)
		synctest.Wait()
		if !errors.Is(slow.Err(), context.DeadlineExceeded) {
			t.Errorf("the reason is: %v", slow.Err())
		}
	})
}

func TestRunEndsAmidLookups(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.hanging["slow"] = true
		endpoint(t, r, "http://slow")
		synctest.Wait()
	})
}

func TestEndpointsFromManyGoroutines(t *testing.T) {
	resolve(t, func(r *Resolver, dns *fakeDNS) {
		dns.set("shop", "10.0.0.1")
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				e, err := r.Endpoint("http://shop")
				if err != nil || e.Name != "shop:80" {
					t.Errorf("%v, %v", e, err)
				}
				_ = e.Addrs()
			})
		}
		all.Wait()
		expectAddrs(t, endpoint(t, r, "http://shop"), "10.0.0.1:80")
		if n := dns.count("shop"); n != 1 {
			t.Errorf("looked up %d times", n)
		}
	})
}
