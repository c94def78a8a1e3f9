package mirror

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"tain.dev/tain/pace"
	"tain.dev/tain/upstream"
)

// tickTime is how often what loops saw of live is put together.
const tickTime = 100 * time.Millisecond

// Observe takes an answer of live on the loop of that number: how long its head took to come, in ns,
// and whether it is a failure. It must be told of every request, copied or not.
func (m *Mirror) Observe(number int, took int64, failed bool) {
	if m.watching.Load() {
		m.strain.Lane(number).Observe(took, failed)
	}
}

// Run finds out whether live shows strain, and logs when that or a breaker changes what is copied,
// until ctx ends.
func (m *Mirror) Run(ctx context.Context, log *slog.Logger) error {
	tick, start := time.NewTicker(tickTime), time.Now()
	defer tick.Stop()
	told := 1.0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if m.watching.Load() {
			m.strain.Tick(int64(time.Since(start)))
			told = tellStrain(log, m.strain.Status(), told)
		}
		m.tellBreakers(log)
	}
}

// tellStrain logs that the share is another than the one that was told last. It returns what is told now.
func tellStrain(log *slog.Logger, s pace.StrainStatus, told float64) float64 {
	switch {
	case s.Share == told:
	case s.Share < told:
		log.Warn("live shows strain: mirrors whose limits have strain copy less until it is over", "why", s.Why, "share", s.Share)
	default:
		log.Info("live has been quiet: mirrors whose limits have strain copy more again", "share", s.Share)
	}
	return s.Share
}

func (m *Mirror) tellBreakers(log *slog.Logger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, l := range m.limiters {
		if l == nil || l.breaker == nil {
			continue
		}
		s := l.breaker.Status()
		if open := s.State != pace.Closed; open == l.told {
			continue
		}
		l.told = !l.told
		if l.told {
			log.Warn("the target fails, and gets no copies until one succeeds: its breaker is open", "mirror", key.mirror, "target", key.target, "why", s.Why)
		} else {
			log.Info("the target answers again: its breaker is closed", "mirror", key.mirror, "target", key.target, "probes", s.Probes)
		}
	}
}

// outcomeOf is what a failed copy says of its target.
func outcomeOf(o upstream.Outcome) pace.Outcome {
	switch o {
	case upstream.Ignored:
		return pace.Ignored
	case upstream.ConnectFailed:
		return pace.Unreachable
	}
	return pace.Failed
}

// outcomeOfStatus is what an answer says of its target.
func outcomeOfStatus(status int) pace.Outcome {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return pace.Failed
	}
	return pace.Succeeded
}
