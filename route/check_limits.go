package route

import "time"

// The limits of limits. Whatever keeps to them is right for package pace too.
const (
	minPer     = time.Millisecond
	maxPer     = 24 * time.Hour
	mostPerNs  = 10             // in a nanosecond
	maxFill    = 24 * time.Hour // until a burst has come together
	maxSends   = 1_000_000      // of a breaker
	minRest    = 10 * time.Millisecond
	maxRest    = 24 * time.Hour
	maxPercent = 100
)

// checkLimits checks a mirror's limits and completes them.
func (c *checker) checkLimits(field string, l *Limits) {
	c.checkRate(field+".rate", &l.Rate)
	c.checkRate(field+".bytes", &l.Bytes)
	c.between(CodeLimits, field+".concurrency", l.Concurrency, 0, maxAtATime)
	c.checkBreaker(field+".breaker", &l.Breaker)
}

func (c *checker) checkRate(field string, r *Rate) {
	if *r == (Rate{}) {
		return
	}
	*r = r.withDefaults()
	switch {
	case r.Count < 1:
		c.fail(CodeLimits, field, "%d is no rate; use 1 or more", r.Count)
	case r.Per < minPer || r.Per > maxPer:
		c.fail(CodeLimits, field, "the time %s is out of range; use %s to %s", r.Per, minPer, maxPer)
	case r.Count/mostPerNs > int64(r.Per):
		c.fail(CodeLimits, field, "%s is too much to be told apart; use up to %d in a nanosecond", *r, mostPerNs)
	case r.Burst < 1:
		c.fail(CodeLimits, field, "a burst of %d lets nothing through; use 1 or more", r.Burst)
	case float64(r.Burst)*float64(r.Per) > float64(r.Count)*float64(maxFill):
		c.fail(CodeLimits, field, "a burst of %d takes more than a day to come together; use a smaller one", r.Burst)
	}
}

func (c *checker) checkBreaker(field string, b *Breaker) {
	if !b.On {
		if *b != (Breaker{}) {
			c.fail(CodeLimits, field, "is off, and has settings; leave them out, or switch it on")
		}
		return
	}
	*b = b.withDefaults()
	c.between(CodeLimits, field+".percent", int(b.Percent), 1, maxPercent)
	c.between(CodeLimits, field+".sends", b.Sends, 1, maxSends)
	c.between(CodeLimits, field+".streak", b.Streak, 1, maxSends)
	if b.Pause < minRest || b.Pause > maxRest {
		c.fail(CodeLimits, field+".pause", "%s is out of range; use %s to %s", b.Pause, minRest, maxRest)
	}
	if b.MaxPause < b.Pause || b.MaxPause > maxRest {
		c.fail(CodeLimits, field+".maxPause", "%s is out of range; use at least pause, %s, and up to %s", b.MaxPause, b.Pause, maxRest)
	}
}
