package netloop

import (
	"errors"
	"iter"
	"runtime/debug"
)

// Errors that end a wait.
var (
	// ErrTimeout says that the deadline of the connection passed.
	ErrTimeout = errors.New("deadline passed")
	// ErrCanceled says that [Task.Cancel] was called for the coroutine that waits.
	ErrCanceled = errors.New("canceled")
	// ErrGuard says that the connection the coroutine works for broke. See [Loop.Guard].
	ErrGuard = errors.New("the connection served has gone")
	// ErrClosed says that the connection was closed on this side.
	ErrClosed = errors.New("connection closed")
	// ErrFull says that the buffer has reached its limit with nothing consumed.
	ErrFull = errors.New("buffer full")
)

// Task is a coroutine, lent to one handler after the other.
type Task struct {
	loop  *Loop
	next  func() (struct{}, bool)
	yield func(struct{}) bool

	// What it runs: serve(conn), or fn where serve is nil.
	serve func(*Conn)
	conn  *Conn
	fn    func()

	guard    *Conn // see Loop.Guard
	low      bool  // runs after the live work of a turn
	queued   bool  // stands in a run queue
	canceled bool
	ended    bool // the coroutine is to end, or has
	spent    int  // reads since the task last gave way
}

// newTask makes a coroutine that waits for its first work.
func newTask(l *Loop) *Task {
	t := &Task{loop: l}
	t.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		for !t.ended {
			if t.serve == nil && t.fn == nil {
				t.park() // free, and perhaps woken by someone who knew its last handler
				continue
			}
			t.work()
			t.release()
		}
	})
	return t
}

// work runs one handler. A panic in it costs its connection, never the loop.
func (t *Task) work() {
	defer func() {
		if p := recover(); p != nil {
			t.loop.panicked(p, debug.Stack())
			if t.conn != nil {
				t.conn.Close()
			}
		}
	}()
	if t.serve != nil {
		t.serve(t.conn)
		return
	}
	t.fn()
}

// release forgets the handler and lends the coroutine to the next one, or ends it where enough
// others wait for one.
func (t *Task) release() {
	t.setGuard(nil)
	t.serve, t.conn, t.fn = nil, nil, nil
	if t.ended = len(t.loop.free) >= spareTasks; !t.ended {
		t.loop.free = append(t.loop.free, t)
	}
}

func (t *Task) setGuard(c *Conn) {
	if t.guard != nil && t.guard.guardian == t {
		t.guard.guardian = nil
	}
	if t.guard = c; c != nil {
		c.guardian = t
	}
}

// park gives the thread back to the loop until the task is woken.
func (t *Task) park() {
	t.spent = 0
	t.yield(struct{}{})
}

// Wait parks the running coroutine, which must be t, until it is woken, which may be for another
// reason than the one it waits for.
func (t *Task) Wait() { t.park() }

// Yield gives way to all who wait for the loop. The running coroutine, which must be t, goes on when it is
// its turn again, within what a low task may take if it is one.
func (t *Task) Yield() {
	t.enqueue()
	t.park()
}

// Wake makes the loop resume t in this turn. Waking a task that runs, or that is woken already,
// does nothing: every wait looks at its condition again.
func (t *Task) Wake() {
	if !t.queued && t != t.loop.current {
		t.enqueue()
	}
}

func (t *Task) enqueue() {
	t.queued = true
	if t.low {
		t.loop.low.push(t)
	} else {
		t.loop.live.push(t)
	}
}

// spend gives way to others after so many reads without a wait, so that one fast stream can't keep
// the loop.
func (t *Task) spend() {
	limit := readsPerTurn
	if t.low {
		limit = lowReads
	}
	if t.spent++; t.spent >= limit {
		t.Yield()
	}
}

// Cancel ends t's present wait, and every later one until its handler returns, with
// [ErrCanceled].
func (t *Task) Cancel() {
	t.canceled = true
	t.Wake()
}

// Interrupted says why the running coroutine, which must be t, is to give up, for code that waits by
// Wait for a condition of its own: [ErrCanceled], [ErrGuard], or nil.
func (t *Task) Interrupted() error {
	switch {
	case t.canceled:
		return ErrCanceled
	case t.guard != nil && t.guard.broken:
		return ErrGuard
	}
	return nil
}

// queue is a first-in, first-out queue of tasks that keeps its memory.
type queue struct {
	tasks []*Task
	head  int
}

func (q *queue) push(t *Task) {
	if len(q.tasks) == cap(q.tasks) && q.head > len(q.tasks)/2 {
		// A busy loop's queue may never be empty, so pop alone does not keep it short.
		left := copy(q.tasks, q.tasks[q.head:])
		clear(q.tasks[left:])
		q.tasks, q.head = q.tasks[:left], 0
	}
	q.tasks = append(q.tasks, t)
}

func (q *queue) len() int { return len(q.tasks) - q.head }

func (q *queue) pop() *Task {
	t := q.tasks[q.head]
	q.tasks[q.head] = nil
	q.head++
	if q.head == len(q.tasks) {
		q.tasks, q.head = q.tasks[:0], 0
	}
	return t
}
