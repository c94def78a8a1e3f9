package route

import (
	"net/netip"
	"slices"
)

// Match is a set of conditions that must all hold. The zero value always does.
type Match struct {
	Scheme  string   // [SchemeHTTP] or [SchemeHTTPS]; "" is both
	Hosts   []string // as in [Route]; one of them
	Path    Path
	Methods []string // one of them, case-sensitive
	Headers []Condition
	Query   []Condition
	Cookies []Condition

	// Sources are ranges of addresses; the user's is in one of them.
	Sources []netip.Prefix
	// Certs are names in the user's certificate, or sha256: and its fingerprint; one of them. An
	// asterisk stands for any bytes, alone for any certificate.
	Certs []string
	SNI   []string // names as Hosts, of which the user asked for one in the TLS handshake
	Ports []uint16 // that the user may have connected to

	// GRPC are services, or methods as service/method, of which a call of gRPC has one.
	GRPC []string
	// Types are media types of the body, in lower case; one of them. An asterisk stands for any
	// bytes, as in application/*+json. Parameters such as charset don't count.
	Types []string
	Size  *Range // of the body in bytes, where the head tells it; else it doesn't hold; nil is any

	// Any lists alternatives: of each list, one match must hold.
	Any [][]Match
	// Not lists what must not hold: no match of them.
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
		matchesHost(m.Hosts, r.Host) &&
		m.matchesConnection(r) &&
		m.matchesBody(r) &&
		m.matchesHeaders(r) &&
		m.matchesQuery(r.Query) &&
		m.matchesCookies(r) &&
		m.matchesAny(r) &&
		!m.excludes(r) &&
		(m.Func == nil || m.Func(r))
}

// count is how many criteria there are.
func (m *Match) count() int {
	return min(len(m.Scheme), 1) + min(len(m.Hosts), 1) + min(int(m.Path.Kind), 1) + min(len(m.Methods), 1) +
		len(m.Headers) + len(m.Query) + len(m.Cookies) + m.countOthers() + len(m.Not) + min(len(m.When), 1)
}

// countOthers is how many there are of those kinds that have no rank of their own among routes.
func (m *Match) countOthers() int {
	return min(len(m.Sources), 1) + min(len(m.Certs), 1) + min(len(m.SNI), 1) + min(len(m.Ports), 1) +
		min(len(m.GRPC), 1) + min(len(m.Types), 1) + m.Size.count() + len(m.Any)
}

// scheme is the one that every request has for which the conditions hold, "" if it may be either.
func (m *Match) scheme() string {
	for i := range m.Not {
		if m.Not[i].count() > 1 {
			continue
		}
		switch m.Not[i].Scheme {
		case SchemeHTTP:
			return SchemeHTTPS
		case SchemeHTTPS:
			return SchemeHTTP
		}
	}
	return m.Scheme
}

// matchesHost says whether one of the patterns stands for a name; without patterns, each does.
func matchesHost(patterns []string, name string) bool {
	if len(patterns) == 0 {
		return true
	}
	var buf [maxHost]byte
	folded := foldHost(&buf, name)
	for _, pattern := range patterns {
		if hostMatches(pattern, folded) {
			return true
		}
	}
	return false
}

// matchesConnection is about the connection that the request came over.
func (m *Match) matchesConnection(r *Request) bool {
	return (len(m.Ports) == 0 || slices.Contains(m.Ports, r.Port)) &&
		matchesHost(m.SNI, r.SNI) &&
		m.matchesSource(r) &&
		m.matchesCert(r)
}

func (m *Match) matchesSource(r *Request) bool {
	if len(m.Sources) == 0 {
		return true
	}
	client := r.client()
	for _, source := range m.Sources {
		if source.Contains(client) {
			return true
		}
	}
	return false
}

func (m *Match) matchesCert(r *Request) bool {
	if len(m.Certs) == 0 {
		return true
	}
	return r.Cert != nil && slices.ContainsFunc(m.Certs, r.Cert.is)
}

func (m *Match) matchesHeaders(r *Request) bool {
	for i := range m.Headers {
		c := &m.Headers[i]
		value, ok := r.header(c.Name)
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

func (m *Match) matchesCookies(r *Request) bool {
	if len(m.Cookies) == 0 {
		return true
	}
	header, ok := r.header("Cookie")
	if !ok {
		return false
	}
	for i := range m.Cookies {
		c := &m.Cookies[i]
		value, ok := findCookie(header, c.Name)
		if !ok || !c.holds(value) {
			return false
		}
	}
	return true
}

func (m *Match) matchesAny(r *Request) bool {
	for _, alternatives := range m.Any {
		if !oneMatches(alternatives, r) {
			return false
		}
	}
	return true
}

func (m *Match) excludes(r *Request) bool { return oneMatches(m.Not, r) }

func oneMatches(matches []Match, r *Request) bool {
	for i := range matches {
		if matches[i].Matches(r) {
			return true
		}
	}
	return false
}
