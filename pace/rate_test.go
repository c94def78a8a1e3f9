package pace

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	millisecond = int64(time.Millisecond)
	second      = int64(time.Second)
)

// admitted is how many r admits from start until end, when asked every step.
func admitted(r *Rate, start, end, step int64) (n int64) {
	for now := start; now < end; now += step {
		if r.Take(now, 1) {
			n++
		}
	}
	return n
}

// TestRateIsExactInEverySecond asks ten times as often as the rate allows.
func TestRateIsExactInEverySecond(t *testing.T) {
	f := func(l Limit, start int64) {
		t.Helper()
		r := NewRate(l)
		perSecond := l.Count * second / int64(l.Per)
		step := second / perSecond / 10
		admitted(r, start, start+second, step) // the burst
		for i := int64(1); i < 20; i++ {
			if n := admitted(r, start+i*second, start+(i+1)*second, step); n != perSecond {
				t.Fatalf("%d per %v, burst %d: second %d admits %d, want %d", l.Count, l.Per, l.Burst, i, n, perSecond)
			}
		}
	}
	f(Limit{1000, time.Second, 2}, 0)
	f(Limit{1000, time.Second, 100}, 123_456_789)
	f(Limit{60_000, time.Minute, 500}, 7*second)
	f(Limit{7, time.Second, 2}, 1)
	f(Limit{3, time.Second, 3}, 30*365*24*3600*second)
	f(Limit{10_000, time.Second, 1000}, 5)
}

// TestRateIsExactInTheLongRun holds that no fraction of a request is ever lost.
func TestRateIsExactInTheLongRun(t *testing.T) {
	f := func(l Limit, d time.Duration, want int64) {
		t.Helper()
		r := NewRate(l)
		if got := admitted(r, 0, int64(d)+1, int64(d)/200_000); got != want+l.Burst {
			t.Errorf("%d per %v in %v: %d, want %d and a burst of %d", l.Count, l.Per, d, got, want, l.Burst)
		}
	}
	f(Limit{25, 2 * time.Second, 5}, 2000*time.Second, 25_000)
	f(Limit{1, 3 * time.Second, 2}, 3*time.Hour, 3600)
	f(Limit{1, 7 * time.Minute, 2}, 7*24*time.Hour, 24*60)
	f(Limit{1_000_003, 1009 * time.Second, 7}, 10*time.Second, 9910)
	f(Limit{9_460_800_000, 30 * 365 * 24 * time.Hour, 2}, 100*time.Second, 1000)
}

func TestTake(t *testing.T) {
	type ask struct {
		at, n int64 // ms
		want  bool
	}
	f := func(name string, l Limit, asks ...ask) {
		t.Helper()
		r := NewRate(l)
		for i, a := range asks {
			if got := r.Take(a.at*millisecond, a.n); got != a.want {
				t.Errorf("%s: ask %d, %d at %d ms = %v", name, i, a.n, a.at, got)
			}
		}
	}
	ten := Limit{10, time.Second, 1}
	f("no two within a period", ten, ask{99, 1, true}, ask{100, 1, false}, ask{198, 1, false}, ask{199, 1, true})
	f("a rest saves up no more than a burst", ten, ask{0, 1, true}, ask{10_000, 1, true}, ask{10_000, 1, false})
	burst := Limit{10, time.Second, 3}
	f("a burst", burst, ask{0, 1, true}, ask{0, 1, true}, ask{0, 1, true}, ask{0, 1, false}, ask{100, 1, true}, ask{100, 1, false})
	f("several or none", burst, ask{0, 2, true}, ask{0, 2, false}, ask{0, 1, true}, ask{150, 2, false}, ask{200, 2, true})
	f("more than a burst never", burst, ask{0, 4, false}, ask{1e6, 4, false}, ask{1e6, math.MaxInt64, false})
	f("nothing is free", burst, ask{0, 3, true}, ask{0, 0, true}, ask{0, 1, false})
	f("ahead and back", burst, ask{0, 3, true}, ask{3_600_000, 3, true}, ask{1, 1, false}, ask{100, 1, false}, ask{101, 1, true}, ask{101, 1, false})
	f("back by less than loops may differ", burst, ask{5000, 3, true}, ask{4950, 1, false}, ask{5099, 1, false}, ask{5100, 1, true})
	f("before the clock began", burst, ask{-1000, 3, true}, ask{-1, 1, false}, ask{100, 1, true})
	f("as far ahead as can be", burst, ask{math.MaxInt64 / millisecond, 3, true}, ask{0, 1, false}, ask{100, 1, true})
}

// TestClockJumps holds for any jump: at most a burst at once, and shut no longer than 0.1 s and what one takes.
func TestClockJumps(t *testing.T) {
	l := Limit{50, time.Second, 20}
	for _, jump := range []int64{-second, -99 * millisecond, -101 * millisecond, -3600 * second, 1, second, 3600 * second} {
		r, now := NewRate(l), 10_000*second
		admitted(r, now, now+second, millisecond)
		now += second + jump
		burst := int64(0)
		for r.Take(now, 1) {
			burst++
		}
		if burst > l.Burst {
			t.Errorf("after a jump by %v, %d at once", time.Duration(jump), burst)
		}
		shut := int64(0)
		for !r.Take(now+shut, 1) {
			shut += millisecond / 10
		}
		if most := int64(apart) + second/50; shut > most {
			t.Errorf("after a jump by %v, shut for %v, want %v at most", time.Duration(jump), time.Duration(shut), time.Duration(most))
		}
	}
}

