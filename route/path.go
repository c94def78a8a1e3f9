package route

import "strings"

// PathKind says how a [Path] compares.
type PathKind uint8

// The kinds of paths.
const (
	PathAny      PathKind = iota // every path
	PathExact                    // the same path
	PathElements                 // a prefix of whole elements: /api matches /api, /api/ and /api/x, not /apix
	PathBytes                    // a prefix of bytes
	PathRegexp                   // a regular expression (RE2) that matches the whole path
	PathTemplate                 // elements, of which {name} stands for any one, and ** or {name...} at the end for the rest
)

// Path is a condition on the path.
type Path struct {
	Kind  PathKind
	Value string // "" for [PathAny]

	re       *pattern
	template *template
}

// ParsePath reads the short form of a path: /exact, /elements/*, /bytes*, /template/{name}, or * for
// any.
func ParsePath(text string) Path {
	if isTemplate(text) {
		return Path{Kind: PathTemplate, Value: text}
	}
	if text == "*" {
		return Path{}
	}
	if text == "/*" {
		return Path{Kind: PathElements, Value: "/"}
	}
	if value, ok := strings.CutSuffix(text, "/*"); ok {
		return Path{Kind: PathElements, Value: value}
	}
	if value, ok := strings.CutSuffix(text, "*"); ok {
		return Path{Kind: PathBytes, Value: value}
	}
	return Path{Kind: PathExact, Value: text}
}

func (p *Path) matches(path string) bool {
	switch p.Kind {
	case PathExact:
		return path == p.Value
	case PathElements:
		rest, ok := strings.CutPrefix(path, p.Value)
		return ok && (rest == "" || rest[0] == '/' || p.Value == "/")
	case PathBytes:
		return strings.HasPrefix(path, p.Value)
	case PathRegexp:
		return p.re.matches(path)
	case PathTemplate:
		return p.template.matches(path)
	}
	return true
}
