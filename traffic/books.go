package traffic

import "fmt"

// The reasons are closed lists: every copy that was not made, sent, answered or compared has
// exactly one of them. Their String is the metric label.

// Unmatched says why a mirror did not apply to a request.
type Unmatched uint8

// The reasons of [Unmatched].
const (
	UnmatchedRule    Unmatched = iota // the mirror's own match says no
	UnmatchedMethod                   // an unsafe method, and the mirror copies only safe ones
	UnmatchedUpgrade                  // an upgrade or a CONNECT
	UnmatchedMarked                   // the request is itself a mirror's copy
	UnmatchedAfter                    // the mirror's conditions on the body or on live's answer say no
	NumUnmatched
)

// Dropped says why a copy was given up before a connection to its target was attempted.
type Dropped uint8

// The reasons of [Dropped].
const (
	DroppedPaused     Dropped = iota // the mirror is paused, or the kill switch is on
	DroppedMemory                    // the mirror memory is spent
	DroppedQueue                     // the target's queue is full
	DroppedExpired                   // it waited in the queue for too long
	DroppedBody                      // the request's body is over the limit for copies
	DroppedIncomplete                // the live request broke before the copy started
	DroppedResolve                   // the target's name has no address
	DroppedStopping                  // tain is stopping
	DroppedBehind                    // the live upload was too far ahead before the copy began
	DroppedCredential                // the target's own credential can't be read
	DroppedRedaction                 // what must not leave can't be taken out of it
	DroppedRate                      // over the rate of copies or of bytes
	DroppedLimit                     // as many copies are in flight as may be
	DroppedBreaker                   // the target's breaker is open
	DroppedStrain                    // live shows strain
	NumDropped
)

// Failed says why a copy that was sent got no complete answer.
type Failed uint8

// The reasons of [Failed].
const (
	FailedConnect    Failed = iota // no connection
	FailedTimeout                  // no complete answer in time
	FailedReset                    // the connection broke
	FailedMalformed                // the answer is malformed
	FailedLimit                    // the answer goes on past the limit
	FailedIncomplete               // the live request broke while the copy was being sent
	FailedBody                     // the request's body grew over the limit for copies
	FailedMemory                   // the mirror memory was spent while the copy was being sent
	FailedStopping                 // tain is stopping
	FailedBehind                   // the target took the body too slowly for the live upload
	NumFailed
)

// Uncompared says why a pair was not compared.
type Uncompared uint8

// The reasons of [Uncompared]; Compared is none of them, and means that it was.
const (
	UncomparedLive     Uncompared = iota // live has no complete answer
	UncomparedBacklog                    // the analysers are behind
	UncomparedMemory                     // the mirror memory cut an answer, so that equality can't be told
	UncomparedFault                      // an analyser failed on it
	UncomparedStopping                   // tain is stopping
	NumUncompared
	Compared
)

var (
	unmatchedNames  = [NumUnmatched]string{"rule", "method", "upgrade", "marked", "after"}
	droppedNames    = [NumDropped]string{"paused", "memory", "queue", "expired", "body", "live_incomplete", "resolve", "stopping", "behind", "credential", "redaction", "rate", "limit", "breaker", "strain"}
	failedNames     = [NumFailed]string{"connect", "timeout", "reset", "malformed", "limit", "live_incomplete", "body", "memory", "stopping", "behind"}
	uncomparedNames = [NumUncompared]string{"live", "backlog", "memory", "fault", "stopping"}
)

func (r Unmatched) String() string  { return unmatchedNames[r] }
func (r Dropped) String() string    { return droppedNames[r] }
func (r Failed) String() string     { return failedNames[r] }
func (r Uncompared) String() string { return uncomparedNames[r] }

// Books is one moment's account of one target of one mirror. The indexes of the arrays are the
// reasons.
type Books struct {
	Mirror, Target string
	Baseline       bool
	Paused         bool

	Seen       uint64 // well-formed requests whose route has the mirror
	Unmatched  [NumUnmatched]uint64
	Unsampled  uint64
	Dropped    [NumDropped]uint64
	Sent       uint64 // copies for which a connection was attempted
	Answered   uint64
	Failed     [NumFailed]uint64
	Compared   uint64
	Uncompared [NumUncompared]uint64

	Queued, InFlight, Comparing int64 // what is still under way
	// Throttle is nil where there are no limits.
	Throttle *Throttle
}

// Throttle is what the limits of a mirror do with the copies to a target at one moment.
type Throttle struct {
	Limit         float64 `json:"limit,omitempty"`   // copies that may be in flight; 0 is no limit
	Breaker       string  `json:"breaker,omitempty"` // closed, open or half-open; "" where there is none
	BreakerWhy    string  `json:"breaker_why,omitempty"`
	BreakerOpened uint64  `json:"breaker_opened,omitempty"` // times
	Share         float64 `json:"share"`                    // of what is configured, that live's strain leaves; 1 is all
	ShareWhy      string  `json:"share_why,omitempty"`      // it was less last
}

// Balance returns an error that names the line which does not add up, or nil:
//
//	seen     = unmatched + unsampled + dropped + queued + sent
//	sent     = answered + failed + in flight
//	answered = compared + uncompared + comparing
//
// The gauges are derived from the counters only when nothing is under way, so a snapshot of a
// running process is balanced by its gauges, and a stopped one must balance with them at 0.
func (b *Books) Balance() error {
	if sum := total(b.Unmatched[:]) + b.Unsampled + total(b.Dropped[:]) + uint64(b.Queued) + b.Sent; b.Seen != sum {
		return fmt.Errorf("mirror %s to %s: seen %d is not unmatched + unsampled + dropped + queued + sent = %d", b.Mirror, b.Target, b.Seen, sum)
	}
	if sum := b.Answered + total(b.Failed[:]) + uint64(b.InFlight); b.Sent != sum {
		return fmt.Errorf("mirror %s to %s: sent %d is not answered + failed + in flight = %d", b.Mirror, b.Target, b.Sent, sum)
	}
	if sum := b.Compared + total(b.Uncompared[:]) + uint64(b.Comparing); b.Answered != sum {
		return fmt.Errorf("mirror %s to %s: answered %d is not compared + uncompared + comparing = %d", b.Mirror, b.Target, b.Answered, sum)
	}
	return nil
}

func total(counts []uint64) (sum uint64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
