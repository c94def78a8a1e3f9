package report

import (
	"fmt"

	"tain.dev/tain/traffic"
)

// reason is one entry of the books that says why something did not happen.
type reason struct {
	label string // as the metrics name it: dropped{queue}
	count uint64
	says  string
}

// reasons lists the entries of the books that are not 0.
func reasons(b *traffic.Books) (all []reason) {
	add := func(line string, name fmt.Stringer, n uint64, says string) {
		if n > 0 {
			all = append(all, reason{fmt.Sprintf("%s{%s}", line, name), n, says})
		}
	}
	for i, n := range b.Unmatched {
		add("unmatched", traffic.Unmatched(i), n, unmatchedSays[i])
	}
	if b.Unsampled > 0 {
		all = append(all, reason{"unsampled", b.Unsampled, "not in the sample; --percent sets it"})
	}
	for i, n := range b.Dropped {
		add("dropped", traffic.Dropped(i), n, droppedSays[i])
	}
	for i, n := range b.Failed {
		add("failed", traffic.Failed(i), n, failedSays[i])
	}
	for i, n := range b.Uncompared {
		add("uncompared", traffic.Uncompared(i), n, uncomparedSays[i])
	}
	return all
}

var unmatchedSays = [traffic.NumUnmatched]string{
	traffic.UnmatchedRule:    "the mirror's match leaves them out",
	traffic.UnmatchedMethod:  "their method may change data; --writes copies them too",
	traffic.UnmatchedUpgrade: "upgrades, such as WebSocket, and CONNECT are never copied",
	traffic.UnmatchedMarked:  "they are a mirror's copies themselves",
	traffic.UnmatchedAfter:   "their body, or live's answer, is not as the mirror's after asks",
}

var droppedSays = [traffic.NumDropped]string{
	traffic.DroppedPaused:     "the mirror was paused",
	traffic.DroppedMemory:     "the mirror memory was spent; --mirror-memory sets it",
	traffic.DroppedQueue:      "the target's queue was full: it answers slower than requests come",
	traffic.DroppedExpired:    "they waited too long in the target's queue",
	traffic.DroppedBody:       "the request's body is over --max-copy-body",
	traffic.DroppedIncomplete: "the live request broke before its copy started",
	traffic.DroppedResolve:    "the target's name has no address",
	traffic.DroppedStopping:   "tain was stopping",
	traffic.DroppedBehind:     "the live upload was too far ahead before its copy began",
	traffic.DroppedRedaction:  "personal data could not be taken out of them: their bodies are malformed, cut off, or of another type than JSON and forms",
	traffic.DroppedCredential: "the target's own credential could not be read; the log says why",
	traffic.DroppedRate:       "they were over limits.rate or limits.bytes; --max-rate sets it too",
	traffic.DroppedLimit:      "as many were under way as limits.concurrency or adaptive allow",
	traffic.DroppedBreaker:    "the target failed, and its breaker was open",
	traffic.DroppedStrain:     "live showed strain, and limits.strain lets copies give way",
}

var failedSays = [traffic.NumFailed]string{
	traffic.FailedConnect:    "the target could not be connected to",
	traffic.FailedTimeout:    "the target gave no complete answer in time",
	traffic.FailedReset:      "the target broke off: the connection, or the stream of HTTP/2",
	traffic.FailedMalformed:  "the target's answer is not HTTP",
	traffic.FailedLimit:      "the target's answer went on past the limit",
	traffic.FailedIncomplete: "the live request broke while its copy was sent",
	traffic.FailedBody:       "the request's body grew over --max-copy-body",
	traffic.FailedMemory:     "the mirror memory was spent; --mirror-memory sets it",
	traffic.FailedStopping:   "tain was stopping",
	traffic.FailedBehind:     "the target took the body too slowly for the live upload",
}

var uncomparedSays = [traffic.NumUncompared]string{
	traffic.UncomparedLive:     "live gave no complete answer",
	traffic.UncomparedBacklog:  "comparing could not keep up, and live comes first",
	traffic.UncomparedMemory:   "the mirror memory cut an answer short; --mirror-memory sets it",
	traffic.UncomparedFault:    "tain failed to compare them; its log says why",
	traffic.UncomparedStopping: "tain was stopping",
}

// term is a summand of the books.
type term struct {
	name  string
	count uint64
}

// equation is a line of the books: what is left of the equals sign, and right of it.
type equation struct {
	sum   term
	terms []term
}

// equations returns the books as they must add up. Gauges that are 0 are left out.
func equations(b *traffic.Books) []equation {
	running := func(terms []term, name string, n int64) []term {
		if n != 0 {
			terms = append(terms, term{name, uint64(n)})
		}
		return terms
	}
	return []equation{
		{term{"seen", b.Seen}, append(running([]term{
			{"unmatched", total(b.Unmatched[:])}, {"unsampled", b.Unsampled}, {"dropped", total(b.Dropped[:])},
		}, "queued", b.Queued), term{"sent", b.Sent})},
		{term{"sent", b.Sent}, running([]term{
			{"answered", b.Answered}, {"failed", total(b.Failed[:])},
		}, "in flight", b.InFlight)},
		{term{"answered", b.Answered}, running([]term{
			{"compared", b.Compared}, {"uncompared", total(b.Uncompared[:])},
		}, "comparing", b.Comparing)},
	}
}

func total(counts []uint64) (sum uint64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
