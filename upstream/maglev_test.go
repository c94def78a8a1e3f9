package upstream

import (
	"math/rand/v2"
	"testing"

	"tain.dev/tain/route"
)

// moved is the share of hashes that go to another server in b than in a.
func moved(a, b *Cluster) float64 {
	const n = 20_000
	other := 0
	p := NewPicker()
	for i := range uint64(n) {
		if a.Pick(&p, mix(i), nil).Addr != b.Pick(&p, mix(i), nil).Addr {
			other++
		}
	}
	return float64(other) / n
}

func TestMaglevMovesLittle(t *testing.T) {
	f := func(what string, before, after *Cluster, least, most float64) {
		t.Helper()
		if got := moved(before, after); got < least || got > most {
			t.Errorf("%s: %.3f of the hashes moved, want %.3f to %.3f", what, got, least, most)
		}
	}
	without := func(n int, gone ...int) *Cluster {
		c := numbered(t, n, route.Maglev)
		var places []place
		for i, p := range c.origins[0].places {
			if len(gone) == 0 || i != gone[0] {
				places = append(places, p)
			}
		}
		c.setPlaces(c.origins[0], places)
		return c
	}
	f("one of 2 leaves", without(2), without(2, 0), 0.45, 0.55)
	f("one of 10 leaves", without(10), without(10, 3), 0.09, 0.13)
	f("one of 100 leaves", without(100), without(100, 42), 0.008, 0.03)
	f("one joins 10", without(10), without(11), 0.08, 0.12)

	ill := numbered(t, 10, route.Maglev)
	setIll(ill, "bad", ill.Servers()[3])
	f("one of 10 falls ill", without(10), ill, 0.09, 0.11)
	setIll(ill, "", ill.Servers()[3])
	f("it is well again", without(10), ill, 0, 0)
}

// TestMaglevSpreadsTheIll holds that the hashes of a server that is ill go to all the others alike.
func TestMaglevSpreadsTheIll(t *testing.T) {
	c := numbered(t, 5, route.Maglev)
	setIll(c, "bad", c.Servers()[2])
	expectShares(t, c, 0.1, 1, 1, 0, 1, 1)
}

func TestMaglevKnowsNoOrder(t *testing.T) {
	a, b := numbered(t, 20, route.Maglev, 3, 1, 2), numbered(t, 0, route.Maglev)
	places := append([]place(nil), a.origins[0].places...)
	rand.Shuffle(len(places), func(i, k int) { places[i], places[k] = places[k], places[i] })
	b.setPlaces(b.origins[0], places)
	if share := moved(a, b); share != 0 {
		t.Errorf("%.3f of the hashes go elsewhere where name servers answer in another order", share)
	}
}

func TestMaglevWithExtremeWeights(t *testing.T) {
	c := numbered(t, 3, route.Maglev, 1_000_000, 1, 1)
	if count := picks(c, 1000, nil); count[c.Servers()[0]] < 990 {
		t.Errorf("the heaviest was picked %d times of 1000", count[c.Servers()[0]])
	}
}

func BenchmarkMaglevTable(b *testing.B) {
	c := numbered(b, 1000, route.RoundRobin)
	t := c.state.Load().tiers[0]
	for b.Loop() {
		maglev(t.servers, t.weights)
	}
}
