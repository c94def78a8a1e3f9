package pace

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// change is a target that loses half of its capacity and gets it back. Some copies always wait.
type change struct {
	servers int
	takes   time.Duration
	random  bool
	slower  bool // the servers are half as fast; else half of them are gone
}

// play returns for how long copies took more than twice the time that they must, and the part of the
// capacity that was used before, while there was half, and after. Before, it has half of the time
// to find out about the target.
//
// How long a copy must expect to take is how many are in flight for each server: so the randomness
// of the target's own times does not count.
func (c change) play(seed uint64) (above time.Duration, used [3]float64) {
	s := &simulated{
		g: NewGradient(1000), rng: rand.New(rand.NewPCG(seed, 1)),
		servers: c.servers, takes: float64(c.takes), random: c.random,
	}
	phase := map[time.Duration]int64{1: 5, 10: 30, 100: 100}[c.takes/time.Millisecond] * second
	since := int64(-1)
	s.until(phase / 2)
	s.worked = 0
	s.finished = func(int64) {
		switch {
		case s.g.InFlight() <= 2*s.servers:
			since = -1
		case since < 0:
			since = s.now
		default:
			above = max(above, time.Duration(s.now-since))
		}
	}
	s.until(phase)
	used[0] = s.used(phase / 2)
	if c.slower {
		s.takes *= 2
	} else {
		s.servers /= 2
	}
	s.until(2 * phase)
	used[1] = s.used(phase)
	s.takes, s.servers = float64(c.takes), c.servers
	s.until(3 * phase)
	used[2] = s.used(2 * phase)
	return above, used
}

// TestGradientFollowsTheTarget holds for targets that halve and recover: never for more than 3 s
// above twice the unloaded time, and 85 % of the capacity used, over runs with different chances.
//
// Where times are random and as long as 100 ms, few answers come in 3 s. There it holds in three of
// four runs, with the time of 100 answers if that is more.
func TestGradientFollowsTheTarget(t *testing.T) {
	servers, seeds := []int{1, 2, 3, 4, 6, 8, 16, 32}, uint64(4)
	if brief || testing.Short() {
		servers, seeds = []int{1, 4}, 4
	}
	few, late := 0, 0
	f := func(c change, seeds uint64) {
		var mean [3]float64
		for seed := range seeds {
			above, used := c.play(seed)
			for i := range used {
				mean[i] += used[i] / float64(seeds)
			}
			switch {
			case c.random && c.takes == 100*time.Millisecond:
				few++
				if above > max(3*time.Second, 100*c.takes/time.Duration(c.servers)) {
					late++
				}
			case above > 3*time.Second:
				t.Errorf("%+v, seed %d: above twice the time for %v", c, seed, above)
			}
		}
		if slices.Min(mean[:]) < 0.85 {
			t.Errorf("%+v: used %.2f of the capacity", c, mean)
		}
	}
	for _, n := range servers {
		for _, slower := range []bool{true, false} {
			if !slower && n%2 == 1 {
				continue
			}
			f(change{n, time.Millisecond, true, slower}, 1)
			for _, takes := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
				f(change{n, takes, false, slower}, 1)
				f(change{n, takes, true, slower}, seeds)
			}
		}
	}
	if late*4 > few {
		t.Errorf("above twice the time for too long in %d of %d runs with few answers", late, few)
	}
}

// offered plays a load that comes at random times, of so many times the capacity of 8 servers that
// take 10 ms, for a minute. It returns the part that was refused and the 99th percentile of the rest,
// in times of the mean, leaving out the first ten seconds.
func offered(load float64, seed uint64) (s *simulated, refused, p99 float64) {
	s = &simulated{
		g: NewGradient(1000), rng: rand.New(rand.NewPCG(seed, 2)),
		servers: 8, takes: 1e7, random: true, rate: load * 800,
	}
	s.until(10 * second)
	refused, p99 = s.watch(60 * second)
	return s, refused, p99
}

// watch plays until a time.
func (s *simulated) watch(end int64) (refused, p99 float64) {
	var took []int64
	s.refused = 0
	s.finished = func(d int64) { took = append(took, d) }
	s.until(end)
	slices.Sort(took)
	return float64(s.refused) / float64(s.refused+len(took)), float64(took[len(took)*99/100]) / s.takes
}

// TestGradientUnderLoad is M/M/8 at loads below and above its capacity, in steps and in bursts.
func TestGradientUnderLoad(t *testing.T) {
	const unloaded = 4.6 // the 99th percentile of exponential times, in means
	f := func(load, leastRefused, mostRefused float64) {
		t.Helper()
		for seed := range uint64(3) {
			s, refused, p99 := offered(load, seed)
			if refused < leastRefused || refused > mostRefused {
				t.Errorf("load %.1f, seed %d: %.3f refused, want %.2f to %.2f", load, seed, refused, leastRefused, mostRefused)
			}
			if p99 > 3*unloaded {
				t.Errorf("load %.1f, seed %d: the 99th percentile is %.1f means", load, seed, p99)
			}
			settled, l := tolerance*8+room, 0.0
			for i := range int64(50) {
				s.until((60 + i) * second)
				l += s.g.Limit() / 50
			}
			if load > 1 && (l < 0.7*settled || l > 1.3*settled) {
				t.Errorf("load %.1f, seed %d: the limit is %.1f, want %.1f to within 30 %%", load, seed, l, settled)
			}
		}
	}
	f(0.5, 0, 0.01)
	f(0.9, 0, 0.15)
	f(1.5, 0.33, 0.45)
	f(3, 0.66, 0.72)

	s, _, _ := offered(3, 9)
	s.rate = 400 // a step down
	s.until(65 * second)
	if refused, _ := s.watch(120 * second); refused > 0.01 {
		t.Errorf("after a load that was too much, %.3f of one that is not is refused", refused)
	}
}

