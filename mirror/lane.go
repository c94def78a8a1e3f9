package mirror

import (
	"math/rand/v2"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/pace"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// lane is the mirror stage's part on one event loop, to which all of it belongs but what is
// returned.
type lane struct {
	m       *Mirror
	id      int
	loop    *netloop.Loop
	queue   int // copies that may wait, per target
	workers int // connections, per target

	senders  []*sender // by target.id
	free     []*worker
	captures pile[capture, *capture]
	copies   pile[copied, *copied]

	head, body, answer []byte // see traffic.Bytes.Slice, of what a late decision looks at
}

func newLane(m *Mirror, loop *netloop.Loop, loops int) *lane {
	return &lane{
		m:       m,
		id:      loop.ID,
		loop:    loop,
		queue:   (m.cfg.Queue + loops - 1) / loops,
		workers: (m.cfg.Connections + loops - 1) / loops,
	}
}

// Offer decides about a live request whose head was read, and returns where to capture it, or nil
// when nobody copies it. It implements the proxy's hook: it is called on the loop of that number.
func (m *Mirror) Offer(number int, r *route.Route, q *route.Request, a *traffic.Arrival) *traffic.Exchange {
	if len(r.Mirrors) == 0 {
		return nil
	}
	current := m.plans.Load()
	mirrors, ok := current.byRoute[r]
	if !ok {
		mirrors = current.former[r]
	}
	l := m.lanes[number]
	var live *capture
	draw := rand.Uint64()
	for i := range mirrors {
		p := &mirrors[i]
		verdict, choice := m.decide(p, q, a, draw), p.choice(q)
		for j, t := range p.targets {
			c := t.book.lanes[l.id]
			c.seen.Add(1)
			if p.verdictFor(verdict, j, choice).count(c) {
				live = l.enqueue(live, p, j, r, q, a)
			}
		}
	}
	if live == nil {
		return nil
	}
	return &live.Exchange
}

// verdict is what becomes of a request at the head: one of the reasons, or a copy.
type verdict struct {
	kind   verdictKind
	reason uint8
}

type verdictKind uint8

const (
	copyIt verdictKind = iota
	unmatched
	unsampled
	dropped
)

// decide is a pure function of the mirror, its switches, the request and one random draw, which all
// mirrors of the request share, so that their samples are nested.
func (m *Mirror) decide(p *plan, q *route.Request, a *traffic.Arrival, draw uint64) verdict {
	switch {
	case a.Marked:
		return verdict{unmatched, uint8(traffic.UnmatchedMarked)}
	case a.Upgrade:
		return verdict{unmatched, uint8(traffic.UnmatchedUpgrade)}
	case !p.Writes && !route.Safe(q.Method):
		return verdict{unmatched, uint8(traffic.UnmatchedMethod)}
	case !p.Match.Matches(q):
		return verdict{unmatched, uint8(traffic.UnmatchedRule)}
	case !p.samples(q, draw):
		return verdict{kind: unsampled}
	case m.stopping.Load():
		return verdict{dropped, uint8(traffic.DroppedStopping)}
	case m.killed.Load() || p.policy.paused.Load():
		return verdict{dropped, uint8(traffic.DroppedPaused)}
	case a.Length > p.MaxBody:
		return verdict{dropped, uint8(traffic.DroppedBody)}
	}
	return verdict{}
}

// count books the verdict, and reports whether a copy is to be made.
func (v verdict) count(c *counts) bool {
	switch v.kind {
	case unmatched:
		c.unmatched[v.reason].Add(1)
	case unsampled:
		c.unsampled.Add(1)
	case dropped:
		c.dropped[v.reason].Add(1)
	default:
		return true
	}
	return false
}

// enqueue makes a copy for the plan's target of an index and puts it into the target's queue, or holds it.
// The first copy of a request makes its capture too.
func (l *lane) enqueue(live *capture, p *plan, target int, r *route.Route, q *route.Request, a *traffic.Arrival) *capture {
	s := l.sender(p.targets[target])
	permit := permit{of: p.limits[target]}
	if why, ok := s.admit(&permit, p.After != nil); !ok {
		s.counts.dropped[why].Add(1)
		return live
	}
	if live == nil {
		if live = l.capture(p, r, a); live == nil {
			s.counts.dropped[traffic.DroppedMemory].Add(1)
			permit.giveBack(l.loop.Now(), 0, pace.Ignored)
			return nil
		}
	} else {
		live.Hold()
	}
	live.Request.Limit = max(live.Request.Limit, int(p.MaxBody))
	c := l.copies.take(l.newCopy)
	c.prepare(live, p, target, s, a)
	c.permit = permit
	live.copies = append(live.copies, c)
	if !p.late(c.hasBody) {
		s.push(c)
	} else {
		c.hold(p.stage, q)
	}
	return live
}

// capture begins the capture of a live request, held by the proxy and by the first copy. It
// returns nil when the memory is spent.
func (l *lane) capture(p *plan, r *route.Route, a *traffic.Arrival) *capture {
	live := l.captures.take(l.newCapture)
	live.Reset(l.m.memory)
	live.copies = live.copies[:0]
	if !live.Request.SetHead(a.Head) {
		live.Release()
		return nil
	}
	live.Hold()
	live.ID = l.m.lastID.Add(1)
	live.Route = r.Name
	live.Start = a.At
	live.Client = a.Client
	live.Response.Limit = l.m.cfg.MaxAnswer
	return live
}

func (l *lane) newCapture() *capture {
	c := &capture{}
	c.Progress = c.progress
	c.Recycle = func(*traffic.Exchange) { l.captures.giveBack(c) }
	return c
}

func (l *lane) newCopy() *copied {
	c := &copied{lane: l}
	c.answer.Recycle = func(*traffic.Exchange) { l.copies.giveBack(c) }
	c.pair.Settle = func(p *traffic.Pair, why traffic.Uncompared) { c.book.settle(p, why) }
	return c
}

// sender returns the loop's sender to a target.
func (l *lane) sender(t *target) *sender {
	for len(l.senders) <= t.id {
		l.senders = append(l.senders, nil)
	}
	if l.senders[t.id] == nil {
		s := &sender{lane: l, target: t, window: min(firstWindow, l.workers), counts: t.book.lanes[l.id]}
		s.pool = upstream.NewPool(l.loop, t.cluster, upstream.PoolConfig{MaxIdle: l.workers, MaxHead: maxAnswerHead, HTTP2: http2.Settings{Low: true, MaxHead: maxAnswerHead}})
		s.run, s.again = s.work, s.resume
		l.senders[t.id] = s
	}
	return l.senders[t.id]
}

// purge gives up the copies of some mirrors, the waiting ones and the running ones.
func (l *lane) purge(which func(*policy) bool) {
	for _, s := range l.senders {
		if s != nil && which(s.target.book.policy) {
			s.purge()
		}
	}
}
