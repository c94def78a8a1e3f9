package mirror

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/pace"
	"tain.dev/tain/route"
	"tain.dev/tain/test/faulty"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// TestAdmit holds which limit is asked first, and that none is charged for what another refuses.
func TestAdmit(t *testing.T) {
	strain := pace.NewStrain(1)
	l := newLimiter(route.Limits{
		Rate:    route.Rate{Count: 1, Per: time.Second, Burst: 1},
		Bytes:   route.Rate{Count: 100, Per: time.Second, Burst: 100},
		Breaker: route.Breaker{On: true, Percent: 50, Sends: 20, Streak: 1, Pause: time.Second, MaxPause: time.Second},
		Strain:  true,
	}, 8, strain)
	l.breaker = pace.NewBreaker(pace.BreakerOptions{Streak: 1, FirstPause: time.Second, LastPause: time.Second}) // without jitter
	const second = int64(time.Second)
	f := func(what string, now int64, why traffic.Dropped, ok bool) (p permit) {
		t.Helper()
		p = permit{of: l}
		if gotWhy, got := p.admit(now); got != ok || gotWhy != why {
			t.Errorf("%s: %v %v, want %v %v", what, gotWhy, got, why, ok)
		}
		return p
	}
	first := f("the first copy", 0, 0, true)
	f("the second one", 0, traffic.DroppedRate, false)
	first.charge(0, 250)
	f("more bytes than may be", second, traffic.DroppedRate, false)
	second2 := f("what was too much is worked off", 2*second, 0, true)
	second2.giveBack(2*second, 0, pace.Unreachable)
	f("no connection", 3*second-1, traffic.DroppedBreaker, false)
	probe := f("a probe", 3*second, 0, true)
	f("another one", 3*second, traffic.DroppedBreaker, false)
	probe.giveBack(3*second, 0, pace.Succeeded)
	f("the breaker is closed, and the rate used up", 3*second, traffic.DroppedRate, false)
	f("and again not", 4*second, 0, true)
	first.giveBack(4*second, 0, pace.Unreachable)
	if s := l.breaker.Status(); s.State != pace.Closed {
		t.Errorf("a copy of before the breaker opened made it %v", s.State)
	}

	now := showStrain(t, strain)
	f("strain", now, traffic.DroppedStrain, false)
	if _, ok := (&permit{}).admit(0); !ok {
		t.Error("without limits, a copy is refused")
	}
}

// showStrain has live be quiet for a while and slow then, on a clock of the test. It returns the time when
// it is strained.
func showStrain(t *testing.T, s *pace.Strain) (now int64) {
	t.Helper()
	for ; s.Share() > 0; now += int64(time.Second) {
		took := time.Millisecond
		if now > int64(30*time.Second) {
			took = 10 * time.Millisecond
		}
		if now > int64(time.Minute) {
			t.Fatal("live is ten times as slow, and shows no strain")
		}
		for range 100 {
			s.Lane(0).Observe(int64(took), false)
		}
		s.Tick(now)
	}
	return now
}

// TestProbeGivesWay holds that a probe that a rate refuses makes room for another.
func TestProbeGivesWay(t *testing.T) {
	l := newLimiter(route.Limits{
		Rate:    route.Rate{Count: 1, Per: time.Hour, Burst: 1},
		Breaker: route.Breaker{On: true, Percent: 50, Sends: 20, Streak: 1, Pause: time.Second, MaxPause: time.Second},
	}, 8, nil)
	p := permit{of: l}
	p.admit(0)
	p.giveBack(0, 0, pace.Unreachable)
	const later = int64(10 * time.Second)
	if why, ok := (&permit{of: l}).admit(later); ok || why != traffic.DroppedRate {
		t.Errorf("%v %v, want that the rate refuses the probe", why, ok)
	}
	if s := l.breaker.Status(); s.State != pace.Open || s.Probe != later {
		t.Errorf("%v until %d, want open, with a probe at once", s.State, s.Probe)
	}
}

// TestAcquire holds that what is in flight stays within the limit, and comes back to 0.
func TestAcquire(t *testing.T) {
	f := func(limits route.Limits, want int) {
		t.Helper()
		l := newLimiter(limits, 8, nil)
		for range 2 {
			var out []permit
			for range 10 {
				p := permit{of: l}
				if p.admit(0); p.leave() {
					out = append(out, p)
				} else {
					p.giveBack(0, 0, pace.Ignored)
				}
			}
			if len(out) != want {
				t.Errorf("%+v: %d are in flight, want %d", limits, len(out), want)
			}
			for _, p := range out {
				p.giveBack(0, 0, pace.Ignored)
			}
		}
	}
	f(route.Limits{Concurrency: 3}, 3)
	f(route.Limits{Strain: true}, 10)
	f(route.Limits{Adaptive: true}, 1) // until it knows better
}

