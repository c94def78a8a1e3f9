package mirror

import (
	"math/rand/v2"
	"sync/atomic"

	"tain.dev/tain/pace"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// limiter keeps the limits of a mirror for one target, on all loops together. It outlives tables, as
// long as its limits stay the same.
type limiter struct {
	strain   *pace.Strain // nil: live's strain means nothing to it. So of the others:
	rate     *pace.Rate
	volume   *pace.Volume
	breaker  *pace.Breaker
	adaptive *pace.Gradient // takes the place of most
	most     int64          // copies in flight; 0 is no limit
	inFlight atomic.Int64

	told bool // the log says that the breaker is open; Run's
}

type limitKey struct {
	targetKey
	route.Limits
}

// newLimiter makes what limits of a compiled table ask for; connections are the most copies that there
// may be in flight anyway. It is nil for none.
func newLimiter(l route.Limits, connections int, strain *pace.Strain) *limiter {
	if l == (route.Limits{}) {
		return nil
	}
	k := &limiter{most: int64(l.Concurrency)}
	if l.Strain {
		k.strain = strain
	}
	if l.Rate.Count > 0 {
		k.rate = pace.NewRate(pace.Limit(l.Rate))
	}
	if l.Bytes.Count > 0 {
		k.volume = pace.NewVolume(pace.Limit(l.Bytes))
	}
	if l.Adaptive {
		if l.Concurrency > 0 {
			connections = min(connections, l.Concurrency)
		}
		k.adaptive = pace.NewGradient(connections)
	}
	if b := l.Breaker; b.On {
		k.breaker = pace.NewBreaker(pace.BreakerOptions{
			Share: float64(b.Percent) / 100, Sends: b.Sends, Streak: b.Streak,
			FirstPause: b.Pause, LastPause: b.MaxPause, Jitter: rand.Float64,
		})
	}
	return k
}

// admit decides about a copy before it costs anything. draw is random. A pass that was given must come
// back, see [permit].
func (l *limiter) admit(now int64, draw uint64) (pass pace.Pass, why traffic.Dropped, ok bool) {
	if l.strain != nil && float64(draw>>11)/(1<<53) >= l.strain.Share() {
		return 0, traffic.DroppedStrain, false
	}
	if l.volume != nil && !l.volume.Open(now) {
		return 0, traffic.DroppedRate, false
	}
	if l.breaker != nil {
		if pass, ok = l.breaker.Allow(now); !ok {
			return 0, traffic.DroppedBreaker, false
		}
	}
	if l.rate != nil && !l.rate.Take(now, 1) { // last, since what it admits is counted
		if l.breaker != nil {
			l.breaker.Done(pass, now, pace.Ignored)
		}
		return 0, traffic.DroppedRate, false
	}
	return pass, 0, true
}

// acquire makes room for one more copy in flight, if there is some.
func (l *limiter) acquire() bool {
	switch {
	case l.adaptive != nil:
		return l.adaptive.Acquire()
	case l.most > 0 && l.inFlight.Add(1) > l.most:
		l.inFlight.Add(-1)
		return false
	}
	return true
}

func (l *limiter) release(now, took int64, o pace.Outcome) {
	switch {
	case l.adaptive != nil:
		l.adaptive.Release(now, took, o)
	case l.most > 0:
		l.inFlight.Add(-1)
	}
}

// status is what the limiter does at the moment.
func (l *limiter) status() *traffic.Throttle {
	if l == nil {
		return nil
	}
	t := &traffic.Throttle{Limit: float64(l.most), Share: 1}
	if l.adaptive != nil {
		t.Limit = l.adaptive.Limit()
	}
	if l.breaker != nil {
		b := l.breaker.Status()
		t.Breaker, t.BreakerWhy, t.BreakerOpened = b.State.String(), b.Why, b.Opened
	}
	if l.strain != nil {
		s := l.strain.Status()
		t.Share, t.ShareWhy = s.Share, s.Why
	}
	return t
}

// permit is what a copy holds of a limiter, from its admission to its end.
type permit struct {
	of       *limiter // nil where there are no limits
	admitted bool
	leaving  bool // it has room
	pass     pace.Pass
}

// admit asks for admission, unless that was given.
func (p *permit) admit(now int64) (why traffic.Dropped, ok bool) {
	if p.of == nil || p.admitted {
		return 0, true
	}
	p.pass, why, p.admitted = p.of.admit(now, rand.Uint64())
	return why, p.admitted
}

// overtaken says that the breaker opened after the admission.
func (p *permit) overtaken() bool {
	return p.of != nil && p.of.breaker != nil && p.of.breaker.Status().State == pace.Open
}

// leave asks for room.
func (p *permit) leave() bool {
	p.leaving = p.of == nil || p.of.acquire()
	return p.leaving
}

// charge counts bytes that are sent.
func (p *permit) charge(now int64, n int) {
	if p.of != nil && p.of.volume != nil {
		p.of.volume.Charge(now, int64(n))
	}
}

// giveBack ends the permit; o is how the copy ended, and took how long it was in flight, in ns.
func (p *permit) giveBack(now, took int64, o pace.Outcome) {
	if p.of != nil && p.admitted && p.of.breaker != nil {
		p.of.breaker.Done(p.pass, now, o)
	}
	if p.of != nil && p.leaving {
		p.of.release(now, took, o)
	}
	*p = permit{}
}
