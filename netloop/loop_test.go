package netloop

import (
	"bytes"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestSubmitFromManyGoroutines(t *testing.T) {
	r := newRig(t, nil)
	const goroutines, each = 16, 500
	var ran int // belongs to the loop
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range each {
				r.Submit(func() { ran++ })
			}
		})
	}
	all.Wait()
	r.until("all submissions ran", func() bool { return ran == goroutines*each })
}

func TestSubmitWakesASleepingLoop(t *testing.T) {
	r := newRig(t, nil)
	for range 1000 {
		r.on(func() {}) // fails when one is slept over
	}
}

func TestSubmitFromTheLoop(t *testing.T) {
	r := newRig(t, nil)
	done := make(chan struct{})
	r.Submit(func() { r.Submit(func() { close(done) }) })
	wait(t, done, "a submission of a submission")
}

func TestSubmitAfterStopDoesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.end()
	r.Submit(func() { t.Error("ran on a loop that has stopped") })
}

func TestStopEndsHandlers(t *testing.T) {
	var before = runtime.NumGoroutine()
	r := newRig(t, nil)
	var ended, closed atomic.Int32
	serve := func(c *Conn) {
		defer ended.Add(1)
		for c.Fill() == nil {
			c.Consume(len(c.Buffered()))
		}
	}
	addr := r.listenOpen(func(c *Conn) bool {
		c.OnClose = func(*Conn) { closed.Add(1) }
		return true
	}, serve)
	const conns = 10
	for i := range conns {
		c := dial(t, addr)
		if i > 0 {
			write(t, c, "x") // all but the first are handled, and wait for more
		}
	}
	r.until("every connection is handled or idle", func() bool { return len(r.free) == 0 && r.countConns() == conns && r.idleConns() == 1 })
	r.end()
	if ended.Load() != conns-1 || closed.Load() != conns {
		t.Errorf("%d handlers ended and %d connections were closed, want %d and %d", ended.Load(), closed.Load(), conns-1, conns)
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+2; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before: coroutines were left behind", runtime.NumGoroutine(), before)
		}
	}
}

func TestStopBoundsAHandlerThatGoesOn(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(echo)
	started := make(chan struct{}, 1)
	r.Submit(func() {
		r.Go(func() {
			for {
				c, err := r.Dial(tcp(addr), time.Second)
				select {
				case started <- struct{}{}:
				default:
				}
				if err == nil {
					c.Wait()
				}
				r.Current().spend()
				r.Current().Wake() // of no effect: it runs
			}
		})
	})
	wait(t, started, "the handler to start")
	r.end()
}

func (r *rig) countConns() (n int) {
	for _, c := range r.conns {
		if c != nil {
			n++
		}
	}
	return n
}

func (r *rig) idleConns() (n int) {
	for _, c := range r.conns {
		if c != nil && c.idle {
			n++
		}
	}
	return n
}

