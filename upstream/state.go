package upstream

import (
	"cmp"
	"slices"
	"sync/atomic"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// place is where a server is, as an origin says.
type place struct {
	addr     netloop.Addr
	origin   *origin
	priority uint16
	weight   uint32 // 1 or more
}

// merge brings places into the order of their priorities. An address that is there twice has the
// weight of both.
func merge(places []place) []place {
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.priority, b.priority) })
	at := make(map[netloop.Addr]int, len(places))
	merged := places[:0]
	for _, p := range places {
		if i, twice := at[p.addr]; !twice {
			at[p.addr] = len(merged)
			merged = append(merged, p)
		} else if merged[i].priority == p.priority {
			merged[i].weight += p.weight
		}
	}
	return merged[:min(len(merged), maxServers)]
}

// maxServers bounds the servers of an upstream.
const maxServers = 4096

// state is the servers of an upstream at one moment. It is replaced whole.
type state struct {
	servers []*Server // of all tiers
	tiers   []*tier   // by priority
	tokens  map[uint64]*Server
}

// newState makes a state of places that are in the order of their priorities; servers gives the
// server of each.
func newState(places []place, server func(place) *Server, policy route.Policy) *state {
	st := &state{tokens: make(map[uint64]*Server, len(places))}
	for _, p := range places {
		if n := len(st.tiers); n == 0 || st.tiers[n-1].priority != p.priority {
			st.tiers = append(st.tiers, &tier{priority: p.priority})
		}
		s, t := server(p), st.tiers[len(st.tiers)-1]
		t.servers, t.weights = append(t.servers, s), append(t.weights, p.weight)
		st.servers = append(st.servers, s)
		st.tokens[s.Token] = s
	}
	for _, t := range st.tiers {
		t.slots = spread(t.weights)
		if policy == route.Maglev {
			t.table = maglev(t.servers, t.weights)
		}
	}
	return st
}

// has says whether st consists of these places, in any order: name servers rotate it.
func (st *state) has(places []place) bool {
	if len(places) != len(st.servers) {
		return false
	}
	found := make(map[netloop.Addr]place, len(places))
	for _, p := range places {
		found[p.addr] = p
	}
	for _, t := range st.tiers {
		for i, s := range t.servers {
			if p, ok := found[s.Addr]; !ok || p.priority != t.priority || p.weight != t.weights[i] {
				return false
			}
		}
	}
	return true
}

// choose returns the tier to pick from, and whether its ill servers count, too. It returns nil if
// there are no servers.
func (st *state) choose() (t *tier, all bool) {
	for _, t := range st.tiers {
		if t.enough() {
			return t, false
		}
	}
	if len(st.tiers) == 0 {
		return nil, false
	}
	return st.tiers[0], true
}

// count counts who is well. The cluster's mu is held from the change on that makes it necessary.
func (st *state) count() {
	for _, t := range st.tiers {
		n := 0
		for _, s := range t.servers {
			if s.well() {
				n++
			}
		}
		t.healthy.Store(int32(n))
	}
}

// tier is the servers of one priority.
type tier struct {
	priority uint16
	servers  []*Server
	weights  []uint32 // of the servers
	slots    []uint16 // indexes of servers: each as often as its weight says, spread evenly
	table    []uint16 // indexes by hash; nil where the policy is not Maglev
	healthy  atomic.Int32
}

// panicPercent is how many percent of a tier's servers have to be well for health to count.
const panicPercent = 50

func (t *tier) enough() bool {
	return int(t.healthy.Load())*100 >= len(t.servers)*panicPercent
}

// maxSlots bounds the slots of a tier whose weights differ. A share is exact to 1 in maxSlots.
const maxSlots = 4096

// spread returns the indexes of weights, each as often as its weight says, and as evenly apart as can
// be.
func spread(weights []uint32) []uint16 {
	type turn struct {
		index uint16
		at    float64 // of the whole cycle, 0 to 1
	}
	var turns []turn
	for i, n := range shares(weights) {
		for k := range n {
			turns = append(turns, turn{uint16(i), (float64(k) + 0.5) / float64(n)})
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	slots := make([]uint16, len(turns))
	for i, t := range turns {
		slots[i] = t.index
	}
	return slots
}

// shares reduces weights to the smallest numbers with the same proportions, or nearly the same where
// the numbers would be too large. None becomes 0.
func shares(weights []uint32) []uint32 {
	divisor, total := uint32(0), uint64(0)
	for _, w := range weights {
		divisor, total = gcd(divisor, w), total+uint64(w)
	}
	small := make([]uint32, len(weights))
	most := uint64(max(maxSlots, len(weights)))
	for i, w := range weights {
		small[i] = w / divisor
		if total/uint64(divisor) > most {
			small[i] = max(1, uint32((uint64(w)*most+total/2)/total))
		}
	}
	return small
}

func gcd(a, b uint32) uint32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
