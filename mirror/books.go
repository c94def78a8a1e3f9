package mirror

import (
	"sync/atomic"

	"tain.dev/tain/stat"
	"tain.dev/tain/traffic"
)

// book is the account of one target of one mirror.
type book struct {
	mirror, target string
	baseline       atomic.Bool // as the present table has it
	policy         *policy
	limiter        atomic.Pointer[limiter] // as the present table has it
	lanes          []*counts
	// What the analysers report.
	compared   atomic.Uint64
	uncompared [traffic.NumUncompared]atomic.Uint64
}

// counts is one loop's share of a book. Only the loop writes it.
type counts struct {
	seen      atomic.Uint64
	unmatched [traffic.NumUnmatched]atomic.Uint64
	unsampled atomic.Uint64
	dropped   [traffic.NumDropped]atomic.Uint64
	sent      atomic.Uint64
	answered  atomic.Uint64
	failed    [traffic.NumFailed]atomic.Uint64
	latency   stat.AtomicHistogram
}

// settle books the end of a pair.
func (b *book) settle(_ *traffic.Pair, why traffic.Uncompared) {
	if why == traffic.Compared {
		b.compared.Add(1)
		return
	}
	b.uncompared[why].Add(1)
}

// Books is the present account of every target of every mirror that was ever in a table. It may
// be called from any goroutine.
func (m *Mirror) Books() []traffic.Books {
	m.mu.Lock()
	defer m.mu.Unlock()
	books := make([]traffic.Books, len(m.books))
	for i, b := range m.books {
		books[i] = b.snapshot()
		books[i].Paused = b.policy.paused.Load() || m.killed.Load()
	}
	return books
}

// snapshot reads what comes late in a copy's life first, so that no difference is negative. What
// is under way is the difference.
func (b *book) snapshot() traffic.Books {
	s := traffic.Books{Mirror: b.mirror, Target: b.target, Baseline: b.baseline.Load(), Throttle: b.limiter.Load().status()}
	var settled, ended, before int64
	for i := range b.uncompared {
		s.Uncompared[i] = b.uncompared[i].Load()
		settled += int64(s.Uncompared[i])
	}
	s.Compared = b.compared.Load()
	settled += int64(s.Compared)
	for _, c := range b.lanes {
		s.Answered += c.answered.Load()
		for i := range c.failed {
			n := c.failed[i].Load()
			s.Failed[i] += n
			ended += int64(n)
		}
	}
	for _, c := range b.lanes {
		s.Sent += c.sent.Load()
	}
	for _, c := range b.lanes {
		for i := range c.unmatched {
			n := c.unmatched[i].Load()
			s.Unmatched[i] += n
			before += int64(n)
		}
		for i := range c.dropped {
			n := c.dropped[i].Load()
			s.Dropped[i] += n
			before += int64(n)
		}
		n := c.unsampled.Load()
		s.Unsampled += n
		before += int64(n)
	}
	for _, c := range b.lanes {
		s.Seen += c.seen.Load()
	}
	s.Comparing = int64(s.Answered) - settled
	s.InFlight = int64(s.Sent) - int64(s.Answered) - ended
	s.Queued = int64(s.Seen) - before - int64(s.Sent)
	return s
}

// Latency is that of the answers of one target, from the connect to the last byte. It is empty for
// a target that is in no book.
func (m *Mirror) Latency(mirror, target string) (h stat.Histogram) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.books {
		if b.mirror != mirror || b.target != target {
			continue
		}
		for _, c := range b.lanes {
			c.latency.Snapshot(&h) // adds
		}
	}
	return h
}
