package redact

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A step of a path leads from a value to some of what is in it.
type step struct {
	kind  stepKind
	name  string
	index int
}

type stepKind uint8

const (
	stepName  stepKind = iota // the member of that name
	stepIndex                 // the element of that index
	stepAny                   // any member or element
	stepDeep                  // any number of steps, none included
)

// maxIndex bounds what a path may call an index: more elements than that have no rules of their own.
const maxIndex = 1 << 30

// parsePath reads a path such as $.user.cards[*].number, in the form that Rule describes.
func parsePath(text string) ([]step, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, errors.New("does not begin with $")
	}
	var steps []step
	for rest != "" {
		st, n, err := parseStep(rest)
		if err != nil {
			return nil, fmt.Errorf("%w at %q", err, rest)
		}
		rest = rest[n:]
		if st.kind == stepDeep && len(steps) > 0 && steps[len(steps)-1].kind == stepDeep {
			continue
		}
		steps = append(steps, st)
	}
	if len(steps) == 0 || steps[len(steps)-1].kind == stepDeep {
		return nil, errors.New("ends before it names a field; add .name, [*] or [0]")
	}
	return steps, nil
}

// parseStep reads the step that text begins with, and says how long it is.
func parseStep(text string) (step, int, error) {
	switch {
	case strings.HasPrefix(text, "..."):
		return step{}, 0, errors.New("a dot too many")
	case strings.HasPrefix(text, ".**"):
		return step{kind: stepDeep}, 3, nil
	case strings.HasPrefix(text, "..["), text == "..":
		return step{kind: stepDeep}, 2, nil
	case strings.HasPrefix(text, ".."): // the second dot belongs to the name
		return step{kind: stepDeep}, 1, nil
	case text[0] == '[':
		return parseBracket(text)
	case text[0] != '.':
		return step{}, 0, errors.New("neither . nor [")
	}
	name := text[1:]
	if i := strings.IndexAny(name, ".["); i >= 0 {
		name = name[:i]
	}
	switch {
	case name == "":
		return step{}, 0, errors.New("a name is missing")
	case name == "*":
		return step{kind: stepAny}, 2, nil
	case strings.ContainsAny(name, "*]\"'$@?() \t\r\n"):
		return step{}, 0, errors.New(`a name of other than plain characters; write it ["so"]`)
	}
	return step{kind: stepName, name: name}, 1 + len(name), nil
}

// parseBracket reads [*], [3] or ["name"].
func parseBracket(text string) (step, int, error) {
	if len(text) > 1 && text[1] == '"' {
		quoted, err := strconv.QuotedPrefix(text[1:])
		if err != nil || len(text) <= len(quoted)+1 || text[len(quoted)+1] != ']' {
			return step{}, 0, errors.New(`no "name" and ] after [`)
		}
		name, err := strconv.Unquote(quoted)
		if err != nil || name == "" {
			return step{}, 0, errors.New("no name between the quotes")
		}
		return step{kind: stepName, name: name}, len(quoted) + 2, nil
	}
	inside, _, ok := strings.Cut(text[1:], "]")
	if !ok {
		return step{}, 0, errors.New("no ] after [")
	}
	if inside == "*" {
		return step{kind: stepAny}, 3, nil
	}
	if n, err := strconv.Atoi(inside); err == nil && n >= 0 && n < maxIndex && inside == strconv.Itoa(n) {
		return step{kind: stepIndex, index: n}, len(inside) + 2, nil
	}
	return step{}, 0, errors.New(`neither *, nor an index such as 0, nor a "name" between [ and ]`)
}
