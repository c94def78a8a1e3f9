package pace

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// A drill plays a story to a breaker, one step for each character, at a clock of its own:
//
//   - a copy that succeeds   x one that fails   c one that does not connect   i one that is ignored
//     > a copy that leaves, and does not come back yet   - one that is not let through, as no other is
//     s a second passes   t 100 ms pass
type drill struct {
	t    *testing.T
	b    *Breaker
	now  int64
	sent []Pass
}

func newDrill(t *testing.T, o BreakerOptions) *drill {
	return &drill{t: t, b: NewBreaker(o), now: 100 * second}
}

func (d *drill) play(story string) {
	d.t.Helper()
	outcomes := map[rune]Outcome{'+': Succeeded, 'x': Failed, 'c': Unreachable, 'i': Ignored}
	for i, step := range story {
		switch step {
		case ' ':
		case 's':
			d.now += second
		case 't':
			d.now += second / 10
		default:
			pass, ok := d.b.Allow(d.now)
			if ok == (step == '-') {
				d.t.Fatalf("%q, step %d (%c): let through = %v, %+v", story, i, step, ok, d.b.Status())
			}
			if step == '>' {
				d.sent = append(d.sent, pass)
			} else if ok {
				d.b.Done(pass, d.now, outcomes[step])
			}
		}
	}
}

func (d *drill) back(o Outcome) {
	for _, pass := range d.sent {
		d.b.Done(pass, d.now, o)
	}
	d.sent = nil
}

func TestBreakerOpens(t *testing.T) {
	f := func(name, story string, want State, why string) {
		t.Helper()
		d := newDrill(t, BreakerOptions{})
		d.play(story)
		if s := d.b.Status(); s.State != want || !strings.Contains(s.Why, why) {
			t.Errorf("%s: %v because %q, want %v because %q", name, s.State, s.Why, want, why)
		}
	}
	twenty := strings.Repeat("+", 10) + strings.Repeat("x", 10)
	f("nothing", "", Closed, "")
	f("half of twenty", twenty, Open, "10 of 20 sends failed within 10s")
	f("all of nineteen", strings.Repeat("x", 19), Closed, "")
	f("all of twenty", strings.Repeat("x", 20), Open, "20 of 20")
	f("less than half", strings.Repeat("+++xx", 20), Closed, "")
	f("half of many", strings.Repeat("+x", 10), Open, "10 of 20")
	f("the last second counts", strings.Repeat("+", 10)+"sssssssss"+strings.Repeat("x", 10), Open, "10 of 20")
	f("ten seconds ago", strings.Repeat("x", 19)+"ssssssssss"+strings.Repeat("x", 19), Closed, "")
	f("slowly", strings.Repeat("xs", 100), Closed, "")
	f("two in a second", strings.Repeat("xxs", 9)+"xx", Open, "20 of 20")
	f("five connections", "ccccc", Open, "5 connections in a row did not come about")
	f("five connections, slowly", strings.Repeat("cssssssssss", 4)+"c", Open, "5 connections")
	f("an answer between", "cccc+cccc", Closed, "")
	f("a failure over a connection between", "ccccxcccc", Closed, "")
	f("nothing learnt between", "cccciiic", Open, "5 connections")
	f("ignored ones", strings.Repeat("i", 100), Closed, "")
	f("refused when open", "ccccc------", Open, "")
}

func TestBreakerProbes(t *testing.T) {
	f := func(name, story string, want BreakerStatus) {
		t.Helper()
		d := newDrill(t, BreakerOptions{})
		d.play("ccccc") // open
		d.play(story)
		s := d.b.Status()
		if s.State != want.State || s.Opened != want.Opened || s.Probes != want.Probes || s.Closed != want.Closed {
			t.Errorf("%s: %+v, want %+v", name, s, want)
		}
	}
	f("after a second", "- ttttttttt - t >", BreakerStatus{State: HalfOpen, Opened: 1, Probes: 1})
	f("one at a time", "s > --- ttttttttt -", BreakerStatus{State: HalfOpen, Opened: 1, Probes: 1})
	f("success closes", "s + +++", BreakerStatus{State: Closed, Opened: 1, Probes: 1, Closed: 1})
	f("failure doubles", "s x - s - s x sss - s +", BreakerStatus{State: Closed, Opened: 3, Probes: 3, Closed: 1})
	f("no connection doubles", "s c s - s c sss - s +", BreakerStatus{State: Closed, Opened: 3, Probes: 3, Closed: 1})
	f("an ignored probe makes room", "s i i i +", BreakerStatus{State: Closed, Opened: 1, Probes: 4, Closed: 1})
	f("a lost probe makes room", "s > s > s +", BreakerStatus{State: Closed, Opened: 1, Probes: 3, Closed: 1})
	f("what was before is forgotten", "s + cccc + xxxxxxxxxxxxxx", BreakerStatus{State: Closed, Opened: 1, Probes: 1, Closed: 1})
	f("again soon: longer pauses", "s + ccccc s - s > ", BreakerStatus{State: HalfOpen, Opened: 2, Probes: 2, Closed: 1})
	f("again late: as at first", "s + sssssssssss ccccc s >", BreakerStatus{State: HalfOpen, Opened: 2, Probes: 2, Closed: 1})
}

