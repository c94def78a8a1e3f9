package route

import "slices"

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
