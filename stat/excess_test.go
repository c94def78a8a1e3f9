package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sure is the bound that the comparer uses.
var sure = math.Log(1e4)

func TestExcess(t *testing.T) {
	f := func(name string, k, n, k0, n0 uint64, want bool) {
		t.Helper()
		if got := Excess(k, n, k0, n0, 1.5); (got >= sure) != want {
			t.Errorf("%s: %d of %d against %d of %d: ln E = %.2f, sure is %.2f, want found = %v", name, k, n, k0, n0, got, sure, want)
		}
	}
	f("no trials", 0, 0, 0, 0, false)
	f("no control", 50, 50, 0, 0, false)
	f("always on both", 1000, 1000, 1000, 1000, false)
	f("always here, never there", 30, 30, 0, 30, true)
	f("too few", 10, 10, 0, 10, false)
	f("rare here, never there", 20, 1000, 0, 1000, true)
	f("rare here, once there", 28, 1400, 1, 1400, true)
	f("half on both", 500, 1000, 490, 1000, false)
	f("a little more than the margin allows", 700, 1000, 500, 1000, false)
	f("always here, mostly there", 300, 300, 210, 300, false)
	f("a sampled control", 200, 1000, 0, 200, true)
	f("a sampled control with too little to say", 10, 1000, 0, 10, false)
	f("less often here", 100, 1000, 900, 1000, false)
}

func TestExcessIsFiniteAndMonotone(t *testing.T) {
	last := math.Inf(-1)
	for k := uint64(0); k <= 1000; k++ {
		e := Excess(k, 1000, 100, 1000, 1.25)
		if math.IsNaN(e) || math.IsInf(e, 0) || last > 0 && e < last {
			t.Fatalf("Excess(%d, 1000, 100, 1000) = %v after %v", k, e, last)
		}
		last = e
	}
}

// TestExcessNeverCries looks after every trial, at noise of every rate, for a control arm as large
// as the other, sampled, and lagging.
func TestExcessNeverCries(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const streams, trials = 300, 2000
	cries := 0
	for range streams {
		rate := math.Pow(rng.Float64(), 3)
		share := 0.1 + 0.9*rng.Float64()
		lag := rng.IntN(50)
		var k, n, k0, n0 uint64
		cried := false
		for i := range trials {
			n++
			k += event(rng, rate)
			if i >= lag && rng.Float64() < share {
				n0++
				k0 += event(rng, rate)
			}
			cried = cried || Excess(k, n, k0, n0, 1) >= math.Log(100)
		}
		if cried {
			cries++
		}
	}
	// α = 1 % and no margin: 3 of 300 are expected at most; 9 has a chance below 1 in 200.
	if cries > 9 {
		t.Errorf("%d of %d streams without an excess were called one at α = 1 %%", cries, streams)
	}
}

// TestExcessFindsRare asks that a failure of 2 % of the inputs is found within 1500 trials
// nearly always.
func TestExcessFindsRare(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const streams = 200
	found := 0
	for range streams {
		var k, n uint64
		for n < 1500 && Excess(k, n, 0, max(n, 1), 1.5) < sure {
			n++
			k += event(rng, 0.02)
		}
		if n < 1500 {
			found++
		}
	}
	if found < streams*90/100 {
		t.Errorf("found %d of %d", found, streams)
	}
}

func event(rng *rand.Rand, rate float64) uint64 {
	if rng.Float64() < rate {
		return 1
	}
	return 0
}
