package upstream

import (
	"sync/atomic"
	"time"
)

// health is why a server may not be chosen.
type health struct {
	ills atomic.Uint32 // bits
}

// What a server can suffer from.
const (
	ejected  uint32 = 1 << iota // its answers say that it is not well
	unsound                     // a health check says so
)

func (h *health) well() bool { return h.ills.Load() == 0 }

// Ended counts the end of a request that Began: how it ended, and how long it took.
func (s *Server) Ended(o Outcome, latency time.Duration) {
	s.active.Add(-1)
	s.requests.Add(1)
	s.busy.Add(int64(latency))
}
