package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// The outcomes for a request and a mirror.
const (
	outcomeCopied = "copied"
	outcomeOpen   = "it depends"
	outcomeNot    = "not copied"
)

// mirrorSays is what becomes of a request at one mirror.
type mirrorSays struct {
	Name    string   `json:"mirror"`
	Outcome string   `json:"outcome"`          // copied, it depends, or not copied
	Reason  string   `json:"reason,omitempty"` // why it is not copied, as the books name it
	Steps   []judged `json:"steps"`
	// Limits are the mirror's lines about how much a copy may take, and how many there may be.
	Limits []string   `json:"limits,omitempty"`
	Copies []copySays `json:"copies,omitempty"` // those that there would be
}

// judged is one step of a decision.
type judged struct {
	route.Step
	Why    string `json:"why,omitempty"` // in words
	reason string // why the request is not copied, if the step does not hold
	usual  bool   // it is worth a word only if it does not hold
}

// copySays is how the copy for one target looks.
type copySays struct {
	Target   string `json:"target"`
	URL      string `json:"url"`
	Baseline bool   `json:"baseline,omitempty"`
	// Redaction are the rules by which the request is redacted before the copy is made of it, where their key
	// is elsewhere, so that Head still has what they would not let pass.
	Redaction []string `json:"redaction,omitempty"`
	Head      []string `json:"head,omitempty"`   // its lines
	Reason    string   `json:"reason,omitempty"` // why there is no copy, as the books name it
	Why       string   `json:"why,omitempty"`    // the same in words
}

// arrived is a request as a mirror sees it.
type arrived struct {
	*route.Request
	*traffic.Arrival
	body []byte
	live *traffic.RecordSide // what live answered; nil if nobody knows
}

// scene is what decides besides the request.
type scene struct {
	cfg     *config.Config
	control *control.Report // nil: nobody has decided anything
	remote  bool            // the table is that of a running tain, whose files may be on another machine
	now     time.Time
	notes   []string // on what is not known
}

func (s *scene) mirror(r *route.Route, m *route.Mirror, a *arrived) mirrorSays {
	says := mirrorSays{Name: m.Name, Steps: s.steps(r, m, a), Limits: limitsOf(m)}
	says.Outcome = outcomeCopied
	for i := range says.Steps {
		step := &says.Steps[i]
		if step.Holds == route.Open {
			says.Outcome = outcomeOpen
		}
		if step.Holds == route.No {
			says.Outcome, says.Reason = outcomeNot, step.reason
			return says
		}
	}
	for i := range m.Targets {
		if t := &m.Targets[i]; m.ChooseBy == "" || t.Name == choice(m, a) {
			says.Copies = append(says.Copies, s.copy(r, m, t, a))
		}
	}
	if !slices.ContainsFunc(says.Copies, func(c copySays) bool { return c.Reason == "" }) {
		says.Outcome, says.Reason = outcomeNot, says.Copies[0].Reason
	}
	return says
}

// steps are those of the mirror's decision, in its order: the first that does not hold is the reason in
// the books.
func (s *scene) steps(r *route.Route, m *route.Mirror, a *arrived) []judged {
	steps := []judged{
		{Step: fact("is no copy itself", !a.Marked), reason: unmatched(traffic.UnmatchedMarked), usual: true},
		{Step: fact("asks for no other protocol", !a.Upgrade), reason: unmatched(traffic.UnmatchedUpgrade), usual: true},
		writesStep(m, a.Method),
	}
	for _, step := range m.Match.Explain(a.Request) {
		steps = append(steps, judged{Step: step, reason: unmatched(traffic.UnmatchedRule)})
	}
	if m.ChooseBy != "" {
		steps = append(steps, chooseStep(m, a))
	}
	steps = append(steps, s.sampleStep(m, a))
	if s.control != nil {
		steps = append(steps, s.controlStep(m))
	}
	if a.Arrival.Length != 0 {
		steps = append(steps, bodyStep(m, a))
	}
	if m.After != nil {
		for _, step := range s.after(m.After, a) {
			steps = append(steps, judged{Step: step, reason: unmatched(traffic.UnmatchedAfter)})
		}
	}
	return steps
}

func unmatched(why traffic.Unmatched) string { return fmt.Sprintf("unmatched{%s}", why) }

func dropped(why traffic.Dropped) string { return fmt.Sprintf("dropped{%s}", why) }

// fact is a step about something that needs no value to be told.
func fact(text string, holds bool) route.Step {
	step := route.Step{Text: text, Found: true}
	if holds {
		step.Holds = route.Yes
	}
	return step
}

func writesStep(m *route.Mirror, method string) judged {
	if m.Writes {
		return judged{Step: fact("writes", true), Why: "methods that may change data are copied too"}
	}
	j := judged{Step: fact("safe method", route.Safe(method)), reason: unmatched(traffic.UnmatchedMethod)}
	if j.Saw = strings.Clone(method); j.Holds == route.No {
		j.Why = "it may change data; writes: true, or --writes, copies it"
	}
	return j
}

