package pace

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// live is a service in a simulation: answers at random times, of log-normal duration.
type live struct {
	s      *Strain
	rng    *rand.Rand
	rate   float64 // answers per second
	median float64 // ms
	sigma  float64 // of the natural logarithm
	fails  float64 // part of the answers
	stalls float64 // part that takes 20 times as long
	now    int64
	ticked int64
}

func newLive(rate, sigma float64, seed uint64) *live {
	return &live{s: NewStrain(2), rng: rand.New(rand.NewPCG(seed, 7)), rate: rate, median: 5, sigma: sigma}
}

// until plays until a time, or until the share is as wanted; it says when.
func (l *live) until(end int64, want float64) int64 {
	for l.now < end {
		l.now += int64(l.rng.ExpFloat64() * 1e9 / l.rate)
		for ; l.ticked < l.now; l.ticked += 100 * millisecond {
			l.s.Tick(l.ticked)
			if l.s.Share() == want {
				l.now = l.ticked
				return l.now
			}
		}
		took := l.median * 1e6 * math.Exp(l.sigma*l.rng.NormFloat64())
		if l.rng.Float64() < l.stalls {
			took *= 20
		}
		l.s.Lane(l.rng.IntN(2)).Observe(int64(took), l.rng.Float64() < l.fails)
	}
	return math.MaxInt64
}

const never = -1

// TestStrainIsSeen holds that it takes 3 s at 1,000 answers per second.
func TestStrainIsSeen(t *testing.T) {
	f := func(name, why string, rate, sigma float64, within time.Duration, hurt func(*live)) {
		t.Helper()
		worst := int64(0)
		for seed := range uint64(5) {
			l := newLive(rate, sigma, seed)
			l.fails = 0.01
			start := int64(100_000/rate+20)*second + int64(seed)*200*millisecond
			if l.until(start, 0) < start {
				t.Fatalf("%s: stopped before anything happened: %+v", name, l.s.Status())
			}
			hurt(l)
			worst = max(worst, l.until(start+600*second, 0)-start)
			if s := l.s.Status(); !strings.Contains(s.Why, why) || s.Stopped != 1 || s.Share != 0 {
				t.Errorf("%s: %+v, want %q", name, s, why)
			}
		}
		if worst > int64(within) {
			t.Errorf("%s: seen after %v, want %v", name, time.Duration(worst), within)
		}
	}
	double := func(l *live) { l.median *= 2 }
	s := time.Second
	f("twice as slow", "times as long as usual", 1000, 1, 3*s, double)
	f("twice as slow, hardly any noise", "times as long as usual", 1000, 0.05, 3*s, double)
	f("twice as slow, much noise", "times as long as usual", 1000, 2, 3*s, double)
	f("half as slow again", "times as long as usual", 1000, 1, 3*s, func(l *live) { l.median *= 1.5 })
	f("one in twenty stalls", "are slow, usually", 1000, 0.5, 3*s, func(l *live) { l.stalls = 0.05 })
	f("three in a hundred more fail", "fail, usually 1", 1000, 1, 4*s, func(l *live) { l.fails = 0.05 })
	f("all fail", "100.0 % of live's answers fail", 1000, 1, 3*s, func(l *live) { l.fails = 1 })
	f("little traffic", "times as long as usual", 20, 0.7, 10*s, double)
	f("very little traffic", "times as long as usual", 1, 0.5, 60*s, func(l *live) { l.median *= 4 })
}

// TestStrainIsNotImagined plays ten minutes of each noise.
func TestStrainIsNotImagined(t *testing.T) {
	f := func(name string, rate, sigma float64, change func(*live)) {
		t.Helper()
		l := newLive(rate, sigma, 1)
		for minute := range int64(10) {
			change(l)
			if l.until((minute+1)*60*second, 0) != math.MaxInt64 {
				t.Fatalf("%s: stopped in minute %d: %+v", name, minute, l.s.Status())
			}
		}
	}
	f("steady", 1000, 1, func(*live) {})
	f("faster and faster", 500, 0.5, func(l *live) { l.median *= 0.7 })
	f("slower by a tenth each minute", 500, 1, func(l *live) { l.median *= 1.1 })
	f("more and more traffic", 50, 1, func(l *live) { l.rate *= 1.5 })
	f("less and less traffic", 2000, 1, func(l *live) { l.rate *= 0.5 })
	f("failures come and go", 500, 1, func(l *live) { l.fails = 0.004 - l.fails })
	f("a service that always fails", 100, 1, func(l *live) { l.fails = 1 })
}

// TestNoFalseAlarmInADay takes the blocks of a month at 1,000 answers of log-normal times per second
// from the distributions of what they count, and so needs no billions of answers.
func TestNoFalseAlarmInADay(t *testing.T) {
	days := 30
	if brief || testing.Short() {
		days = 3
	}
	rng := rand.New(rand.NewPCG(1, 8))
	poisson := func(mean float64) int64 { // by its sum of exponential times
		n, sum := int64(-1), 0.0
		for ; sum < mean; n++ {
			sum += rng.ExpFloat64()
		}
		return n
	}
	const mean, deviation = 22.2, 1.44 // logarithms, base 2, of 5 ms and a sigma of 1
	s, n := NewStrain(1), 1000.0
	for i := range int64(days * 24 * 3600) {
		// What is sent varies with the day, and so does how slow it is.
		n = 1000 + 500*math.Sin(float64(i)*2*math.Pi/86400)
		middle := mean + 0.2*math.Sin(float64(i)*2*math.Pi/86400) + deviation*rng.NormFloat64()/math.Sqrt(n)
		b := block{answers: int64(n), slow: poisson(0.013 * n), failed: poisson(0.003 * n)}
		b.sum = int64(n * middle * logSteps)
		b.squares = int64(n * (middle*middle + deviation*deviation) * logSteps * logSteps)
		s.judge(i*second, b)
	}
	if stopped := s.Status().Stopped; stopped >= uint64(days) {
		t.Errorf("%d false alarms in %d days: %s", stopped, days, s.Status().Why)
	} else if stopped > 0 {
		t.Logf("%d false alarms in %d days: %s", stopped, days, s.Status().Why)
	}
}

