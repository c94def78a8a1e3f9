package stat

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram's buckets are linear within an octave and double from octave to octave: 16 buckets
// of 64 ns each, then 16 buckets for every doubling. A bucket is at most 6.25 % wide, so a
// quantile is at most that far off; the largest duration told apart is about 137 s.
const (
	unitShift = 6 // the narrowest bucket is 64 ns wide
	subShift  = 4
	subs      = 1 << subShift
	octaves   = 28
	buckets   = subs * octaves
)

// bucket returns the index of the bucket that holds d. Durations below 0 count as 0, too large
// ones as the largest.
func bucket(d time.Duration) int {
	u := uint64(max(d, 0)) >> unitShift
	octave := max(bits.Len64(u)-subShift-1, 0)
	if octave > octaves-2 {
		return buckets - 1
	}
	return octave*subs + int(u>>octave)
}

// lower returns the smallest duration of bucket i.
func lower(i int) time.Duration {
	octave := max(i>>subShift-1, 0)
	return time.Duration(i-octave*subs) << octave << unitShift
}

// Histogram counts durations. The zero value is empty and ready; adding allocates nothing. It
// takes 3.5 KiB and belongs to one goroutine at a time.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
}

// Count is the number of durations counted.
func (h *Histogram) Count() uint64 { return h.total }

// Merge adds everything that o counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// Since returns what h counted after the earlier snapshot of the same histogram was taken.
func (h *Histogram) Since(earlier *Histogram) Histogram {
	d := *h
	for i, n := range earlier.counts {
		d.counts[i] -= n
	}
	d.total -= earlier.total
	return d
}

// Below is how many of the counted durations are at most d, to within 6.25 % of d.
func (h *Histogram) Below(d time.Duration) (n uint64) {
	for _, count := range h.counts[:bucket(d)+1] {
		n += count
	}
	return n
}

// Sum adds the counted durations up, to within 3.2 %.
func (h *Histogram) Sum() (sum time.Duration) {
	for i, n := range h.counts {
		if n > 0 {
			sum += time.Duration(n) * ((lower(i) + lower(i+1)) / 2)
		}
	}
	return sum
}

// Quantile returns a duration that a share q (0 to 1) of the counted ones do not exceed, to within
// 6.25 %. It is 0 when nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(max(q, 0), 1) * float64(h.total)
	below, last := 0.0, 0
	for i, n := range h.counts {
		if n == 0 {
			continue
		}
		if below+float64(n) >= rank {
			low, high := lower(i), lower(i+1)
			return low + time.Duration((rank-below)/float64(n)*float64(high-low))
		}
		below, last = below+float64(n), i
	}
	return lower(last + 1)
}

// AtomicHistogram is a [Histogram] that any goroutine may add to and take a snapshot of. Writers
// that add all the time should each have their own, and merge the snapshots.
type AtomicHistogram struct {
	counts [buckets]atomic.Uint64
}

// Add counts d.
func (h *AtomicHistogram) Add(d time.Duration) { h.counts[bucket(d)].Add(1) }

// Snapshot adds everything counted so far to into. What is added meanwhile may be in or not.
func (h *AtomicHistogram) Snapshot(into *Histogram) {
	for i := range h.counts {
		n := h.counts[i].Load()
		into.counts[i] += n
		into.total += n
	}
}
