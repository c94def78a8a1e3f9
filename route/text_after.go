package route

import "time"

// String is the text form of the conditions, one a line.
func (a *After) String() string {
	var p printer
	p.after("", a)
	return p.String()
}

// mirrorAfter writes the block of a mirror, if there is one.
func (p *printer) mirrorAfter(indent string, a *After) {
	if a == nil {
		return
	}
	p.line(indent + "after")
	p.after(indent+"  ", a)
	p.line(indent + "end")
}

func (p *printer) after(indent string, a *After) {
	p.outcomes(indent, a)
	for _, alternatives := range a.Any {
		for i := range alternatives {
			p.line(indent + alternativeWord(i))
			p.after(indent+"  ", &alternatives[i])
		}
		p.line(indent + "end")
	}
	for i := range a.Not {
		if not := &a.Not[i]; not.isCriterion() {
			p.outcomes(indent+"not ", not)
			continue
		}
		p.line(indent + "not")
		p.after(indent+"  ", &a.Not[i])
		p.line(indent + "end")
	}
	if a.When != "" {
		p.WriteString(indent + "when " + quoteExpression(a.When) + "\n")
	}
}

// isCriterion says that outcomes writes a in one line.
func (a *After) isCriterion() bool {
	inOne := func(r *Range) bool { return r == nil || len(r.conditions()) == 1 }
	return a.count() == 1 && len(a.Any)+len(a.Not)+len(a.When) == 0 && inOne(a.Size) && inOne(a.Latency) &&
		(a.Request.count() == 0 || a.Request.isCriterion())
}

// outcomes writes everything of an After that may stand in a not.
func (p *printer) outcomes(indent string, a *After) {
	p.criteria(indent, &a.Request)
	p.conditions(indent+"json", a.Fields)
	p.ranges(indent+"size", a.Size, formatInt)
	p.list(indent+"status", textOf(a.Status, StatusRange.String))
	p.conditions(indent+"response-header", a.Headers)
	p.ranges(indent+"latency", a.Latency, formatNanoseconds)
	p.list(indent+"backend", a.Backends)
	if a.Fault {
		p.line(indent + "fault")
	}
}

func (p *printer) ranges(keyword string, r *Range, format func(int64) string) {
	if r == nil {
		return
	}
	for _, c := range r.conditions() {
		p.line(keyword, c.op, format(c.n))
	}
}

func formatNanoseconds(n int64) string { return time.Duration(n).String() }
