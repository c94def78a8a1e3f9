package route

import (
	"fmt"
	"strings"
)

// Explain judges each condition of a compiled table, in the order of the text form, when so much of the
// exchange is over. If none is open, [After.Matches] is true just if all of them hold.
func (a *After) Explain(x *Exchanged, over Stage) []Step {
	var steps []Step
	for _, part := range a.parts() {
		steps = append(steps, part.step(x, over))
	}
	return steps
}

// step is that of an After with one condition.
func (a *After) step(x *Exchanged, over Stage) Step {
	s := Step{Text: strings.TrimSuffix(a.String(), "\n")}
	switch {
	case len(a.Any) > 0:
		s.Text, s.Found = groupAny, true
		for i := range a.Any[0] {
			s.Steps = append(s.Steps, a.inside(a.Any[0][i]).group(x, over))
		}
	case len(a.Not) > 0 && a.Not[0].isCriterion():
		inner := a.inside(a.Not[0])
		s.Saw, s.Found = inner.saw(x, over)
	case len(a.Not) > 0:
		s.Text, s.Found = groupNot, true
		s.Steps = a.inside(a.Not[0]).Explain(x, over)
	default:
		s.Saw, s.Found = a.saw(x, over)
	}
	s.Saw, s.Holds = strings.Clone(s.Saw), a.truth(x, over)
	if s.Holds == Open && len(s.Steps) > 0 {
		s.Holds = s.settle()
	}
	return s
}

// group is one step for all conditions.
func (a *After) group(x *Exchanged, over Stage) Step {
	steps := a.Explain(x, over)
	if len(steps) == 1 {
		return steps[0]
	}
	s := Step{Text: groupAll, Found: true, Steps: steps, Holds: a.truth(x, over)}
	if s.Holds == Open {
		s.Holds = s.settle()
	}
	return s
}

// truth is what [After.Matches] says, where it can be asked.
func (a *After) truth(x *Exchanged, over Stage) Truth {
	if a.Stage() > over {
		return Open
	}
	return truthOf(a.Matches(x))
}

// inside is an After of a's tree, fit to be judged alone.
func (a *After) inside(one After) *After {
	one.fields = a.fields
	return &one
}

// parts are the conditions, each alone, in the order of the text form.
func (a *After) parts() (parts []*After) {
	add := func(one After) {
		if one.count() > 0 {
			parts = append(parts, a.inside(one))
		}
	}
	for _, part := range a.Request.parts() {
		add(After{Request: part})
	}
	for i := range a.Fields {
		add(After{Fields: a.Fields[i : i+1], first: a.first + i})
	}
	for _, size := range a.Size.parts() {
		add(After{Size: size})
	}
	add(After{Status: a.Status})
	for i := range a.Headers {
		add(After{Headers: a.Headers[i : i+1]})
	}
	for _, latency := range a.Latency.parts() {
		add(After{Latency: latency})
	}
	add(After{Backends: a.Backends})
	add(After{Fault: a.Fault})
	for i := range a.Any {
		add(After{Any: a.Any[i : i+1]})
	}
	for i := range a.Not {
		add(After{Not: a.Not[i : i+1]})
	}
	add(After{When: a.When, Func: a.Func})
	return parts
}

// saw is what the one condition of a looks at, as far as it is over.
func (a *After) saw(x *Exchanged, over Stage) (value string, found bool) {
	if a.Request.count() > 0 {
		return a.Request.saw(x.Asked())
	}
	if a.Stage() > over {
		return "", false
	}
	switch {
	case len(a.Fields) > 0:
		value = x.bodyText()
	case a.Size != nil:
		value = formatInt(x.BodySize)
	case len(a.Status) > 0 && x.Status > 0:
		value = formatInt(int64(x.Status))
	case len(a.Headers) > 0 && x.Header != nil:
		return x.Header(a.Headers[0].Name)
	case a.Latency != nil:
		value = x.Latency.String()
	case len(a.Backends) > 0:
		value = x.Backend
	case a.Fault:
		value = x.Fault
	}
	return value, value != "" || a.When != ""
}

// bodyText says what there is of the request's body.
func (x *Exchanged) bodyText() string {
	if x.Body == nil || x.BodySize == 0 {
		return ""
	}
	if _, whole := x.Body(); !whole {
		return fmt.Sprintf("a part of %d bytes", x.BodySize)
	}
	return fmt.Sprintf("%d bytes", x.BodySize)
}
