package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"tain.dev/tain/route"
)

// Set has one [Cluster] for every upstream that a table names. It is safe for concurrent use.
type Set struct {
	// TLS makes the configuration of connections to host that offer the protocols alpn, for an
	// upstream with options o. It is set before the first Cluster, and never called on a loop.
	TLS func(o *route.Options, host string, alpn ...string) (*tls.Config, error)

	log     *slog.Logger
	lookups lookups

	mu       sync.Mutex
	clusters map[string]*Cluster
	fresh    []*Cluster // that Run has not taken up

	changed chan struct{}
}

// lookups are how names become addresses.
type lookups struct {
	hosts func(ctx context.Context, name string) (answer, error)
}

// answer is what a name stands for, and for how long.
type answer struct {
	addrs []netip.Addr
	ttl   time.Duration
}

// NewSet returns an empty set. Names resolve and health checks run while Run runs.
func NewSet(log *slog.Logger) *Set {
	return &Set{
		log:      log,
		clusters: make(map[string]*Cluster),
		changed:  make(chan struct{}, 1),
		lookups: lookups{hosts: func(ctx context.Context, name string) (answer, error) {
			addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
			return answer{addrs, refreshInterval}, err
		}},
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
	defer s.mu.Unlock()
	c := s.clusters[key]
	if c == nil {
		c = newCluster(key, url, o, s.log)
		s.clusters[key] = c
		s.fresh = append(s.fresh, c)
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	return c, nil
}

// Retain says that a new table is in force, which names the upstreams whose [route.Key] is used. The
// others end their look-ups and health checks after a minute, so that a table that comes back soon
// finds their health. They go on when they are named or asked for again.
func (s *Set) Retain(used func(key string) bool) {}

// Run keeps addresses and health up to date until ctx ends. It returns nil, and runs once.
func (s *Set) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		s.mu.Lock()
		for _, c := range s.fresh {
			all.Go(func() { c.run(ctx, s.lookups, nil) })
		}
		s.fresh = nil
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
		}
	}
}