// choice is the name of the target that the request chooses.
func choice(m *route.Mirror, a *arrived) string {
	value, _ := a.HeaderValue(m.ChooseBy)
	first, _, _ := strings.Cut(value, ",")
	return first
}

func chooseStep(m *route.Mirror, a *arrived) judged {
	name := choice(m, a)
	known := slices.ContainsFunc(m.Targets, func(t route.Target) bool { return t.Name == name })
	j := judged{Step: fact("choose-by "+m.ChooseBy, known), reason: unmatched(traffic.UnmatchedRule)}
	value, has := a.HeaderValue(m.ChooseBy)
	if j.Saw, j.Found = strings.Clone(value), has; has && !known {
		j.Why = "it names no target"
	}
	return j
}

// sampleStep says whether the request is in the share that is copied, or how likely that is.
func (s *scene) sampleStep(m *route.Mirror, a *arrived) judged {
	share, text := m.Sample.PerMillion, route.FormatPercent(m.Sample.PerMillion)
	if decided := s.decided(m); decided != nil && decided.Percent != nil {
		share = uint32(*decided.Percent)
		text = fmt.Sprintf("%s instead of %s", route.FormatPercent(share), text)
	}
	var keys []string
	for i := range m.Sample.By {
		keys = append(keys, m.Sample.By[i].String())
	}
	if len(keys) > 0 {
		text += " by " + strings.Join(keys, ", else ")
	}
	j := judged{Step: fact("sample "+text, false), reason: "unsampled"}
	place, by, has := m.Sample.Place(a.Request, 0)
	switch {
	case !has:
		j.Found, j.Why = false, "it has no such key"
	case share == 0:
		j.Why = "none of them"
	case share == route.All:
		j.Holds, j.Why = route.Yes, "all of them"
	case by == nil || by.Kind == route.KeyRandom:
		j.Holds, j.Why = route.Open, "by chance"
	default:
		j.Holds = fact("", place < share).Holds
		j.Why = fmt.Sprintf("%s falls at %s of all keys; the first %s are copied", by.String(), route.FormatPercent(place), route.FormatPercent(share))
	}
	return j
}

// decided is what operators decided about a mirror.
func (s *scene) decided(m *route.Mirror) *control.Mirror {
	if s.control == nil {
		return nil
	}
	i := slices.IndexFunc(s.control.Mirrors, func(c control.Mirror) bool { return c.Mirror == m.Name })
	if i < 0 {
		return nil
	}
	return &s.control.Mirrors[i]
}

func (s *scene) controlStep(m *route.Mirror) judged {
	decided := s.decided(m)
	paused := decided != nil && decided.Paused
	j := judged{Step: fact("neither killed nor paused", !paused && !s.control.Killed), reason: dropped(traffic.DroppedPaused), usual: true}
	if d := standing(s.control, control.Pause, m.Name); d != nil {
		j.Why = "paused " + byWhom(d, s.now)
	}
	if d := standing(s.control, control.Kill, ""); d != nil {
		j.Why = "killed " + byWhom(d, s.now)
	}
	return j
}

func bodyStep(m *route.Mirror, a *arrived) judged {
	size := max(a.Arrival.Length, int64(len(a.body)))
	j := judged{Step: fact("body of at most "+config.FormatSize(m.MaxBody), size <= m.MaxBody), reason: dropped(traffic.DroppedBody)}
	if j.Saw = config.FormatSize(size); j.Holds == route.No {
		j.Why = "maxBody, or --max-copy-body, is the limit"
	}
	return j
}

// after judges what is asked after the request, as far as it is known.
func (s *scene) after(conditions *route.After, a *arrived) []route.Step {
	x := &route.Exchanged{Head: a.Head, Request: *a.Request, BodySize: int64(len(a.body))}
	x.Body = func() ([]byte, bool) { return a.body, true }
	if a.live == nil {
		return conditions.Explain(x, route.StageBody)
	}
	x.Status, x.Backend, x.Latency = a.live.Status, a.live.Upstream, time.Duration(a.live.LastMS*float64(time.Millisecond))
	x.Header = func(name string) (string, bool) {
		for _, f := range a.live.Message.Header {
			if strings.EqualFold(f[0], name) {
				return f[1], true
			}
		}
		return "", false
	}
	return conditions.Explain(x, route.StageAnswer)
}

// limitsOf are the lines of the mirror's text form that are neither about which requests are copied, nor
// about how copies look, nor where they go.
func limitsOf(m *route.Mirror) []string {
	bare := *m
	bare.Match, bare.After, bare.Sample, bare.Writes = route.Match{}, nil, route.Sample{}, false
	bare.Host, bare.Copy, bare.ChooseBy, bare.Targets = route.HostRewrite{}, route.Copy{}, "", nil
	return linesOf(&bare)
}

// linesOf are the lines of a mirror's text form behind the first, which names it.
func linesOf(m *route.Mirror) []string {
	lines := strings.Split(strings.TrimSuffix(m.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines[1:]
}