func TestVolume(t *testing.T) {
	v := NewVolume(Limit{1_000_000, time.Second, 100_000})
	f := func(at int64, want bool) {
		t.Helper()
		if got := v.Open(at * millisecond); got != want {
			t.Errorf("at %d ms: open = %v", at, got)
		}
	}
	f(0, true)
	v.Charge(0, 99_999)
	f(0, true)
	v.Charge(0, 1)
	f(0, false)
	f(1, true)
	v.Charge(1*millisecond, 2_000_000) // while 1,000 were left
	f(2000, false)
	f(2001, true)
	v.Charge(2001*millisecond, math.MaxInt64)
	f(2001+10*60*1000, false)
	f(2002+10*60*1000, true)
}

// TestVolumeInTheLongRun charges random sizes, larger than the burst too, whenever it is open.
func TestVolumeInTheLongRun(t *testing.T) {
	v := NewVolume(Limit{2_500_000, 2 * time.Second, 10_000})
	sum, size := int64(0), int64(1)
	for now := int64(0); now < 1000*second; now += millisecond {
		if v.Open(now) {
			size = size * 48271 % (1<<31 - 1)
			v.Charge(now, size%100_000)
			sum += size % 100_000
		}
	}
	if want := int64(1_250_000_000); sum < want-2_000_000 || sum > want+200_000 {
		t.Errorf("%d bytes in 1,000 s, want %d", sum, want)
	}
}

func TestVolumeClockSetBack(t *testing.T) {
	v := NewVolume(Limit{1000, time.Second, 1000})
	v.Charge(3600*second, 500)
	if v.Open(second) {
		t.Error("a clock that was set back by an hour has used up the burst")
	}
	if !v.Open(second + millisecond) {
		t.Error("a clock that was set back by an hour keeps the volume shut")
	}
}

func TestLimitCheck(t *testing.T) {
	f := func(l Limit, ok bool) {
		t.Helper()
		if err := l.Check(); (err == nil) != ok {
			t.Errorf("%+v: %v", l, err)
		}
	}
	f(Limit{1, 1, 1}, true)
	f(Limit{1, 365 * 24 * time.Hour, 1}, true)
	f(Limit{10_000_000_000, time.Second, 1 << 40}, true)
	f(Limit{}, false)
	f(Limit{0, time.Second, 1}, false)
	f(Limit{1, 0, 1}, false)
	f(Limit{1, time.Second, 0}, false)
	f(Limit{11_000_000_000, time.Second, 1}, false)
	f(Limit{math.MaxInt64, time.Second, 1}, false)
	f(Limit{1, time.Hour, 8761}, false)
	f(Limit{1, 365 * 24 * time.Hour, math.MaxInt64}, false)
}

// TestRateFromSeveralLoops has clocks that differ by some milliseconds.
func TestRateFromSeveralLoops(t *testing.T) {
	r := NewRate(Limit{1000, time.Second, 10})
	var sum atomic.Int64
	for round := range int64(1000) {
		var wg sync.WaitGroup
		for loop := range int64(4) {
			wg.Go(func() {
				now := round*10*millisecond + loop*3*millisecond
				sum.Add(admitted(r, now, now+10*millisecond, millisecond/4))
			})
		}
		wg.Wait()
	}
	if n := sum.Load(); n < 10_000 || n > 10_019 {
		t.Errorf("four loops were admitted %d in 10 s, want 10,010 and what their clocks differ by", n)
	}
}

func FuzzRate(f *testing.F) {
	f.Add(int64(1000), int64(time.Second), int64(10), int64(5), int64(time.Hour))
	f.Add(int64(1), int64(7*time.Minute), int64(1), int64(-5), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, count, per, burst, now, jump int64) {
		l := Limit{count, time.Duration(per), burst}
		if l.Check() != nil {
			return
		}
		r := NewRate(l)
		for _, at := range []int64{now, now + jump, now, now - jump} {
			for _, n := range []int64{burst, 1} {
				if r.Take(at, n) && n < burst && r.Take(at, burst) {
					t.Errorf("%+v: more than a burst at %d", l, at)
				}
			}
		}
	})
}

func BenchmarkTake(b *testing.B) {
	r := NewRate(Limit{1_000_000_000, time.Second, 1000})
	for i := int64(0); b.Loop(); i++ {
		r.Take(i, 1)
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	r, v, now := NewRate(Limit{1000, time.Second, 10}), NewVolume(Limit{1000, time.Second, 10}), int64(0)
	f := func(name string, decide func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, func() { now += millisecond; decide() }); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
	f("Rate", func() { r.Take(now, 1) })
	f("Volume", func() { v.Charge(now, 1); v.Open(now) })
}
