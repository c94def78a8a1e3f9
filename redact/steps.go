package redact

// stepSet is a set of places in all paths of a Redactor together, one bit each: the place before
// each step, and one behind the last step of each path.
type stepSet [4]uint64

// maxPlaces bounds the steps of all paths of a Redactor, with one more for each path.
const maxPlaces = len(stepSet{}) * 64

func (s *stepSet) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *stepSet) has(i int) bool { return s[i>>6]>>(i&63)&1 != 0 }

// or adds all places of t.
func (s *stepSet) or(t stepSet) {
	for i, places := range t {
		s[i] |= places
	}
}

// advance returns where those of s are after one step that match takes, and those that may stay
// where they are.
func (s *stepSet) advance(match, stay stepSet) (next stepSet) {
	var carry uint64
	for i, places := range s {
		moved := places & match[i]
		next[i] = moved<<1 | carry | places&stay[i]
		carry = moved >> 63
	}
	return next
}

// paths is what all paths of a Redactor became. They are followed together.
type paths struct {
	start stepSet
	any   stepSet         // before [*]
	deep  stepSet         // before a .., which may take any number of steps
	named map[int]stepSet // before .name, by the name's number
	index map[int]stepSet // before [3]
	ends  []pathEnd       // behind the last steps, in the order of the rules
	count int             // of the places in use
}

type pathEnd struct{ place, rule int }

// add takes the path of a rule, and reports whether there was room for it.
func (p *paths) add(steps []step, rule int, names *names) bool {
	if p.count+len(steps)+1 > maxPlaces {
		return false
	}
	p.start.add(p.count)
	for _, st := range steps {
		switch st.kind {
		case stepAny:
			p.any.add(p.count)
		case stepDeep:
			p.deep.add(p.count)
		case stepIndex:
			set := p.index[st.index]
			set.add(p.count)
			p.index[st.index] = set
		case stepName:
			id := names.add(st.name)
			set := p.named[id]
			set.add(p.count)
			p.named[id] = set
		}
		p.count++
	}
	p.ends = append(p.ends, pathEnd{p.count, rule})
	p.count++
	p.start = p.skipDeep(p.start)
	return true
}

// skipDeep adds the places behind each .., which may take no step at all.
func (p *paths) skipDeep(s stepSet) stepSet {
	s.or(s.advance(p.deep, stepSet{}))
	return s
}

// field returns where the paths are after a step to the member of a name, given its number or none.
func (p *paths) field(at stepSet, id int) stepSet {
	return p.follow(at, p.named[id])
}

// element returns where the paths are after a step to the element of an index.
func (p *paths) element(at stepSet, index int) stepSet {
	return p.follow(at, p.index[index])
}

func (p *paths) follow(at, match stepSet) stepSet {
	match.or(p.any)
	return p.skipDeep(at.advance(match, p.deep))
}

// rule returns the first rule whose path ends at a place of at, or none.
func (p *paths) rule(at stepSet) int {
	for _, end := range p.ends {
		if at.has(end.place) {
			return end.rule
		}
	}
	return none
}
