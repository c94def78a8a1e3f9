package mirror

import (
	"sync"
	"testing"

	"tain.dev/tain/control"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

var emptyRequest = route.Request{Method: "GET", Path: "/"}

// TestDecide holds the order of the reasons: what a mirror is not meant for comes before the
// sample, and the sample before what tain can't do at the moment.
func TestDecide(t *testing.T) {
	type world struct {
		arrival                  traffic.Arrival
		method                   string
		writes                   bool
		perMillion               uint32
		decided                  *uint32
		stopping, killed, paused bool
	}
	f := func(what string, w world, want verdict) {
		t.Helper()
		m := &Mirror{}
		m.stopping.Store(w.stopping)
		m.killed.Store(w.killed)
		p := &plan{Mirror: &route.Mirror{Sample: route.Sample{PerMillion: w.perMillion}, Writes: w.writes, MaxBody: 10}, policy: &policy{}}
		p.policy.set(control.Rule{Paused: w.paused, PerMillion: w.decided})
		if got := m.decide(p, &route.Request{Method: w.method, Path: "/"}, &w.arrival, 0); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	const all = route.All
	f("a plain request", world{method: "GET", perMillion: all}, verdict{})
	f("a write where writes are allowed", world{method: "POST", writes: true, perMillion: all}, verdict{})
	f("a body at the limit", world{method: "GET", perMillion: all, arrival: traffic.Arrival{Length: 10}}, verdict{})
	f("a body of unknown length", world{method: "GET", perMillion: all, arrival: traffic.Arrival{Length: -1}}, verdict{})

	none, whole := uint32(0), uint32(all)
	f("all, where operators want none", world{method: "GET", perMillion: all, decided: &none}, verdict{kind: unsampled})
	f("none, where operators want all", world{method: "GET", decided: &whole}, verdict{})

	everything := world{
		arrival: traffic.Arrival{Marked: true, Upgrade: true, Length: 11},
		method:  "POST", stopping: true, killed: true, paused: true,
	}
	f("a copy", everything, verdict{unmatched, uint8(traffic.UnmatchedMarked)})
	everything.arrival.Marked = false
	f("an upgrade", everything, verdict{unmatched, uint8(traffic.UnmatchedUpgrade)})
	everything.arrival.Upgrade = false
	f("a write", everything, verdict{unmatched, uint8(traffic.UnmatchedMethod)})
	everything.method = "GET"
	f("left out", everything, verdict{kind: unsampled})
	everything.perMillion = all
	f("stopping", everything, verdict{dropped, uint8(traffic.DroppedStopping)})
	everything.stopping = false
	f("killed", everything, verdict{dropped, uint8(traffic.DroppedPaused)})
	everything.killed = false
	f("paused", everything, verdict{dropped, uint8(traffic.DroppedPaused)})
	everything.paused = false
	f("a large body", everything, verdict{dropped, uint8(traffic.DroppedBody)})
}

// TestPile takes what was given back, the last first, from whichever goroutine.
func TestPile(t *testing.T) {
	var p pile[copied, *copied]
	made := 0
	fresh := func() *copied { made++; return &copied{} }
	a, b := p.take(fresh), p.take(fresh)
	if made != 2 || a == b {
		t.Fatalf("%d objects were made, want 2", made)
	}
	var all sync.WaitGroup
	all.Go(func() { p.giveBack(a) })
	all.Go(func() { p.giveBack(b) })
	all.Wait()
	taken := map[*copied]bool{p.take(fresh): true, p.take(fresh): true}
	if made != 2 || !taken[a] || !taken[b] {
		t.Error("what was given back is not taken again")
	}
	if c := p.take(fresh); made != 3 || c.next != nil {
		t.Error("the pile gives what it does not have")
	}
}
