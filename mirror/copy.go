package mirror

import (
	"tain.dev/tain/netloop"
	"tain.dev/tain/pace"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// capture is a live exchange and the copies that are made of it.
type capture struct {
	traffic.Exchange
	copies []*copied
	next   *capture
}

func (c *capture) link() **capture { return &c.next }

// progress is called when the live exchange went on: see traffic.Exchange.
func (c *capture) progress() {
	broken := c.Done && !c.Request.Ended
	for i := len(c.copies) - 1; i >= 0; i-- { // from the end, because drop takes its copy off
		k := c.copies[i]
		switch k.state {
		case held:
			k.progressHeld(broken)
		case waiting:
			switch {
			case broken:
				k.drop(traffic.DroppedIncomplete)
			case c.Request.Captured() > maxLag:
				k.drop(traffic.DroppedBehind)
			case c.Done:
				k.sender.hire(1)
			}
		case running:
			if k.userLeft() {
				k.hurry()
			}
			switch {
			case k.worker != nil:
				k.worker.Wake()
			case c.Request.Captured()-k.sent > maxLag:
				k.abandon()
			}
		case answered:
			if c.Done {
				k.handOver()
			}
		}
	}
}

// maxLag is how many bytes a copy may be behind the live upload. A target that takes nothing would
// else cost live the capture of the whole body, for a copy that never arrives.
const maxLag = 2 << 20

// copied is a copy on its way to one target, and later half of a pair.
type copied struct {
	lane   *lane
	state  state
	live   *capture
	answer traffic.Exchange
	pair   traffic.Pair
	book   *book
	sender *sender
	worker *netloop.Task // what to wake when live goes on; nil when it does not wait for that

	carrier *worker // who has it while it runs
	sent    int     // bytes of the body that the target has taken
	behind  bool    // given up, because it was too far behind

	mirror           *route.Mirror
	shape            *route.Shape
	queuedAt         int64
	lineEnd, hostEnd int
	hasBody, chunked bool
	redactor         *redact.Redactor // nil where everything may leave
	cleaned          bool             // its body is the redacted one, in answer.Request
	altered          bool             // which is another than live's
	late             late
	permit           permit
	next             *copied
}

func (k *copied) link() **copied { return &k.next }

// state is how far a copy has come.
type state uint8

const (
	waiting   state = iota // in the queue
	held                   // in no queue yet, see late
	redacting              // a worker has it, and takes out of it what must not leave
	running                // a worker has it
	answered               // the target has answered, live has not
	ended                  // booked; it only waits to be taken out of the queue, or to be paired
)

// prepare begins a copy of live for the plan's target of an index.
func (k *copied) prepare(live *capture, p *plan, target int, s *sender, a *traffic.Arrival) {
	k.state = waiting
	k.live, k.sender, k.book = live, s, s.target.book
	k.mirror, k.shape = p.Mirror, p.shapes[target]
	k.queuedAt = k.lane.loop.Now()
	k.lineEnd, k.hostEnd = a.LineEnd, a.HostEnd
	k.hasBody, k.chunked = a.Length != 0, a.Length < 0
	k.sent, k.behind = 0, false
	k.redactor, k.cleaned, k.altered = p.redactor, false, false
	k.late = late{}
	k.answer.Reset(k.lane.m.memory)
	k.answer.ID = live.ID
	k.answer.Route = live.Route
	k.answer.Client = live.Client
	k.answer.Upstream = s.pool.Name()
	k.answer.Response.Limit = k.lane.m.cfg.MaxAnswer
}

// drop books a copy that never started. It stays in the queue until its turn comes, without its
// memory.
func (k *copied) drop(why traffic.Dropped) {
	k.permit.giveBack(k.lane.loop.Now(), 0, pace.Ignored)
	k.sender.counts.dropped[why].Add(1)
	k.state = ended
	k.releaseLive()
}

// fail books a copy that started and got no complete answer, which says o of the target.
func (k *copied) fail(why traffic.Failed, o pace.Outcome) {
	k.permit.giveBack(k.lane.loop.Now(), 0, o)
	k.sender.counts.failed[why].Add(1)
	k.state = ended
	k.releaseLive()
	k.answer.Release()
}

// abandon ends a running copy that is too far behind. Its worker books it.
func (k *copied) abandon() {
	if up := k.carrier.up; up != nil {
		k.behind = true
		up.Cut()
	}
}

// faultUser is what the proxy calls the fault of an exchange whose user went away.
const faultUser = "client"

// userLeft says that the user has gone before the end of live's answer, so that no pair can be made, and
// live is spared the rest of it.
func (k *copied) userLeft() bool { return k.live.Done && k.live.Fault == faultUser }

// hurry leaves a running copy a moment: what ends soon keeps its connection, and what is endless ends.
func (k *copied) hurry() {
	if up := k.carrier.up; up != nil {
		up.SetDeadline(k.carrier.left())
	}
}

// releaseLive takes the copy off the live exchange and lets go of it.
func (k *copied) releaseLive() {
	live := k.live
	k.live = nil
	for i, other := range live.copies {
		if other == k {
			last := len(live.copies) - 1
			live.copies[i] = live.copies[last]
			live.copies[last] = nil
			live.copies = live.copies[:last]
			break
		}
	}
	if len(live.copies) == 0 && !live.Done {
		live.Request.Discard()
		live.Response.Discard()
	}
	live.Release()
}

// succeed books a complete answer, and pairs it with live's, now or when live has ended.
func (k *copied) succeed() {
	k.permit.giveBack(k.lane.loop.Now(), int64(k.answer.LastByte), outcomeOfStatus(k.answer.Status))
	k.sender.counts.answered.Add(1)
	k.sender.counts.latency.Add(k.answer.LastByte)
	k.state = answered
	if k.live.Done {
		k.handOver()
	}
}

// handOver gives the pair to the analysers. Both exchanges are theirs then.
func (k *copied) handOver() {
	k.state = ended
	k.pair.Live, k.pair.Mirror = &k.live.Exchange, &k.answer
	k.pair.Policy, k.pair.Target, k.pair.Baseline = k.book.mirror, k.book.target, k.book.baseline.Load()
	k.pair.Redactor = k.redactor
	k.live = nil
	switch {
	case k.pair.Live.Fault != "":
		k.pair.Finish(traffic.UncomparedLive)
	case !k.pair.Live.Response.HasHead() || !k.answer.Response.HasHead():
		k.pair.Finish(traffic.UncomparedMemory)
	case !k.lane.m.pairs(k.lane.id, &k.pair):
		k.pair.Finish(traffic.UncomparedBacklog)
	}
}
