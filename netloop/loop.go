package netloop

import (
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
	lowPerTurn    = 32 // low tasks between two polls
	readsPerTurn  = 16 // reads of one task without a wait
	spareBuffers  = 256
	spareTasks    = 1024
)

// Loop is one event loop. Make it with [New], start it with [Loop.Run].
type Loop struct {
	ID  int // counts from 0
	log *slog.Logger

	epfd, wakefd int
	conns        []*Conn // by descriptor
	acceptors    []*acceptor
	generation   uint32
	events       [eventsPerTurn]unix.EpollEvent

	now     int64 // nanoseconds on the loop's clock when the turn began
	base    time.Time
	timers  wheel
	live    queue
	low     queue
	free    []*Task
	current *Task
	buffers [][]byte
	vectors iovecs

	// inbox is a stack of functions to run on the loop, pushed by any goroutine.
	inbox    atomic.Pointer[submission]
	sleeping atomic.Bool
	stopped  bool

	// clock and poll are function values because neither the runtime's fake time nor a test can
	// see through epoll.
	clock func() int64
	poll  func(l *Loop, wait time.Duration) (int, error)
}

type submission struct {
	fn   func()
	next *submission
}

// New makes a loop that logs to log what it can only log: panics of handlers.
func New(id int, log *slog.Logger) (*Loop, error) {
	l := &Loop{ID: id, log: log, base: time.Now(), poll: pollEpoll}
	l.clock = func() int64 { return int64(time.Since(l.base)) }
	var err error
	if l.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("creating event loop %d: epoll_create1: %w%s", id, err, descriptorHint(err))
	}
	if l.wakefd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(l.epfd)
		return nil, fmt.Errorf("creating event loop %d: eventfd: %w%s", id, err, descriptorHint(err))
	}
	wake := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(l.wakefd)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, l.wakefd, &wake); err != nil {
		l.closeDescriptors()
		return nil, fmt.Errorf("creating event loop %d: epoll_ctl: %w", id, err)
	}
	l.now = l.clock()
	return l, nil
}

func descriptorHint(err error) string {
	if err == unix.EMFILE || err == unix.ENFILE {
		return " (raise the limit of open files: ulimit -n, or LimitNOFILE= in the service's unit)"
	}
	return ""
}

func (l *Loop) closeDescriptors() {
	unix.Close(l.epfd)
	unix.Close(l.wakefd)
}

// Run turns the loop until [Loop.Stop], then closes every connection. It locks its goroutine to a
// thread and never unlocks it, so that the thread ends with the goroutine.
func (l *Loop) Run() {
	runtime.LockOSThread()
	for !l.stopped {
		l.turn()
	}
	for _, c := range l.conns {
		if c != nil {
			c.Close()
		}
	}
	l.closeDescriptors()
}

// turn runs what is ready, and looks for more.
func (l *Loop) turn() {
	for range l.live.len() {
		l.resume(l.live.pop())
	}
	for range min(l.low.len(), lowPerTurn) {
		l.resume(l.low.pop())
	}
	l.receive(0)
	if l.live.len() == 0 && l.low.len() == 0 && !l.stopped {
		l.wait()
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

func (l *Loop) dispatch(e *unix.EpollEvent) {
	if int(e.Fd) == l.wakefd {
		var b [8]byte
		unix.Read(l.wakefd, b[:])
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
	t.serve, t.conn, t.fn, t.low = serve, c, fn, low
	t.Wake()
	return t
}

// Guard makes the running coroutine work for c: when c breaks (not when its peer has merely sent
// everything), whatever the coroutine waits for ends with [ErrGuard].
func (l *Loop) Guard(c *Conn) {
	l.current.guard = c
	c.guardian = l.current
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
		one := [8]byte{1}
		unix.Write(l.wakefd, one[:])
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

// CloseIdle closes the connections that were accepted and are between two requests.
func (l *Loop) CloseIdle() {
	for _, c := range l.conns {
		if c != nil && c.idle && c.serve != nil {
			c.Close()
		}
	}
}
