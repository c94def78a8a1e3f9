package route

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxSteps is how many steps a path may have.
const maxSteps = 16

// step leads from a JSON value to one in it: to a member of an object or, with an empty name, to the
// element of an array by its number, or to all elements.
type step struct {
	name  string
	index int // allElements is each
}

const allElements = -1

// parseFieldPath reads a path such as $.user.roles[0], $.items[*].id and $["a.b"].
func parseFieldPath(text string) ([]step, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, errors.New("does not begin with $; use a path such as $.user.roles[0]")
	}
	var steps []step
	for rest != "" {
		var s step
		var err error
		if s, rest, err = cutStep(rest); err != nil {
			return nil, err
		}
		if steps = append(steps, s); len(steps) > maxSteps {
			return nil, fmt.Errorf("has more than %d steps", maxSteps)
		}
	}
	return steps, nil
}

// cutStep cuts .name, [0], [*] or ["name"].
func cutStep(text string) (s step, rest string, err error) {
	if name, ok := strings.CutPrefix(text, "."); ok {
		end := strings.IndexAny(name, ".[")
		if end < 0 {
			end = len(name)
		}
		if end == 0 || strings.ContainsAny(name[:end], `*"]`) {
			return s, "", fmt.Errorf(`has no name at %q; write one, or ["name"] if it has other characters`, text)
		}
		return step{name: name[:end]}, name[end:], nil
	}
	inner, ok := strings.CutPrefix(text, "[")
	if !ok {
		return s, "", fmt.Errorf("can't go on with %q; use .name, [0], [*] or [\"name\"]", text)
	}
	if quoted, err := strconv.QuotedPrefix(inner); err == nil && quoted[0] == '"' {
		name, _ := strconv.Unquote(quoted)
		rest, ok := strings.CutPrefix(inner[len(quoted):], "]")
		if ok && name != "" {
			return step{name: name}, rest, nil
		}
		return s, "", fmt.Errorf(`has no name at %q; write one as ["name"]`, text)
	}
	number, rest, ok := strings.Cut(inner, "]")
	if ok && number == "*" {
		return step{index: allElements}, rest, nil
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if !ok || err != nil {
		return s, "", fmt.Errorf("has no number at %q; use [0], [*] or [\"name\"]", text)
	}
	return step{index: int(n)}, rest, nil
}

// fieldSet is the conditions on JSON values of a whole tree: a body is read once for all of them.
type fieldSet struct{ fields []jsonField }

// maxFields is how many conditions on JSON values there may be in a tree: a search has a bit for each.
const maxFields = 32

// jsonField is a condition on the values at a path.
type jsonField struct {
	steps     []step
	condition *Condition
}

// fieldSearch finds out, when it is first asked, which fields of a set hold.
type fieldSearch struct {
	set       *fieldSet
	exchanged *Exchanged
	done      bool
	held      uint32 // a bit for each field
}

// hold says whether all Fields of a do.
func (s *fieldSearch) hold(a *After) bool {
	if len(a.Fields) == 0 {
		return true
	}
	if !s.done {
		s.done = true
		s.held = s.set.search(s.exchanged)
	}
	all := uint32(1)<<len(a.Fields) - 1
	return s.held>>a.first&all == all
}

// search returns a bit for each field that holds.
func (set *fieldSet) search(x *Exchanged) uint32 {
	if x.Body == nil || x.BodySize > MaxJSON {
		return 0
	}
	body, whole := x.Body()
	if !whole || len(body) > MaxJSON {
		return 0
	}
	w := walker{text: asString(body), fields: set.fields}
	if !w.document(uint32(1)<<len(set.fields) - 1) {
		return 0
	}
	return w.held
}