// FuzzLimits holds that limits of a compiled table are right for pace.
func FuzzLimits(f *testing.F) {
	f.Add(int64(1000), int64(time.Second), int64(0))
	f.Add(int64(10), int64(time.Millisecond), int64(1))
	f.Add(int64(10)*int64(24*time.Hour), int64(24*time.Hour), int64(10)*int64(24*time.Hour))
	f.Add(int64(1), int64(24*time.Hour), int64(1))
	f.Fuzz(func(t *testing.T, count, per, burst int64) {
		m := &route.Mirror{Name: "m", Limits: route.Limits{Rate: route.Rate{Count: count, Per: time.Duration(per), Burst: burst}}, Targets: []route.Target{{URL: "http://t"}}}
		_, errs := route.New([]*route.Route{{Name: "r", Backends: []route.Backend{{URL: "http://b", Weight: 1}}, Mirrors: []*route.Mirror{m}}})
		if rate := m.Limits.Rate; len(errs) == 0 && rate != (route.Rate{}) {
			if err := pace.Limit(rate).Check(); err != nil {
				t.Errorf("%+v is a rate of a table, and wrong: %v", rate, err)
			}
		}
	})
}

// TestLimitsOutliveTables holds that a target keeps the state of its limits as long as they are the same.
func TestLimitsOutliveTables(t *testing.T) {
	r := start(t, plain(), strings.Replace(all, "writes", "limit rate 5/s", 1))
	limiter := func() *limiter {
		for _, plans := range r.plans.Load().byRoute {
			return plans[0].limits[0]
		}
		return nil
	}
	first := limiter()
	r.setTable(t, "route first\npath /x\nbackend http://$live\n"+strings.Replace(all, "writes", "limit rate 5/s", 1))
	if limiter := r.Books()[0].Throttle; first == nil || limiter == nil {
		t.Fatal("there is no limiter")
	}
	r.setTable(t, strings.Replace(all, "writes", "limit rate 5/s", 1))
	if limiter() != first {
		t.Error("the same limits have another limiter after a reload")
	}
	r.setTable(t, strings.Replace(all, "writes", "limit rate 6/s", 1))
	if limiter() == first {
		t.Error("other limits have the same limiter")
	}
	r.setTable(t, all)
	if limiter() != nil || r.Books()[0].Throttle != nil || len(r.limiters) != 1 {
		t.Error("there are limits still")
	}
}

// TestBreaker takes a target away, and gives it back.
func TestBreaker(t *testing.T) {
	live, target := startFaulty(t, "ok"), startFaulty(t, "refuse")
	r := start(t, plain(), fmt.Sprintf("route all\nbackend http://%s\nmirror v2 100%%\nlimit breaker streak 2 pause 10ms max-pause 10ms\nto http://%s v2\n", live.Addr, target.Addr))
	user := wire.Dial(t, "user", r.addr)
	ask := func(until string) {
		t.Helper()
		wire.Until(t, until, func() bool {
			user.Sends(get)
			user.Gets(okAnswer)
			return r.total(until) > 0
		})
	}
	ask("dropped breaker")
	if s := r.Books()[0].Throttle; s.Breaker == "closed" || s.BreakerOpened == 0 || s.BreakerWhy == "" {
		t.Errorf("%+v", s)
	}
	target.Close()
	well, err := faulty.Listen(target.Addr, "ok")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(well.Close)
	ask("answered")
	wire.Until(t, "the breaker to close", func() bool { return r.Books()[0].Throttle.Breaker == "closed" })
	user.Closes()
}

// TestLimitsAllocateNothing holds that for a copy with all limits.
func TestLimitsAllocateNothing(t *testing.T) {
	const requests = 2000
	cfg := config.Defaults()
	live, target := wire.Answerer(t, "\r\n\r\n", typicalJSON), wire.Answerer(t, "\r\n\r\n", typicalJSON)
	r := start(t, &cfg, "route shop\nbackend http://"+live+"\nmirror v2 100%\nlimit rate 1000000/s burst 100000\nlimit bytes 1000000000/s\n"+
		"limit adaptive\nlimit breaker\nlimit strain\nto http://"+target+" v2\n")
	r.onLoop(func() { r.silent = true })
	user := wire.NewAsker(t, r.addr, typicalGet, typicalJSON)
	if n := user.AllocsPerAsk(requests); n >= 0.1 {
		t.Errorf("%.2f allocations per request, want 0", n)
	}
	user.Close()
	r.settled(t)
	if n := r.total("compared"); n < requests/2 {
		t.Errorf("only %d copies of %d were compared:\n%s", n, requests, r.books("v2"))
	}
}
