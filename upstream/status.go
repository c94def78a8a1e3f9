package upstream

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ClusterStatus is an upstream at one moment.
type ClusterStatus struct {
	Key     string // see [route.Key]
	Name    string // see [Cluster.Name]
	Err     error  // see [Cluster.Err]
	Servers []ServerStatus
	Panic   bool // too few servers are well, so that all are used

	Requests, Conns, Retries GateStatus
}

// GateStatus is a limit at one moment.
type GateStatus struct {
	Running int64
	Most    int    // may run at this moment; 0 is no limit
	Refused uint64 // since the start
}

// ServerStatus is a server at one moment.
type ServerStatus struct {
	Addr      string
	Host      string // the name that it was found by
	Weight    uint32
	Priority  uint16        // 0 is the first
	Why       string        // it is not well; "" if it is
	Until     time.Time     // when its ejection ends; zero if it is not ejected
	Active    int64         // requests that run
	Requests  uint64        // that ended, but for those of outcome [Ignored]
	Failed    uint64        // of them, those of another outcome than [OK]
	Busy      time.Duration // of all of them together
	Ejections uint64
}

// Status returns the state of every upstream in use, sorted by key.
func (s *Set) Status() []ClusterStatus {
	s.mu.Lock()
	var all []*Cluster
	for _, e := range s.awake {
		all = append(all, e.Cluster)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *Cluster) int { return cmp.Compare(a.key, b.key) })
	status := make([]ClusterStatus, len(all))
	for i, c := range all {
		status[i] = c.status()
	}
	return status
}

func (c *Cluster) status() ClusterStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.state.Load()
	_, all := st.choose()
	status := ClusterStatus{
		Key: c.key, Name: c.Name(), Err: c.Err(), Panic: all,
		Requests: c.breaker.requests.status(c.options.MaxRequests),
		Conns:    c.breaker.conns.status(c.options.MaxConns),
		Retries:  c.breaker.retries.status(c.mostRetries()),
	}
	for _, t := range st.tiers {
		for i, s := range t.servers {
			status.Servers = append(status.Servers, s.statusLocked(t.priority, t.weights[i]))
		}
	}
	return status
}

func (g *gate) status(most int) GateStatus {
	return GateStatus{Running: g.running.Load(), Most: most, Refused: g.refused.Load()}
}

func (s *Server) statusLocked(priority uint16, weight uint32) ServerStatus {
	return ServerStatus{
		Addr: s.Addr.String(), Host: s.origin.host, Weight: weight, Priority: priority,
		Why:    strings.Trim(s.whys[ejected]+"; "+s.whys[unsound], "; "),
		Until:  s.until,
		Active: s.active.Load(), Requests: s.requests.Load(), Failed: s.failed.Load(),
		Busy: time.Duration(s.busy.Load()), Ejections: s.ejections,
	}
}
