package route

import (
	"cmp"
	"slices"
	"strings"
)

// What follows finds conditions that contradict each other. It says only what is certain: where a
// regular expression or an expression is in question, it is silent.

// checkSense finds what makes a match one that can never hold.
func (c *checker) checkSense(field string, m *Match) {
	c.checkTogether(field+"headers", m.Headers, sameHeader)
	c.checkTogether(field+"query", m.Query, sameName)
	c.checkTogether(field+"cookies", m.Cookies, sameName)
	for i := range m.Not {
		if m.Not[i].covers(m) {
			c.fail(CodeMatch, at(field+"not", i), "leaves no request, because the other conditions ask for just that; leave one of them out")
		}
		c.checkSense(at(field+"not", i)+".", &m.Not[i])
	}
	for i, alternatives := range m.Any {
		others := *m
		others.Any = slices.Delete(slices.Clone(m.Any), i, i+1)
		why := ""
		for j := range alternatives {
			c.checkSense(at(at(field+"any", i), j)+".", &alternatives[j])
			if why = alternatives[j].conflict(&others); why == "" {
				break
			}
		}
		if why != "" {
			c.fail(CodeMatch, at(field+"any", i), "leaves no request, because no %s fulfils both one of the alternatives and the other conditions", why)
		}
	}
}

// checkTogether finds two conditions about the same thing that no value fulfils.
func (c *checker) checkTogether(field string, conditions []Condition, same func(a, b string) bool) {
	for j := range conditions {
		for i := range j {
			if same(conditions[i].Name, conditions[j].Name) && conditions[i].conflicts(&conditions[j]) {
				c.fail(CodeMatch, at(field, j), "leaves no request, because another condition asks for another value of %s; leave one of them out", conditions[j].Name)
			}
		}
	}
}

func sameHeader(a, b string) bool { return strings.EqualFold(a, b) }

func sameName(a, b string) bool { return a == b }

// checkReach finds what keeps everything from a mirror. The route and the mirror are right by
// themselves.
func (c *checker) checkReach(field string, m *Mirror) {
	all := c.route.all()
	if why := m.Match.conflict(&all); why != "" {
		c.fail(CodeMirror, field+"match", "can never hold, because no %s fulfils both it and the route's conditions; make one of them wider", why)
	}
	switch {
	case m.Writes:
	case onlyWrites(&m.Match):
		c.fail(CodeMirror, field+"match.methods", "asks for %s, and without writes no mirror copies that; set writes to true", strings.Join(m.Match.Methods, ", "))
	case len(m.Match.GRPC) > 0:
		c.fail(CodeMirror, field+"match.grpc", "asks for calls of gRPC, which are POST requests, and without writes no mirror copies those; set writes to true")
	}
}

// onlyWrites says that methods are asked for, and that none of them is safe.
func onlyWrites(m *Match) bool { return len(m.Methods) > 0 && !slices.ContainsFunc(m.Methods, Safe) }

// all is the route's match with its hosts.
func (r *Route) all() Match {
	m := r.Match
	m.Hosts = r.Hosts
	return m
}

// conflict says in a word of what there is none that fulfils both m and o; "" where there may be a
// request that does.
func (m *Match) conflict(o *Match) string {
	switch {
	case m.onlyScheme() != "" && o.onlyScheme() != "" && m.onlyScheme() != o.onlyScheme():
		return "scheme"
	case apart(m.Hosts, o.Hosts, hostsOverlap):
		return "host"
	case m.Path.conflicts(&o.Path):
		return "path"
	case apart(m.Methods, o.Methods, sameName):
		return "method"
	case apart(m.Ports, o.Ports, func(a, b uint16) bool { return a == b }):
		return "port"
	case apart(m.SNI, o.SNI, hostsOverlap):
		return "server name"
	case apart(m.Sources, o.Sources, overlaps):
		return "source"
	case apart(m.GRPC, o.GRPC, func(a, b string) bool { return callCovers(a, b) || callCovers(b, a) }):
		return "method of gRPC"
	case m.Size != nil && o.Size != nil && both(m.Size, o.Size).empty():
		return "size"
	case conditionsConflict(m.Headers, o.Headers, sameHeader):
		return "header"
	case conditionsConflict(m.Query, o.Query, sameName):
		return "query parameter"
	case conditionsConflict(m.Cookies, o.Cookies, sameName):
		return "cookie"
	case m.excludesAll(o) || o.excludesAll(m):
		return "request"
	case m.alternativesConflict(o) || o.alternativesConflict(m):
		return "alternative"
	}
	return ""
}

