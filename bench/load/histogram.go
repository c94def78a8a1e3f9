package load

import (
	"math"
	"math/bits"
	"time"
)

const (
	subBits = 8 // a bucket is at most 1/256 of its value wide
	sub     = 1 << subBits
	// largest is the longest duration that is told from longer ones, about 68 seconds.
	largest = 1<<36 - 1
	buckets = (36-subBits-1)*sub + 2*sub
)

// Histogram counts durations in buckets whose width grows with the value: exact below 512 ns, to
// 0.4 % above, and up to 68 s, which stands for all that is longer. The zero value is empty. It
// belongs to one goroutine.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
	max    time.Duration
}

// Add counts d. A negative duration counts as 0.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
	h.max = max(h.max, d)
}

// Count is the number of durations added.
func (h *Histogram) Count() uint64 { return h.total }

// Max is the longest duration added.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the duration that a share q of all is not longer than, q from 0 to 1; 0 when the
// histogram is empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(q*float64(h.total))), 1)
	var below uint64
	for i, n := range h.counts {
		if below+n >= rank {
			low, width := bounds(i)
			inside := (float64(rank-below) - 0.5) / float64(n)
			return min(time.Duration(float64(low)+inside*float64(width)), h.max)
		}
		below += n
	}
	panic("BUG: the buckets hold fewer durations than the total")
}

func bucket(v uint64) int {
	v = min(v, largest)
	e := max(bits.Len64(v)-subBits-1, 0)
	return e*sub + int(v>>e)
}

// bounds are the smallest value of bucket i and the bucket's width.
func bounds(i int) (low, width uint64) {
	if i < 2*sub {
		return uint64(i), 1
	}
	e := i/sub - 1
	return uint64(i-e*sub) << e, 1 << e
}
