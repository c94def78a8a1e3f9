package pace

import (
	"math"
	"sync/atomic"
	"time"
)

// Gradient finds out how many copies a target bears at a time, from how long they take.
//
// It is Gradient2 of Netflix's concurrency-limits, with one thing from Envoy's gradient controller.
// After each sample of answers
//
//	gradient = tolerance · unloaded / sample      from 0.5 to tolerance
//	limit    = limit · gradient + room            smoothed, from 1 to most
//
// Gradient2 takes a long average of the samples for unloaded. Where more waits than a target bears,
// as it does with mirrors, that average follows the samples upwards, and the limit has no end. So
// unloaded is measured here: now and then a dip halves the limit for a few answers. With up to twice
// as many in flight as the target has servers, none waits at half of them.
//
// Little's law says where it settles: with c servers that take S each, a sample is S·limit/c, so
// the limit is tolerance·c + room, and a copy takes about tolerance times as long as it must.
type Gradient struct {
	most     float64
	limit    atomic.Uint64 // float64 bits
	allowed  atomic.Int64  // in flight now: the limit, or less in a dip
	inFlight atomic.Int64
	full     atomic.Bool // as many as allowed were in flight since the sample began
	failures atomic.Int64
	unloaded atomic.Int64 // ns, for who asks
	sample   sample

	judging atomic.Bool // one caller at a time judges a sample, and owns judge
	judge   judge
}

// The constants that the sources leave open were chosen by the simulation in gradient_test.go, for 1
// to 32 servers that take 1 to 100 ms, always the same or exponential.
const (
	firstLimit = 4

	// A limit of about 1.5 times the servers keeps them busy when unloaded is underrated by 30 %, and
	// waits short of twice the time when it is overrated by as much: what 20 answers of exponential
	// times may be off by.
	tolerance = 1.5
	// room lets a limit grow from 1, and is small enough that one server gets no more than two copies
	// at a time. Gradient2's 4, or √limit, would be several times what a small target can do.
	room = 0.3

	// A sample takes this many answers and this many times of one, whichever is more.
	sampleAnswers, dipAnswers = 20, 24
	sampleTimes               = 2
	shortestSample            = int64(20 * time.Millisecond)

	// smoothing is the noise of a sample at which a step goes half the way. Steps upwards are halved,
	// since what is too much is felt by others.
	smoothing = 0.1
	upwards   = 0.5
	// unproven is how much a limit may grow until a dip shows that copies still do not wait.
	unproven = 1.5

	// A dip and the time until the next are 1 to gap, which grows from firstGap to lastGap as unloaded
	// gets known: at a standard error of 0.1 it is calmGap/0.1.
	firstGap, lastGap = 4, 16
	calmGap           = 0.8

	// surprise is how many standard errors are no chance. For two samples that follow each other,
	// moved is: their noise is alike, and every pair is asked.
	surprise, moved = 2.5, 3.5
	// queued is the part of a dip's depth by which the time must fall to say that all of it was waiting.
	queued = 0.8
)

// NewGradient makes a limit from 1 to most, which begins with 4; until a few answers have said what
// unloaded is, one is in flight at a time.
func NewGradient(most int) *Gradient {
	g := &Gradient{most: float64(max(most, 1))}
	g.limit.Store(math.Float64bits(min(firstLimit, g.most)))
	g.allowed.Store(1)
	g.sample.begin(0, 0, sampleAnswers, measure{log: math.Log(float64(time.Millisecond))})
	return g
}

// Limit is how many copies may be in flight, 1 or more, dips aside.
func (g *Gradient) Limit() float64 { return math.Float64frombits(g.limit.Load()) }

// InFlight is how many copies were acquired and not yet released.
func (g *Gradient) InFlight() int { return int(g.inFlight.Load()) }

// Unloaded is how long a copy seems to take where none waits; 0 while that is not known.
func (g *Gradient) Unloaded() time.Duration { return time.Duration(g.unloaded.Load()) }

// Acquire says whether one more copy may leave. Each true needs a [Gradient.Release].
func (g *Gradient) Acquire() bool {
	for {
		n, allowed := g.inFlight.Load(), g.allowed.Load()
		if n+1 >= allowed && !g.full.Load() {
			g.full.Store(true)
		}
		if n >= allowed {
			return false
		}
		if g.inFlight.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release takes back a copy, which took so long from the start of its sending to the end of its
// answer, in ns.
func (g *Gradient) Release(now, took int64, o Outcome) {
	g.inFlight.Add(-1)
	switch o {
	case Failed, Unreachable:
		g.cut()
	case Succeeded:
		if g.sample.add(now, took) && g.judging.CompareAndSwap(false, true) {
			g.next(now)
			g.judging.Store(false)
		}
	}
}

// cut makes the limit smaller for a failure: by a tenth, by half at the third, and no more until a
// sample is through, or as many have failed. What is in flight when a target goes down fails all at
// once, and is one event.
func (g *Gradient) cut() {
	by := 0.9
	switch n := g.failures.Add(1); {
	case n == 3:
		by = 0.5
	case n >= sampleAnswers:
		g.failures.Store(0)
		return
	case n > 3:
		return
	}
	for {
		old := g.limit.Load()
		limit := max(math.Float64frombits(old)*by, 1)
		if g.limit.CompareAndSwap(old, math.Float64bits(limit)) {
			g.allowed.Store(min(g.allowed.Load(), int64(limit)))
			return
		}
	}
}

// next judges the sample that is complete, and begins another.
func (g *Gradient) next(now int64) {
	j, m, full := &g.judge, g.sample.end(), g.full.Swap(false)
	old := g.limit.Load()
	limit := math.Float64frombits(old)
	switch j.phase {
	case starting:
		j.start(now, limit, m)
	case dipping:
		limit = j.dipped(now, limit, m)
	case sampling:
		limit = j.sampled(now, limit, m, full)
	}
	limit = min(max(limit, 1), g.most)
	if !g.limit.CompareAndSwap(old, math.Float64bits(limit)) {
		limit = g.Limit() // a failure has cut it meanwhile, and knows better
	}
	g.failures.Store(0)
	g.unloaded.Store(int64(math.Exp(j.unloaded.log)))

	allowed, settle, answers := int64(limit), 1.0, int64(sampleAnswers)
	j.phase = sampling
	if full && now >= j.nextDip && allowed > 1 { // a limit that nothing meets need not be known
		// The queue empties before those leave that find none.
		j.phase, j.dipFrom = dipping, now
		allowed, settle, answers = max(int64(limit/2), 1), 1.5, dipAnswers
	}
	g.allowed.Store(allowed)
	g.sample.begin(now, settle, answers, j.last)
}
