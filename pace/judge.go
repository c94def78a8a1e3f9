package pace

import "math"

type phase uint8

const (
	starting phase = iota // the first sample, of one copy at a time
	sampling
	dipping
)

// judge is what a [Gradient] knows of its target, and how it draws conclusions.
type judge struct {
	phase    phase
	unloaded level
	last     measure // dips aside
	at       float64 // in flight when that was measured
	rushing  bool    // no sample has been too slow yet: the limit grows fast
	proven   float64 // the limit at the last dip

	dipFrom, nextDip int64
	gap              int64 // times of the last dip until the next
}

// start takes the first sample.
func (j *judge) start(now int64, limit float64, m measure) {
	j.unloaded = level{m, now}
	j.last, j.at = m, 1
	j.rushing = true
	j.proven = limit
	j.gap = firstGap
	j.nextDip = now + j.gap*int64(math.Exp(m.log))
}

// sampled takes a sample at the limit, and returns the next limit.
func (j *judge) sampled(now int64, limit float64, m measure, full bool) float64 {
	changed := j.changed(limit, m)
	j.last, j.at = m, math.Floor(limit)
	if limit < 2 {
		j.unloaded.learn(now, m) // one at a time never waits
	}
	off := m.log - j.unloaded.log
	if off > math.Log(tolerance)+surprise*m.noise || off < -surprise*m.noise {
		j.gap = firstGap
		j.nextDip = now
	}
	if changed {
		j.nextDip = now
	}
	step := limit*j.gradient() + room - limit
	weight := smoothing / (smoothing + m.noise)
	switch {
	case step < 0:
		j.rushing = false
	case !full:
		return limit // it is not the limit that keeps copies from leaving
	case j.rushing:
		weight = 1
		j.proven = limit
	default:
		weight *= upwards
	}
	limit += weight * step
	if limit > unproven*j.proven {
		j.nextDip = now
	}
	return limit
}

// dipped takes a sample at half the limit, and returns the next limit.
func (j *judge) dipped(now int64, limit float64, m measure) float64 {
	depth := math.Log(math.Floor(limit) / math.Floor(limit/2))
	waited := j.last.log - m.log
	switch {
	case m.log-j.unloaded.log > surprise*m.noise && waited > queued*depth:
		// Twice as slow with twice as many: they waited for each other at half the limit too, so this
		// tells how much the target can do, and nothing about unloaded.
		limit /= 2
		j.gap = 1
	case j.unloaded.learn(now, m):
		limit *= j.gradient()
		j.gap = firstGap
	default:
		calm := int64(calmGap / j.unloaded.noise)
		j.gap = min(max(calm, firstGap/2), 2*j.gap, lastGap)
	}
	j.proven = limit
	j.nextDip = now + j.gap*(now-j.dipFrom)
	return limit
}

// changed says that the target is another than at the last sample: times have moved by more than the
// limits explain. Those do between not at all, if no copy waits, and in proportion.
func (j *judge) changed(limit float64, m measure) bool {
	more := math.Log(math.Floor(limit) / j.at)
	off := m.log - j.last.log
	noise := moved * math.Hypot(m.noise, j.last.noise)
	return off < min(0, more)-noise || off > max(0, more)+noise
}

// gradient is below 1 when copies wait for longer than they should.
func (j *judge) gradient() float64 {
	return min(max(tolerance*math.Exp(j.unloaded.log-j.last.log), 0.5), tolerance)
}
