package store

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// Bounds on what is kept. Making a record is expensive, so that a flood of differing pairs must not
// make one each.
const (
	perSecond   = 50 // records, with bursts of as many
	recentCount = 256
	recentBytes = 8 << 20
	queueLength = 256 // records that wait for the disk
)

// Store keeps records. Its methods are safe for concurrent use.
type Store struct {
	log   *slog.Logger
	now   func() time.Time
	queue chan *traffic.Record

	mu     sync.Mutex // guards the fields below; never held during input or output
	recent []*traffic.Record
	bytes  int // of recent
	tokens float64
	filled time.Time // when tokens was right
	counts Counts
	dir    string

	segments *segments // belongs to Run, then to Close; nil: memory only
}

// Counts says what became of the records that were offered.
type Counts struct {
	Kept    uint64 // in memory, for a while at least
	Skipped uint64 // over the rate, never made
	Dropped uint64 // kept in memory, but the disk was behind
	Off     string // why nothing is written to disk; "" when it is
}

// InMemory returns a store that keeps the latest records in memory only.
func InMemory() *Store {
	s := &Store{now: time.Now, queue: make(chan *traffic.Record, queueLength), tokens: perSecond}
	s.filled = s.now()
	s.counts.Off = "no folder is set"
	return s
}

// Open returns a store that writes to a new folder in dir, and keeps the segments of all runs in
// dir below maxBytes together. An error names what can't be written. log gets the one message
// that says so later, when the disk fills up for example; from then on the store is as InMemory.
func Open(dir string, maxBytes int64, log *slog.Logger) (*Store, error) {
	s := InMemory()
	segments, err := openSegments(dir, maxBytes, s.now())
	if err != nil {
		return nil, err
	}
	s.log, s.segments, s.dir, s.counts.Off = log, segments, segments.run, ""
	return s, nil
}

// Offer keeps the record that build makes, if there is room for it now; otherwise build is not
// called. It never waits for the disk.
func (s *Store) Offer(build func() *traffic.Record) {
	if !s.admit() {
		return
	}
	r := build()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Kept++
	s.remember(r)
	if s.counts.Off != "" {
		return
	}
	select {
	case s.queue <- r:
	default:
		s.counts.Dropped++
	}
}

// admit takes a token from the bucket that holds the rate.
func (s *Store) admit() bool {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = min(perSecond, s.tokens+perSecond*now.Sub(s.filled).Seconds())
	s.filled = now
	if s.tokens < 1 {
		s.counts.Skipped++
		return false
	}
	s.tokens--
	return true
}

// remember adds r to the latest records, and forgets the oldest past the bounds.
func (s *Store) remember(r *traffic.Record) {
	s.recent = append(s.recent, r)
	s.bytes += r.Size()
	for len(s.recent) > recentCount || s.bytes > recentBytes {
		s.bytes -= s.recent[0].Size()
		s.recent[0] = nil
		s.recent = s.recent[1:]
	}
}

// Run writes records until ctx ends, then those that wait. It returns nil; what goes wrong with
// the disk is logged once and turns writing off.
func (s *Store) Run(ctx context.Context) error {
	for {
		select {
		case r := <-s.queue:
			s.write(r)
		case <-ctx.Done():
			s.drain()
			return nil
		}
	}
}

func (s *Store) drain() {
	for {
		select {
		case r := <-s.queue:
			s.write(r)
		default:
			if s.segments != nil {
				s.fail(s.segments.close())
			}
			return
		}
	}
}

// write writes r, and flushes when nothing else waits.
func (s *Store) write(r *traffic.Record) {
	if s.segments == nil {
		return
	}
	err := s.segments.write(r)
	if err == nil && len(s.queue) == 0 {
		err = s.segments.flush()
	}
	s.fail(err)
}

// fail turns writing off for good, if err is one.
func (s *Store) fail(err error) {
	if err == nil {
		return
	}
	s.segments.abandon()
	s.segments = nil
	s.mu.Lock()
	s.counts.Off, s.dir = err.Error(), ""
	s.mu.Unlock()
	s.log.Error("pairs are kept in memory only from now on: writing failed; free some space, or choose another folder with --data", "err", err)
}

// Close writes the findings of the run to its folder. It is called once, after Run has returned.
func (s *Store) Close(findings []finding.Finding) error {
	if s.segments == nil {
		return nil
	}
	return s.segments.writeFindings(findings)
}

// Dir is the folder of this run, or "" when nothing is written.
func (s *Store) Dir() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir
}

// Counts returns what became of the offers so far.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Pairs returns the latest records, at most limit, the latest first.
func (s *Store) Pairs(limit int) []traffic.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]traffic.Record, 0, min(max(limit, 0), len(s.recent)))
	for _, r := range slices.Backward(s.recent) {
		if len(all) >= limit {
			break
		}
		all = append(all, *r)
	}
	return all
}

// Pair returns the latest records of one request: one for every target that was compared.
func (s *Store) Pair(id uint64) (all []traffic.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.recent {
		if r.ID == id {
			all = append(all, *r)
		}
	}
	return all
}
