package netloop

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// parked starts a coroutine that waits in park, and returns it with what ended the wait.
func (r *rig) parked(park func() error) (task *Task, ended <-chan error) {
	r.Helper()
	ch := make(chan error, 1)
	r.on(func() { task = r.Go(func() { ch <- park() }) })
	r.on(func() {}) // it runs before the next submission, or after it
	r.on(func() {})
	return task, ch
}

func TestCancel(t *testing.T) {
	f := func(name string, park func(*Conn) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			ours, _ := r.pair(nil, true)
			r.on(func() { ours.Use() })
			task, ended := r.parked(func() error { return park(ours) })
			r.until("it waits", func() bool { return ours.reader != nil || ours.writer != nil })
			r.on(task.Cancel)
			if err := wait(t, ended, "the wait to end"); err != ErrCanceled {
				t.Errorf("it ended with %v", err)
			}
		})
	}
	f("Fill", (*Conn).Fill)
	f("Send", func(c *Conn) error { return c.Send(make([]byte, 8<<20)) })
	f("Wait", (*Conn).Wait)
	f("every later wait", func(c *Conn) error {
		c.Fill()
		return c.Fill()
	})
}

func TestGuard(t *testing.T) {
	f := func(name string, park func(*Conn) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			user, theirs := r.pair(nil, false)
			backend, _ := r.pair(nil, true)
			_, ended := r.parked(func() error {
				user.Use()
				backend.Use()
				r.Guard(user)
				return park(backend)
			})
			r.until("it waits", func() bool { return backend.reader != nil || backend.writer != nil })
			reset(theirs)
			if err := wait(t, ended, "the wait to end"); err != ErrGuard {
				t.Errorf("it ended with %v", err)
			}
			r.until("the guard is dropped", func() bool { return user.guardian == nil })
		})
	}
	f("Fill", (*Conn).Fill)
	f("Send", func(c *Conn) error { return c.Send(make([]byte, 8<<20)) })
	f("Wait", (*Conn).Wait)
	f("every later wait", func(c *Conn) error {
		c.Fill()
		return c.Fill()
	})
}

// TestInterrupted waits for a condition of its own.
func TestInterrupted(t *testing.T) {
	f := func(want error, interrupt func(r *rig, task *Task, theirs *net.TCPConn)) {
		t.Helper()
		r := newRig(t, nil)
		user, theirs := r.pair(nil, false)
		task, ended := r.parked(func() error {
			user.Use()
			r.Guard(user)
			for {
				if err := r.Current().Interrupted(); err != nil {
					return err
				}
				r.Current().Wait()
			}
		})
		r.on(task.Wake) // for nothing
		r.until("it waits", func() bool { return user.guardian == task && !task.queued })
		interrupt(r, task, theirs)
		if err := wait(t, ended, "the wait to end"); err != want {
			t.Errorf("it ended with %v, want %v", err, want)
		}
	}
	f(ErrCanceled, func(r *rig, task *Task, _ *net.TCPConn) { r.on(task.Cancel) })
	f(ErrGuard, func(_ *rig, _ *Task, theirs *net.TCPConn) { reset(theirs) })
}

// TestGuardOfAHalfClosedUser holds that who has merely sent everything is answered.
func TestGuardOfAHalfClosedUser(t *testing.T) {
	r := newRig(t, nil)
	user, theirs := r.pair(nil, false)
	backend, other := r.pair(nil, false)
	_, ended := r.parked(func() error {
		user.Use()
		backend.Use()
		r.Guard(user)
		return backend.Fill()
	})
	r.until("it waits", func() bool { return backend.reader != nil })
	theirs.CloseWrite()
	r.until("the end is seen", func() bool { return user.readable })
	write(t, other, "answer")
	if err := wait(t, ended, "the answer"); err != nil {
		t.Errorf("fill: %v", err)
	}
}

// TestGuardOfItself holds that a read on the guarded connection itself tells what it met.
func TestGuardOfItself(t *testing.T) {
	r := newRig(t, nil)
	user, theirs := r.pair(nil, false)
	_, ended := r.parked(func() error {
		user.Use()
		r.Guard(user)
		return user.Fill()
	})
	r.until("it waits", func() bool { return user.reader != nil })
	reset(theirs)
	if err := wait(t, ended, "the reset"); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("fill: %v", err)
	}
}

