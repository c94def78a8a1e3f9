package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// lookups are how names become addresses.
type lookups struct {
	hosts    func(ctx context.Context, name string) (hosts, error)
	services func(ctx context.Context, name string) (services, error)
}

// hosts are the addresses of a name, of which there is at least one, and for how long they hold.
type hosts struct {
	addrs []netip.Addr
	ttl   time.Duration
}

// services are the SRV records of a name, of which there is at least one, and for how long they hold.
type services struct {
	records []service
	ttl     time.Duration
}

// service is an SRV record (RFC 2782).
type service struct {
	host             string
	port             uint16
	priority, weight uint16
	addrs            []netip.Addr // of the host, if they came along
}

// errNoName says that a name does not exist, or has no addresses: the name server knows, and did not
// fail.
var errNoName = errors.New("the name does not exist, or has no addresses")

const (
	minTTL     = time.Second // addresses of a shorter life are asked for as often
	maxTTL     = 10 * time.Minute
	firstRetry = time.Second // after a failure; each further one doubles it
	lastRetry  = 30 * time.Second

	// disbelief is for how long a name that had addresses may be said not to exist before the
	// addresses are given up. Name servers say so while they start, and a deployment may delete a
	// name for a moment.
	disbelief = 30 * time.Second
)

// follower is the progress of an origin's look-ups.
type follower struct {
	retry   time.Duration           // waited after the last failure; 0 after a success
	missing time.Time               // since when the name is said not to exist; zero if it is not
	targets map[string][]netip.Addr // of SRV records, as last found
}

// follow keeps the places of an origin up to date until ctx ends.
func (c *Cluster) follow(ctx context.Context, o *origin, l lookups) {
	for {
		places, ttl, err := o.find(ctx, l)
		if ctx.Err() != nil {
			return
		}
		wait := min(max(ttl, minTTL), maxTTL)
		if err != nil {
			wait = c.lookupFailed(o, err)
		} else {
			c.lookupWorked(o, places)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (c *Cluster) lookupWorked(o *origin, places []place) {
	if o.err.Swap(nil) != nil {
		c.log.Info("name resolves now", "name", o.name)
	}
	o.follow.retry, o.follow.missing = 0, time.Time{}
	c.setPlaces(o, places)
}

// lookupFailed keeps the addresses that were found before, until the name has been missing for too
// long. It returns when to try again.
func (c *Cluster) lookupFailed(o *origin, err error) time.Duration {
	err = fmt.Errorf("resolving %s: %w", o.name, err)
	if o.err.Swap(&err) == nil {
		c.log.Warn("name does not resolve", "name", o.name, "error", err)
	}
	f := &o.follow
	switch {
	case !errors.Is(err, errNoName):
		f.missing = time.Time{}
	case f.missing.IsZero():
		f.missing = time.Now()
	case time.Since(f.missing) >= disbelief:
		c.setPlaces(o, nil)
	}
	f.retry = min(max(2*f.retry, firstRetry), lastRetry)
	return f.retry
}

func (c *Cluster) setPlaces(o *origin, places []place) {
	c.mu.Lock()
	o.places = places
	c.mu.Unlock()
	c.rebuild()
}

// find looks an origin up.
func (o *origin) find(ctx context.Context, l lookups) ([]place, time.Duration, error) {
	if o.srv {
		return o.findServices(ctx, l)
	}
	found, err := l.hosts(ctx, o.name)
	if err != nil {
		return nil, 0, err
	}
	return o.placesAt(found.addrs, o.port, 0, 1), found.ttl, nil
}

func (o *origin) placesAt(addrs []netip.Addr, port, priority uint16, weight uint32) []place {
	places := make([]place, len(addrs))
	for i, ip := range addrs {
		places[i] = place{addr: tcp(ip, port), origin: o, priority: priority, weight: weight}
	}
	return places
}

// findServices looks up SRV records, and the hosts that they name. A host that can't be looked up keeps
// its addresses, if it had any. A weight of 0 counts as 1.
func (o *origin) findServices(ctx context.Context, l lookups) ([]place, time.Duration, error) {
	found, err := l.services(ctx, o.name)
	if err != nil {
		return nil, 0, err
	}
	targets, ttl, err := o.targets(ctx, l, found)
	o.follow.targets = targets
	var places []place
	for _, r := range found.records {
		places = append(places, o.placesAt(targets[r.host], r.port, r.priority, max(1, uint32(r.weight)))...)
	}
	if len(places) == 0 {
		return nil, 0, fmt.Errorf("none of its %d targets has an address: %w", len(found.records), err)
	}
	return places, min(ttl, found.ttl), nil
}

// targetLookups bounds the look-ups of an origin's targets that run at a time.
const targetLookups = 16

// targets returns the addresses of all hosts that records name, and the shortest time for which they
// hold. err is of one that could not be looked up.
func (o *origin) targets(ctx context.Context, l lookups, found services) (addrs map[string][]netip.Addr, ttl time.Duration, err error) {
	addrs, ttl = make(map[string][]netip.Addr), maxTTL
	var unknown []string
	for _, r := range found.records {
		if r.addrs != nil {
			addrs[r.host] = r.addrs
		} else if !slices.Contains(unknown, r.host) {
			unknown = append(unknown, r.host)
		}
	}
	var all sync.WaitGroup
	var mu sync.Mutex // guards the results
	turns := make(chan struct{}, targetLookups)
	for _, host := range unknown {
		all.Go(func() {
			turns <- struct{}{}
			h, e := l.hosts(ctx, host)
			<-turns
			mu.Lock()
			defer mu.Unlock()
			if e != nil {
				err, ttl = e, min(ttl, lastRetry)
				if !errors.Is(e, errNoName) {
					addrs[host] = o.follow.targets[host]
				}
				return
			}
			addrs[host], ttl = h.addrs, min(ttl, h.ttl)
		})
	}
	all.Wait()
	return addrs, ttl, err
}
