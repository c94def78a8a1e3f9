package control

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The decisions that there are.
const (
	Kill    = "kill"    // stop all mirroring
	Unkill  = "unkill"  // allow it again
	Pause   = "pause"   // stop one mirror
	Resume  = "resume"  // let it go on
	Percent = "percent" // another share for one mirror, or none: the configuration's again
)

// undoes says what a decision takes back. Those that take back nothing stand until they are taken back,
// or decided anew.
var undoes = map[string]string{Kill: "", Pause: "", Percent: "", Unkill: Kill, Resume: Pause}

// Decision is what somebody decided: a line of the audit log.
type Decision struct {
	Time time.Time `json:"time"`
	What string    `json:"what"` // [Kill] and so on
	// Mirror is whom it is about; "" is all.
	Mirror string `json:"mirror,omitempty"`
	// Percent is the share of [Percent]; nil is the configuration's.
	Percent *Share `json:"percent,omitempty"`
	By      string `json:"by"`            // who, as they say
	From    string `json:"from"`          // an address, or a signal
	Why     string `json:"why,omitempty"` // as they say
}

// maxText is how long, in bytes, what people say of themselves and of their reasons may be.
const maxText = 256

// check says what is wrong with a decision.
func (d *Decision) check() error {
	if _, known := undoes[d.What]; !known {
		return fmt.Errorf("there is no decision %q", d.What)
	}
	if len(d.By) > maxText || len(d.Why) > maxText {
		return fmt.Errorf("who decides, and why, may take %d bytes each", maxText)
	}
	if strings.ContainsFunc(d.By+d.Why, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("who decides, and why, have to be one line of text each: %q, %q", d.By, d.Why)
	}
	return nil
}

// stand returns the decisions that stand once d is made, the oldest first.
func stand(standing []Decision, d *Decision) []Decision {
	what := d.What
	if undoes[what] != "" {
		what = undoes[what]
	}
	next := slices.DeleteFunc(slices.Clone(standing), func(old Decision) bool { return old.What == what && old.Mirror == d.Mirror })
	if what == d.What && (what != Percent || d.Percent != nil) {
		next = append(next, *d)
	}
	return next
}

// Share is a part of the requests, in parts per million, up to all of them. In JSON it is a percentage.
type Share uint32

const all Share = 1_000_000

// MarshalJSON writes the share as a percentage, such as 12.5.
func (s Share) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s)/10_000, 'f', -1, 64), nil
}

// UnmarshalJSON reads a percentage.
func (s *Share) UnmarshalJSON(text []byte) error {
	var percent float64
	if err := json.Unmarshal(text, &percent); err != nil {
		return err
	}
	if percent < 0 || percent > 100 {
		return fmt.Errorf("%v is not a percentage; use 0 to 100", percent)
	}
	*s = min(Share(math.Round(percent*10_000)), all)
	return nil
}
