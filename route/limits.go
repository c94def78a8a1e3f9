package route

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits say how many of a mirror's copies a target gets. Each target has them for itself, with all
// loops together. What is over a limit is dropped, and does not wait. The zero value is no limit.
type Limits struct {
	Rate  Rate // of copies
	Bytes Rate // of heads and bodies, as they are sent
	// Concurrency is how many copies may be under way at a time; 0 is no limit of its own.
	Concurrency int
	// Adaptive finds out how many a target bears at a time, up to Concurrency or else as many as there
	// may be connections.
	Adaptive bool
	// Breaker leaves a target alone that fails.
	Breaker Breaker
	// Strain makes copies give way while live shows strain: it is slower, or fails more often, than it
	// has of late.
	Strain bool
}

// Rate is so many per time. The zero value is no limit.
type Rate struct {
	Count int64         // 1 or more
	Per   time.Duration // 1ms to 24h
	// Burst is how many may come at once after a rest. 0 means what comes in a tenth of a second, 1 at
	// least; a compiled table holds no 0.
	Burst int64
}

// Breaker says when a target is left alone. What is 0 means its default; a compiled table holds no 0
// where On is set.
type Breaker struct {
	On       bool
	Percent  uint32        // of the copies that failed in the last 10s: 50
	Sends    int           // copies that must have ended in that time for Percent to count: 20
	Streak   int           // connections in a row that did not come about: 5
	Pause    time.Duration // until one copy asks whether the target is well again: 1s
	MaxPause time.Duration // each failure doubles the pause, up to this: 60s, or Pause if that is longer
}

var defaultBreaker = Breaker{On: true, Percent: 50, Sends: 20, Streak: 5, Pause: time.Second, MaxPause: time.Minute}

func (b Breaker) withDefaults() Breaker {
	if !b.On {
		return b
	}
	b.Percent = defaulted(b.Percent, defaultBreaker.Percent)
	b.Sends = defaulted(b.Sends, defaultBreaker.Sends)
	b.Streak = defaulted(b.Streak, defaultBreaker.Streak)
	b.Pause = defaulted(b.Pause, defaultBreaker.Pause)
	b.MaxPause = defaulted(b.MaxPause, max(defaultBreaker.MaxPause, b.Pause))
	return b
}

// usualBurst is the burst of a rate that names none.
func (r Rate) usualBurst() int64 {
	return max(int64(float64(r.Count)*float64(100*time.Millisecond)/float64(r.Per)), 1)
}

func (r Rate) withDefaults() Rate {
	if r.Count > 0 && r.Per > 0 {
		r.Burst = defaulted(r.Burst, r.usualBurst())
	}
	return r
}

// perUnits are the units of the time of a rate. The first that divides it is the one it is written in.
var perUnits = []struct {
	name string
	unit time.Duration
}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// String writes the rate so that [ParseRate] reads back the same: 1000/s, 25/2s, 10/s burst 5.
func (r Rate) String() string {
	per := r.Per.String()
	for _, u := range perUnits {
		if n := r.Per / u.unit; n > 0 && r.Per%u.unit == 0 {
			per = u.name
			if n > 1 {
				per = strconv.FormatInt(int64(n), 10) + u.name
			}
			break
		}
	}
	text := strconv.FormatInt(r.Count, 10) + "/" + per
	if r.Burst != 0 && (r.Per <= 0 || r.Burst != r.usualBurst()) {
		text += " burst " + strconv.FormatInt(r.Burst, 10)
	}
	return text
}

// ParseRate reads a rate such as 1000/s, 30/m, 25/2s or 1000/s burst 50. count reads its numbers, such
// as sizes; nil reads whole numbers.
func ParseRate(text string, count func(string) (int64, error)) (r Rate, err error) {
	if count == nil {
		count = parseCount
	}
	rate, burst, bursts := strings.Cut(text, " burst ")
	number, per, divided := strings.Cut(rate, "/")
	if !divided || per == "" {
		return r, fmt.Errorf("%q is not a rate; use one such as 100/s, 30/m or 100/s burst 20", text)
	}
	if r.Count, err = count(number); err != nil {
		return Rate{}, err
	}
	if per[0] >= 'a' {
		per = "1" + per
	}
	if r.Per, err = time.ParseDuration(per); err != nil {
		return Rate{}, fmt.Errorf("%q is not a rate: its time is wrong; use one such as 100/s, 30/m or 1/10s", text)
	}
	if bursts {
		if r.Burst, err = count(burst); err == nil && r.Burst < 1 {
			err = fmt.Errorf("a burst of %s lets nothing through; use 1 or more", burst)
		}
	}
	if err == nil && r.Count < 1 {
		err = fmt.Errorf("%q lets nothing through; use 1 or more, and to copy nothing a percentage of 0", text)
	}
	if err != nil {
		return Rate{}, err
	}
	return r, nil
}

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return int64(n), nil
}
