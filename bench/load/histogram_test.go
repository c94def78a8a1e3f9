package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	next := uint64(0)
	for i := range buckets {
		low, width := bounds(i)
		if low != next {
			t.Fatalf("bucket %d begins at %d, want %d", i, low, next)
		}
		if bucket(low) != i || bucket(low+width-1) != i {
			t.Fatalf("bucket %d: its bounds %d and %d fall into %d and %d", i, low, low+width-1, bucket(low), bucket(low+width-1))
		}
		next = low + width
	}
	if next != largest+1 {
		t.Fatalf("the buckets end at %d, want %d", next, largest+1)
	}
}

func TestQuantileIsCloseToTheExactOne(t *testing.T) {
	var h Histogram
	var exact []time.Duration
	random := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		d := time.Duration(random.ExpFloat64() * float64(300*time.Microsecond))
		h.Add(d)
		exact = append(exact, d)
	}
	slices.Sort(exact)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		want := exact[int(q*float64(len(exact)))-1]
		got := h.Quantile(q)
		if off := float64(got-want) / float64(want); off > 0.004 || off < -0.004 {
			t.Errorf("quantile %v: %v, exactly %v", q, got, want)
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	f := func(want time.Duration, q float64, durations ...time.Duration) {
		t.Helper()
		var h Histogram
		for _, d := range durations {
			h.Add(d)
		}
		if got := h.Quantile(q); got != want || h.Count() != uint64(len(durations)) {
			t.Errorf("quantile %v of %v: %v of %d, want %v", q, durations, got, h.Count(), want)
		}
	}
	f(0, 0.5)
	f(0, 0.5, -1)
	f(7, 0, 7)
	f(7, 1, 7)
	f(3, 0.5, 1, 3, 5)
	f(5, 1, 1, 3, 5)
}
