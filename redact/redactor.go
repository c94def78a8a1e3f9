package redact

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"sync"
)

// What keeps a message from being redacted. A copy of it must not leave.
var (
	ErrUnparseable = errors.New("redact: the body is malformed")
	ErrTruncated   = errors.New("redact: the body breaks off")
	ErrTooLong     = errors.New("redact: the body has a name or value that is too long, or nests too deep")
	ErrUnsupported = errors.New("redact: rules can't be applied to a body of that type or encoding")
)

// A Redactor applies rules. It never changes, and is safe for concurrent use.
type Redactor struct {
	rules []rule
	names names // of rules and of the steps of paths
	paths paths
	walk  []walkState // through the paths; the first is the root

	byName    [placeCount][]int     // by place, and the number of a name: the first rule, or none
	detect    [placeCount]detectors // by place
	places    Place                 // where any rule looks
	removes   bool                  // a rule removes JSON fields
	scratches sync.Pool
	key       []byte
}

// A rule is a Rule that was checked.
type rule struct {
	do     Action
	detect Detector
	text   string // for Replace
	json   string // text as it stands in a JSON string
	number bool   // text is a number
}

// Compile checks rules. An error names the rule by its index, and what is wrong with it. The key is
// for pseudonyms, at least 16 bytes, and may be missing if no rule makes any.
func Compile(rules []Rule, key []byte) (*Redactor, error) {
	r := &Redactor{key: append([]byte(nil), key...)}
	r.paths.named, r.paths.index = map[int]stepSet{}, map[int]stepSet{}
	r.scratches.New = func() any { return newScratch(r.key) }
	for i, in := range rules {
		if err := r.add(in); err != nil {
			return nil, fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	if !r.buildWalk() {
		return nil, fmt.Errorf("the paths are too many together, or have too many [*] behind a ..; use names instead")
	}
	return r, nil
}

// add checks a rule and takes it.
func (r *Redactor) add(in Rule) error {
	if err := r.check(&in); err != nil {
		return err
	}
	number := len(r.rules)
	r.rules = append(r.rules, rule{
		do: in.Do, detect: in.Detect, text: in.Text,
		json: string(appendJSON(nil, []byte(in.Text))), number: isNumber([]byte(in.Text)),
	})
	r.places |= in.In
	switch {
	case in.Detect != 0:
		for i := range r.detect {
			if in.In>>i&1 != 0 {
				r.detect[i].add(in.Detect, number)
			}
		}
		return nil
	case in.Path != "":
		steps, err := parsePath(in.Path)
		if err != nil {
			return fmt.Errorf("path %q: %w", in.Path, err)
		}
		if !r.paths.add(steps, number, &r.names) {
			return fmt.Errorf("path %q is one too many: all paths together may have %d steps", in.Path, maxPlaces)
		}
	default:
		r.addName(in.Name, in.In, number)
	}
	r.removes = r.removes || in.Do == Remove && in.In&JSON != 0
	r.growTables()
	return nil
}

// check holds what can be said of a rule alone, and fills in its defaults.
func (r *Redactor) check(in *Rule) error {
	given := 0
	for _, has := range []bool{in.Name != "", in.Path != "", in.Detect != 0} {
		if has {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("must have one of name, path and detector")
	case in.In == 0 && in.Path != "":
		in.In = JSON
	case in.In == 0:
		in.In = Anywhere
	}
	switch {
	case in.In&^Anywhere != 0 || in.Do > Pseudonym || in.Detect > JWT:
		return errors.New("has a place, action or detector that does not exist")
	case in.Path != "" && in.In != JSON:
		return fmt.Errorf("path %q is for JSON alone; use a name elsewhere", in.Path)
	case in.In == Header && framing([]byte(in.Name)):
		return fmt.Errorf("name %q: the header field says what the message is, and can't be redacted", in.Name)
	case in.Text != "" && in.Do != Replace:
		return fmt.Errorf("text %q is for replacing alone", in.Text)
	case strings.IndexFunc(in.Text, func(c rune) bool { return c < ' ' || c == 0x7f }) >= 0:
		return fmt.Errorf("text %q has control characters", in.Text)
	case in.Do == Pseudonym && len(r.key) < minKey:
		return fmt.Errorf("pseudonyms need a key of at least %d bytes, and there are %d", minKey, len(r.key))
	}
	if in.Text == "" {
		in.Text = Masked
	}
	return nil
}

// minKey is the least number of bytes of a key: with fewer, pseudonyms could be undone by trying.
const minKey = 16

// addName gives a name to a rule in each of its places, unless an earlier one has it.
func (r *Redactor) addName(name string, in Place, number int) {
	id := r.names.add(name)
	r.growTables()
	for i := range r.byName {
		if in>>i&1 != 0 {
			r.byName[i][id] = firstRule(r.byName[i][id], number)
		}
	}
}

// growTables makes room for all names.
func (r *Redactor) growTables() {
	for i := range r.byName {
		for len(r.byName[i]) < r.names.count {
			r.byName[i] = append(r.byName[i], none)
		}
	}
}

// Bodies reports whether a rule may redact the body of a message.
func (r *Redactor) Bodies() bool { return r.places&(JSON|Form) != 0 }

// Unused lists the rules, by index, that can never apply, because earlier ones do wherever they would.
func (r *Redactor) Unused() (unused []int) {
	used := make([]bool, len(r.rules))
	mark := func(rule int) {
		if rule != none {
			used[rule] = true
		}
	}
	for place := range placeCount {
		for kind := noKind + 1; kind < kinds; kind++ {
			if d := &r.detect[place]; d.has(kind) {
				mark(d.rule[kind])
			}
		}
		if place != placeJSON { // there the walk knows more
			for _, rule := range r.byName[place] {
				mark(rule)
			}
		}
	}
	for i := range r.walk {
		mark(r.walk[i].rule)
	}
	for rule := range r.rules {
		if !used[rule] {
			unused = append(unused, rule)
		}
	}
	return unused
}

// Covers reports whether a rule of name redacts what has that name in a place, which is one of Header,
// Cookie, Query and Form. For the fields of JSON there is Trail.
func (r *Redactor) Covers(in Place, name []byte) bool {
	place := bits.TrailingZeros8(uint8(in))
	switch in {
	case Header:
		return !framing(name) && r.ruleFor(place, name) != none
	case Query, Form:
		return r.parameterRule(name, place) != none
	}
	return r.ruleFor(place, name) != none
}

// ruleFor returns the rule of a name in a place, or none.
func (r *Redactor) ruleFor(place int, name []byte) int {
	if id := r.names.find(name); id >= 0 {
		return r.byName[place][id]
	}
	return none
}
