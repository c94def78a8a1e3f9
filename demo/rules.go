package demo

import (
	_ "embed"
	"fmt"
	"strings"
	"time"
)

// What the rules of the scene say, and what [Judge] holds them to.
const (
	rulesCountry = "CH"
	rulesShare   = 10 // percent of the users
	rulesPerSec  = 10 // copies a second
	rulesBurst   = 1  // of them at once, after a rest
	rulesField   = "X-Env"
	rulesEnv     = "rehearsal"
	markerField  = "X-Tain-Mirror"
)

// wayThere is how much closer together copies may come than they were sent: on a busy machine some are
// held up on their way, and then come with those behind them.
const wayThere = 250 * time.Millisecond

//go:embed rules.yaml
var rulesFile string

// RulesFile is a configuration with all wishes of the scene on rules, from the shop at live to the one
// at target, both URLs. It wants a file pseudonym.key beside it, with a key for pseudonyms.
func RulesFile(live, target string) string {
	return strings.NewReplacer("LIVE", live, "TARGET", target).Replace(rulesFile)
}

// Evidence is what can be known about the rules from outside.
type Evidence struct {
	Visits []Visit // what users asked
	Copies []Copy  // what the target got, in the order in which it came
	// GivenUp is how many copies tain says it gave up, over the limit for example. It is tain's only
	// word that counts: the copies of a user in the share may lack so many, and no more.
	GivenUp uint64
}

// Ruling says whether a rule was held.
type Ruling struct {
	Rule string // what it asks
	Held bool
	Says string // by which it is seen, or the first breach
}

// rules are the wishes, in the order of the file. Each finds what proves that it was held, or an error
// that names the first breach.
var rules = []struct {
	asks  string
	judge func(*trial) (says string, err error)
}{
	{"orders, too", (*trial).orders},
	{"only users in Switzerland", (*trial).country},
	{"never a payment", (*trial).payments},
	{"a tenth of the users, always the same", (*trial).share},
	{fmt.Sprintf("never more than %d a second", rulesPerSec), (*trial).rate},
	{"only what live answered well", (*trial).answered},
	{fmt.Sprintf("%s: %s, and the marker", rulesField, rulesEnv), (*trial).header},
	{"no card, e-mail address, token or name", (*trial).secrets},
	{"one pseudonym for each user", (*trial).pseudonyms},
}

// Judge says of each rule of the scene whether it was held. Without a copy none was.
func Judge(e *Evidence) []Ruling {
	t, broken := newTrial(e)
	all := make([]Ruling, len(rules))
	for i, r := range rules {
		all[i] = Ruling{Rule: r.asks}
		err := broken
		if err == nil {
			all[i].Says, err = r.judge(t)
		}
		if all[i].Held = err == nil; err != nil {
			all[i].Says = err.Error()
		}
	}
	return all
}
