package accesslog

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

// Entry is one request, as far as it is known. What is not known is zero. Slices are only read during
// [Log.Add]. There is no field for what authenticates a user, such as Authorization or a cookie.
type Entry struct {
	Time   int64          // when the head of the request was read, nanoseconds since 1970
	Client netip.AddrPort // who asked; zero on a Unix socket
	User   []byte         // name of the user, if tain knows it

	Method, Target, Host []byte // as received
	Proto                string // HTTP/1.0, HTTP/1.1 or HTTP/2.0
	Referer, UserAgent   []byte
	RequestID            []byte

	Status            int
	BytesIn, BytesOut int64         // of the bodies of request and answer, as on the wire
	Duration          time.Duration // from Time to the last byte of the answer
	FirstByte         time.Duration // from Time to the first byte of the answer
	UpstreamTime      time.Duration // from the last attempt's start to the end of the backend's answer
	GRPCStatus        []byte        // value of grpc-status

	Route    string // name of the route
	Backend  string // address that answered, or was asked last
	Retries  int    // attempts after the first
	Mirrored bool   // at least one copy was made
	Fault    string // in one word, why tain answered itself or broke off

	TLSVersion, TLSCipher uint16 // of the user's connection, as in tls.ConnectionState; 0 in the clear
	SNI                   string // the name that the user asked for
	ClientSubject         string // distinguished name of the user's certificate
}

// Config says what to log and where to.
type Config struct {
	Path   string // a file, which is appended to; "-" or "stdout", or "stderr"
	Format string // "combined", "json", or a template
	Lanes  int    // how many loops call Add, at least 1
	Buffer int    // bytes that wait per lane, at least 64 KiB; 0 is 256 KiB
	// Mask appends a request's target, or a referrer, to dst as it may be kept. It is called on the
	// lanes. Nil keeps them as they are.
	Mask func(dst, target []byte) []byte
	// Warn is told at most once a minute that lines were lost: how many since the last time, and the
	// last error, or nil if the file was merely too slow. A file that can't be opened anew is told
	// likewise. It is called from Run. Nil keeps silent.
	Warn func(lost uint64, err error)
}

const (
	defaultBuffer = 256 << 10
	leastBuffer   = 64 << 10

	// pause is how long lines gather before they are written, unless a lane is half full before.
	pause = 50 * time.Millisecond
	// drainTime is how long Run goes on writing when it is to end.
	drainTime = 2 * time.Second
	// look is how often Run looks for losses, and silence how long it says nothing after a warning.
	look    = time.Second
	silence = time.Minute
)

// Log is an access log. Make it with [New].
type Log struct {
	warn  func(lost uint64, err error)
	lanes []*lane
	out   *output

	// asleep says that the writer waits for nudge and not for time. It is set before the lanes are
	// looked at for the last time, and a lane looks at it after it has added a line, so that no line
	// is overlooked.
	asleep atomic.Bool
	nudge  chan struct{}
	reopen atomic.Bool
}

// New opens the log. An error says what is wrong with which setting or file; the caller says that it is
// about the access log.
func New(cfg Config) (*Log, error) {
	if cfg.Buffer == 0 {
		cfg.Buffer = defaultBuffer
	}
	if cfg.Buffer < leastBuffer {
		return nil, fmt.Errorf("a buffer of %d bytes is too small; use at least %d", cfg.Buffer, leastBuffer)
	}
	if cfg.Lanes < 1 {
		return nil, errors.New("no lanes; at least one is needed")
	}
	form, err := compile(cfg.Format)
	if err != nil {
		return nil, err
	}
	if most := cfg.Buffer / 2; form.longest() > most {
		return nil, fmt.Errorf("a line may take %d bytes, more than half of the buffer; use fewer variables or a buffer of %d bytes", form.longest(), 2*form.longest())
	}
	l := &Log{warn: cfg.Warn, nudge: make(chan struct{}, 1)}
	if l.warn == nil {
		l.warn = func(uint64, error) {}
	}
	if l.out, err = open(cfg.Path); err != nil {
		return nil, err
	}
	for range cfg.Lanes {
		l.lanes = append(l.lanes, newLane(form, cfg.Mask, cfg.Buffer))
	}
	return l, nil
}

// Add logs a request. It is called by one goroutine per lane, from 0 on; it never waits and does not
// allocate. If the lane's buffer is full the line is lost and counted.
func (l *Log) Add(lane int, e *Entry) {
	halfFull := l.lanes[lane].add(e)
	if halfFull || l.asleep.Load() && l.asleep.CompareAndSwap(true, false) {
		l.wake()
	}
}

func (l *Log) wake() {
	select {
	case l.nudge <- struct{}{}:
	default: // it is awake already
	}
}

// Reopen opens the file anew, after something has moved it away. It returns at once, and is safe for
// concurrent use.
func (l *Log) Reopen() {
	l.reopen.Store(true)
	l.wake()
}

// Lost returns how many lines could not be written. It is safe for concurrent use.
func (l *Log) Lost() uint64 {
	lost := l.out.lost.Load()
	for _, n := range l.lanes {
		lost += n.lost.Load()
	}
	return lost
}

// Written returns how many lines were written. It is safe for concurrent use.
func (l *Log) Written() uint64 { return l.out.written.Load() }

// Run writes what was added, until ctx ends; then it writes what is left, for two seconds at most,
// and closes the file. What is added later is not written. It returns nil.
func (l *Log) Run(ctx context.Context) error {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		l.write(stop)
	}()
	told := l.watch(ctx)
	close(stop)
	late := time.NewTimer(drainTime)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	}
	l.out.close()
	l.tell(told)
	return nil
}

// watch warns of losses until ctx ends. It returns how many it has told of.
func (l *Log) watch(ctx context.Context) (told uint64) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	var quietUntil time.Time
	for {
		select {
		case <-ctx.Done():
			return told
		case now := <-tick.C:
			if now.Before(quietUntil) {
				continue
			}
			if lost, warned := l.tell(told); warned {
				told, quietUntil = lost, now.Add(silence)
			}
		}
	}
}

// tell warns if lines were lost beyond told, or if something else went wrong.
func (l *Log) tell(told uint64) (lost uint64, warned bool) {
	lost = l.Lost()
	err := l.out.takeError()
	if lost == told && err == nil {
		return lost, false
	}
	l.warn(lost-told, err)
	return lost, true
}

// write moves lines from the lanes to the file, until stop is closed and there are none.
func (l *Log) write(stop <-chan struct{}) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	var chunk []byte
	for {
		l.sleep(stop)
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-l.nudge:
		case <-stop:
			l.move(chunk)
			return
		}
		chunk = l.move(chunk)
	}
}

// sleep waits until there is a line or something else to do.
func (l *Log) sleep(stop <-chan struct{}) {
	l.asleep.Store(true)
	if l.idle() {
		select {
		case <-l.nudge:
		case <-stop:
		}
	}
	l.asleep.Store(false)
}

func (l *Log) idle() bool {
	for _, n := range l.lanes {
		if !n.empty() {
			return false
		}
	}
	return !l.reopen.Load()
}

// move writes what the lanes hold. It returns the memory that it used.
func (l *Log) move(chunk []byte) []byte {
	if l.reopen.Swap(false) {
		l.out.reopen()
	}
	for _, n := range l.lanes {
		if chunk = n.take(chunk[:0]); len(chunk) > 0 {
			l.out.write(chunk)
		}
	}
	return chunk
}
