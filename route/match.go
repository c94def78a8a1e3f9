package route

import (
	"regexp"
	"slices"
	"strings"
)

// Request is what the rules may look at. Its strings need to stay valid during a call only. It is
// passed on to function values, so it costs an allocation unless it lies in something longer-lived.
type Request struct {
	// Scheme is [SchemeHTTPS] if the user's connection speaks TLS, else [SchemeHTTP]. What a user
	// claims it to be does not count.
	Scheme string
	Method string
	Host   string // as sent, with or without port
	Path   string // as sent, percent-encoding kept, without the query
	Query  string // as sent, without the question mark
	// Header returns the value of a header; names are case-insensitive. The values of several
	// lines are joined by ", ". nil means that there are no headers.
	Header func(name string) (value string, ok bool)
}

// The schemes of requests.
const (
	SchemeHTTP  = "http"
	SchemeHTTPS = "https"
)

// Match is a set of conditions that must all hold. The zero value always does.
type Match struct {
	Scheme  string   // [SchemeHTTP] or [SchemeHTTPS]; "" is both
	Hosts   []string // as in [Route]; one of them
	Path    Path
	Methods []string // one of them, case-sensitive
	Headers []Condition
	Query   []Condition
	// Not lists what must not hold. Each of them has exactly one criterion: Scheme, Hosts, Path,
	// Methods, one of Headers or one of Query.
	Not []Match
	// When is an expression that must hold too, and Func computes it. Both or none are set. Func
	// is called for many requests at the same time and must not keep the request.
	When string
	Func func(*Request) bool
}

// Matches says whether all conditions hold for r. It is for matches of a compiled table.
func (m *Match) Matches(r *Request) bool {
	return (m.Scheme == "" || m.Scheme == r.Scheme) &&
		m.Path.matches(r.Path) &&
		(len(m.Methods) == 0 || slices.Contains(m.Methods, r.Method)) &&
		m.matchesHost(r.Host) &&
		m.matchesHeaders(r) &&
		m.matchesQuery(r.Query) &&
		!m.excludes(r) &&
		(m.Func == nil || m.Func(r))
}

// scheme is the one that every request has for which the conditions hold, "" if it may be either.
func (m *Match) scheme() string {
	for i := range m.Not {
		switch m.Not[i].Scheme {
		case SchemeHTTP:
			return SchemeHTTPS
		case SchemeHTTPS:
			return SchemeHTTP
		}
	}
	return m.Scheme
}

func (m *Match) matchesHost(host string) bool {
	if len(m.Hosts) == 0 {
		return true
	}
	var buf [maxHost]byte
	folded := foldHost(&buf, host)
	for _, pattern := range m.Hosts {
		if hostMatches(pattern, folded) {
			return true
		}
	}
	return false
}

func (m *Match) matchesHeaders(r *Request) bool {
	for i := range m.Headers {
		c := &m.Headers[i]
		if r.Header == nil {
			return false
		}
		value, ok := r.Header(c.Name)
		if !ok || !c.holds(value) {
			return false
		}
	}
	return true
}

func (m *Match) matchesQuery(query string) bool {
	for i := range m.Query {
		c := &m.Query[i]
		raw, ok := findParam(query, c.Name)
		if !ok || !c.holdsEncoded(raw) {
			return false
		}
	}
	return true
}

func (m *Match) excludes(r *Request) bool {
	for i := range m.Not {
		if m.Not[i].Matches(r) {
			return true
		}
	}
	return false
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

	re *pattern
}

// ParsePath reads the short form of a path: /exact, /elements/*, /bytes*, or * for any.
func ParsePath(text string) Path {
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
	}
	return true
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

	re *pattern
}

func (c *Condition) holds(value string) bool {
	switch c.Op {
	case OpEqual:
		return value == c.Value
	case OpPrefix:
		return strings.HasPrefix(value, c.Value)
	case OpRegexp:
		return c.re.matches(value)
	}
	return true
}

// holdsEncoded is holds for a value as it stands in a query.
func (c *Condition) holdsEncoded(raw string) bool {
	switch c.Op {
	case OpEqual:
		rest, ok := cutDecoded(raw, c.Value)
		return ok && rest == ""
	case OpPrefix:
		_, ok := cutDecoded(raw, c.Value)
		return ok
	case OpRegexp:
		return c.re.matches(decode(raw))
	}
	return true
}

// pattern is a regular expression that matches whole strings.
type pattern struct {
	literal string // what every match begins with: most strings are told apart by it
	re      *regexp.Regexp
}

func compilePattern(text string) (*pattern, error) {
	free, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	whole, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, err
	}
	literal, _ := free.LiteralPrefix()
	return &pattern{literal, whole}, nil
}

func (p *pattern) matches(s string) bool {
	return strings.HasPrefix(s, p.literal) && p.re.MatchString(s)
}
