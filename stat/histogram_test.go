package stat

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBucketBounds(t *testing.T) {
	for i := range buckets - 1 {
		low, high := lower(i), lower(i+1)
		if bucket(low) != i || bucket(high-1) != i || bucket(high) != i+1 {
			t.Fatalf("bucket %d is [%d, %d), but its ends are counted in %d, %d, %d",
				i, low, high, bucket(low), bucket(high-1), bucket(high))
		}
		if i >= subs && float64(high-low) > float64(low)/subs {
			t.Errorf("bucket %d, [%v, %v), is wider than 6.25 %%", i, low, high)
		}
	}
}

func TestBucketClamps(t *testing.T) {
	f := func(d time.Duration, want int) {
		t.Helper()
		if got := bucket(d); got != want {
			t.Errorf("bucket(%d) = %d, want %d", d, got, want)
		}
	}
	f(-1, 0)
	f(0, 0)
	f(1<<62, buckets-1)
	f(time.Hour, buckets-1)
	if top := lower(buckets - 1); top < 2*time.Minute {
		t.Errorf("the last bucket begins at %v already", top)
	}
}

func TestQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	values := make([]time.Duration, 10_000)
	for i := range values {
		values[i] = time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond))
		h.Add(values[i])
	}
	slices.Sort(values)
	for _, q := range []float64{0.01, 0.1, 0.5, 0.9, 0.99, 0.999} {
		got, want := h.Quantile(q), values[int(q*float64(len(values)))]
		if ratio := float64(got) / float64(want); ratio < 0.93 || ratio > 1.07 {
			t.Errorf("quantile %v = %v, want %v within 7 %%", q, got, want)
		}
	}
}

func TestQuantileEdges(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("an empty histogram has the median %v, want 0", got)
	}
	h.Add(time.Millisecond)
	for _, q := range []float64{-1, 0, 0.5, 1, 2} {
		if got := h.Quantile(q); got < 940*time.Microsecond || got > 1070*time.Microsecond {
			t.Errorf("quantile %v of a single 1ms = %v", q, got)
		}
	}
}

func TestMergeAndSince(t *testing.T) {
	var h, o Histogram
	h.Add(time.Millisecond)
	earlier := h
	o.Add(time.Second)
	h.Merge(&o)
	if h.Count() != 2 {
		t.Errorf("merged count = %d, want 2", h.Count())
	}
	since := h.Since(&earlier)
	if got := since.Quantile(0.5); since.Count() != 1 || got < 900*time.Millisecond {
		t.Errorf("since: count %d, median %v; want the one second alone", since.Count(), got)
	}
}

func TestAtomicHistogram(t *testing.T) {
	var h AtomicHistogram
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				h.Add(time.Millisecond)
			}
		})
	}
	var during Histogram
	h.Snapshot(&during)
	wg.Wait()
	var after Histogram
	h.Snapshot(&after)
	if after.Count() != 4000 || during.Count() > 4000 {
		t.Errorf("counted %d during and %d after, want 4000 after", during.Count(), after.Count())
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	var h Histogram
	var a AtomicHistogram
	if n := testing.AllocsPerRun(100, func() { h.Add(5 * time.Millisecond); a.Add(time.Millisecond) }); n != 0 {
		t.Errorf("adding allocates %v times, want 0", n)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h Histogram
	for i := 0; b.Loop(); i++ {
		h.Add(time.Duration(i & 0xffffff))
	}
}

func TestBelowAndSum(t *testing.T) {
	var h Histogram
	for ms := range 100 {
		h.Add(time.Duration(ms+1) * time.Millisecond)
	}
	if n := h.Below(50 * time.Millisecond); n < 47 || n > 53 {
		t.Errorf("Below(50ms) = %d, want 50 give or take a bucket", n)
	}
	if n := h.Below(time.Second); n != 100 {
		t.Errorf("Below(1s) = %d, want 100", n)
	}
	want := 5050 * time.Millisecond
	if sum := h.Sum(); sum < want*96/100 || sum > want*104/100 {
		t.Errorf("Sum = %v, want %v to within 4 %%", sum, want)
	}
}
