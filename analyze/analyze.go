package analyze

import (
	"context"
	"fmt"
	"log/slog"
	"math/bits"
	"runtime"
	"runtime/debug"
	"time"

	"tain.dev/tain/traffic"
)

// Analyser asks one question about a pair. It returns [traffic.Compared], or why it could not
// tell. It runs on the worker, one pair at a time, must not wait for anything, and keeps nothing
// of the pair.
type Analyser func(p *traffic.Pair) traffic.Uncompared

// Config says what a [Worker] runs, and within what bounds.
type Config struct {
	// Lanes is the number of event loops that offer pairs.
	Lanes int
	// Ring is the number of pairs that may wait in a lane, rounded up to a power of two. 0
	// means 4096.
	Ring int
	// Drain bounds how long Run goes on with waiting pairs once it is told to stop. 0 means
	// two seconds.
	Drain time.Duration
	// Analysers all see every pair. The pair counts as compared if all of them say so.
	Analysers []Analyser
	// Log gets the first fault of an analyser.
	Log *slog.Logger
}

// A worker that finds nothing to do sleeps for shortNap, and longer every time until longNap.
const (
	shortNap = 5 * time.Millisecond
	longNap  = 40 * time.Millisecond
	batch    = 64
)

// Worker runs the analysers. See the package comment.
type Worker struct {
	cfg   Config
	lanes []ring
	kick  chan struct{}
	batch [batch]*traffic.Pair
	// faulted says that a fault was logged already.
	faulted bool
}

// New returns a worker that has yet to [Worker.Run]; pairs offered before that wait.
func New(cfg Config) *Worker {
	if cfg.Ring <= 0 {
		cfg.Ring = 4096
	}
	if cfg.Drain <= 0 {
		cfg.Drain = 2 * time.Second
	}
	w := &Worker{cfg: cfg, lanes: make([]ring, cfg.Lanes), kick: make(chan struct{}, 1)}
	for i := range w.lanes {
		w.lanes[i].slots = make([]*traffic.Pair, max(2, 1<<bits.Len(uint(cfg.Ring-1))))
	}
	return w
}

// Offer hands p over and reports true. It reports false, and p stays the caller's, when the lane
// is full or the worker stopped. It never waits and allocates nothing. Each lane, 0 to
// Config.Lanes-1, belongs to one goroutine.
func (w *Worker) Offer(lane int, p *traffic.Pair) bool {
	half, ok := w.lanes[lane].push(p)
	if half {
		select {
		case w.kick <- struct{}{}:
		default:
		}
	}
	return ok
}

// Run works until ctx ends, then finishes what waits: compared as far as Config.Drain allows, the
// rest as [traffic.UncomparedStopping]. Offers are refused from then on. It returns nil always,
// and is called once.
func (w *Worker) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: a thread whose priority was lowered must end with its goroutine.
		runtime.LockOSThread()
		lowerPriority()
		w.work(ctx)
		w.stop()
	}()
	<-done
	return nil
}

// work drains the lanes until ctx ends.
func (w *Worker) work(ctx context.Context) {
	nap := shortNap
	timer := time.NewTimer(nap)
	defer timer.Stop()
	for ctx.Err() == nil {
		if w.drainOnce(w.run) {
			nap = shortNap
		} else {
			nap = min(2*nap, longNap)
		}
		timer.Reset(nap)
		select {
		case <-ctx.Done():
		case <-w.kick:
		case <-timer.C:
		}
	}
}

// stop closes the lanes and empties them.
func (w *Worker) stop() {
	deadline := time.Now().Add(w.cfg.Drain)
	for i := range w.lanes {
		w.lanes[i].close()
	}
	for w.drainOnce(func(p *traffic.Pair) traffic.Uncompared {
		if time.Now().After(deadline) {
			return traffic.UncomparedStopping
		}
		return w.run(p)
	}) {
	}
}

// drainOnce finishes the pairs that wait, at most as many as a lane holds from each, with what run
// says. It reports whether there was any.
func (w *Worker) drainOnce(run Analyser) (any bool) {
	for i := range w.lanes {
		lane := &w.lanes[i]
		for range len(lane.slots)/batch + 1 {
			n := lane.pop(w.batch[:])
			for j, p := range w.batch[:n] {
				w.batch[j] = nil
				p.Finish(run(p))
			}
			any = any || n > 0
			if n < batch {
				break
			}
		}
	}
	return any
}

// run asks every analyser. The first reason not to compare counts.
func (w *Worker) run(p *traffic.Pair) traffic.Uncompared {
	why := traffic.Compared
	for _, a := range w.cfg.Analysers {
		if got := w.guard(a, p); why == traffic.Compared {
			why = got
		}
	}
	return why
}

// guard keeps a fault of one analyser from everything else.
func (w *Worker) guard(a Analyser, p *traffic.Pair) (why traffic.Uncompared) {
	defer func() {
		if fault := recover(); fault != nil {
			why = traffic.UncomparedFault
			w.logFault(fault, p)
		}
	}()
	return a(p)
}

func (w *Worker) logFault(fault any, p *traffic.Pair) {
	if w.faulted || w.cfg.Log == nil {
		return
	}
	w.faulted = true
	w.cfg.Log.Error("BUG: an analyser failed; the pair counts as uncompared{fault}, and later faults are counted without a message",
		"fault", fmt.Sprint(fault), "mirror", p.Policy, "target", p.Target, "stack", string(debug.Stack()))
}
