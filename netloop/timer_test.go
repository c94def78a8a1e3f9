package netloop

import (
	"math/rand/v2"
	"testing"
	"time"
)

const tick = time.Duration(1) << tickBits

// modelWheel is what the wheel must do, told simply: every timer fires at the first advance to its
// time, or up to one tick later.
type modelWheel struct {
	wheel
	now    int64
	timers []*Timer
	at     map[*Timer]int64 // the running ones
	fired  map[*Timer]int
	t      *testing.T
}

func newModelWheel(t *testing.T, timers int) *modelWheel {
	m := &modelWheel{t: t, at: map[*Timer]int64{}, fired: map[*Timer]int{}, now: int64(time.Hour)}
	m.tick = m.now >> tickBits
	for range timers {
		m.timers = append(m.timers, &Timer{})
	}
	return m
}

func (m *modelWheel) set(t *Timer, d time.Duration) {
	m.at[t] = m.now + int64(d)
	m.wheel.set(t, m.at[t])
}

func (m *modelWheel) stop(t *Timer) {
	delete(m.at, t)
	t.stop()
}

func (m *modelWheel) cancel(t *Timer) {
	delete(m.at, t)
	m.wheel.cancel(t)
}

// advance moves the time, and holds that exactly what is due fires.
func (m *modelWheel) advance(d time.Duration) {
	m.t.Helper()
	m.now += int64(d)
	m.wheel.advance(m.now, func(t *Timer) {
		at, running := m.at[t]
		if !running || at > m.now {
			m.t.Fatalf("fired %v early, running: %v", time.Duration(at-m.now), running)
		}
		delete(m.at, t)
		m.fired[t]++
	})
	for _, at := range m.at {
		if late := time.Duration(m.now - at); late >= tick {
			m.t.Fatalf("did not fire for %v after its time", late)
		}
	}
}

// checkNext holds that sleeping until next misses nothing.
func (m *modelWheel) checkNext() {
	m.t.Helper()
	next := m.next()
	for _, at := range m.at {
		if next < 0 || next > at+int64(tick) {
			m.t.Fatalf("next is %v away, a timer is due in %v", time.Duration(next-m.now), time.Duration(at-m.now))
		}
	}
	if next >= 0 && next <= m.now-int64(tick) {
		m.t.Fatalf("next is %v ago", time.Duration(m.now-next))
	}
}

func TestWheelAgainstModel(t *testing.T) {
	f := func(name string, longest, stride time.Duration) {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(longest)))
			duration := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
			m := newModelWheel(t, 200)
			fired := 0
			for range 50000 {
				timer := m.timers[random.IntN(len(m.timers))]
				switch n := random.IntN(20); {
				case n < 9:
					m.set(timer, duration(longest))
				case n < 12:
					m.stop(timer)
				case n < 13:
					m.cancel(timer)
				default:
					m.advance(duration(stride))
				}
				m.checkNext()
			}
			m.advance(longest + 2*tick)
			for _, n := range m.fired {
				fired += n
			}
			if len(m.at) > 0 || fired == 0 {
				t.Errorf("%d timers are left, %d fired", len(m.at), fired)
			}
			m.advance(longest + 2*tick)
			if m.count != 0 || m.next() != -1 {
				t.Errorf("an idle wheel holds %d timers, next is %d", m.count, m.next())
			}
		})
	}
	f("short", 200*time.Millisecond, 30*time.Millisecond)
	f("one lap", 60*time.Second, time.Second)
	f("many laps", 10*time.Minute, 5*time.Second)
	f("strides of laps", 10*time.Minute, 5*time.Minute)
}

