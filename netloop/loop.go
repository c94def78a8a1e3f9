package netloop

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// BufferSize is the size, in bytes, of the buffer that a connection borrows when bytes
	// arrive. One that needs more (a large head) gets a larger one of its own.
	BufferSize = 16 << 10

	eventsPerTurn = 256
	readsPerTurn  = 16 // reads of one task without a wait
	lowReads      = 2  // the same of a low task
	lowBudget     = int64(100 * time.Microsecond)
	spareBuffers  = 256
	spareTasks    = 1024
	lastTurns     = 1024 // turns in which handlers may return once the loop has stopped
)

// Loop is one event loop. Make it with [New], start it with [Loop.Run].
type Loop struct {
	ID  int // counts from 0
	log *slog.Logger

	poller     poller
	events     [eventsPerTurn]event
	conns      []*Conn // by descriptor
	acceptors  []*acceptor
	generation uint32

	now      int64 // nanoseconds on the loop's clock when the turn began
	base     time.Time
	timers   wheel
	live     queue
	low      queue
	free     []*Task
	current  *Task
	dirty    []*Conn // to flush at the end of the turn
	buffers  [][]byte
	outboxes []*outbox
	vectors  iovecs

	// inbox is a stack of functions to run on the loop, pushed by any goroutine.
	inbox    atomic.Pointer[submission]
	sleeping atomic.Bool
	stopped  bool

	// clock and poll are function values because neither the runtime's fake time nor a test can
	// see through the poller.
	clock func() int64
	poll  func(l *Loop, wait time.Duration) (int, error)
}

type submission struct {
	fn   func()
	next *submission
}

// New makes a loop that logs to log what it can only log: panics of handlers.
func New(id int, log *slog.Logger) (*Loop, error) {
	l := &Loop{ID: id, log: log, base: time.Now(), poll: poll}
	l.clock = func() int64 { return int64(time.Since(l.base)) }
	if err := l.poller.open(); err != nil {
		return nil, fmt.Errorf("creating event loop %d: %w%s", id, err, descriptorHint(err))
	}
	l.now = l.clock()
	// Not when Run ends: another goroutine may be in Submit then, and write into whatever file
	// has the descriptor next.
	runtime.AddCleanup(l, closeWake, l.poller.wakefds())
	return l, nil
}

// descriptorHint says what to do about an error that lies in a lack of descriptors.
func descriptorHint(err error) string {
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return " (raise the limit of open files: ulimit -n, or LimitNOFILE= in the service's unit)"
	}
	return ""
}

// Run turns the loop until [Loop.Stop], then closes every connection, which ends the handlers that
// wait on one. It locks its goroutine to a thread and never unlocks it, so that the thread ends
// with the goroutine.
func (l *Loop) Run() {
	runtime.LockOSThread()
	for !l.stopped {
		l.turn()
	}
	l.finish()
}

// finish lets the handlers return. It closes what they open anew, and has patience with them for
// a while only.
func (l *Loop) finish() {
	l.Unlisten(nil)
	for range lastTurns {
		l.closeConns()
		if l.live.len()+l.low.len() == 0 {
			break
		}
		l.runTasks()
	}
	l.closeConns()
	for _, t := range l.free {
		t.ended = true
		l.resume(t)
	}
	l.free = nil
	l.poller.close()
}

func (l *Loop) closeConns() {
	for _, c := range l.conns {
		if c != nil {
			c.Close()
		}
	}
}

// turn runs what is ready, and looks for more.
func (l *Loop) turn() {
	l.runTasks()
	l.flush()
	l.receive(0)
	if l.live.len() == 0 && l.low.len() == 0 && len(l.dirty) == 0 && !l.stopped {
		l.wait()
	}
}

func (l *Loop) runTasks() {
	for range l.live.len() {
		l.resume(l.live.pop())
	}
	l.runLow()
}

// runLow runs low tasks for as long as the live ones of this turn took, or for lowBudget where that
// is longer. So they get half of the loop at most, however many they are.
func (l *Loop) runLow() {
	waiting := l.low.len()
	if waiting == 0 {
		return
	}
	start := l.clock()
	until := start + max(start-l.now, lowBudget)
	for range waiting {
		l.resume(l.low.pop())
		if l.clock() > until {
			return
		}
	}
}

// receive polls for at most wait, and marks what became ready.
func (l *Loop) receive(wait time.Duration) {
	n, err := l.poll(l, wait)
	if err != nil {
		panic(fmt.Sprintf("BUG: polling event loop %d: %v", l.ID, err))
	}
	l.now = l.clock()
	for i := range n {
		l.dispatch(&l.events[i])
	}
	l.timers.advance(l.now, l.fire)
	l.runInbox()
}

