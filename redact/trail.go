package redact

// none stands where there is no rule.
const none = -1

// A Trail is where in a JSON body a value is, as far as the rules care. It is a small value: take the
// Trail of a body's root and follow the body's structure with Field and Element.
type Trail struct {
	r     *Redactor
	state int32 // of r.walk
}

// Trail returns the place of a JSON body's root.
func (r *Redactor) Trail() Trail { return Trail{r: r} }

// Field returns the place of a member of the object here, given its name, decoded.
func (t Trail) Field(name []byte) Trail {
	if st := &t.r.walk[t.state]; st.fields != nil {
		t.state = st.fields[t.r.names.find(name)+1]
	}
	return t
}

// Element returns the place of an element of the array here, given its index from 0.
func (t Trail) Element(index int) Trail {
	st := &t.r.walk[t.state]
	if st.fields == nil {
		return t
	}
	t.state = st.element
	if st.indexed != nil {
		if next, ok := st.indexed[index]; ok {
			t.state = next
		}
	}
	return t
}

// Covered reports whether a rule of name or path redacts the value here, or one that it is in. What
// detectors find depends on values, and does not count.
func (t Trail) Covered() bool { return t.rule() != none }

// rule is the rule that redacts the value here, or none.
func (t Trail) rule() int { return t.r.walk[t.state].rule }

// A walkState is all that matters of the way from the root to a value. The states are the subsets of
// the places in all paths that can be reached together, found when the rules are compiled, so that
// a step through a body is a look into a table.
type walkState struct {
	rule    int           // that redacts the value; none
	fields  []int32       // the next state by the number of a member's name and 1; nil if a rule redacts all
	element int32         // the next state for elements
	indexed map[int]int32 // for elements whose index a path gives; nil if none does
}

// maxStates bounds the states of a Redactor. Paths with many [*] behind a .. need more.
const maxStates = 4096

// walkKey is what makes two states the same.
type walkKey struct {
	at   stepSet
	rule int
}

// A walkBuilder finds the states that can be reached.
type walkBuilder struct {
	r     *Redactor
	known map[walkKey]int32
	keys  []walkKey // by state
}

// buildWalk fills r.walk, and reports whether there was room.
func (r *Redactor) buildWalk() bool {
	b := walkBuilder{r: r, known: map[walkKey]int32{}}
	b.state(r.paths.start, none)
	for i := 0; i < len(b.keys) && i < maxStates; i++ {
		b.expand(int32(i))
	}
	return len(b.keys) <= maxStates
}

// state returns the number of a state, given where the paths are and the rule of the value's name.
func (b *walkBuilder) state(at stepSet, rule int) int32 {
	key := walkKey{at, firstRule(rule, b.r.paths.rule(at))}
	if key.rule != none {
		key.at = stepSet{} // it's redacted with all that is in it
	}
	number, ok := b.known[key]
	if !ok {
		number = int32(len(b.keys))
		b.known[key] = number
		b.keys = append(b.keys, key)
		b.r.walk = append(b.r.walk, walkState{rule: key.rule})
	}
	return number
}

// expand finds the steps from a state.
func (b *walkBuilder) expand(from int32) {
	key := b.keys[from]
	if key.rule != none {
		return
	}
	p := &b.r.paths
	st := walkState{rule: none, fields: make([]int32, b.r.names.count+1)}
	for id := none; id < b.r.names.count; id++ {
		rule := none
		if id != none {
			rule = b.r.byName[placeJSON][id]
		}
		st.fields[id+1] = b.state(p.field(key.at, id), rule)
	}
	st.element = b.state(p.element(key.at, none), none)
	for index := range p.index {
		if next := b.state(p.element(key.at, index), none); next != st.element {
			if st.indexed == nil {
				st.indexed = map[int]int32{}
			}
			st.indexed[index] = next
		}
	}
	b.r.walk[from] = st
}

// firstRule is the one of two rules that was given first.
func firstRule(a, b int) int {
	if a == none || b != none && b < a {
		return b
	}
	return a
}
