package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestSample(t *testing.T) {
	f := func(name string, wantMean, wantNoise float64, times ...int64) {
		t.Helper()
		var s sample
		s.begin(0, 0, int64(len(times)), measure{log: math.Log(1e7)})
		for i, ms := range times {
			if complete := s.add(second, ms*millisecond); complete != (i == len(times)-1) {
				t.Fatalf("%s: complete = %v at %d", name, complete, i)
			}
		}
		m := s.end()
		if mean := math.Exp(m.log) / 1e6; mean < wantMean*0.99 || mean > wantMean*1.01 {
			t.Errorf("%s: a mean of %.2f ms, want %.2f", name, mean, wantMean)
		}
		if m.noise < wantNoise*0.97 || m.noise > wantNoise*1.03 {
			t.Errorf("%s: noise %.3f, want %.3f", name, m.noise, wantNoise)
		}
	}
	f("all alike", 10, math.Sqrt(4.0/8/4), 10, 10, 10, 10)
	f("one", 10, math.Sqrt(4.0/5/1), 10)
	f("spread", 10, math.Sqrt((0.25*4+4)/8/4), 5, 15, 5, 15)
	f("an outlier counts 64 times what was expected at most", 640.0/4+7.5, 0.676, 10, 10, 10, 1e6)
	f("nothing at all", 1e7/256/256/1e6, math.Sqrt(4.0/6/2), 0, -5)
}

// TestSampleWaits: it opens when those are back that left before, and takes as long as it must.
func TestSampleWaits(t *testing.T) {
	var s sample
	s.begin(second, 1.5, 2, measure{log: math.Log(1e8)})
	f := func(at int64, want bool) {
		t.Helper()
		if got := s.add(at*millisecond, 1e8); got != want {
			t.Errorf("complete at %d ms = %v", at, got)
		}
	}
	for range 10 {
		f(1149, false)
	}
	f(1151, false)
	f(1300, false)
	f(1349, false)
	f(1351, true)
}

func TestLevel(t *testing.T) {
	at := func(ms, noise float64) measure { return measure{math.Log(ms), noise} }
	f := func(name string, l level, now int64, m measure, want float64, changed bool) {
		t.Helper()
		if got := l.learn(now*second, m); got != changed {
			t.Errorf("%s: changed = %v", name, got)
		}
		if got := math.Exp(l.log); math.Abs(got-want) > 0.05 {
			t.Errorf("%s: the level is %.2f, want %.2f", name, got, want)
		}
	}
	f("as sure as each other", level{at(10, 0.2), 0}, 0, at(12, 0.2), math.Sqrt(120), false)
	f("sure", level{at(10, 0.01), 0}, 0, at(12, 0.2), 10, false)
	f("vague", level{at(10, 1), 0}, 0, at(12, 0.01), 12, false)
	f("long ago", level{at(10, 0.01), 0}, 3600, at(12, 0.2), 12, false)
	f("too far off", level{at(10, 0.1), 0}, 0, at(20, 0.1), 20, true)
	f("too far off below", level{at(10, 0.1), 0}, 0, at(5, 0.1), 5, true)
	f("a clock that was set back", level{at(10, 0.2), 50 * second}, 0, at(12, 0.2), math.Sqrt(120), false)
}

// TestLevelFollowsAndForgetsNoise measures a steady time: the level is nearer to it than each
// measurement.
func TestLevelFollowsAndForgetsNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	l := level{measure: measure{math.Log(10), 0.3}}
	squares := 0.0
	for i := range int64(1000) {
		l.learn(i*second/4, measure{math.Log(10) + 0.2*rng.NormFloat64(), 0.2})
		squares += (l.log - math.Log(10)) * (l.log - math.Log(10))
	}
	if off := math.Sqrt(squares / 1000); off > 0.12 {
		t.Errorf("off by %.3f, and each measurement by 0.2", off)
	}
}

func TestJudgeChanged(t *testing.T) {
	f := func(at, limit float64, before, after time.Duration, want bool) {
		t.Helper()
		j := judge{last: measure{math.Log(float64(before)), 0.05}, at: at}
		if got := j.changed(limit, measure{math.Log(float64(after)), 0.05}); got != want {
			t.Errorf("from %v at %.0f to %v at %.1f: changed = %v", before, at, after, limit, got)
		}
	}
	f(10, 10.9, 100, 100, false)
	f(10, 10, 100, 150, true)
	f(10, 10, 100, 60, true)
	f(10, 20, 100, 100, false)
	f(10, 20, 100, 200, false)
	f(10, 20, 100, 300, true)
	f(10, 5, 100, 100, false)
	f(10, 5, 100, 50, false)
	f(10, 5, 100, 30, true)
}