func TestGradientLimits(t *testing.T) {
	acquire := func(g *Gradient) (n int) {
		for n < 10_000 && g.Acquire() {
			n++
		}
		return n
	}
	f := func(most, wantLimit int) {
		t.Helper()
		g := NewGradient(most)
		if n := acquire(g); n != 1 || int(g.Limit()) != wantLimit || g.InFlight() != 1 || g.Unloaded() != 0 {
			t.Errorf("most %d: %d acquired of a limit of %.1f, %d in flight", most, n, g.Limit(), g.InFlight())
		}
	}
	f(100, 4)
	f(2, 2)
	f(1, 1)
	f(0, 1)

	g := NewGradient(6) // of a target that bears more
	s := &simulated{g: g, rng: rand.New(rand.NewPCG(1, 3)), servers: 100, takes: 1e7}
	s.until(20 * second)
	if l := g.Limit(); l != 6 {
		t.Errorf("the limit is %.1f, want 6 as configured", l)
	}
	if u := g.Unloaded(); u < 9*time.Millisecond || u > 11*time.Millisecond {
		t.Errorf("unloaded is %v, want 10ms", u)
	}
}

// TestGradientKeepsAnUnusedLimit: what is not asked for tells nothing about what could be borne.
func TestGradientKeepsAnUnusedLimit(t *testing.T) {
	s := &simulated{g: NewGradient(1000), rng: rand.New(rand.NewPCG(1, 4)), servers: 100, takes: 1e7, rate: 100}
	s.until(600 * second)
	if l := s.g.Limit(); l > 16 {
		t.Errorf("one copy in flight on average made the limit %.1f", l)
	}
}

func TestGradientCutsForFailures(t *testing.T) {
	f := func(name string, fail int, want float64) {
		t.Helper()
		s := &simulated{g: NewGradient(20), rng: rand.New(rand.NewPCG(1, 5)), servers: 100, takes: 1e7}
		s.until(20 * second)
		for range fail {
			s.g.Acquire()
			s.g.Release(s.now, 0, Failed)
		}
		if l := s.g.Limit(); l < want*0.999 || l > want*1.001 {
			t.Errorf("%s: the limit is %.2f, want %.2f", name, l, want)
		}
	}
	f("none", 0, 20)
	f("one", 1, 18)
	f("two", 2, 16.2)
	f("three", 3, 8.1)
	f("all of one sample", 19, 8.1)
	f("and on", 23, 3.2805)
	f("for ever", 1000, 1)
}

func TestGradientIgnores(t *testing.T) {
	g := NewGradient(10)
	for range 1000 {
		if !g.Acquire() {
			t.Fatal("a copy that was released is still in flight")
		}
		g.Release(second, second, Ignored)
	}
	if g.Unloaded() != 0 || g.Limit() != 4 {
		t.Errorf("ignored ones were taken for answers: unloaded %v, limit %.1f", g.Unloaded(), g.Limit())
	}
}

// TestGradientClockSetBack: samples go on.
func TestGradientClockSetBack(t *testing.T) {
	g := NewGradient(1000)
	answer := func(from int64) {
		for i := range int64(2000) {
			if g.Acquire() {
				g.Release(from+i*millisecond, millisecond, Succeeded)
			}
		}
	}
	answer(10_000 * second)
	before := g.Unloaded()
	for range 2000 {
		if g.Acquire() {
			g.Release(second, 5*millisecond, Succeeded)
		}
	}
	answer(second)
	if before == 0 || g.InFlight() != 0 {
		t.Errorf("unloaded %v, %d in flight", before, g.InFlight())
	}
	if g.sample.opens.Load() > 10*second {
		t.Error("samples wait for a clock that was set back")
	}
}

// TestGradientFromSeveralLoops is for the race detector, and holds that no more are in flight than may be.
func TestGradientFromSeveralLoops(t *testing.T) {
	g := NewGradient(3)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range int64(5000) {
				if g.Acquire() {
					if n := g.InFlight(); n > 3 {
						t.Errorf("%d in flight, want 3 at most", n)
					}
					g.Release(i*millisecond, i%7*millisecond, Outcome(i%50%3))
				}
			}
		})
	}
	wg.Wait()
	if n := g.InFlight(); n != 0 {
		t.Errorf("%d in flight after all were released", n)
	}
}

func TestGradientAllocatesNothing(t *testing.T) {
	g, now := NewGradient(10), int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += millisecond
		g.Acquire()
		g.Release(now, millisecond, Succeeded)
	}); n != 0 {
		t.Errorf("a copy allocates %v times, want 0", n)
	}
}

func BenchmarkGradient(b *testing.B) {
	g := NewGradient(10)
	for i := int64(0); b.Loop(); i += 10_000 {
		g.Acquire()
		g.Release(i, 10_000, Succeeded)
	}
}