// wait sleeps until something happens or a timer is due.
func (l *Loop) wait() {
	l.sleeping.Store(true)
	if l.inbox.Load() == nil {
		wait := time.Hour
		if next := l.timers.next(); next >= 0 {
			wait = time.Duration(max(next-l.clock(), 0))
		}
		if wait > 0 {
			l.receive(wait)
		}
	}
	l.sleeping.Store(false)
}

func (l *Loop) dispatch(e *event) {
	if int(e.Fd) == l.poller.wakefd {
		l.poller.drain()
		return
	}
	if int(e.Fd) < len(l.conns) && l.conns[e.Fd] != nil {
		if c := l.conns[e.Fd]; c.generation == uint32(e.Pad) {
			c.ready(e.Events)
		}
		return
	}
	for _, a := range l.acceptors {
		if a.fd == int(e.Fd) {
			a.accept()
			return // it may have changed the list
		}
	}
}

func (l *Loop) fire(t *Timer) {
	if t.conn != nil {
		t.conn.expire()
		return
	}
	t.fn()
}

func (l *Loop) resume(t *Task) {
	t.queued = false
	l.current = t
	t.next()
	l.current = nil
}

// Now is the time on the loop's clock, in nanoseconds, when the present turn began.
func (l *Loop) Now() int64 { return l.now }

// Clock reads the loop's clock, in nanoseconds.
func (l *Loop) Clock() int64 { return l.clock() }

// Unix turns a time on the loop's clock into nanoseconds since 1970.
func (l *Loop) Unix(at int64) int64 { return l.base.UnixNano() + at }

// Current is the coroutine that runs, nil outside of one.
func (l *Loop) Current() *Task { return l.current }

// GoLow starts fn as a coroutine that runs after the live work of each turn, and whose
// connections' events wait for it likewise.
func (l *Loop) GoLow(fn func()) *Task { return l.start(nil, nil, fn, true) }

// Go starts fn as a coroutine.
func (l *Loop) Go(fn func()) *Task { return l.start(nil, nil, fn, false) }

func (l *Loop) start(serve func(*Conn), c *Conn, fn func(), low bool) *Task {
	var t *Task
	if n := len(l.free); n > 0 {
		t = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		t = newTask(l)
	}
	t.serve, t.conn, t.fn, t.low, t.canceled = serve, c, fn, low, false
	t.Wake()
	return t
}

// Guard makes the running coroutine work for c: when c breaks (not when its peer has merely sent
// everything), whatever the coroutine waits for ends with [ErrGuard].
func (l *Loop) Guard(c *Conn) {
	l.current.setGuard(c)
}

// After makes t call fn once, d from now, on the loop and outside of any coroutine. A later call
// moves it.
func (l *Loop) After(t *Timer, d time.Duration, fn func()) {
	t.fn = fn
	l.timers.set(t, l.now+int64(d))
}

// Submit runs fn on the loop, soon, in no particular order, outside of any coroutine. It never
// blocks and may be called from any goroutine. On a loop that has stopped, fn never runs.
func (l *Loop) Submit(fn func()) {
	s := &submission{fn: fn}
	for {
		s.next = l.inbox.Load()
		if l.inbox.CompareAndSwap(s.next, s) {
			break
		}
	}
	if l.sleeping.Load() {
		l.poller.wake()
	}
}

func (l *Loop) runInbox() {
	if l.inbox.Load() == nil {
		return
	}
	for s := l.inbox.Swap(nil); s != nil; s = s.next {
		s.fn()
	}
}

// Stop ends Run after the present turn. It may be called from any goroutine.
func (l *Loop) Stop() { l.Submit(func() { l.stopped = true }) }

func (l *Loop) panicked(p any, stack []byte) {
	l.log.Error("BUG: a connection handler panicked; its connection is closed, all others go on", "panic", p, "stack", string(stack))
}

func (l *Loop) takeBuffer() []byte {
	if n := len(l.buffers); n > 0 {
		b := l.buffers[n-1]
		l.buffers = l.buffers[:n-1]
		return b
	}
	return make([]byte, BufferSize)
}

func (l *Loop) giveBuffer(b []byte) {
	if cap(b) == BufferSize && len(l.buffers) < spareBuffers {
		l.buffers = append(l.buffers, b[:BufferSize])
	}
}

// Retire asks the accepted connections to come to an end: it calls OnRetire where that is set, and
// closes, of the others, those that are between two requests.
func (l *Loop) Retire() {
	for _, c := range l.conns {
		switch {
		case c == nil || !c.accepted:
		case c.OnRetire != nil:
			c.OnRetire(c)
		case c.idle:
			c.Close()
		}
	}
}