// TestBreakerPauses holds 1 s doubling to 60 s, and longer by a quarter at most.
func TestBreakerPauses(t *testing.T) {
	f := func(o BreakerOptions, want ...time.Duration) {
		t.Helper()
		d := newDrill(t, o)
		d.play("ccccc")
		for i, pause := range want {
			s := d.b.Status()
			if got := time.Duration(s.Probe - s.Since); got != pause {
				t.Fatalf("pause %d is %v, want %v", i, got, pause)
			}
			d.now = s.Probe
			d.play("x")
		}
	}
	s := time.Second
	f(BreakerOptions{}, s, 2*s, 4*s, 8*s, 16*s, 32*s, 60*s, 60*s)
	f(BreakerOptions{Jitter: func() float64 { return 0.5 }}, 1125*time.Millisecond, 2250*time.Millisecond)
	f(BreakerOptions{FirstPause: 10 * s, LastPause: 15 * s}, 10*s, 15*s, 15*s)
	f(BreakerOptions{FirstPause: 100 * s}, 100*s, 100*s)
	f(BreakerOptions{FirstPause: 1 << 61, LastPause: 1 << 62}, 1<<61, 1<<62, 1<<62)
}

func TestBreakerOptionsCount(t *testing.T) {
	d := newDrill(t, BreakerOptions{Share: 1, Sends: 3, Streak: 2})
	d.play("+xxxxxx")
	if s := d.b.Status(); s.State != Closed {
		t.Errorf("one success among seven, and it opens at 100 %%: %+v", s)
	}
	d.play("c x cc -")
}

// TestBreakerForgetsTheLate: what was sent before a change says nothing about the time after it.
func TestBreakerForgetsTheLate(t *testing.T) {
	d := newDrill(t, BreakerOptions{})
	d.play(">>> ccccc")
	d.back(Succeeded)
	d.play("- s > -")
	probe := d.sent
	d.sent = []Pass{1, 1, 1}
	d.back(Failed)
	if s := d.b.Status(); s.State != HalfOpen {
		t.Errorf("failures from before count as the probe's: %+v", s)
	}
	d.sent = probe
	d.back(Succeeded)
	d.sent = make([]Pass, 100)
	d.back(Failed)
	d.play("+")
}

// TestBreakerSlowTarget: one that takes longer to answer than a pause lasts must be able to close it.
func TestBreakerSlowTarget(t *testing.T) {
	f := func(first, second Outcome, want State) {
		t.Helper()
		d := newDrill(t, BreakerOptions{})
		d.play("ccccc s > - s >")
		d.b.Done(d.sent[0], d.now, first)
		d.b.Done(d.sent[1], d.now, second)
		if s := d.b.Status(); s.State != want || s.Probes != 2 {
			t.Errorf("probes that end as %d and %d make it %v after %d probes, want %v after 2", first, second, s.State, s.Probes, want)
		}
	}
	f(Succeeded, Failed, Closed)
	f(Failed, Succeeded, Open)
	f(Ignored, Succeeded, Open)
}

func TestBreakerClockSetBack(t *testing.T) {
	d := newDrill(t, BreakerOptions{})
	d.play("ccccc -")
	d.now -= 50 * second
	d.play("+ ++")
	if s := d.b.Status(); s.State != Closed {
		t.Errorf("a clock that was set back keeps it open: %+v", s)
	}
}

// TestBreakerFromSeveralLoops: of many that ask at once, one is the probe, and one opening is one.
func TestBreakerFromSeveralLoops(t *testing.T) {
	b := NewBreaker(BreakerOptions{})
	all := func(do func()) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(do)
		}
		wg.Wait()
	}
	for round := range uint64(100) {
		now := int64(round) * 1000 * second
		all(func() {
			for range 20 {
				if pass, ok := b.Allow(now); ok {
					b.Done(pass, now, Failed)
				}
			}
		})
		passes := make(chan Pass, 8)
		all(func() {
			if pass, ok := b.Allow(now + second); ok {
				passes <- pass
			}
		})
		s := b.Status()
		if len(passes) != 1 || s.State != HalfOpen || s.Opened != round+1 || s.Probes != round+1 {
			t.Fatalf("round %d: %d probes, %+v", round, len(passes), s)
		}
		b.Done(<-passes, now+second, Succeeded)
	}
}

func TestWindowCountsTheFullSlot(t *testing.T) {
	var w window
	for i := range countMask + 10 {
		w.add(second, i%2 == 0)
	}
	if sends, failed := w.sum(second); sends != countMask || failed != (countMask+1)/2 {
		t.Errorf("%d of %d failed, want half of %d", failed, sends, countMask)
	}
	w.add(11*second, true)
	if sends, failed := w.sum(11 * second); sends != 1 || failed != 1 {
		t.Errorf("in the next use of the slot %d of %d failed, want 1 of 1", failed, sends)
	}
	w.add(-second, true)
}

func TestBreakerAllocatesNothing(t *testing.T) {
	b, now := NewBreaker(BreakerOptions{}), int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += millisecond
		pass, _ := b.Allow(now)
		b.Done(pass, now, Succeeded)
	}); n != 0 {
		t.Errorf("a copy allocates %v times, want 0", n)
	}
}

func BenchmarkBreaker(b *testing.B) {
	br := NewBreaker(BreakerOptions{})
	for i := int64(0); b.Loop(); i += 1000 {
		pass, _ := br.Allow(i)
		br.Done(pass, i, Succeeded)
	}
}
