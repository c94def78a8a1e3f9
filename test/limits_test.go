package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tain.dev/tain/test/faulty"
	"tain.dev/tain/test/wire"
)

// startLimited mirrors live to target within limits, written as YAML.
func startLimited(t *testing.T, live, target, limits string) *wire.Tain {
	t.Helper()
	return wire.StartFile(t, fmt.Sprintf("listen: $listen\nadmin: $admin\nloops: 2\ndata: {dir: \"off\"}\nroutes:\n- name: all\n  backends: http://%s\n"+
		"  mirrors: {limits: %s, targets: \"http://%s\"}\n", live, limits, target))
}

// TestMaxRate counts copies as they come, while users ask for much more.
func TestMaxRate(t *testing.T) {
	const rate, length = 300, 3 * time.Second
	live, target := startFaulty(t, "ok"), startFaulty(t, "ok")
	p := wire.StartMirror(t, "http://"+live.Addr, "http://"+target.Addr, "--max-rate", fmt.Sprintf("%d/s", rate), "--loops", "2")
	leave := load(t, p)
	wire.Until(t, "copies to come", func() bool { return target.Requests() > rate/10 })
	start, before := time.Now(), target.Requests()
	<-time.After(length)
	got := float64(target.Requests()-before) / time.Since(start).Seconds()
	leave()
	b := p.Settled(t)
	if got < 0.8*rate || got > 1.2*rate {
		t.Errorf("%.0f copies a second came of %d requests, want %d", got, b["seen"], rate)
	}
	if b["dropped/rate"]+b["sent"] != b["seen"] {
		t.Errorf("others than over the rate were not copied: %v", b)
	}
	if report := p.Stop(t); !strings.Contains(report, "dropped{rate}") {
		t.Errorf("the report does not say why copies are missing:\n%s", report)
	}
}

// TestBreaker takes a target away from under load, and gives it back.
func TestBreaker(t *testing.T) {
	live, dead := startFaulty(t, "ok"), startFaulty(t, "refuse")
	p := startLimited(t, live.Addr, dead.Addr, "{breaker: {streak: 3, pause: 50ms, maxPause: 200ms}}")
	leave := load(t, p)
	wire.Until(t, "the breaker to open", func() bool { return p.Books(t)["dropped/breaker"] > 100 })
	sent := p.Books(t)["sent"]
	wire.Until(t, "probes", func() bool { return p.Books(t)["sent"] > sent+2 })
	dead.Close()
	well, err := faulty.Listen(dead.Addr, "ok")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(well.Close)
	wire.Until(t, "copies to be answered", func() bool { return p.Books(t)["answered"] > 100 })
	wire.Until(t, "the log to say so", func() bool { return strings.Contains(p.Log.String(), "its breaker is closed") })
	leave()
	p.Settled(t)
	p.Says(t, "its breaker is open") // why is told once in a tick: the streak, or by then the first probe
	p.Stop(t)
}

// TestAdaptive gives much to a target that bears 200 copies a second.
func TestAdaptive(t *testing.T) {
	const desks, pause = 4, 20 * time.Millisecond
	live, target := startFaulty(t, "ok"), startFaulty(t, fmt.Sprint("capacity:", pause))
	target.Open(desks)
	p := startLimited(t, live.Addr, target.Addr, "{adaptive: true}")
	leave := load(t, p)
	<-time.After(3 * time.Second) // in which it finds out
	start := time.Now()
	before, tookBefore := target.Served()
	<-time.After(3 * time.Second)
	n, took := target.Served()
	length, each := time.Since(start), (took-tookBefore)/time.Duration(max(n-before, 1))
	used := float64(n-before) / (float64(desks) * float64(length) / float64(pause))
	leave()
	b := p.Settled(t)
	t.Logf("%.0f %% of the target's capacity are used, and a copy takes %v", 100*used, each)
	if used < 0.6 || each > 3*pause || b["dropped/limit"] == 0 {
		t.Errorf("%.0f %% of the target's capacity are used, and a copy takes %v, at least %v: %v", 100*used, each, pause, b)
	}
	p.Stop(t)
}

// TestStrain makes live slow, and well again.
func TestStrain(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some time to know live's usual band")
	}
	var slow atomic.Int64
	slow.Store(int64(5 * time.Millisecond))
	live := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-time.After(time.Duration(slow.Load())) }))
	t.Cleanup(live.Close)
	target := startFaulty(t, "ok")
	p := startLimited(t, strings.TrimPrefix(live.URL, "http://"), target.Addr, "{strain: true}")
	share := func(want string) func() bool {
		return func() bool {
			return strings.Contains(p.Metrics(t), "tain_mirror_strain_ratio{mirror=\"mirror\",target=\""+target.Addr+"\"} "+want+"\n")
		}
	}
	leave := load(t, p)
	<-time.After(14 * time.Second)
	if !share("1")() {
		t.Skip("this machine is too busy: live shows strain by itself")
	}
	slow.Store(int64(40 * time.Millisecond))
	start := time.Now()
	wire.Until(t, "copies to give way", share("0"))
	if took := time.Since(start); took > 2*soon {
		t.Errorf("copies went on for %v after live got slow, want 3s at most", took)
	}
	before := target.Requests()
	<-time.After(time.Second)
	if n := target.Requests() - before; n > 10 {
		t.Errorf("%d copies came in a second of strain", n)
	}
	slow.Store(int64(5 * time.Millisecond))
	wire.Until(t, "copies to come back", share("0.01"))
	wire.Until(t, "more copies to come back", share("0.05"))
	leave()
	if b := p.Settled(t); b["dropped/strain"] == 0 {
		t.Errorf("no copy is counted as dropped for strain: %v", b)
	}
	p.Says(t, "live shows strain", "times as long as usual", "live has been quiet")
	p.Stop(t)
}
