package upstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// check asks the upstream's servers whether they are well, each by itself, until ctx ends. At most as
// many ask at a time as there are slots in the set.
func (c *Cluster) check(ctx context.Context, slots chan struct{}) {
	var all sync.WaitGroup
	defer all.Wait()
	stops := make(map[*Server]context.CancelFunc)
	for {
		servers := c.Servers()
		for s, stop := range stops {
			if !slices.Contains(servers, s) {
				stop()
				delete(stops, s)
			}
		}
		for _, s := range servers {
			if stops[s] == nil {
				watching, stop := context.WithCancel(ctx)
				stops[s] = stop
				all.Go(func() { c.watch(watching, s, slots) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		}
	}
}

// firstCheck is the time within which a server is asked first.
const firstCheck = time.Second

// watch asks one server again and again. Intervals vary by a tenth, so that servers, and replicas of
// tain, do not fall into step.
func (c *Cluster) watch(ctx context.Context, s *Server, slots chan struct{}) {
	check := c.options.Check
	t := tally{well: true}
	if s.has(unsound) { // since before nobody asked any more
		c.judge(s, "")
	}
	wait := rand.N(min(firstCheck, check.Interval))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := c.askOnce(ctx, s, slots)
		if ctx.Err() != nil {
			return
		}
		if t.took(err == nil, check.Healthy, check.Unhealthy) {
			c.turned(s, err)
		} else if err != nil && !t.well {
			c.judge(s, illBy(err)) // it may be another reason now
		}
		wait = check.Interval*9/10 + rand.N(check.Interval/5+1)
	}
}

// askOnce asks a server when there is a slot.
func (c *Cluster) askOnce(ctx context.Context, s *Server, slots chan struct{}) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case slots <- struct{}{}:
	}
	defer func() { <-slots }()
	ctx, cancel := context.WithTimeout(ctx, c.options.Check.Timeout)
	defer cancel()
	err := c.probe(ctx, s)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s (the check's timeout)", c.options.Check.Timeout)
	}
	return err
}

// turned says that a server has become well, or is not well any more for the reason err.
func (c *Cluster) turned(s *Server, err error) {
	if err == nil {
		c.judge(s, "")
		c.log.Info("server is well again, says its health check", "server", s.Addr.String())
		return
	}
	c.judge(s, illBy(err))
	c.log.Warn("server is not well, says its health check", "server", s.Addr.String(), "why", err)
}

func illBy(err error) string { return "health check: " + err.Error() }

func (c *Cluster) judge(s *Server, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setIllLocked(s, unsound, why)
}

// tally is what the health checks of a server came to.
type tally struct {
	well   bool
	streak int // answers in a row that contradict well
}

// took counts an answer, and says whether it changed well.
func (t *tally) took(well bool, healthy, unhealthy int) bool {
	if well == t.well {
		t.streak = 0
		return false
	}
	t.streak++
	most := unhealthy
	if well {
		most = healthy
	}
	if t.streak < most {
		return false
	}
	t.well, t.streak = well, 0
	return true
}