func TestWheelBeyondALap(t *testing.T) {
	f := func(d time.Duration) {
		t.Helper()
		m := newModelWheel(t, 1)
		m.set(m.timers[0], d)
		for wakeUps := 0; len(m.at) > 0; wakeUps++ {
			if wakeUps > int(d/(60*time.Second))+2 {
				t.Fatalf("%v: woke up %d times", d, wakeUps)
			}
			m.advance(time.Duration(m.next() - m.now))
		}
		if late := time.Duration(m.now - int64(time.Hour) - int64(d)); late < 0 || late > tick {
			t.Errorf("%v: fired %v late", d, late)
		}
	}
	f(0)
	f(time.Nanosecond)
	f(tick - 1)
	f(tick)
	f(68 * time.Second)
	f(slots*tick - 1)
	f(slots * tick)
	f(slots*tick + 1)
	f(70 * time.Second)
	f(time.Hour)
}

// TestWheelEarlierAfterStop holds the case that one store for later times makes hard: a stopped
// timer still stands in a late slot when it is set to an earlier time.
func TestWheelEarlierAfterStop(t *testing.T) {
	m := newModelWheel(t, 1)
	timer := m.timers[0]
	m.set(timer, time.Minute)
	m.stop(timer)
	m.set(timer, time.Second)
	m.checkNext()
	m.advance(time.Second + tick)
	if m.fired[timer] != 1 {
		t.Errorf("fired %d times, want 1", m.fired[timer])
	}
}

// TestWheelLaterCostsNothing holds that a deadline which is only pushed out stays in its slot.
func TestWheelLaterCostsNothing(t *testing.T) {
	m := newModelWheel(t, 1)
	timer := m.timers[0]
	m.set(timer, time.Second)
	slot := timer.tick
	for range 100 {
		m.advance(time.Millisecond)
		m.set(timer, time.Second)
		if timer.tick != slot {
			t.Fatal("it was moved")
		}
	}
}

func TestWheelFiringSetsTimers(t *testing.T) {
	var w wheel
	var a, b Timer
	var fired []string
	a.fn = func() { fired = append(fired, "a"); w.set(&a, int64(10*tick)); w.cancel(&b) }
	b.fn = func() { fired = append(fired, "b"); w.cancel(&a) }
	w.set(&a, int64(tick))
	w.set(&b, int64(tick))
	w.advance(int64(3*tick), func(t *Timer) { t.fn() })
	if len(fired) != 1 {
		t.Fatalf("fired %v; one cancels the other", fired)
	}
	w.advance(int64(20*tick), func(t *Timer) { t.fn() })
	if fired[0] == "a" && len(fired) != 2 || fired[0] == "b" && len(fired) != 1 || w.count != 0 {
		t.Errorf("fired %v, %d are left", fired, w.count)
	}
}

func TestAfter(t *testing.T) {
	r := newRig(t, fakeClock)
	var fired []string
	var early, late Timer
	r.on(func() {
		r.After(&late, time.Minute, func() { fired = append(fired, "late") })
		r.After(&early, time.Second, func() { fired = append(fired, "early") })
	})
	f := func(d time.Duration, want int) {
		t.Helper()
		r.advance(d)
		r.on(func() {
			if len(fired) != want {
				t.Errorf("fired %v, want %d", fired, want)
			}
		})
	}
	f(900*time.Millisecond, 0)
	f(200*time.Millisecond, 1)
	r.on(func() { r.After(&late, 2*time.Minute, func() { fired = append(fired, "moved") }) })
	f(time.Minute, 1)
	f(time.Minute+tick, 2)
	f(time.Hour, 2)
	if fired[0] != "early" || fired[1] != "moved" {
		t.Errorf("fired %v", fired)
	}
}

// TestTimersEndSleep holds that a loop which sleeps in its poller wakes for a timer, by the real
// clock.
func TestTimersEndSleep(t *testing.T) {
	r := newRig(t, nil)
	fired := make(chan struct{})
	var timer Timer
	begin := time.Now()
	r.on(func() { r.After(&timer, 50*time.Millisecond, func() { close(fired) }) })
	wait(t, fired, "the timer")
	if d := time.Since(begin); d < 49*time.Millisecond {
		t.Errorf("fired after %v", d)
	}
}
