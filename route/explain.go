package route

import (
	"slices"
	"strings"
)

// What follows says why a request takes a route, and why a mirror wants it. Each condition is judged
// alone, by the code that judges all of them together.

// Truth says whether a condition holds.
type Truth uint8

// The values of [Truth].
const (
	No Truth = iota
	Yes
	Open // it depends on what is not over yet
)

var truthWords = []string{No: "no", Yes: "yes", Open: "open"}

func (t Truth) String() string { return truthWords[t] }

// MarshalText writes yes, no or open.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (t *Truth) UnmarshalText(text []byte) error {
	i, err := indexOf(truthWords, string(text), "truth")
	*t = Truth(i)
	return err
}

func truthOf(holds bool) Truth {
	if holds {
		return Yes
	}
	return No
}

// Step is a condition, and what became of it.
type Step struct {
	// Text is the condition in the text form, such as header X-Env = prod. A group of conditions has
	// the word any, all or not: one of its steps has to hold, every one, or not every one.
	Text  string `json:"condition"`
	Saw   string `json:"saw,omitempty"` // what was looked at; "" of a group and of an expression
	Found bool   `json:"found"`         // there was something to look at
	Holds Truth  `json:"holds"`
	Steps []Step `json:"steps,omitempty"` // of a group
}

// The words of groups.
const (
	groupAny = "any"
	groupAll = "all"
	groupNot = "not"
)

// Together says whether all of the steps hold: [Open] if none of them does not, and one is open.
func Together(steps []Step) Truth {
	truth := Yes
	for i := range steps {
		switch steps[i].Holds {
		case No:
			return No
		case Open:
			truth = Open
		}
	}
	return truth
}

// settle says whether a group holds, by its steps.
func (s *Step) settle() Truth {
	switch s.Text {
	case groupAny:
		turned := slices.Clone(s.Steps)
		for i := range turned {
			turned[i].Holds = turned[i].Holds.not()
		}
		return Together(turned).not()
	case groupNot:
		return Together(s.Steps).not()
	}
	return Together(s.Steps)
}

func (t Truth) not() Truth {
	switch t {
	case No:
		return Yes
	case Yes:
		return No
	}
	return Open
}

// Explain judges each condition of a compiled table, in the order of the text form. [Match.Matches] is
// true just if all of them hold. What it returns outlives the request.
func (m *Match) Explain(r *Request) []Step {
	var steps []Step
	for _, part := range m.parts() {
		steps = append(steps, part.step(r))
	}
	return steps
}

// step is that of a match with one condition.
func (m *Match) step(r *Request) Step {
	s := Step{Text: strings.TrimSuffix(m.String(), "\n"), Holds: truthOf(m.Matches(r))}
	switch {
	case len(m.Any) > 0:
		s.Text, s.Found = groupAny, true
		for i := range m.Any[0] {
			s.Steps = append(s.Steps, m.Any[0][i].group(r))
		}
	case len(m.Not) > 0 && m.Not[0].isCriterion():
		s.Saw, s.Found = m.Not[0].saw(r)
	case len(m.Not) > 0:
		s.Text, s.Found = groupNot, true
		s.Steps = m.Not[0].Explain(r)
	default:
		s.Saw, s.Found = m.saw(r)
	}
	s.Saw = strings.Clone(s.Saw) // it may be gone with the request
	return s
}

// group is one step for all conditions.
func (m *Match) group(r *Request) Step {
	steps := m.Explain(r)
	if len(steps) == 1 {
		return steps[0]
	}
	return Step{Text: groupAll, Found: true, Holds: truthOf(m.Matches(r)), Steps: steps}
}

// parts are the conditions, each alone in a match, in the order of the text form.
func (m *Match) parts() (parts []Match) {
	add := func(one Match) {
		if one.count() > 0 {
			parts = append(parts, one)
		}
	}
	add(Match{Scheme: m.Scheme})
	add(Match{Hosts: m.Hosts})
	add(Match{Path: m.Path})
	add(Match{Methods: m.Methods})
	for i := range m.Headers {
		add(Match{Headers: m.Headers[i : i+1]})
	}
	for i := range m.Query {
		add(Match{Query: m.Query[i : i+1]})
	}
	for i := range m.Cookies {
		add(Match{Cookies: m.Cookies[i : i+1]})
	}
	add(Match{Sources: m.Sources})
	add(Match{Certs: m.Certs})
	add(Match{SNI: m.SNI})
	add(Match{Ports: m.Ports})
	add(Match{GRPC: m.GRPC})
	add(Match{Types: m.Types})
	for _, size := range m.Size.parts() {
		add(Match{Size: size})
	}
	for i := range m.Any {
		add(Match{Any: m.Any[i : i+1]})
	}
	for i := range m.Not {
		add(Match{Not: m.Not[i : i+1]})
	}
	add(Match{When: m.When, Func: m.Func})
	return parts
}

// parts are ranges of one comparison each, which together are r.
func (r *Range) parts() (parts []*Range) {
	if r == nil {
		return nil
	}
	for _, c := range r.conditions() {
		one, _ := ParseRange(c.op, c.n) // its own operators are right
		parts = append(parts, &one)
	}
	return parts
}

// saw is what the one condition of m looks at.
func (m *Match) saw(r *Request) (value string, found bool) {
	switch {
	case m.Scheme != "":
		value = r.Scheme
	case len(m.Hosts) > 0:
		value = r.Host
	case m.Path.Kind != PathAny:
		value = r.Path
	case len(m.Methods) > 0:
		value = r.Method
	case len(m.Headers) > 0:
		return r.header(m.Headers[0].Name)
	case len(m.Query) > 0:
		return r.QueryValue(m.Query[0].Name)
	case len(m.Cookies) > 0:
		return r.CookieValue(m.Cookies[0].Name)
	case len(m.GRPC) > 0:
		value = r.GRPCCall()
	case len(m.Types) > 0:
		value = r.MediaType()
	case m.Size != nil && r.Length >= 0:
		value = formatInt(r.Length)
	default:
		value = m.sawOfConnection(r)
	}
	return value, value != "" || m.When != ""
}

func (m *Match) sawOfConnection(r *Request) string {
	switch client := r.client(); {
	case len(m.Sources) > 0 && client.IsValid():
		return client.String()
	case len(m.Certs) > 0 && r.Cert != nil:
		return strings.Join(append(slices.Clone(r.Cert.names), r.Cert.fingerprint), " ")
	case len(m.SNI) > 0:
		return r.SNI
	case len(m.Ports) > 0 && r.Port > 0:
		return formatInt(int64(r.Port))
	}
	return ""
}
