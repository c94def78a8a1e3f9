package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// template is a path whose elements may be variables, such as /orders/{id}/items/{item}.
type template struct {
	prefix   string // what every path begins with, up to the first variable; it ends with a slash
	elements []element
	rest     bool // after the elements and a slash anything may follow, also nothing
	literals int  // elements that are no variables
}

// element is what stands between two slashes.
type element struct {
	text     string
	variable bool // it stands for any text, but for an empty one
}

// isTemplate says whether the short form of a path is meant as a template. Braces are no characters
// of a path.
func isTemplate(text string) bool {
	return strings.HasPrefix(text, "/") && (strings.ContainsAny(text, "{}") || strings.HasSuffix(text, "/**"))
}

func parseTemplate(text string) (*template, error) {
	rest, ok := strings.CutPrefix(text, "/")
	if !ok {
		return nil, errors.New("does not begin with /")
	}
	t := &template{prefix: "/"}
	var names []string
	for more := true; more; {
		var text string
		text, rest, more = strings.Cut(rest, "/")
		name, variable, tail, err := parseElement(text)
		switch {
		case err != nil:
			return nil, err
		case tail && more:
			return nil, fmt.Errorf("goes on after %s, which stands for all the rest; let it be the last", text)
		case name != "" && slices.Contains(names, name):
			return nil, fmt.Errorf("has {%s} twice; give each element its own name", name)
		}
		names = append(names, name)
		t.add(text, variable, tail, more)
	}
	return t, nil
}

// add takes the next element; more says that a slash follows it.
func (t *template) add(text string, variable, tail, more bool) {
	switch {
	case tail:
		t.rest = true
	case variable:
		t.elements = append(t.elements, element{variable: true})
	case len(t.elements) == 0 && more:
		t.prefix += text + "/"
		t.literals++
	default:
		t.elements = append(t.elements, element{text: text})
		t.literals++
	}
}

// parseElement reads {name}, {name...}, ** or an element that stands for itself.
func parseElement(text string) (name string, variable, tail bool, err error) {
	if text == "**" {
		return "", false, true, nil
	}
	name, opened := strings.CutPrefix(text, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !opened || !closed {
		if strings.ContainsAny(text, "{}*") {
			err = fmt.Errorf("has the element %q; write {name} for one element, ** for all the rest", text)
		}
		return "", false, false, err
	}
	name, tail = strings.CutSuffix(name, "...")
	if name == "" || !only(name, isWordByte) {
		return "", false, false, fmt.Errorf("has the element %q; give it a name of letters, digits and _", text)
	}
	return name, !tail, tail, nil
}

func isWordByte(c byte) bool { return isAlphanumeric(c) || c == '_' }

func (t *template) matches(path string) bool {
	path, ok := strings.CutPrefix(path, t.prefix)
	if !ok {
		return false
	}
	more := true // there is an element left, be it an empty one
	for _, want := range t.elements {
		var text string
		if !more {
			return false
		}
		text, path, more = strings.Cut(path, "/")
		if want.variable && text == "" || !want.variable && text != want.text {
			return false
		}
	}
	if t.rest {
		return more
	}
	return !more
}