// onlyScheme is the one scheme that is asked for, or "".
func (m *Match) onlyScheme() string { return cmp.Or(m.Scheme, m.scheme()) }

// apart says that two lists, of each of which one thing is asked for, have nothing together.
func apart[T any](a, b []T, together func(T, T) bool) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	return !slices.ContainsFunc(a, func(x T) bool {
		return slices.ContainsFunc(b, func(y T) bool { return together(x, y) })
	})
}

func conditionsConflict(a, b []Condition, same func(a, b string) bool) bool {
	return slices.ContainsFunc(a, func(x Condition) bool {
		return slices.ContainsFunc(b, func(y Condition) bool { return same(x.Name, y.Name) && x.conflicts(&y) })
	})
}

// excludesAll says that m leaves out every request that matches o.
func (m *Match) excludesAll(o *Match) bool {
	return slices.ContainsFunc(m.Not, func(not Match) bool { return not.covers(o) })
}

func (m *Match) alternativesConflict(o *Match) bool {
	return slices.ContainsFunc(m.Any, func(alternatives []Match) bool {
		return all(alternatives, func(alternative *Match) bool { return alternative.conflict(o) != "" })
	})
}

func all[T any](list []T, holds func(*T) bool) bool {
	for i := range list {
		if !holds(&list[i]) {
			return false
		}
	}
	return true
}

// covers says that m matches every request that n matches.
func (m *Match) covers(n *Match) bool {
	direct := (m.Scheme == "" || m.Scheme == n.onlyScheme()) &&
		subset(n.Hosts, m.Hosts, hostCovers) &&
		m.Path.covers(&n.Path) &&
		subset(n.Methods, m.Methods, sameName) &&
		subset(n.Ports, m.Ports, func(a, b uint16) bool { return a == b }) &&
		subset(n.SNI, m.SNI, hostCovers) &&
		subset(n.Sources, m.Sources, prefixCovers) &&
		subset(n.Certs, m.Certs, globCovers) &&
		subset(n.GRPC, m.GRPC, callCovers) &&
		subset(n.Types, m.Types, globCovers) &&
		rangeCovers(m.Size, n.Size) &&
		conditionsCover(m.Headers, n.Headers, sameHeader) &&
		conditionsCover(m.Query, n.Query, sameName) &&
		conditionsCover(m.Cookies, n.Cookies, sameName) &&
		(m.When == "" || m.When == n.When) &&
		all(m.Any, func(alternatives *[]Match) bool {
			return slices.ContainsFunc(*alternatives, func(alternative Match) bool { return alternative.covers(n) })
		}) &&
		all(m.Not, func(not *Match) bool { return not.conflict(n) != "" })
	return direct || slices.ContainsFunc(n.Any, func(alternatives []Match) bool {
		return len(alternatives) > 0 && all(alternatives, func(alternative *Match) bool { return m.covers(alternative) })
	})
}

// subset says that each of narrow, of which there are some, is covered by one of wide; none in wide
// is everything.
func subset[T any](narrow, wide []T, covers func(wide, narrow T) bool) bool {
	return len(wide) == 0 || len(narrow) > 0 && all(narrow, func(n *T) bool {
		return slices.ContainsFunc(wide, func(w T) bool { return covers(w, *n) })
	})
}

func conditionsCover(wide, narrow []Condition, same func(a, b string) bool) bool {
	return all(wide, func(w *Condition) bool {
		return slices.ContainsFunc(narrow, func(n Condition) bool { return same(w.Name, n.Name) && w.covers(&n) })
	})
}
