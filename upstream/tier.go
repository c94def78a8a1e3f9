package upstream

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// state is the servers of an upstream at one moment. It is replaced whole.
type state struct {
	servers []*Server // of all tiers
	tiers   []*tier   // by priority
	tokens  map[uint64]*Server
}

// tier is the servers of one priority.
type tier struct {
	priority uint16
	servers  []*Server
	weights  []uint32 // of the servers
	slots    []uint16 // indexes of servers: each as often as its weight says, spread evenly
	table    []uint16 // of indexes by hash; nil where the policy is not Maglev

	// healthy has the number of servers that are well in its low half, and how often they were
	// counted in its high half.
	healthy atomic.Uint64
}

// panicPercent is how many percent of the servers have to be well for health to count.
const panicPercent = 50

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

func (t *tier) enough() bool {
	return int(uint32(t.healthy.Load()))*100 >= len(t.servers)*panicPercent
}

// count counts the servers that are well. It is called after each change, by whoever made it; the
// last one to count has seen every change.
func (t *tier) count() {
	for {
		before := t.healthy.Load()
		n := uint64(0)
		for _, s := range t.servers {
			if s.well() {
				n++
			}
		}
		if t.healthy.CompareAndSwap(before, before>>32+1<<32|n) {
			return
		}
	}
}

// maxSlots bounds the slots of a tier whose weights differ. A share is exact to 1 in maxSlots.
const maxSlots = 4096

// spread returns indexes of weights, each as often as its weight says, and as evenly apart as can be.
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
