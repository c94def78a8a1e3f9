package upstream

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/route"
)

func TestEqualUpstreamsAreOne(t *testing.T) {
	s := NewSet(discard())
	f := func(same bool, aURL string, a *route.Options, bURL string, b *route.Options) {
		t.Helper()
		first, err := s.Cluster(aURL, a)
		if err != nil {
			t.Fatal(err)
		}
		second, err := s.Cluster(bURL, b)
		if err != nil {
			t.Fatal(err)
		}
		if (first == second) != same {
			t.Errorf("%s %+v and %s %+v are one: %v", aURL, a, bURL, b, first == second)
		}
	}
	f(true, "http://shop", nil, "http://shop:80/", nil)
	f(true, "http://shop", nil, "http://shop", &route.Options{})
	f(true, "http://shop", &route.Options{Outlier: route.Outlier{Failures: 5}}, "http://shop", nil)
	f(false, "http://shop", nil, "http://shop:81", nil)
	f(false, "http://shop", nil, "https://shop:80", nil)
	f(false, "http://shop", &route.Options{MaxRequests: 1}, "http://shop", nil)

	bad := func(url string) {
		t.Helper()
		if c, err := s.Cluster(url, nil); err == nil || c != nil || !strings.Contains(err.Error(), "upstream: ") {
			t.Errorf("%q: %v, %v", url, c, err)
		}
	}
	bad("")
	bad("shop")
	bad("ftp://shop")
	bad("http://shop:99999")
}

// retain keeps the named URLs, with default options.
func retain(s *Set, urls ...string) {
	used := make(map[string]bool)
	for _, u := range urls {
		used[route.Key(u, nil)] = true
	}
	s.Retain(func(key string) bool { return used[key] })
}

func TestUnusedUpstreamsFallAsleep(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("a", "10.0.0.1")
		names.set("b", "10.0.0.2")
		a, b := mustCluster(t, s, "http://a"), mustCluster(t, s, "http://b")
		// grows says whether a name is looked up in a time in which all that are used are.
		grows := func(name string) bool {
			synctest.Wait()
			n := names.count(name)
			time.Sleep(names.ttl)
			synctest.Wait()
			return names.count(name) > n
		}
		time.Sleep(time.Hour)
		if !grows("a") || !grows("b") {
			t.Error("upstreams of which no table was told are not kept up to date")
		}
		retain(s, "http://a:80")
		time.Sleep(keepUnused - names.ttl - 1)
		if !grows("b") {
			t.Error("an upstream fell asleep before its time")
		}
		time.Sleep(time.Second)
		if !grows("a") || grows("b") {
			t.Error("an upstream that is not used is kept up to date, or one that is used is not")
		}
		if n := len(s.Status()); n != 1 {
			t.Errorf("the status has %d upstreams", n)
		}
		expectServers(t, "asleep", b, "10.0.0.2:80")

		names.set("b", "10.0.0.3")
		retain(s, "http://a:80", "http://b:80")
		expectServers(t, "woken by a table", b, "10.0.0.3:80")
		if mustCluster(t, s, "http://b") != b || mustCluster(t, s, "http://a") != a {
			t.Error("they are others now")
		}
		if !grows("b") {
			t.Error("an upstream that was woken is not kept up to date")
		}
		retain(s)
		time.Sleep(keepUnused + 1)
		if grows("b") {
			t.Error("it does not fall asleep again")
		}
		names.set("b", "10.0.0.4")
		if mustCluster(t, s, "http://b") != b {
			t.Error("an upstream that is asked for is another one than before")
		}
		expectServers(t, "woken by someone who asks", b, "10.0.0.4:80")
	})
}

func TestBriefAbsenceIsNone(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("a", "10.0.0.1")
		a := mustCluster(t, s, "http://a")
		synctest.Wait()
		server := a.Servers()[0]
		for range 10 {
			retain(s)
			time.Sleep(keepUnused / 2)
			retain(s, "http://a:80")
			time.Sleep(keepUnused)
		}
		if a.Servers()[0] != server || names.count("a") < 80 {
			t.Errorf("after %d look-ups the server is another: %v", names.count("a"), a.Servers()[0] != server)
		}
	})
}

// TestAskingPutsSleepOff holds that an upstream which requests of a former table still ask for stays
// awake.
func TestAskingPutsSleepOff(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("a", "10.0.0.1")
		mustCluster(t, s, "http://a")
		retain(s)
		for range 10 {
			time.Sleep(keepUnused - 1)
			mustCluster(t, s, "http://a")
		}
		synctest.Wait()
		if len(s.Status()) != 1 {
			t.Error("it fell asleep")
		}
		time.Sleep(keepUnused)
		synctest.Wait()
		if len(s.Status()) != 0 {
			t.Error("it does not fall asleep")
		}
	})
}

