package route

import (
	"cmp"
	"maps"
	"slices"
)

// index finds the routes of one host by their paths.
type index struct {
	routes    []*Route
	exact     map[string]*candidate
	templates prefixes // by what all their paths begin with
	regexps   *candidate
	prefixes  prefixes
}

// prefixes finds candidates by the prefix of a path.
type prefixes struct {
	first   map[string]*candidate
	lengths []length // of the prefixes, the longest first
}

// candidate is a route that the path allows, with those that come after it.
type candidate struct {
	route    *Route
	next     *candidate
	elements bool // its path is a prefix of whole elements
	plain    bool // there are no further conditions: the route itself stays untouched
}

// length is a length of prefixes in bytes.
type length struct {
	n int
	// bytes says that some prefix of the length ends anywhere, not only before a slash.
	bytes bool
}

func (x *index) add(r *Route) { x.routes = append(x.routes, r) }

func (x *index) regexpCount() int {
	n := 0
	for _, r := range x.routes {
		if r.Match.Path.Kind == PathRegexp {
			n++
		}
	}
	return n
}

// seal makes the index ready for lookup.
func (x *index) seal() {
	x.exact = map[string]*candidate{}
	slices.SortStableFunc(x.routes, precedence)
	for _, r := range slices.Backward(x.routes) {
		path := r.Match.Path
		c := &candidate{route: r, elements: path.Kind == PathElements, plain: r.Match.isPlain()}
		switch path.Kind {
		case PathExact:
			c.next, x.exact[path.Value] = x.exact[path.Value], c
		case PathTemplate:
			x.templates.add(path.template.prefix, c)
		case PathRegexp:
			c.next, x.regexps = x.regexps, c
		default:
			x.prefixes.add(path.Value, c)
		}
	}
	x.templates.seal()
	x.prefixes.seal()
}

// add puts c before those of the same prefix.
func (p *prefixes) add(prefix string, c *candidate) {
	if p.first == nil {
		p.first = map[string]*candidate{}
	}
	c.next, p.first[prefix] = p.first[prefix], c
}

func (p *prefixes) seal() {
	lengths := map[int]bool{}
	for prefix, c := range p.first {
		for ; c != nil; c = c.next {
			lengths[len(prefix)] = lengths[len(prefix)] || !c.elements
		}
	}
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(lengths))) {
		p.lengths = append(p.lengths, length{n, lengths[n]})
	}
}

// isPlain says that nothing is asked but the path, and what selects the index.
func (m *Match) isPlain() bool {
	selecting := min(len(m.Scheme), 1) + min(int(m.Path.Kind), 1)
	return m.count() == selecting && m.Path.Kind != PathRegexp && m.Path.Kind != PathTemplate
}

// lookup returns the first route that matches. There may be no index.
func (x *index) lookup(r *Request) *Route {
	if x == nil {
		return nil
	}
	if found := x.exact[r.Path].first(r, true); found != nil {
		return found
	}
	if found := x.templates.lookup(r); found != nil {
		return found
	}
	if found := x.regexps.first(r, true); found != nil {
		return found
	}
	return x.prefixes.lookup(r)
}

// lookup returns the first route that matches, of the longest prefix that has one.
func (p *prefixes) lookup(r *Request) *Route {
	for _, l := range p.lengths {
		if l.n > len(r.Path) {
			continue
		}
		// After "" and "/" every path begins with a whole element.
		whole := l.n <= 1 || l.n == len(r.Path) || r.Path[l.n] == '/'
		if !whole && !l.bytes {
			continue
		}
		if found := p.first[r.Path[:l.n]].first(r, whole); found != nil {
			return found
		}
	}
	return nil
}

// first returns the first route from c on that matches. Unless the prefix ends with a whole
// element of the path, those that ask for one do not.
func (c *candidate) first(r *Request, whole bool) *Route {
	for ; c != nil; c = c.next {
		if (whole || !c.elements) && (c.plain || c.route.Match.Matches(r)) {
			return c.route
		}
	}
	return nil
}

// precedence orders routes whose hosts and paths say the same; the table's order breaks ties.
func precedence(a, b *Route) int {
	m, n := &a.Match, &b.Match
	return cmp.Or(
		cmp.Compare(m.Path.Kind, n.Path.Kind), // elements before bytes
		byTemplate(m.Path.template, n.Path.template),
		-cmp.Compare(min(len(m.Methods), 1), min(len(n.Methods), 1)),
		-cmp.Compare(len(m.Headers)+len(m.Cookies), len(n.Headers)+len(n.Cookies)),
		-cmp.Compare(len(m.Query), len(n.Query)),
		-cmp.Compare(m.countOthers(), n.countOthers()),
		-cmp.Compare(min(len(m.When), 1), min(len(n.When), 1)),
	)
}

// byTemplate orders templates that begin the same: the one with more elements that are no variables
// first, and one whose length is known before one that leaves it open.
func byTemplate(a, b *template) int {
	if a == nil || b == nil {
		return 0
	}
	if a.rest != b.rest {
		if a.rest {
			return 1
		}
		return -1
	}
	return -cmp.Compare(a.literals, b.literals)
}
