package config

import (
	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// compileLimits makes the limits of a mirror.
func compileLimits(errs *complaints, spec *v1alpha1.Limits) route.Limits {
	if spec == nil {
		return route.Limits{}
	}
	l := route.Limits{Concurrency: spec.Concurrency, Adaptive: spec.Adaptive, Strain: spec.Strain}
	l.Rate = read(errs, "limits.rate", spec.Rate, parseRate)
	l.Bytes = read(errs, "limits.bytes", spec.Bytes, parseByteRate)
	if b := spec.Breaker; b != nil {
		l.Breaker = route.Breaker{
			On:       true,
			Percent:  fit[uint32](errs, "limits.breaker.percent", b.Percent, 100),
			Sends:    b.Sends,
			Streak:   b.Streak,
			Pause:    read(errs, "limits.breaker.pause", b.Pause, parseDuration),
			MaxPause: read(errs, "limits.breaker.maxPause", b.MaxPause, parseDuration),
		}
	}
	return l
}

// parseRate reads how many in a time.
func parseRate(text string) (route.Rate, error) { return route.ParseRate(text, nil) }

// parseByteRate reads how many bytes in a time, each number a size.
func parseByteRate(text string) (route.Rate, error) { return route.ParseRate(text, ParseSize) }
