package upstream

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// load is what a server does.
type load struct {
	active   atomic.Int64  // requests that run
	requests atomic.Uint64 // that ended and say something of the server
	failed   atomic.Uint64 // of them
	busy     atomic.Int64  // ns, of all requests together
}

// health is why a server may not be chosen. The loops see ills alone, and count failures. All else
// happens on goroutines, for it logs and takes the cluster's lock.
type health struct {
	ills     atomic.Uint32
	failures atomic.Int32          // in a row
	gateway  atomic.Int32          // answers of 502, 503 and 504 in a row
	onTrial  atomic.Bool           // someone decides about an ejection, or carries it out
	unmade   atomic.Pointer[error] // why no connection could be made, the last time that none could

	whys      [2]string // why it is ill; guarded by the cluster's mu, as all below
	ejections uint64
	inRow     int       // ejections
	until     time.Time // when the present one ends; zero outside of one
	back      time.Time // from the last of them
}

// ill is what a server can suffer from.
type ill int

const (
	ejected ill = iota // its answers say that it is not well
	unsound            // a health check says so
)

func (h *health) well() bool { return h.ills.Load() == 0 }

func (h *health) has(i ill) bool { return h.ills.Load()&(1<<i) != 0 }

// Began counts a request that is about to be sent. Each needs an Ended.
func (s *Server) Began() { s.active.Add(1) }

// Ended counts the end of a request: how it went, and how long it took.
func (s *Server) Ended(o Outcome, latency time.Duration) {
	s.active.Add(-1)
	if o == Ignored {
		return
	}
	s.requests.Add(1)
	s.busy.Add(int64(latency))
	if o != OK {
		s.failed.Add(1)
	}
	limits := &s.cluster.options.Outlier
	switch o {
	case ConnectFailed, Reset, TimedOut:
		s.blame(&s.failures, limits.Failures, o)
		return
	case GatewayError:
		s.blame(&s.gateway, limits.GatewayErrors, o)
	default:
		clearCount(&s.gateway)
	}
	clearCount(&s.failures)
}

// unreached ends a request that got no connection because of err.
func (s *Server) unreached(err error, latency time.Duration) {
	o := OutcomeOf(err)
	if o == ConnectFailed {
		s.unmade.Store(&err)
	}
	s.Ended(o, latency)
}

// clearCount writes only where something changes: each write costs the other loops a cache line.
func clearCount(n *atomic.Int32) {
	if n.Load() != 0 {
		n.Store(0)
	}
}

// blame counts a failure. Where limit of them came in a row, a goroutine decides what follows.
func (s *Server) blame(count *atomic.Int32, limit int, o Outcome) {
	if s.cluster.options.Outlier.Off || limit == 0 {
		return
	}
	if n := count.Add(1); int(n) >= limit && s.onTrial.CompareAndSwap(false, true) {
		go s.cluster.try(s, int(n), o)
	}
}

// try ejects a server after n failures in a row, unless too many are out.
func (c *Cluster) try(s *Server, n int, last Outcome) {
	why := fmt.Sprintf("%d requests in a row failed, the last one: %s", n, last)
	if err := s.unmade.Load(); err != nil && last == ConnectFailed {
		why = fmt.Sprintf("%s (%v)", why, *err)
	}
	d := c.eject(s, why)
	if d == 0 {
		s.endTrial()
		return
	}
	c.log.Warn("server ejected", "server", s.Addr.String(), "for", d.String(), "why", why)
	time.AfterFunc(d, func() {
		c.readmit(s)
		s.endTrial()
		c.log.Info("server is back from its ejection", "server", s.Addr.String())
	})
}

// endTrial counts failures from here on.
func (h *health) endTrial() {
	h.failures.Store(0)
	h.gateway.Store(0)
	h.onTrial.Store(false)
}

// eject takes a server out of the choice, and returns for how long; 0 is not at all.
func (c *Cluster) eject(s *Server, why string) time.Duration {
	limits := &c.options.Outlier
	c.mu.Lock()
	defer c.mu.Unlock()
	servers := c.Servers()
	out := 0
	for _, other := range servers {
		if other.has(ejected) {
			out++
		}
	}
	if !mayEject(len(servers), out, limits.MaxPercent) {
		return 0
	}
	s.inRow = inRow(s.inRow, time.Since(s.back), limits.Eject)
	s.ejections++
	c.setIllLocked(s, ejected, why)
	d := min(limits.Eject*time.Duration(s.inRow), limits.MaxEject)
	s.until = time.Now().Add(d)
	return d
}

func (c *Cluster) readmit(s *Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.back, s.until = time.Now(), time.Time{}
	c.setIllLocked(s, ejected, "")
}

// mayEject says whether one more of n servers may be ejected. One of several may be, whatever the
// percentage; the only one is better than none.
func mayEject(n, out int, maxPercent uint32) bool {
	return n > 1 && out < max(1, n*int(maxPercent)/100)
}

// inRow is the number of an ejection that comes when the last one, with the number before, has been
// over for good. A server that stays well is forgiven one for each base.
func inRow(before int, good, base time.Duration) int {
	return max(before-int(min(good/base, math.MaxInt32)), 0) + 1
}

// setIllLocked takes a server out of the choice for a reason; "" ends that.
func (c *Cluster) setIllLocked(s *Server, i ill, why string) {
	s.whys[i] = why
	if why != "" {
		s.ills.Or(1 << i)
	} else {
		s.ills.And(^uint32(1 << i))
	}
	c.state.Load().count()
}
