package pace

import (
	"fmt"
	"math"
	"time"
)

// block is what live did in a second or so.
type block struct {
	answers, slow, failed int64 // answers that are good; those of them that are slow; those that are not
	sum, squares          int64 // of logs of how long the good ones took
}

// logSteps is how many steps the logarithm of a time has for each doubling.
const logSteps = 1024

// logOf is the logarithm of a time in ns, in steps.
func logOf(ns int64) int64 { return int64(math.Log2(float64(max(ns, 1))) * logSteps) }

func (b *block) add(o block) {
	b.answers += o.answers
	b.slow += o.slow
	b.failed += o.failed
	b.sum += o.sum
	b.squares += o.squares
}

// typical returns the mean and the standard deviation of the logarithms (base 2) of the times.
func (b *block) typical() (mean, deviation float64) {
	n := float64(max(b.answers, 1))
	mean = float64(b.sum) / n
	return mean / logSteps, math.Sqrt(max(float64(b.squares)/n-mean*mean, 0)) / logSteps
}

const (
	// recent is how many blocks a band goes back, and known how many it takes before it is one.
	recent, known = 60, 10
	// beyond is how many standard deviations a block must be away. One in 30,000 is by chance, and two
	// must follow each other.
	beyond = 4
)

// band is where a number has been in recent blocks: its mean, and the variance from block to block.
type band struct {
	mean, variance float64
	blocks         int
}

// left says that x lies above the band, by more than its noise can be, and by more than the margin,
// which is what matters to anybody.
func (b *band) left(x, noise, margin float64) bool {
	if b.blocks < known {
		return false
	}
	deviation := math.Sqrt(max(b.variance, noise*noise))
	return x-b.mean > max(margin, beyond*deviation)
}

func (b *band) learn(x float64) {
	b.blocks = min(b.blocks+1, recent)
	off, weight := x-b.mean, 1/float64(b.blocks)
	b.mean += weight * off
	b.variance = (1 - weight) * (b.variance + weight*off*off)
}

// bands are the recent bands of all that shows strain.
type bands struct {
	typical band // the mean logarithm of how long answers take: all are slower
	slow    band // the part that is slow: some are much slower
	failed  band // the part that failed
	spread  band // the standard deviation of the logarithms
}

// Margins: a quarter slower, two more in a hundred slow, one more in a hundred failed, and twice as
// many of the latter two at least.
var slower = math.Log2(1.25)

const moreSlow, moreFailed = 0.02, 0.01

// judge says which band a block has left, in words, or nothing.
func (bs *bands) judge(b block) string {
	mean, deviation := b.typical()
	slow, all := part(b.slow, b.answers), b.answers+b.failed
	failed := part(b.failed, all)
	switch {
	case b.answers > 0 && bs.typical.left(mean, deviation/math.Sqrt(float64(b.answers)), slower):
		return fmt.Sprintf("live takes %.2f times as long as usual", math.Exp2(mean-bs.typical.mean))
	case bs.slow.left(slow, bs.slow.chance(b.answers), max(moreSlow, bs.slow.mean)):
		return fmt.Sprintf("%.1f %% of live's answers are slow, usually %.1f %%", 100*slow, 100*bs.slow.mean)
	case bs.failed.left(failed, bs.failed.chance(all), max(moreFailed, bs.failed.mean)):
		return fmt.Sprintf("%.1f %% of live's answers fail, usually %.1f %%", 100*failed, 100*bs.failed.mean)
	}
	return ""
}

// learn takes a block that shows no strain.
func (bs *bands) learn(b block) {
	if b.answers > 0 {
		mean, deviation := b.typical()
		bs.typical.learn(mean)
		bs.spread.learn(deviation)
		bs.slow.learn(part(b.slow, b.answers))
	}
	bs.failed.learn(part(b.failed, b.answers+b.failed))
}

// slowFrom is how long a slow answer takes: a quarter longer than 98 % do, if their times are
// log-normal, and in any case longer than usual.
func (bs *bands) slowFrom() time.Duration {
	if bs.spread.blocks == 0 {
		return math.MaxInt64
	}
	return time.Duration(min(1.25*math.Exp2(bs.typical.mean+2*bs.spread.mean), float64(time.Hour)))
}

// chance is the standard deviation of a part of n by chance alone. A part that was never seen may be
// one in n.
func (b *band) chance(n int64) float64 {
	p := min(max(b.mean, 1/float64(max(n, 1))), 1)
	return math.Sqrt(p * (1 - p) / float64(max(n, 1)))
}

func part(k, n int64) float64 { return float64(k) / float64(max(n, 1)) }
