package report

import (
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// Snapshot is what is known at one moment.
type Snapshot struct {
	Started time.Time // when tain began to serve
	Now     time.Time
	Listen  string // address that users connect to
	Live    Side
	Targets []Target
	// Findings are the differences that are more than noise, the most severe first.
	Findings []finding.Finding
	// More counts differences that were seen but not told apart, because their number is bounded.
	More uint64
	// Memory and Ceiling are the bytes of mirror memory in use and allowed.
	Memory, Ceiling int64
	// Notes are what a reader must know to trust the rest: no baseline, nothing is recorded.
	Notes []string
}

// Side is live, or what one target answered.
type Side struct {
	Name     string  // host:port, or what the configuration calls it
	Requests uint64  // requests on live, answers of a target
	Errors   uint64  // requests that tain had to refuse or fail on live; 0 for a target
	Rate     float64 // per second, lately
	Latency  Latency
}

// Latency is how long answers took, to the last byte. It is zero when there was none.
type Latency struct {
	P50, P90, P99 time.Duration
}

// Target is one target of one mirror.
type Target struct {
	Side
	Books     traffic.Books
	Differing uint64 // compared pairs that showed any difference, noise included
	Redacted  uint64 // compared pairs that differ in what the mirror redacts, which is no difference
}
