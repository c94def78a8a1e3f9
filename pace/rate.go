package pace

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"
)

// Limit is so many requests or bytes per time. A fraction is exact as a ratio: 12.5 per second are
// 25 per 2 s. With a burst of 1, any two are a whole period apart, so that less comes through than
// the rate unless somebody always waits.
type Limit struct {
	Count int64         // how many, 1 or more
	Per   time.Duration // in which time, 1 ns or more
	Burst int64         // how many at once after a rest, 1 or more
}

// Check says what is wrong with a limit, or nil.
func (l Limit) Check() error {
	switch {
	case l.Count < 1:
		return fmt.Errorf("a rate of %d: it must be 1 or more", l.Count)
	case l.Per < 1:
		return fmt.Errorf("a rate per %v: the time must be more than 0", l.Per)
	case l.Count/mostPerNano > int64(l.Per):
		return fmt.Errorf("a rate of %d per %v: no more than %d per nanosecond can be told apart", l.Count, l.Per, mostPerNano)
	case l.Burst < 1:
		return fmt.Errorf("a burst of %d: it must be 1 or more", l.Burst)
	case float64(l.Burst)/float64(l.Count)*float64(l.Per) > float64(longestFill):
		return fmt.Errorf("a burst of %d at %d per %v: it takes more than a year to come together", l.Burst, l.Count, l.Per)
	}
	return nil
}

const (
	// mostPerNano keeps a schedule in 63 bits for the 29 years that a process may run.
	mostPerNano = 10
	longestFill = 365 * 24 * time.Hour

	// apart is how far the clocks of loops may differ. A clock that is further back was set back.
	apart = 100 * time.Millisecond

	// longestDebt is what a [Volume] remembers of bytes that were more than it allows. No sane
	// number of copies in flight owes more; a clock that was set back might seem to.
	longestDebt = 10 * time.Minute
)

// schedule is the generic cell rate algorithm (ITU-T I.371, "virtual scheduling"): next is when the
// next unit would be due if all had come evenly, and a unit may come up to a burst before.
//
// It counts in steps instead of in time. A unit is scale steps, and step i is due at i/(scale·rate):
// a whole number of steps passes for every Per, however odd the rate, so that nothing is lost to
// rounding in the long run. There are one or two steps in a nanosecond, or one to a unit at rates above that,
// so a unit is never early or late by more than a nanosecond.
type schedule struct {
	count uint64 // steps that pass in each per
	per   uint64 // ns
	scale int64  // steps of a unit
	burst int64  // steps that next may be ahead of the clock, and one more unit still come
	debt  int64  // steps that next may be ahead of the clock at most
	most  int64  // steps ahead from which on the clock must have been set back
	next  atomic.Int64
}

// set prepares a schedule that may run further ahead than its burst by owed.
func (s *schedule) set(l Limit, owed time.Duration) {
	if err := l.Check(); err != nil {
		panic("BUG: " + err.Error())
	}
	s.scale = 1
	for l.Count < int64(l.Per)/s.scale {
		s.scale *= 2
	}
	s.count, s.per = uint64(l.Count)*uint64(s.scale), uint64(l.Per)
	s.burst = l.Burst * s.scale
	s.debt = s.burst + s.passed(int64(owed))
	s.most = s.debt + s.passed(int64(apart))
}

// passed is how many steps have passed at a time, or the last one that can be counted.
func (s *schedule) passed(now int64) int64 {
	const last = 1 << 62
	hi, lo := bits.Mul64(uint64(max(now, 0)), s.count)
	if hi >= s.per {
		return last
	}
	n, _ := bits.Div64(hi, lo, s.per)
	return int64(min(n, last))
}

// load returns next, and how far it is ahead of the clock. If that is more than can be, the clock
// was set back: the burst counts as used up, or the schedule would stay shut until the clock has
// caught up.
func (s *schedule) load(passed int64) (next, ahead int64) {
	for {
		next = s.next.Load()
		if next-passed <= s.most {
			return next, max(next-passed, 0)
		}
		s.next.CompareAndSwap(next, passed+s.burst)
	}
}

// Rate admits as many as its limit says, exactly: no more than the burst at once, and in every time
// no more than fits into it besides. A clock that jumps ahead admits a burst, no more; one that is
// set back keeps it shut for 0.1 s at most, and for what the next one takes to be due.
type Rate struct{ s schedule }

// NewRate makes a rate, which begins with a whole burst. It panics at a limit that fails [Limit.Check].
func NewRate(l Limit) *Rate {
	r := new(Rate)
	r.s.set(l, 0)
	return r
}

// Take admits n, 0 or more, or nothing. It never admits more than the burst.
func (r *Rate) Take(now, n int64) bool {
	s := &r.s
	if n > s.burst/s.scale {
		return false
	}
	n, passed := n*s.scale, s.passed(now)
	for {
		next, ahead := s.load(passed)
		if ahead+n > s.burst {
			return false
		}
		if s.next.CompareAndSwap(next, passed+ahead+n) {
			return true
		}
	}
}

// Volume admits while less than its limit has passed, where the size of what it admits is known
// only afterwards. What was too much is owed: it stays shut until that has been worked off, so that
// the limit holds in the long run. It remembers up to 10 minutes of debt, and forgives what is owed
// beyond that; so it is never shut for longer, whatever its clock does.
type Volume struct{ s schedule }

// NewVolume makes a volume, which begins with a whole burst. It panics at a limit that fails [Limit.Check].
func NewVolume(l Limit) *Volume {
	v := new(Volume)
	v.s.set(l, longestDebt)
	return v
}

// Open says whether anything may begin.
func (v *Volume) Open(now int64) bool {
	_, ahead := v.s.load(v.s.passed(now))
	return ahead < v.s.burst
}

// Charge counts n, 0 or more, that have passed. It may be called for each part of one body.
func (v *Volume) Charge(now, n int64) {
	s := &v.s
	n = min(n, s.debt/s.scale+1) * s.scale // what is more makes no difference, and might overflow
	passed := s.passed(now)
	for {
		next, ahead := s.load(passed)
		if s.next.CompareAndSwap(next, passed+min(ahead+n, s.debt)) {
			return
		}
	}
}
