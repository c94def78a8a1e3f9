package control

import (
	"maps"
	"time"
)

// State is what holds. The zero value is what the configuration says.
type State struct {
	Killed  bool            `json:"killed"`
	Mirrors map[string]Rule `json:"mirrors,omitempty"` // by name; of those for which something was decided
}

// Rule is what was decided about a mirror.
type Rule struct {
	Paused bool `json:"paused,omitempty"`
	// PerMillion is the share instead of the configuration's, nil where that holds.
	PerMillion *uint32 `json:"per_million,omitempty"`
}

// The decisions that there are.
const (
	Kill    = "kill"    // stop all mirroring
	Unkill  = "unkill"  // allow it again
	Pause   = "pause"   // stop one mirror
	Resume  = "resume"  // let it go on
	Percent = "percent" // another share for one mirror, or none: the configuration's again
)

// Decision is what somebody decided: a line of the audit log.
type Decision struct {
	Time time.Time `json:"time"`
	What string    `json:"what"` // [Kill] and so on
	// Mirror is whom it is about; "" is all.
	Mirror string `json:"mirror,omitempty"`
	// PerMillion is the share of [Percent]; nil is the configuration's.
	PerMillion *uint32 `json:"per_million,omitempty"`
	By         string  `json:"by"`            // who, as they say
	From       string  `json:"from"`          // an address, or a signal
	Why        string  `json:"why,omitempty"` // as they say
}

// after is the state once d holds.
func (s State) after(d *Decision) State {
	next := State{Killed: s.Killed, Mirrors: maps.Clone(s.Mirrors)}
	switch d.What {
	case Kill, Unkill:
		next.Killed = d.What == Kill
		return next
	}
	r := next.Mirrors[d.Mirror]
	switch d.What {
	case Pause, Resume:
		r.Paused = d.What == Pause
	case Percent:
		r.PerMillion = d.PerMillion
	default:
		panic("BUG: a decision without a meaning: " + d.What)
	}
	if next.Mirrors == nil {
		next.Mirrors = make(map[string]Rule)
	}
	if next.Mirrors[d.Mirror] = r; r == (Rule{}) {
		delete(next.Mirrors, d.Mirror)
	}
	return next
}
