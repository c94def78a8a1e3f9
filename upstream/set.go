package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"weak"

	"tain.dev/tain/route"
)

// Set has one [Cluster] for every upstream that a table names. It is safe for concurrent use.
type Set struct {
	// TLS makes the configuration of connections to host that offer the protocols alpn, for an
	// upstream with options o. It is set before the first call of Cluster, and may read files.
	TLS func(o *route.Options, host string, alpn ...string) (*tls.Config, error)

	log     *slog.Logger
	lookups lookups
	slots   chan struct{} // of health checks

	mu     sync.Mutex
	awake  map[string]*entry                // by key
	asleep map[string]weak.Pointer[Cluster] // for as long as someone still holds them
	woken  chan struct{}                    // Run has something to do
}

// entry is an upstream that is in use, or was until a minute ago.
type entry struct {
	*Cluster
	unused time.Time          // since when; zero if it is in use
	stop   context.CancelFunc // ends what Run has begun; nil before
}

const (
	// keepUnused is how long an upstream that no table names keeps its look-ups and health checks.
	keepUnused = time.Minute
	// maxChecks bounds the health checks that run at a time.
	maxChecks = 256
)

// NewSet returns an empty set. Names resolve and health checks happen while Run runs.
func NewSet(log *slog.Logger) *Set {
	return &Set{
		log:     log,
		lookups: newSystem().lookups(),
		slots:   make(chan struct{}, maxChecks),
		awake:   make(map[string]*entry),
		asleep:  make(map[string]weak.Pointer[Cluster]),
		woken:   make(chan struct{}, 1),
	}
}

// Cluster returns the upstream of a URL and its options, of which nil means the defaults: the same one
// for the same [route.Key]. An error says what is wrong with the URL. The first call for an upstream
// may read files: make it before a loop does.
func (s *Set) Cluster(url string, o *route.Options) (*Cluster, error) {
	url, err := route.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	key := route.Key(url, o)
	s.mu.Lock()
	e := s.findLocked(key)
	if e == nil {
		e = &entry{Cluster: newCluster(key, url, o, s.log)}
		e.secure = func(host, protocol string) (*tls.Config, error) { return s.secure(e.options, host, protocol) }
		s.awake[key] = e
	}
	if !e.unused.IsZero() {
		e.unused = time.Now()
	}
	s.mu.Unlock()
	s.wake()
	if e.address.TLS {
		e.secured.Do(func() { e.loadTLS() })
	}
	return e.Cluster, nil
}

var errNoTLS = errors.New("nothing says how to secure it (Set.TLS)")

func (s *Set) secure(o *route.Options, host, protocol string) (*tls.Config, error) {
	if s.TLS == nil {
		return nil, errNoTLS
	}
	return s.TLS(o, host, protocol)
}

// findLocked returns the entry of a key, which it wakes if it was asleep, or nil.
func (s *Set) findLocked(key string) *entry {
	e := s.awake[key]
	if e == nil {
		c := s.asleep[key].Value()
		if c == nil {
			return nil
		}
		delete(s.asleep, key)
		e = &entry{Cluster: c}
		s.awake[key] = e
	}
	return e
}

// Retain says that a new table is in force, which names the upstreams whose [route.Key] is used. The
// others end their look-ups and health checks after a minute, so that a table that comes back soon
// finds their health. They begin again when they are named or asked for again.
func (s *Set) Retain(used func(key string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, c := range s.asleep {
		if c.Value() == nil {
			delete(s.asleep, key)
		} else if used(key) {
			s.findLocked(key)
		}
	}
	for key, e := range s.awake {
		switch {
		case used(key):
			e.unused = time.Time{}
		case e.unused.IsZero():
			e.unused = time.Now()
		}
	}
	s.wake()
}

// wake tells Run to look what there is to do.
func (s *Set) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Run keeps addresses and health up to date until ctx ends. It returns nil, and runs once.
func (s *Set) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		next := s.arrange(func(e *entry) {
			running, stop := context.WithCancel(ctx)
			e.stop = stop
			all.Go(func() { e.run(running, s.lookups, s.slots) })
		})
		select {
		case <-ctx.Done():
			return nil
		case <-s.woken:
		case <-time.After(next):
		}
	}
}

// arrange starts what is new, stops what has not been used for long, and returns when there may be
// something to stop again.
func (s *Set) arrange(start func(*entry)) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := keepUnused
	for key, e := range s.awake {
		if e.stop == nil {
			start(e)
		}
		if e.unused.IsZero() {
			continue
		}
		left := keepUnused - time.Since(e.unused)
		if left > 0 {
			next = min(next, left)
			continue
		}
		e.stop()
		delete(s.awake, key)
		s.asleep[key] = weak.Make(e.Cluster)
	}
	return next
}