func TestPanicTakesOnlyItsConnection(t *testing.T) {
	var log syncBuffer
	r := newRig(t, func(r *rig) { r.log = slog.New(slog.NewTextHandler(&log, nil)) })
	addr := r.listen(func(c *Conn) {
		if err := c.Fill(); err != nil {
			c.Close()
			return
		}
		if string(c.Buffered()) == "bad" {
			panic("the test's own")
		}
		echo(c)
	})
	good := dial(t, addr)
	write(t, good, "one")
	expect(t, good, "one")
	for range 3 {
		bad := dial(t, addr)
		write(t, bad, "bad")
		if n, err := bad.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("a connection whose handler panicked: read %d bytes, %v", n, err)
		}
	}
	write(t, good, "two")
	expect(t, good, "two")
	for _, want := range []string{"BUG: a connection handler panicked", "the test's own", "TestPanicTakesOnlyItsConnection"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// lowTurns runs low tasks that take a time each, after live work of the same turn, and returns how
// many low tasks ran in each turn.
func lowTurns(t *testing.T, tasks int, live, each time.Duration) []int {
	r := newRig(t, fakeClock)
	done := make(chan struct{})
	var turns []int
	left := tasks
	turn := func() { // the live task of each turn; the first of them begins with all low tasks queued
		for left > 0 {
			r.Loop.now = r.now.Add(int64(live)) - int64(live)
			turns = append(turns, 0)
			r.Current().enqueue()
			r.Current().park()
		}
		close(done)
	}
	r.on(func() {
		for range tasks {
			r.GoLow(func() {
				r.now.Add(int64(each))
				left--
				turns[len(turns)-1]++
			})
		}
		r.Go(turn)
	})
	wait(t, done, "the low tasks")
	return turns
}

// TestLowShare holds that low tasks get half of a turn's time, or their budget where that is more,
// and that one of them runs in every turn.
func TestLowShare(t *testing.T) {
	f := func(live, each time.Duration, want ...int) {
		t.Helper()
		tasks := 0
		for _, n := range want {
			tasks += n
		}
		if got := lowTurns(t, tasks, live, each); !slices.Equal(got, want) {
			t.Errorf("live %v, low %v each: %v low tasks in the turns, want %v", live, each, got, want)
		}
	}
	const budget = time.Duration(lowBudget)
	f(0, budget/4, 5, 5, 5)
	f(0, 10*budget, 1, 1, 1)
	f(budget, budget/4, 5, 5, 2)
	f(4*budget, budget/2, 9, 9)
	f(4*budget, 10*budget, 1, 1)
}

func TestLowRunsBesideABusyLoop(t *testing.T) {
	r := newRig(t, nil)
	stop, done := false, make(chan struct{})
	r.on(func() {
		for range 4 {
			r.Go(func() {
				for !stop { // a stream that never waits
					r.Current().spend()
				}
			})
		}
		r.GoLow(func() { stop = true; close(done) })
	})
	wait(t, done, "a low task")
}

// TestQueuesStayShort holds that a loop which is never without work does not grow.
func TestQueuesStayShort(t *testing.T) {
	r := newRig(t, nil)
	const tasks, turns = 100, 2000
	left := tasks
	for range tasks {
		r.Submit(func() {
			r.Go(func() {
				for range turns * readsPerTurn {
					r.Current().spend()
				}
				left--
			})
		})
	}
	r.until("all are done", func() bool { return left == 0 })
	r.on(func() {
		if n := cap(r.live.tasks); n > 4*tasks {
			t.Errorf("the queue of %d tasks has room for %d", tasks, n)
		}
	})
}

func TestQueue(t *testing.T) {
	var q queue
	var model []*Task
	for i := range 10000 {
		if i%3 == 0 && len(model) > 0 || i%1000 > 500 && len(model) > 1 {
			if got := q.pop(); got != model[0] {
				t.Fatalf("step %d: popped another task", i)
			}
			model = model[1:]
		} else {
			task := &Task{}
			q.push(task)
			model = append(model, task)
		}
		if q.len() != len(model) {
			t.Fatalf("step %d: %d queued, want %d", i, q.len(), len(model))
		}
	}
}

// TestWakingAFreeTask holds that a late call on a task that was lent to nobody since, or to someone
// else, does no harm.
func TestWakingAFreeTask(t *testing.T) {
	var log syncBuffer
	r := newRig(t, func(r *rig) { r.log = slog.New(slog.NewTextHandler(&log, nil)) })
	r.on(func() {
		task := r.Go(func() {})
		r.Submit(func() {
			task.Wake()
			task.Cancel()
			r.Submit(func() {})
		})
	})
	r.until("the task is free", func() bool { return len(r.free) == 1 && r.live.len() == 0 })
	runs := 0
	r.on(func() {
		for range 5 {
			r.Go(func() {
				if r.Current().canceled {
					t.Error("a task began canceled")
				}
				runs++
			})
		}
	})
	r.until("five ran", func() bool { return runs == 5 })
	r.on(func() {
		seen := map[*Task]bool{}
		for _, task := range r.free {
			if seen[task] {
				t.Error("a task is free twice")
			}
			seen[task] = true
		}
	})
	if log.String() != "" {
		t.Errorf("logged: %s", log.String())
	}
}

func TestSpareTasksAreBounded(t *testing.T) {
	r := newRig(t, nil)
	const many = 2 * spareTasks
	ended := 0
	r.on(func() {
		for range many {
			r.Go(func() { ended++ })
		}
	})
	r.until("all have ended", func() bool { return ended == many })
	r.on(func() {
		if len(r.free) != spareTasks {
			t.Errorf("%d coroutines are kept, want %d", len(r.free), spareTasks)
		}
	})
}

func TestTimes(t *testing.T) {
	r := newRig(t, nil)
	before := time.Now()
	r.in(func() {
		now, clock := r.Now(), r.Clock()
		if clock < now {
			t.Errorf("the clock says %d, the turn began at %d", clock, now)
		}
		unix := time.Unix(0, r.Unix(clock))
		if unix.Before(before.Add(-time.Millisecond)) || unix.After(time.Now().Add(time.Millisecond)) {
			t.Errorf("the clock is %v, by the wall %v", unix, time.Now())
		}
		if r.Current() == nil {
			t.Error("a coroutine without a task")
		}
	})
	r.on(func() {
		if r.Current() != nil {
			t.Error("a task outside of any coroutine")
		}
	})
}