func TestGuardPassesOn(t *testing.T) {
	r := newRig(t, nil)
	user, _ := r.pair(nil, false)
	var first, second *Task
	r.on(func() {
		first = r.Go(func() { r.Guard(user); r.Current().Wait() })
		second = r.Go(func() { r.Guard(user); r.Current().Wait() })
	})
	r.until("both wait", func() bool { return user.guardian == second })
	r.on(first.Wake)
	r.until("the first has ended", func() bool { return first.fn == nil })
	r.on(func() {
		if user.guardian != second {
			t.Error("the end of the former guardian took the guard from the present one")
		}
		second.Wake()
	})
	r.until("both have ended", func() bool { return user.guardian == nil })
}

func TestTwoCoroutinesOfAConnection(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(nil, true)
	r.on(func() { ours.Use() })
	_, sent := r.parked(func() error { return ours.Send(make([]byte, 4<<20)) })
	_, filled := r.parked(ours.Fill)
	r.until("both wait", func() bool { return ours.reader != nil && ours.writer != nil })
	write(t, theirs, "x")
	if err := wait(t, filled, "the reader"); err != nil {
		t.Errorf("fill: %v", err)
	}
	r.on(func() {
		if ours.writer == nil {
			t.Error("the writer was woken by a byte that came")
		}
	})
	if _, err := io.CopyN(io.Discard, theirs, 4<<20); err != nil {
		t.Error(err)
	}
	if err := wait(t, sent, "the writer"); err != nil {
		t.Errorf("send: %v", err)
	}
}

// TestFastStreamLeavesRoom holds that a stream whose bytes never run dry gives way to others.
func TestFastStreamLeavesRoom(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(func(c *Conn) {
		for c.Fill() == nil {
			p := c.Buffered()
			if p[0] == '?' {
				c.Send([]byte("!"))
			}
			c.Consume(len(p))
		}
		c.Close()
	})
	stop := make(chan struct{})
	defer close(stop)
	for range 2 {
		fast := dial(t, addr)
		go func() {
			for p := make([]byte, 1<<20); ; {
				select {
				case <-stop:
					return
				default:
					if _, err := fast.Write(p); err != nil {
						return
					}
				}
			}
		}()
	}
	slow := dial(t, addr)
	for range 200 {
		write(t, slow, "?")
		expect(t, slow, "!")
	}
}

// TestSpend counts the reads after which a task gives way, without any socket.
func TestSpend(t *testing.T) {
	r := newRig(t, nil)
	var turns []int
	var timer Timer
	var began int64
	r.in(func() {
		task := r.Current()
		for i := range 3 * readsPerTurn {
			before := task.spent
			if task.spend(); task.spent < before {
				turns = append(turns, i+1)
			}
		}
		for range readsPerTurn - 1 {
			task.spend()
		}
		began = r.Now()
		r.After(&timer, time.Millisecond, task.Wake)
		task.Wait()
		if task.spent != 0 {
			t.Errorf("a task that waited has spent %d", task.spent)
		}
	})
	if len(turns) != 3 || turns[0] != readsPerTurn || turns[2] != 3*readsPerTurn {
		t.Errorf("gave way after reads %v", turns)
	}
	if began == 0 {
		t.Error("no time")
	}
}

// TestYield holds that live work goes before a low task that gives way, and that a task which does so is
// interrupted like any other.
func TestYield(t *testing.T) {
	r := newRig(t, nil)
	var order []string
	say := func(s string) { order = append(order, s) }
	ended := make(chan error, 1)
	r.on(func() {
		r.GoLow(func() {
			task := r.Current()
			say("low")
			r.Go(func() { say("live") })
			task.Yield()
			say("low again")
			r.Go(task.Cancel)
			task.Yield()
			ended <- task.Interrupted()
		})
	})
	if err := wait(t, ended, "the low task"); err != ErrCanceled {
		t.Errorf("it ended with %v", err)
	}
	if got := strings.Join(order, ", "); got != "low, live, low again" {
		t.Errorf("the order is %s", got)
	}
}
