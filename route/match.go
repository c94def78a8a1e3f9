package route

import "regexp"

// Request is what the rules may look at. Its strings need to stay valid during a call only.
type Request struct {
	Method string
	Host   string // as sent, with or without port
	Path   string // as sent, percent-encoding kept, without the query
	Query  string // as sent, without the question mark
	// Header returns the value of a header; names are case-insensitive. The values of several
	// lines are joined by ", ". nil means that there are no headers.
	Header func(name string) (value string, ok bool)
}

// Match is a set of conditions that must all hold. The zero value always does.
type Match struct {
	Hosts   []string // as in [Route]; one of them
	Path    Path
	Methods []string // one of them, case-sensitive
	Headers []Condition
	Query   []Condition
	// Not lists what must not hold. Each of them has exactly one criterion: Hosts, Path, Methods,
	// one of Headers or one of Query.
	Not []Match
	// When is an expression that must hold too, and Func computes it. Both or none are set. Func
	// is called for many requests at the same time and must not keep the request.
	When string
	Func func(*Request) bool
}

// PathKind says how a [Path] compares.
type PathKind uint8

// The kinds of paths.
const (
	PathAny      PathKind = iota // every path
	PathExact                    // the same path
	PathElements                 // a prefix of whole elements: /api matches /api, /api/ and /api/x, not /apix
	PathBytes                    // a prefix of bytes
	PathRegexp                   // a regular expression (RE2) that matches the whole path
)

// Path is a condition on the path.
type Path struct {
	Kind  PathKind
	Value string // "" for [PathAny]

	re *regexp.Regexp
}

// Op says how a [Condition] compares.
type Op uint8

// The operators of conditions.
const (
	OpEqual   Op = iota // the same value
	OpPrefix            // the value begins so
	OpRegexp            // a regular expression (RE2) matches the whole value
	OpPresent           // there is a value, whichever
)

// Condition is about one header, or about one parameter of the query, of which the first of that
// name counts, decoded. Without a value it doesn't hold.
type Condition struct {
	Name  string // of a header: case-insensitive; of a query parameter: decoded, case-sensitive
	Op    Op
	Value string // "" for [OpPresent]

	re *regexp.Regexp
}
