package route

import "strings"

// checkAfter checks what a mirror asks for after the request or its answer. It returns nil where that is
// nothing.
func (c *checker) checkAfter(field string, a *After) *After {
	if a == nil || a.count() == 0 {
		return nil
	}
	criteria := 0
	a.fields = &fieldSet{}
	c.checkOutcome(field, a, a.fields, 0, &criteria)
	if criteria > maxCriteria {
		c.fail(CodeLimit, field, "%d conditions are too many; use up to %d", criteria, maxCriteria)
	}
	if n := len(a.fields.fields); n > maxFields {
		c.fail(CodeLimit, field, "%d conditions on JSON values are too many; use up to %d", n, maxFields)
	}
	return a
}

// checkOutcome checks a, which lies so deep in another. It adds its conditions on JSON values to set,
// and the number of criteria to criteria.
func (c *checker) checkOutcome(field string, a *After, set *fieldSet, depth int, criteria *int) {
	before := len(c.errs)
	if m := &a.Request; m.count() > 0 {
		c.checkMatch(field+".request.", m)
		if len(m.Any)+len(m.Not) > 0 || m.When != "" {
			c.fail(CodeMatch, field+".request", "has alternatives, a negation or an expression; they belong beside it, not into it")
		}
	}
	c.checkConditions(field+".headers", a.Headers)
	c.checkHeaderNames(field+".headers", a.Headers)
	c.checkFields(field+".fields", a, set)
	c.checkStatuses(field+".status", a.Status)
	c.checkRange(field+".size", a.Size, "size", formatInt)
	c.checkRange(field+".latency", a.Latency, "latency", formatNanoseconds)
	c.checkCount(field+".backends", len(a.Backends), maxListed)
	for i, backend := range a.Backends {
		if backend == "" || strings.Count(backend, "*") > 1 {
			c.fail(CodeMatch, at(field+".backends", i), "%q is not the server of a backend; use its host:port, with one asterisk at most", backend)
		}
	}
	c.checkUnique(field+".backends", a.Backends)
	if (a.When == "") != (a.Func == nil) {
		c.fail(CodeMatch, field+".when", "the expression %q and its function must come together", a.When)
	}
	c.checkCount(field+".when", len(a.When), maxValue)
	*criteria += a.count() + a.Request.count()
	c.checkOutcomes(field, a, set, depth, criteria)
	if len(c.errs) == before {
		c.checkOutcomeSense(field, a)
	}
}

// checkOutcomes checks what lies in a.
func (c *checker) checkOutcomes(field string, a *After, set *fieldSet, depth int, criteria *int) {
	if depth == maxNesting && len(a.Any)+len(a.Not) > 0 {
		c.fail(CodeLimit, field, "is nested too deeply; use up to %d in each other", maxNesting)
		return
	}
	inner := func(field string, b *After) {
		if b.count() == 0 {
			c.fail(CodeMatch, field, "has no condition, so it always holds; write one, or leave it out")
			return
		}
		c.checkOutcome(field, b, set, depth+1, criteria)
	}
	for i, alternatives := range a.Any {
		if len(alternatives) == 0 {
			c.fail(CodeMatch, at(field+".any", i), "has no alternative, so it never holds; write one, or leave it out")
		}
		for j := range alternatives {
			inner(at(at(field+".any", i), j), &alternatives[j])
		}
	}
	for i := range a.Not {
		inner(at(field+".not", i), &a.Not[i])
	}
}

// checkFields checks conditions on JSON values, and adds them to set.
func (c *checker) checkFields(field string, a *After, set *fieldSet) {
	c.checkConditions(field, a.Fields)
	a.first = len(set.fields)
	for i := range a.Fields {
		condition := &a.Fields[i]
		steps, err := parseFieldPath(condition.Name)
		if err != nil && condition.Name != "" {
			c.fail(CodeMatch, at(field, i), "%q %v", condition.Name, err)
		}
		set.fields = append(set.fields, jsonField{steps, condition})
	}
}

func (c *checker) checkRange(field string, r *Range, what string, format func(int64) string) {
	if r != nil && r.empty() {
		c.fail(CodeMatch, field, "no %s is both from %s and up to %s; leave one of them out", what, format(r.Low), format(r.High))
	}
}

// checkHeaderNames checks that conditions are about headers.
func (c *checker) checkHeaderNames(field string, conditions []Condition) {
	for i := range conditions {
		if name := conditions[i].Name; !only(name, isTokenByte) {
			c.fail(CodeMatch, at(field, i), "%q is not the name of a header", name)
		}
	}
}
