//go:build linux

package main

import (
	"fmt"
	"math"
	"time"
)

// never is the deviation of what may not happen at all, in standard deviations.
const never = 1000

// shares copies several percentages of a million requests each, and asks the books how many were in the sample.
func (b *bench) shares() error {
	const requests = 1_000_000
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	worst, note := 0.0, ""
	for _, percent := range []float64{0, 1, 12.5, 50, 100} {
		a, err := b.sampled(live.addr, target.addr, percent, requests)
		if err != nil {
			return err
		}
		taken := a.Seen - a.Unsampled
		worst = max(worst, deviation(taken, a.Seen, percent))
		note += fmt.Sprintf("; %v %%: %d of %d", percent, taken, a.Seen)
	}
	b.report.add(row{What: "0, 1, 12.5, 50 and 100 % of 10⁶ requests each: largest distance from it", Measured: single(worst, "standard deviations"), Limit: limit{Must: 4}, Note: note[len("; "):]})
	return nil
}

// sampled lets at least so many requests pass a tain that copies a percentage of them, and returns its books.
func (b *bench) sampled(live, target string, percent float64, requests int) (account, error) {
	s, err := b.watchedTain(live, "--to", "http://"+target, "--percent", fmt.Sprint(percent))
	if err != nil {
		return account{}, err
	}
	defer b.stop(s)
	load, err := b.wrkUntilStopped(s)
	if err != nil {
		return account{}, err
	}
	for {
		if err = b.pause(200 * time.Millisecond); err != nil {
			break
		}
		var a account
		if a, err = s.account(); err != nil || a.Seen >= requests {
			break
		}
	}
	if _, stopErr := load.stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return account{}, err
	}
	return b.settled(s, 30*time.Second)
}

// deviation is how far the size of a sample is from a percentage, in standard deviations of what chance makes
// of it. Of all and of none, nothing may be missing.
func deviation(sampled, seen int, percent float64) float64 {
	p := percent / 100
	off := math.Abs(float64(sampled) - p*float64(seen))
	if off == 0 {
		return 0
	}
	if p <= 0 || p >= 1 {
		return never
	}
	return off / math.Sqrt(float64(seen)*p*(1-p))
}
