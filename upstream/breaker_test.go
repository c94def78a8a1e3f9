package upstream

import (
	"sync"
	"testing"

	"tain.dev/tain/route"
)

func TestLimits(t *testing.T) {
	c := newTestCluster(t, "http://shop", &route.Options{MaxRequests: 2, MaxConns: 3})
	f := func(what string, most int, admit func() bool, leave func()) {
		t.Helper()
		for i := range most {
			if !admit() {
				t.Errorf("%s: refused number %d of %d", what, i+1, most)
			}
		}
		for range 2 {
			if admit() {
				t.Errorf("%s: admitted more than %d", what, most)
			}
		}
		leave()
		if !admit() || admit() {
			t.Errorf("%s: room was made for one, and not for one", what)
		}
	}
	f("requests", 2, c.Admit, c.Leave)
	f("connections", 3, func() bool { return c.breaker.conns.enter(3) }, c.LeaveConn)
	got := c.status()
	if want := (GateStatus{Running: 2, Most: 2, Refused: 3}); got.Requests != want {
		t.Errorf("requests: %+v, want %+v", got.Requests, want)
	}
	if want := (GateStatus{Running: 3, Most: 3, Refused: 3}); got.Conns != want {
		t.Errorf("connections: %+v, want %+v", got.Conns, want)
	}
	c.connClosed(nil)
	if n := c.status().Conns.Running; n != 2 {
		t.Errorf("%d connections are counted after one was closed, want 2", n)
	}
}

func TestNoLimits(t *testing.T) {
	c := newTestCluster(t, "http://shop", nil)
	for range 10_000 {
		if !c.Admit() || !c.breaker.conns.enter(0) {
			t.Fatal("refused without a limit")
		}
	}
}

func TestRetryBudget(t *testing.T) {
	f := func(percent uint32, least, running, want int) {
		t.Helper()
		c := newTestCluster(t, "http://shop", &route.Options{RetryBudget: route.Budget{Percent: percent, MinConcurrent: least}})
		for range running {
			c.Admit()
		}
		got := 0
		for got < 1000 && c.AdmitRetry() {
			got++
		}
		if got != want {
			t.Errorf("%d retries of %d requests run at %d %% and at least %d, want %d", got, running, percent, least, want)
		}
		c.LeaveRetry()
		if !c.AdmitRetry() || c.AdmitRetry() {
			t.Error("room was made for one retry, and not for one")
		}
	}
	f(0, 0, 0, 3)
	f(0, 0, 15, 3)
	f(0, 0, 20, 4)
	f(0, 0, 100, 20)
	f(100, 1, 50, 50)
	f(10, 7, 60, 7)
}

// TestLimitsOfManyLoops holds that a limit is never passed.
func TestLimitsOfManyLoops(t *testing.T) {
	c := newTestCluster(t, "http://shop", &route.Options{MaxRequests: 3})
	inside := make(chan struct{}, 3)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 2000 {
				if !c.Admit() {
					continue
				}
				select {
				case inside <- struct{}{}:
					<-inside
				default:
					t.Error("more than three at a time")
				}
				c.Leave()
			}
		})
	}
	all.Wait()
	if n := c.status().Requests.Running; n != 0 {
		t.Errorf("%d requests are left", n)
	}
}
