package upstream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/route"
)

// probes are what servers answer to health checks, by address; nil is well.
type probes struct {
	mu    sync.Mutex
	ill   map[string]error
	asked map[string]int
	now   int
	most  int // at a time
}

// errHangs is the answer of a server that gives none.
var errHangs = errors.New("hangs")

func (p *probes) probe(ctx context.Context, s *Server) error {
	p.mu.Lock()
	p.now++
	p.most = max(p.most, p.now)
	p.asked[s.Addr.String()]++
	err := p.ill[s.Addr.String()]
	p.mu.Unlock()
	if err == errHangs {
		<-ctx.Done()
		err = ctx.Err()
	}
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return err
}

func (p *probes) set(addr string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ill[addr] = err
}

func (p *probes) count(addr string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[addr]
}

// checked runs a test in fake time, with health checks as fast as the defaults.
func checked(t *testing.T, url string, fn func(t *testing.T, c *Cluster, p *probes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &probes{ill: make(map[string]error), asked: make(map[string]int)}
		c := newTestCluster(t, url, &route.Options{Check: &route.Check{Kind: route.CheckTCP}})
		c.probe = p.probe
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.check(ctx, make(chan struct{}, 2)) })
		fn(t, c, p)
		cancel()
		running.Wait()
	})
}

// interval is a little more than the longest time between two checks of a server.
const interval = 11*time.Second + time.Millisecond

func TestChecksTurnServers(t *testing.T) {
	checked(t, "http://10.0.0.1:1,10.0.0.2:1", func(t *testing.T, c *Cluster, p *probes) {
		var log bytes.Buffer
		c.log = slog.New(slog.NewTextHandler(&log, nil))
		s := c.Servers()
		p.set("10.0.0.1:1", errors.New("no thanks"))
		expectWell(t, "before the first check", s, true, true)
		time.Sleep(firstCheck)
		synctest.Wait()
		if p.count("10.0.0.1:1") != 1 || p.count("10.0.0.2:1") != 1 {
			t.Errorf("the servers were asked %d and %d times in the first second", p.count("10.0.0.1:1"), p.count("10.0.0.2:1"))
		}
		expectWell(t, "after one check", s, true, true)
		time.Sleep(2 * interval)
		expectWell(t, "after three checks", s, false, true)
		if why := c.status().Servers[0].Why; why != "health check: no thanks" {
			t.Errorf("the status says %q", why)
		}
		p.set("10.0.0.1:1", errors.New("not again"))
		time.Sleep(5 * interval)
		if why := c.status().Servers[0].Why; why != "health check: not again" {
			t.Errorf("after the next checks, the status says %q", why)
		}
		p.set("10.0.0.1:1", nil)
		time.Sleep(2 * interval)
		expectWell(t, "well again", s, true, true)
		if got := log.String(); strings.Count(got, "\n") != 2 || strings.Count(got, "no thanks") != 1 {
			t.Errorf("logged, want one line for each turn: %s", got)
		}
		if n := p.count("10.0.0.2:1"); n < 8 || n > 11 {
			t.Errorf("asked %d times in 100 s", n)
		}
	})
}

func TestChecksTimeOut(t *testing.T) {
	checked(t, "http://10.0.0.1:1", func(t *testing.T, c *Cluster, p *probes) {
		p.set("10.0.0.1:1", errHangs)
		time.Sleep(4 * (interval + 2*time.Second))
		expectWell(t, "without an answer", c.Servers(), false)
		if why := c.status().Servers[0].Why; why != "health check: no answer within 2s (the check's timeout)" {
			t.Errorf("the status says %q", why)
		}
	})
}

func TestChecksShareSlots(t *testing.T) {
	checked(t, "http://10.0.0.1:1,10.0.0.2:1,10.0.0.3:1,10.0.0.4:1,10.0.0.5:1", func(t *testing.T, c *Cluster, p *probes) {
		for _, s := range c.Servers() {
			p.set(s.Addr.String(), errHangs)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.most != 2 {
			t.Errorf("%d checks ran at a time, want 2", p.most)
		}
		for addr, n := range p.asked {
			if n < 3 {
				t.Errorf("%s was asked %d times in a minute", addr, n)
			}
		}
	})
}

func TestChecksFollowServers(t *testing.T) {
	checked(t, "http://shop", func(t *testing.T, c *Cluster, p *probes) {
		set := func(addrs ...string) []*Server {
			var places []place
			for _, a := range addrs {
				places = append(places, place{addr: addr(t, a), origin: c.origins[0], weight: 1})
			}
			c.setPlaces(c.origins[0], places)
			return c.Servers()
		}
		p.set("10.0.0.1:1", errors.New("bad"))
		s := set("10.0.0.1:1", "10.0.0.2:1")
		time.Sleep(4 * interval)
		expectWell(t, "both", s, false, true)
		n := p.count("10.0.0.2:1")
		s = set("10.0.0.1:1", "10.0.0.3:1")
		time.Sleep(4 * interval)
		expectWell(t, "one has left", s, false, true)
		if p.count("10.0.0.2:1") != n {
			t.Error("a server that is gone is asked on")
		}
		if p.count("10.0.0.3:1") < 3 {
			t.Error("a new server is not asked")
		}
		p.set("10.0.0.1:1", nil)
		set("10.0.0.3:1")
		s = set("10.0.0.1:1", "10.0.0.3:1")
		expectWell(t, "it comes back as a new one", s, true, true)
	})
}

func TestTally(t *testing.T) {
	// f plays answers, - or +, and holds what the server is after each, with healthy 2 and unhealthy 3.
	f := func(answers, want string) {
		t.Helper()
		tally, got := tally{well: true}, ""
		for _, a := range answers {
			before := tally.well
			if turned := tally.took(a == '+', 2, 3); turned != (before != tally.well) {
				t.Errorf("%s: turned is %v at %q", answers, turned, got)
			}
			if tally.well {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", answers, got, want)
		}
	}
	f("+++", "+++")
	f("--+--+", "++++++")
	f("---", "++-")
	f("----+-+-", "++------")
	f("---++--+---", "++--++++++-")
}