// TestForgetsWhatNobodyHolds holds that tables that come and go leave nothing behind.
func TestForgetsWhatNobodyHolds(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		held := mustCluster(t, s, "http://10.0.0.1")
		for _, u := range []string{"http://10.0.0.2", "http://10.0.0.3"} {
			mustCluster(t, s, u)
		}
		retain(s)
		time.Sleep(keepUnused + 1)
		synctest.Wait()
		if len(s.awake) != 0 || len(s.asleep) != 3 {
			t.Fatalf("%d are awake and %d asleep", len(s.awake), len(s.asleep))
		}
		runtime.GC()
		retain(s)
		if len(s.asleep) != 1 {
			t.Errorf("%d are asleep, of which one is held", len(s.asleep))
		}
		if mustCluster(t, s, "http://10.0.0.1") != held {
			t.Error("the one that is held is another now")
		}
	})
}

func TestTLSOfUpstreams(t *testing.T) {
	s := NewSet(discard())
	var asked []string
	o := &route.Options{TLS: &route.TLS{ServerName: "other"}}
	s.TLS = func(o *route.Options, host string, alpn ...string) (*tls.Config, error) {
		asked = append(asked, host+" "+strings.Join(alpn, " ")+" "+o.TLS.ServerName)
		return &tls.Config{ServerName: host, NextProtos: alpn}, nil
	}
	c, err := s.Cluster("https://10.0.0.1,10.0.0.2:8443", o)
	if err != nil {
		t.Fatal(err)
	}
	f := func(server int, protocol, want string) {
		t.Helper()
		conf, err := c.Servers()[server].TLS(protocol)
		if err != nil {
			t.Fatal(err)
		}
		if got := conf.ServerName + " " + strings.Join(conf.NextProtos, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(0, "h2", "10.0.0.1 h2")
	f(0, "http/1.1", "10.0.0.1 http/1.1")
	f(1, "h2", "10.0.0.2 h2")
	if got := strings.Join(asked, "; "); got != "10.0.0.1 http/1.1 other; 10.0.0.1 h2 other; 10.0.0.2 http/1.1 other; 10.0.0.2 h2 other" {
		t.Errorf("asked for %s", got)
	}
	clear, err := newTestCluster(t, "http://10.0.0.1", nil).Servers()[0].TLS("h2")
	if clear != nil || err != nil {
		t.Errorf("in the clear: %v, %v", clear, err)
	}
	if _, err := newTestCluster(t, "https://10.0.0.1", nil).Servers()[0].TLS("h2"); err != errNoTLS {
		t.Errorf("without Set.TLS: %v", err)
	}
}

func TestTLSThatFailsIsTriedAgain(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		var log bytes.Buffer
		s.log = slog.New(slog.NewTextHandler(&log, nil))
		var mu sync.Mutex
		broken := errors.New("ca.pem: no such file")
		s.TLS = func(*route.Options, string, ...string) (*tls.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			return &tls.Config{}, broken
		}
		server := mustCluster(t, s, "https://10.0.0.1").Servers()[0]
		time.Sleep(10 * tlsRetry)
		synctest.Wait()
		if _, err := server.TLS("h2"); err != broken {
			t.Errorf("the reason is %v", err)
		}
		mu.Lock()
		broken = nil
		mu.Unlock()
		time.Sleep(tlsRetry)
		synctest.Wait()
		if conf, err := server.TLS("h2"); err != nil || conf == nil {
			t.Errorf("%v, %v once the file is there", conf, err)
		}
		if got := log.String(); strings.Count(got, "ca.pem") != 1 || strings.Count(got, "can be secured now") != 1 {
			t.Errorf("logged, want a line for each turn: %s", got)
		}
	})
}

func TestStatus(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("b", "10.0.0.1", "10.0.0.2")
		b := mustCluster(t, s, "http://b:8080")
		mustCluster(t, s, "http://a")
		synctest.Wait()
		setIll(b, "health check: bad", b.Servers()[0])
		got := s.Status()
		if len(got) != 2 || got[0].Name != "a:80" || !errors.Is(got[0].Err, errNoName) || len(got[0].Servers) != 0 {
			t.Fatalf("status %+v", got)
		}
		want := ServerStatus{Addr: "10.0.0.1:8080", Host: "b", Weight: 1, Why: "health check: bad"}
		if got[1].Name != "b:8080" || got[1].Err != nil || got[1].Panic || got[1].Servers[0] != want {
			t.Errorf("status %+v, want the server %+v", got[1], want)
		}
		if most := got[1].Retries.Most; most != 3 {
			t.Errorf("%d retries may run, want 3", most)
		}
	})
}

func TestClustersFromManyGoroutines(t *testing.T) {
	following(t, func(t *testing.T, s *Set, names *fakeNames) {
		names.set("shop", "10.0.0.1")
		s.TLS = func(*route.Options, string, ...string) (*tls.Config, error) { return &tls.Config{}, nil }
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				c, err := s.Cluster("https://shop", nil)
				if err != nil || c.Name() != "shop:443" {
					t.Errorf("%v, %v", c, err)
				}
				retain(s, "https://shop:443")
				_ = s.Status()
			})
		}
		all.Wait()
		expectServers(t, "after all", mustCluster(t, s, "https://shop"), "10.0.0.1:443")
		if n := names.count("shop"); n != 1 {
			t.Errorf("looked up %d times", n)
		}
	})
}
