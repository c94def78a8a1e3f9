package upstream

import "time"

// ClusterStatus is an upstream at one moment.
type ClusterStatus struct {
	Key     string // see [route.Key]
	Name    string
	Err     error // why there are no servers, or why they may be old
	Servers []ServerStatus
	Panic   bool // so few servers are well that all are used

	Requests, Conns, Retries GateStatus
}

// GateStatus is one limit of an upstream.
type GateStatus struct {
	Running int64
	Most    int    // 0 is no limit
	Refused uint64 // since the start
}

// ServerStatus is a server at one moment.
type ServerStatus struct {
	Addr      string
	Weight    uint32
	Priority  uint16 // 0 is the first
	Well      bool
	Why       string        // it is not well; "" if it is
	Active    int64         // requests that run
	Requests  uint64        // that ended
	Failed    uint64        // of them: see [Outcome], all but OK and Ignored
	Busy      time.Duration // of all requests together
	Ejections uint64
}

// Status returns the state of every upstream in use, sorted by name.
func (s *Set) Status() []ClusterStatus { return nil }
