package pace

import (
	"fmt"
	"sync/atomic"
	"time"
)

// BreakerOptions say when a breaker opens, and for how long. What is 0 or nil has its default.
type BreakerOptions struct {
	Share  float64 // of failures from which on it opens, above 0 to 1: 0.5
	Sends  int     // that must have ended in the last 10 s for the share to count: 20
	Streak int     // of connections that did not come about, at which it opens: 5

	FirstPause time.Duration // until the first probe: 1 s
	LastPause  time.Duration // each failed probe doubles the pause, up to this: 60 s

	// Jitter returns a random number from 0 to 1, exclusive, for any caller. A pause is longer by up
	// to a quarter, so that many proxies do not probe a target in step. The default adds nothing.
	Jitter func() float64
}

func (o BreakerOptions) withDefaults() BreakerOptions {
	fill := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	fill(&o.Sends, 20)
	fill(&o.Streak, 5)
	if o.Share == 0 {
		o.Share = 0.5
	}
	if o.FirstPause == 0 {
		o.FirstPause = time.Second
	}
	if o.LastPause == 0 {
		o.LastPause = max(time.Minute, o.FirstPause)
	}
	if o.Jitter == nil {
		o.Jitter = func() float64 { return 0 }
	}
	return o
}

// State is what a breaker does with copies.
type State uint8

// Closed lets all through, Open none, HalfOpen waits for the outcome of the one that it let through.
const (
	Closed State = iota
	Open
	HalfOpen
)

func (s State) String() string { return [...]string{"closed", "open", "half-open"}[s] }

// BreakerStatus is what a breaker knows of itself at a moment.
type BreakerStatus struct {
	State  State
	Since  int64  // when it came into this state
	Probe  int64  // when the next probe may go, unless it is closed
	Why    string // it opened last, such as "12 of 20 sends failed within 10s"; empty if it never did
	Opened uint64 // times that it opened, after failed probes too
	Probes uint64 // that it let through
	Closed uint64 // times that it closed again
}

// Pass belongs to a copy that a breaker let through, and goes back to it with the outcome.
type Pass uint64

// moment is one state of a breaker, and immutable.
type moment struct {
	BreakerStatus
	pass   Pass // of what is let through; another one for each moment
	pauses int  // in a row, each twice the one before
}

// Breaker spares a target that fails, and asks it with single probes whether it is well again. It
// is closed at first. The state is an immutable value that is replaced whole: who replaces it has
// decided by the very one that was there, and all others see that they came too late.
type Breaker struct {
	o      BreakerOptions
	now    atomic.Pointer[moment]
	recent window
	streak atomic.Int64
}

// NewBreaker makes a breaker.
func NewBreaker(o BreakerOptions) *Breaker {
	b := &Breaker{o: o.withDefaults()}
	b.now.Store(&moment{pass: 1})
	return b
}

// Status is the state and how it came about.
func (b *Breaker) Status() BreakerStatus { return b.now.Load().BreakerStatus }

// Allow says whether a copy may be sent. If so, the pass must come back with [Breaker.Done].
func (b *Breaker) Allow(now int64) (Pass, bool) {
	m := b.now.Load()
	if m.State == Closed {
		return m.pass, true
	}
	// A pause that is longer than any says that the clock was set back.
	if wait := m.Probe - now; wait > 0 && wait <= b.pause(m.pauses, 1) {
		return 0, false
	}
	// Also while a probe is under way: one that never came back must not keep the breaker open.
	probing := m.next(HalfOpen, now)
	if m.State == HalfOpen {
		probing.Since, probing.pass = m.Since, m.pass // whichever of them comes back first counts
	}
	probing.Probe = now + b.pause(m.pauses, b.o.Jitter())
	probing.Probes++
	return probing.pass, b.now.CompareAndSwap(m, probing)
}

// Done takes the outcome of a copy that was let through. One that was sent before the state changed
// tells about the past, and counts no more.
func (b *Breaker) Done(p Pass, now int64, o Outcome) {
	m := b.now.Load()
	if p != m.pass {
		return
	}
	if m.State == HalfOpen {
		b.probed(m, now, o)
		return
	}
	switch o {
	case Succeeded, Failed:
		if b.streak.Load() != 0 {
			b.streak.Store(0)
		}
	case Unreachable:
		if n := b.streak.Add(1); n >= int64(b.o.Streak) {
			b.open(m, now, fmt.Sprintf("%d connections in a row did not come about", n))
			return
		}
	default:
		return
	}
	b.recent.add(now, o != Succeeded)
	if o == Succeeded {
		return
	}
	if sends, failed := b.recent.sum(now); sends >= b.o.Sends && float64(failed) >= b.o.Share*float64(sends) {
		b.open(m, now, fmt.Sprintf("%d of %d sends failed within %v", failed, sends, windowLength))
	}
}

// probed takes the outcome of a probe. One that tells nothing makes room for another.
func (b *Breaker) probed(m *moment, now int64, o Outcome) {
	switch o {
	case Ignored:
		again := m.next(Open, m.Since)
		again.Probe = now
		b.now.CompareAndSwap(m, again)
	case Succeeded:
		b.recent.clear()
		b.streak.Store(0)
		closed := m.next(Closed, now)
		closed.Probe = 0
		closed.Closed++
		b.now.CompareAndSwap(m, closed)
	default:
		b.open(m, now, "the probe failed")
	}
}

// open replaces m, unless somebody else did. One that opens again soon after it closed goes on with
// longer pauses: a target may bear a probe and not the load.
func (b *Breaker) open(m *moment, now int64, why string) {
	opened := m.next(Open, now)
	if m.State == Closed && now-m.Since > int64(windowLength) {
		opened.pauses = 0
	}
	opened.Probe = now + b.pause(opened.pauses+1, b.o.Jitter())
	opened.pauses++
	opened.Why = why
	opened.Opened++
	b.now.CompareAndSwap(m, opened)
}

// next is the moment that follows m.
func (m *moment) next(s State, since int64) *moment {
	n := *m
	n.State, n.Since = s, since
	n.pass++
	return &n
}

// pause is how long the nth pause in a row lasts, in ns.
func (b *Breaker) pause(n int, jitter float64) int64 {
	d := b.o.LastPause
	if n <= 32 && b.o.FirstPause<<(n-1)>>(n-1) == b.o.FirstPause {
		d = min(d, b.o.FirstPause<<(n-1))
	}
	return int64(float64(d) * (1 + jitter/4))
}
