package route

import (
	"cmp"
	"slices"
)

// Decision is the route that a request takes, and why not another one.
type Decision struct {
	Route  *Route  // nil if no route matches
	Steps  []Step  // its conditions, all of which hold
	Others []Other // the other routes, in the order in which they are asked
}

// Other is a route that a request does not take.
type Other struct {
	*Route
	Steps []Step // its conditions
	// Better says that it would be taken if it matched.
	Better bool
	// Why says why the route that is taken goes before it; "" if it is better.
	Why string
}

// Explain says which route [Table.Lookup] finds, and judges the conditions of all routes. It takes far
// more time than Lookup.
func (t *Table) Explain(r *Request) Decision {
	var d Decision
	d.Route = t.Lookup(r)
	var buf [maxHost]byte
	host := foldHost(&buf, r.Host)
	ranked := slices.Clone(t.routes)
	slices.SortStableFunc(ranked, func(a, b *Route) int {
		order, _ := rank(a, b, host)
		return order
	})
	better := true
	for _, other := range ranked {
		all := other.all()
		steps := all.Explain(r)
		if other == d.Route {
			d.Steps, better = steps, false
			continue
		}
		o := Other{Route: other, Steps: steps, Better: better}
		if !better {
			_, o.Why = rank(d.Route, other, host)
		}
		d.Others = append(d.Others, o)
	}
	return d
}

// rank says which of two routes is asked first about a request with that host, and why: order is
// negative if it is a. The reason goes on from the name of the first. The table's order breaks ties.
func rank(a, b *Route, host []byte) (order int, why string) {
	m, n := &a.Match, &b.Match
	for _, by := range []struct {
		order int
		why   string
	}{
		{-cmp.Compare(min(len(m.scheme()), 1), min(len(n.scheme()), 1)), "asks for a scheme"},
		{-cmp.Compare(a.hostRank(host), b.hostRank(host)), "has the more exact host"},
		{cmp.Compare(m.Path.class(), n.Path.class()), "has the more exact kind of path"},
		{-cmp.Compare(m.Path.reach(), n.Path.reach()), "has the longer path"},
		{precedence(a, b), "has the more exact conditions"},
	} {
		if by.order != 0 {
			return by.order, by.why
		}
	}
	return 0, "comes first in the table"
}

// hostRank is greater the more exact the pattern is that stands for a host. If none does, the most exact
// one counts.
func (r *Route) hostRank(host []byte) (best int) {
	covers := false
	for _, pattern := range r.Hosts {
		rank, matches := len(pattern), hostMatches(pattern, host)
		if pattern[0] != '*' {
			rank = maxHost + 1
		}
		if matches && !covers {
			best, covers = 0, true
		}
		if matches == covers {
			best = max(best, rank)
		}
	}
	return best
}

// class is where an [index] looks for the path: first for those of class 0.
func (p *Path) class() int {
	switch p.Kind {
	case PathExact:
		return 0
	case PathTemplate:
		return 1
	case PathRegexp:
		return 2
	}
	return 3
}

// reach is how much of a path is fixed before anything varies, in bytes, where an [index] asks for that.
func (p *Path) reach() int {
	switch p.Kind {
	case PathExact, PathRegexp:
		return 0
	case PathTemplate:
		return len(p.template.prefix)
	}
	return len(p.Value)
}
