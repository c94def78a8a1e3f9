package pace

import (
	"math"
	"sync/atomic"
	"time"
)

// measure is a time of which some answers tell: its natural logarithm, in ns, and the standard error
// of that.
type measure struct{ log, noise float64 }

// sample collects how long answers take. Any loop may add to it; one at a time begins and ends it.
type sample struct {
	opens  atomic.Int64 // ns; those before left under another limit
	closes atomic.Int64 // ns; it goes on until then, also with enough answers
	enough atomic.Int64
	unit   atomic.Int64 // ns that times are counted in: a fraction of what is expected

	answers atomic.Uint64 // the sum of their times, 44 bits, and how many, 20 bits
	squares atomic.Uint64 // the sum of the squares of their times
}

const (
	sampleCount  = 20 // bits
	sampleUnits  = 256
	longestUnits = 64 * sampleUnits // more than any answer counts
	longestWait  = int64(time.Minute)

	// vague is how many answers with a standard deviation of 100 % a sample is taken to have besides
	// its own, as far as its noise goes: a few that are alike by chance do not know much.
	vague = 4
)

// begin starts a sample after so many of the times that are expected.
func (s *sample) begin(now int64, settle float64, enough int64, expected measure) {
	mean := math.Exp(expected.log)
	opens := now + int64(settle*mean)
	s.unit.Store(max(int64(mean)/sampleUnits, 1))
	s.enough.Store(enough)
	s.opens.Store(opens)
	s.closes.Store(opens + max(int64(sampleTimes*mean), shortestSample))
	s.answers.Store(0)
	s.squares.Store(0)
}

// add takes an answer, and says whether the sample is complete.
func (s *sample) add(now, took int64) bool {
	if wait := s.opens.Load() - now; wait > 0 && wait < longestWait {
		return false // a longer wait says that the clock was set back
	}
	units := uint64(min(max(took, 0)/s.unit.Load(), longestUnits))
	s.squares.Add(units * units)
	n := int64(s.answers.Add(units<<sampleCount|1) & (1<<sampleCount - 1))
	wait := s.closes.Load() - now
	return n >= s.enough.Load() && (wait <= 0 || wait > longestWait)
}

// end is what the sample says.
func (s *sample) end() measure {
	sum, squares := s.answers.Swap(0), float64(s.squares.Swap(0))
	n := float64(max(sum&(1<<sampleCount-1), 1))
	mean := max(float64(sum>>sampleCount)/n, 1.0/sampleUnits)
	variance := max(squares/n/(mean*mean)-1, 0)
	return measure{
		log:   math.Log(mean * float64(s.unit.Load())),
		noise: math.Sqrt((variance*n + vague) / (n + vague) / n),
	}
}

// level is what is known of a time that changes, and of which measurements tell: a Kalman filter of
// its logarithm.
type level struct {
	measure
	at int64 // ns; the last measurement
}

// drift is the variance that the logarithm of a level gains in a second: by then it may have moved
// by 6 %.
const drift = 0.004

// learn takes a measurement. One that is too far off to be noise says that the level has changed all
// at once, and is returned as such; it takes the place of what was known.
func (l *level) learn(now int64, m measure) bool {
	known := l.noise*l.noise + drift*float64(max(now-l.at, 0))/1e9
	l.at = now
	off, all := m.log-l.log, known+m.noise*m.noise
	if off*off > surprise*surprise*all {
		l.measure = m
		return true
	}
	l.log += off * known / all
	l.noise = math.Sqrt(known/all) * m.noise
	return false
}