// TestStrainIsRestoredInSteps: 1, 5, 25 and 100 %, three quiet blocks each.
func TestStrainIsRestoredInSteps(t *testing.T) {
	l := newLive(500, 0.5, 2)
	l.until(30*second, never)
	l.median *= 2
	stopped := l.until(40*second, 0)
	l.median /= 2
	last := stopped
	for _, share := range []float64{0.01, 0.05, 0.25, 1} {
		at := l.until(last+60*second, share)
		if d := at - last; d < 3*second || d > 7*second {
			t.Errorf("%v after %v, want 3 blocks", share, time.Duration(d))
		}
		last = at
	}
	if s := l.s.Status(); s.Since != last || s.Stopped != 1 || !strings.Contains(s.Why, "as long as usual") {
		t.Errorf("restored, the status is %+v", s)
	}
}

// TestStrainRelapses: copies that always hurt are tried less and less often.
func TestStrainRelapses(t *testing.T) {
	l := newLive(500, 0.5, 3)
	l.until(30*second, never)
	var pauses []int64
	for range 8 {
		l.median *= 2
		stopped := l.until(l.now+10*second, 0)
		l.median /= 2
		pauses = append(pauses, l.until(stopped+2*3600*second, 1)-stopped)
	}
	for i, p := range pauses {
		least, most := 4*min(3<<i, 300)*int(second), (4*min(3<<i, 300)*12/10+4)*int(second)
		if int(p) < least || int(p) > most {
			t.Errorf("relapse %d: %v until all is restored, want %v", i, time.Duration(p), time.Duration(least))
		}
	}
	l.until(l.now+400*second, never)
	l.median *= 2
	l.until(l.now+10*second, 0)
	l.median /= 2
	if p := l.until(l.now+100*second, 1); p == math.MaxInt64 {
		t.Error("after a long calm, a relapse is not forgotten")
	}
}

// TestStrainThatIsNotOurs: live stays slow without copies, and so becomes what is usual.
func TestStrainThatIsNotOurs(t *testing.T) {
	l := newLive(500, 0.5, 4)
	l.until(30*second, never)
	l.median *= 3
	stopped := l.until(40*second, 0)
	restored := l.until(stopped+120*second, 1)
	if d := restored - stopped; d < 20*second || d > 60*second {
		t.Errorf("restored after %v, want the innocence, a new band and four steps", time.Duration(d))
	}
	if n := l.s.Status().Stopped; n != 1 {
		t.Errorf("stopped %d times", n)
	}
}

func TestStrainClockSetBack(t *testing.T) {
	l := newLive(500, 0.5, 5)
	l.until(30*second, never)
	l.now, l.ticked = 0, 0
	if l.until(30*second, 0) != math.MaxInt64 {
		t.Errorf("a clock that was set back is no strain: %+v", l.s.Status())
	}
	l.median *= 2
	if l.until(34*second, 0) == math.MaxInt64 {
		t.Error("after a clock was set back nothing is seen")
	}
}

func TestBandLeft(t *testing.T) {
	b := band{mean: 10, variance: 0.01, blocks: known}
	f := func(x, noise, margin float64, want bool) {
		t.Helper()
		if got := b.left(x, noise, margin); got != want {
			t.Errorf("%v, noise %v, margin %v: left = %v", x, noise, margin, got)
		}
	}
	f(10, 0, 0, false)
	f(5, 0, 0, false)
	f(10.39, 0, 0, false)
	f(10.41, 0, 0, true)
	f(10.41, 0.2, 0, false)
	f(10.81, 0.2, 0, true)
	f(10.81, 0.2, 1, false)
	f(11.01, 0.2, 1, true)
	b.blocks--
	f(100, 0, 0, false)
}

func TestBandLearns(t *testing.T) {
	var b band
	rng := rand.New(rand.NewPCG(1, 9))
	for range 1000 {
		b.learn(3 + 0.5*rng.NormFloat64())
	}
	if math.Abs(b.mean-3) > 0.25 || math.Abs(math.Sqrt(b.variance)-0.5) > 0.15 {
		t.Errorf("mean %.2f, deviation %.2f; want 3 and 0.5", b.mean, math.Sqrt(b.variance))
	}
}

// TestStrainFromSeveralLoops is for the race detector, and holds that no answer is lost.
func TestStrainFromSeveralLoops(t *testing.T) {
	s := NewStrain(4)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 10_000 {
				s.Lane(i).Observe(millisecond, false)
				_ = s.Share()
			}
		})
	}
	for range 1000 {
		s.Tick(0)
	}
	wg.Wait()
	s.Tick(0)
	if s.block.answers != 40_000 || s.block.slow != 0 {
		t.Errorf("%d answers, %d of them slow; want 40,000 and 0", s.block.answers, s.block.slow)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	l := NewStrain(1).Lane(0)
	if n := testing.AllocsPerRun(100, func() { l.Observe(millisecond, false); l.Observe(0, true) }); n != 0 {
		t.Errorf("observing allocates %v times, want 0", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	l := NewStrain(1).Lane(0)
	for i := int64(0); b.Loop(); i += 1000 {
		l.Observe(i, false)
	}
}
