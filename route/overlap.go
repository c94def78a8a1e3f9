package route

import (
	"net/netip"
	"strings"
)

// covers says that every value for which n holds is one for which c does. Both are compiled, and about
// the same thing.
func (c *Condition) covers(n *Condition) bool {
	switch {
	case c.Op == OpPresent, c.Op == n.Op && c.Value == n.Value:
		return true
	case n.Op == OpEqual:
		return c.holds(n.Value)
	case c.Op == OpPrefix && n.Op == OpPrefix:
		return strings.HasPrefix(n.Value, c.Value)
	case c.Op == OpPrefix && n.Op == OpRegexp:
		return strings.HasPrefix(n.re.literal, c.Value)
	}
	return false
}

// conflicts says that no value fulfils both. Both are compiled, and about the same thing.
func (c *Condition) conflicts(o *Condition) bool {
	switch {
	case c.Op == OpEqual:
		return !o.holds(c.Value)
	case o.Op == OpEqual:
		return !c.holds(o.Value)
	case c.Op == OpPresent || o.Op == OpPresent:
		return false
	}
	return !sameStem(c.stem(), o.stem())
}

// stem is what every value begins with.
func (c *Condition) stem() string {
	if c.Op == OpRegexp {
		return c.re.literal
	}
	return c.Value
}

// sameStem says that a text may begin with both.
func sameStem(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// covers says that every path of n is one of p. Both are compiled.
func (p *Path) covers(n *Path) bool {
	switch {
	case p.Kind == PathAny, p.Kind == n.Kind && p.Value == n.Value:
		return true
	case n.Kind == PathAny:
		return false
	case n.Kind == PathExact:
		return p.matches(n.Value)
	case p.Kind == PathTemplate && n.Kind == PathTemplate:
		return p.template.covers(n.template)
	case p.Kind == PathBytes:
		return strings.HasPrefix(n.stem(), p.Value)
	case p.Kind == PathElements && n.Kind == PathElements:
		return p.matches(n.Value)
	case p.Kind == PathElements:
		return p.Value == "/" && strings.HasPrefix(n.stem(), "/") || strings.HasPrefix(n.stem(), p.Value+"/")
	}
	return false
}

// conflicts says that no path is one of both. Both are compiled.
func (p *Path) conflicts(o *Path) bool {
	switch {
	case p.Kind == PathAny || o.Kind == PathAny:
		return false
	case p.Kind == PathExact:
		return !o.matches(p.Value)
	case o.Kind == PathExact:
		return !p.matches(o.Value)
	case !sameStem(p.stem(), o.stem()):
		return true
	case p.Kind == PathTemplate && o.Kind == PathTemplate:
		return p.template.conflicts(o.template)
	}
	return p.endsBefore(o.stem()) || o.endsBefore(p.stem())
}

// stem is what every path begins with.
func (p *Path) stem() string {
	switch p.Kind {
	case PathRegexp:
		return p.re.literal
	case PathTemplate:
		return p.template.prefix
	}
	return p.Value
}

// endsBefore says that p is a prefix of whole elements, and that what begins with stem goes on in
// the middle of the last of them.
func (p *Path) endsBefore(stem string) bool {
	return p.Kind == PathElements && len(stem) > len(p.Value) && !p.matches(stem)
}

// all are the elements of a template from the beginning of its paths on.
func (t *template) all() []element {
	var all []element
	for text := range strings.SplitSeq(strings.Trim(t.prefix, "/"), "/") {
		if t.prefix != "/" {
			all = append(all, element{text: text})
		}
	}
	return append(all, t.elements...)
}

func (t *template) covers(n *template) bool {
	mine, theirs := t.all(), n.all()
	if len(theirs) < len(mine) || !t.rest && (n.rest || len(theirs) > len(mine)) || t.rest && !n.rest && len(theirs) == len(mine) {
		return false
	}
	for i, e := range mine {
		if e.variable && theirs[i] == (element{}) || !e.variable && theirs[i] != e {
			return false
		}
	}
	return true
}

func (t *template) conflicts(o *template) bool {
	mine, theirs := t.all(), o.all()
	if len(mine) > len(theirs) || len(mine) == len(theirs) && t.rest {
		t, o, mine, theirs = o, t, theirs, mine
	}
	if !t.rest && (len(mine) < len(theirs) || o.rest) {
		return true
	}
	for i, e := range mine {
		switch f := theirs[i]; {
		case !e.variable && !f.variable && e != f, e.variable && f == (element{}), f.variable && e == (element{}):
			return true
		}
	}
	return false
}

// hostCovers says that a pattern stands for every host that another one stands for.
func hostCovers(wide, narrow string) bool {
	if suffix, ok := strings.CutPrefix(narrow, "*"); ok {
		wide, wild := strings.CutPrefix(wide, "*")
		return wild && strings.HasSuffix(suffix, wide)
	}
	return hostMatches(wide, []byte(narrow))
}

func hostsOverlap(a, b string) bool { return hostCovers(a, b) || hostCovers(b, a) }

func overlaps(a, b netip.Prefix) bool { return a.Overlaps(b) }

func prefixCovers(wide, narrow netip.Prefix) bool {
	return wide.Bits() <= narrow.Bits() && wide.Contains(narrow.Addr())
}

// globCovers compares patterns with an asterisk. It knows only the plain cases.
func globCovers(wide, narrow string) bool {
	return wide == "*" || wide == narrow || !strings.Contains(narrow, "*") && globMatches(wide, narrow)
}

// callCovers compares services and methods of gRPC.
func callCovers(wide, narrow string) bool {
	return wide == narrow || strings.HasPrefix(narrow, wide+"/")
}

// empty says that there is no number in the range.
func (r *Range) empty() bool { return r.Low > r.High }
