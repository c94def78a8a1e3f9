package route

import (
	"iter"
	"maps"
	"strings"
)

// Useless says which routes are never taken, and which mirrors never get a copy, though nothing is
// wrong with them: each an [*Error] of the route by its index among those of the table.
func (t *Table) Useless() []error {
	hidden := t.hidden()
	var errs []error
	for i, r := range t.routes {
		c := checker{index: i, route: r}
		if by := hidden[r]; by != nil {
			c.fail(CodeUseless, "match", "is never reached, because every request that it matches takes the route %q before; make its conditions narrower, or remove it", by.Name)
		}
		for j, m := range r.Mirrors {
			if !m.Writes && len(m.Match.Methods) == 0 && onlyWrites(&r.Match) {
				c.fail(CodeUseless, at("mirrors", j), "gets no copy, because the route asks for %s, and without writes no mirror copies that; set writes to true", strings.Join(r.Match.Methods, ", "))
			}
		}
		errs = append(errs, c.errs...)
	}
	return errs
}

// hidden finds the routes that, on each of their hosts, one of the routes before them with the same
// path leaves nothing to, and says which.
func (t *Table) hidden() map[*Route]*Route {
	hidden, reached := map[*Route]*Route{}, map[*Route]bool{}
	for _, h := range []*hosts{t.http, t.https, t.both} {
		for x := range h.indexes() {
			for first := range x.chains() {
				for c := first; c != nil; c = c.next {
					by := first.coverBefore(c)
					if other := hidden[c.route]; by == nil {
						reached[c.route] = true
					} else if other == nil || by.Name < other.Name {
						hidden[c.route] = by
					}
				}
			}
		}
	}
	maps.DeleteFunc(hidden, func(r, _ *Route) bool { return reached[r] })
	return hidden
}

// maxCompared is how many routes one is compared with, so that large tables are checked soon.
const maxCompared = 256

// coverBefore returns the route of a candidate from first on, and before c, that leaves nothing to c.
func (first *candidate) coverBefore(c *candidate) *Route {
	compared := 0
	for before := first; before != c && compared < maxCompared; before = before.next {
		if before.route.Match.covers(&c.route.Match) {
			return before.route
		}
		compared++
	}
	return nil
}

// indexes yields the index of each host. There may be no hosts.
func (h *hosts) indexes() iter.Seq[*index] {
	return func(yield func(*index) bool) {
		if h == nil || !yield(h.any) {
			return
		}
		for _, byName := range []map[string]*index{h.exact, h.wild} {
			for _, x := range byName {
				if !yield(x) {
					return
				}
			}
		}
	}
}

// chains yields the first candidate of each list that a lookup goes through.
func (x *index) chains() iter.Seq[*candidate] {
	return func(yield func(*candidate) bool) {
		if !yield(x.regexps) {
			return
		}
		for _, byPath := range []map[string]*candidate{x.exact, x.templates.first, x.prefixes.first} {
			for _, first := range byPath {
				if !yield(first) {
					return
				}
			}
		}
	}
}
