package mirror

import (
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/pace"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// How many copies may be in flight grows like a TCP window: from firstWindow, by one with each
// answer that came while all were in use, to the limit of connections. So a target that hangs, or
// answers without end, is found out by a few. A failure sets the window to one. Failures in a row
// make pauses between two attempts.
const (
	firstWindow = 8
	firstPause  = 5 * time.Millisecond
	lastPause   = time.Second
)

// sender carries one loop's copies to one target. Its workers are coroutines, one for each copy in
// flight.
type sender struct {
	lane   *lane
	target *target
	counts *counts
	pool   *upstream.Pool

	held    []*copied // in no order
	queue   []*copied // a ring
	head    int
	length  int
	workers int
	running []*netloop.Task
	run     func() // s.work, bound once, as is again

	stuck    bool // the limits have no room: who waits does so until some copy has ended, or until the timer
	window   int  // workers that there may be
	failures int  // in a row
	resumeAt int64
	timer    netloop.Timer
	armed    bool   // timer is set
	again    func() // s.resume
}

// roomTime is how long a copy waits for room, where limits say how many may be in flight. Copies go out
// in bursts, at the ticks of the loop's timers where live is slow, and a burst is not yet too much.
const roomTime = 50 * time.Millisecond

// admit says at the head whether a copy with this permit may wait in the queue, else why not. The limits
// of one that is held decide when it is known whether it is wanted.
func (s *sender) admit(p *permit, held bool) (why traffic.Dropped, ok bool) {
	now := s.lane.loop.Now()
	switch {
	case s.stuck && s.length > 0 && now-s.queue[s.head].queuedAt > int64(roomTime):
		return traffic.DroppedLimit, false
	case len(s.held)+s.length >= s.lane.queue:
		return traffic.DroppedQueue, false
	case held:
		return 0, true
	}
	return p.admit(now)
}

// admitted asks the limits about a copy that was held, and whether the breaker has opened meanwhile. It is
// false for one that is dropped.
func (k *copied) admitted() bool {
	why, ok := k.permit.admit(k.lane.loop.Now())
	if ok && k.permit.overtaken() {
		why, ok = traffic.DroppedBreaker, false
	}
	if !ok {
		k.drop(why)
	}
	return ok
}

// patience is how long copies let live go first: a worker takes them when live has answered, or at
// the first tick of the loop's timers after this. Sent at once, a copy would compete with its own
// original for the processors, which is a tenth of the median latency where there are few of them.
const patience = time.Millisecond

// push puts a copy into the queue, and sees to it that a worker takes it.
func (s *sender) push(k *copied) {
	s.put(k)
	if k.hasBody {
		s.hire(1) // it goes out while it comes in, or there would soon be much of it
		return
	}
	s.wakeIn(patience)
}

func (s *sender) put(k *copied) {
	if s.length == len(s.queue) {
		s.growQueue()
	}
	s.queue[(s.head+s.length)%len(s.queue)] = k
	s.length++
}

func (s *sender) growQueue() {
	larger := make([]*copied, max(2*len(s.queue), 16))
	for i := range s.length {
		larger[i] = s.queue[(s.head+i)%len(s.queue)]
	}
	s.queue, s.head = larger, 0
}

// hire starts workers for n waiting copies, as far as the window allows. During a pause it starts
// none, and comes back when it is over.
func (s *sender) hire(n int) {
	if s.stuck {
		return
	}
	if s.failures > 0 {
		if wait := s.resumeAt - s.lane.loop.Now(); wait > 0 {
			s.wakeIn(time.Duration(wait))
			return
		}
	}
	for ; n > 0 && s.workers < s.window; n-- {
		s.workers++
		s.lane.loop.GoLow(s.run)
	}
}

// wakeIn sees to it that what waits then is looked at in d, or before.
func (s *sender) wakeIn(d time.Duration) {
	if !s.armed {
		s.armed = true
		s.lane.loop.After(&s.timer, d, s.again)
	}
}

func (s *sender) resume() {
	s.armed, s.stuck = false, false
	s.hire(s.length)
}

// pop takes the copy that waits longest and is still wanted, or nil.
func (s *sender) pop() *copied {
	for s.length > 0 {
		k := s.shift()
		late := s.lane.loop.Now() - k.queuedAt
		switch {
		case k.state == ended:
		case late > int64(s.lane.m.cfg.QueueTimeout):
			k.drop(traffic.DroppedExpired)
		case !s.pool.Resolved():
			k.drop(traffic.DroppedResolve)
		case k.wanted() && k.admitted():
			if k.permit.leave() {
				return k
			}
			if late <= int64(roomTime) {
				s.unshift(k)
				return nil
			}
			k.drop(traffic.DroppedLimit)
		}
		k.answer.Release()
	}
	return nil
}

// shift takes the copy that waits longest out of the queue.
func (s *sender) shift() *copied {
	k := s.queue[s.head]
	s.queue[s.head] = nil
	s.head = (s.head + 1) % len(s.queue)
	s.length--
	return k
}

// unshift puts a copy back that was taken out last, because there is no room for it.
func (s *sender) unshift(k *copied) {
	s.head = (s.head + len(s.queue) - 1) % len(s.queue)
	s.queue[s.head] = k
	s.length++
	s.stuck = true
	s.wakeIn(patience)
}

// work is a worker: it carries copies until there are none, or until it had better pause.
func (s *sender) work() {
	w := s.lane.borrowWorker(s)
	s.running = append(s.running, w.task)
	defer s.leave(w)
	for s.workers <= s.window && (s.failures == 0 || s.resumeAt <= s.lane.loop.Now()) {
		k := s.pop()
		if k == nil {
			return
		}
		going := w.carry(k)
		s.stuck = false
		if !going {
			return
		}
	}
}

// leave ends a worker, also one that panicked.
func (s *sender) leave(w *worker) {
	s.workers--
	for i, t := range s.running {
		if t == w.task {
			s.running = append(s.running[:i], s.running[i+1:]...)
			break
		}
	}
	if k := w.copy; k != nil && k.state == redacting {
		k.drop(traffic.DroppedRedaction)
		k.answer.Release()
	} else if k != nil {
		k.fail(traffic.FailedReset, pace.Ignored)
	}
	w.end()
	if s.length > 0 {
		s.hire(1)
	}
}

// succeeded lets one more copy be in flight, if that seems to be of use.
func (s *sender) succeeded() {
	s.failures = 0
	if s.workers >= s.window && s.length > 0 && s.window < s.lane.workers {
		s.window++
		s.hire(1)
	}
}

// failed keeps count of failures in a row. What fails at once costs the most, so the pauses double.
func (s *sender) failed() {
	s.window = 1
	pause := min(firstPause<<min(s.failures, 16), lastPause)
	s.failures++
	s.resumeAt = s.lane.loop.Clock() + int64(pause)
}

// purged is why copies are given up at once.
func (s *sender) purged() traffic.Dropped {
	if s.lane.m.stopping.Load() {
		return traffic.DroppedStopping
	}
	return traffic.DroppedPaused
}

// purge gives up every copy that waits, and cancels the workers.
func (s *sender) purge() {
	why := s.purged()
	for len(s.held) > 0 {
		s.held[0].dropHeld(why)
	}
	for s.length > 0 {
		k := s.shift()
		if k.state != ended {
			k.drop(why)
		}
		k.answer.Release()
	}
	for _, t := range s.running {
		t.Cancel()
	}
}
