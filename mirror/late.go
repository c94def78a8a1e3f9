package mirror

import (
	"net/netip"

	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// late is what a copy needs whose mirror asks for more than the head of the request, or redacts its body:
// it is held, out of every queue, until that is known, and a worker decides and redacts, since live must
// not wait for it.
type late struct {
	open  bool          // not decided yet
	place int           // among those that the sender holds
	stage route.Stage   // what has to be over
	asked route.Request // what the captured head does not tell
}

// hold keeps a copy until its fate can be decided.
func (k *copied) hold(stage route.Stage, q *route.Request) {
	k.late = late{open: true, place: len(k.sender.held), stage: stage}
	if k.mirror.After != nil {
		user := q.Source()
		k.late.asked = route.Request{
			Scheme: q.Scheme, Client: func() netip.Addr { return user },
			Port: q.Port, SNI: q.SNI, Cert: q.Cert, Length: q.Length,
		}
	}
	k.state = held
	k.sender.held = append(k.sender.held, k)
}

// letGo takes a copy off those that are held.
func (s *sender) letGo(k *copied) {
	last := len(s.held) - 1
	s.held[k.late.place] = s.held[last]
	s.held[k.late.place].late.place = k.late.place
	s.held[last] = nil
	s.held = s.held[:last]
}

// progressHeld is what becomes of a held copy when the live exchange went on.
func (k *copied) progressHeld(broken bool) {
	switch {
	case broken:
		k.dropHeld(traffic.DroppedIncomplete)
	case k.live.Request.Size > k.mirror.MaxBody:
		k.dropHeld(traffic.DroppedBody)
	case k.live.Request.Captured() > maxLag:
		k.dropHeld(traffic.DroppedBehind)
	case k.live.Done, k.live.Request.Ended && k.late.stage == route.StageBody:
		k.sender.letGo(k)
		k.state, k.queuedAt = waiting, k.lane.loop.Now()
		k.sender.put(k)
		k.sender.hire(1)
	}
}

// dropHeld books a copy that is held.
func (k *copied) dropHeld(why traffic.Dropped) {
	k.sender.letGo(k)
	k.drop(why)
	k.answer.Release()
}

// wanted is the decision about a copy that was held. It is false for one whose fate is that it is not
// made, which is booked then.
func (k *copied) wanted() bool {
	if !k.late.open {
		return true
	}
	k.late.open = false
	if k.mirror.After == nil || k.mirror.After.Matches(k.exchanged()) {
		return true
	}
	k.sender.counts.unmatched[traffic.UnmatchedAfter].Add(1)
	k.state = ended
	k.releaseLive()
	return false
}

// exchanged is the live exchange as far as it has come.
func (k *copied) exchanged() *route.Exchanged {
	live, l := k.live, k.lane
	x := &route.Exchanged{Head: live.Request.Head(&l.head), Request: k.late.asked, BodySize: live.Request.Size}
	x.Body = func() (body []byte, whole bool) {
		return live.Request.Body(&l.body), live.Request.Ended && !live.Request.Truncated()
	}
	if !live.Done {
		return x
	}
	x.Status, x.Latency, x.Backend, x.Fault = live.Status, live.LastByte, live.Upstream, live.Fault
	answer := live.Response.Head(&l.answer)
	x.Header = func(name string) (string, bool) { return route.FindField(string(answer), name) }
	return x
}
