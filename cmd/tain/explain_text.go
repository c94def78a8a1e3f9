package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tain.dev/tain/route"
)

// The text of tain explain is read from top to bottom: the request, its route, what live gets, and each
// mirror. A line that holds has a tick, one that does not a cross, one that nobody can tell yet a question
// mark; what was looked at stands behind it.

// marks stand before conditions.
var marks = map[route.Truth]string{route.Yes: "✓", route.No: "✗", route.Open: "?"}

// maxOthers is how many other routes are listed of each kind. JSON has them all.
const maxOthers = 10

func writeExplanation(w io.Writer, e *explanation) {
	p := &page{w: w}
	p.line("%s", e.Request.Line)
	from := "from " + e.Request.From
	if e.Request.Source != e.Request.From && e.Request.Source != "" {
		from = fmt.Sprintf("from %s, through %s", e.Request.Source, e.Request.From)
	}
	p.line("to %s, %s%s", e.Request.Host, from, map[bool]string{true: ", over TLS"}[e.Request.TLS])
	p.line("")
	switch {
	case e.Refused != "" && e.Route == nil:
		p.line("tain refuses it: %s", e.Refused)
	case e.Route == nil:
		p.line("No route matches it. tain answers 404.")
	default:
		p.line("It takes the route %s.", placed(e.Route.Name, e.Route.Place))
		p.steps("  ", e.Route.Steps)
	}
	p.others(e)
	p.live(e)
	for i := range e.Mirrors {
		p.mirror(&e.Mirrors[i])
	}
	if e.Route != nil && e.Answer == "" && len(e.Mirrors) == 0 {
		p.line("")
		p.line("Nothing is mirrored: the route has no mirror.")
	}
	for _, note := range e.Notes {
		p.line("")
		p.line("%s", note)
	}
}

// page writes lines.
type page struct{ w io.Writer }

func (p *page) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.Map(printableRune, strings.TrimRight(fmt.Sprintf(format, args...), " ")))
}

// others lists the routes that were asked before, with what they did not like, and those that would take
// the request if the one that takes it were not there.
func (p *page) others(e *explanation) {
	taken := "It"
	if e.Route != nil {
		taken = e.Route.Name
	}
	var before, elsewhere, behind []string
	for i := range e.Others {
		switch o := &e.Others[i]; {
		case o.First && strings.HasPrefix(o.Fails.Text, "host "):
			elsewhere = append(elsewhere, fmt.Sprintf("  %s: %s", placed(o.Name, o.Place), stepLine(o.Fails, 0)))
		case o.First:
			before = append(before, fmt.Sprintf("  %s: %s", placed(o.Name, o.Place), stepLine(o.Fails, 0)))
		case !o.First && o.Fails == nil:
			behind = append(behind, fmt.Sprintf("  %s, because %s %s", placed(o.Name, o.Place), taken, o.Because))
		}
	}
	p.list("Asked before, and not taken:", append(before, elsewhere...)) // what is about this host tells more
	p.list("These match too, and are not asked:", behind)
}

// placed is the name of a route with its place, where that is known.
func placed(name, place string) string {
	if place == "" {
		return name
	}
	return name + " (" + place + ")"
}

func (p *page) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.line("%s", title)
	for _, line := range lines[:min(maxOthers, len(lines))] {
		p.line("%s", line)
	}
	if more := len(lines) - maxOthers; more > 0 {
		p.line("  and %d more; -o json has them all", more)
	}
}

func (p *page) live(e *explanation) {
	if e.Answer != "" {
		p.line("")
		p.line("tain answers itself: %s", e.Answer)
		p.line("Nothing is mirrored, since live is not asked.")
		return
	}
	if len(e.Live) == 0 {
		return
	}
	p.line("")
	p.line("Live gets:")
	for _, line := range e.Live {
		p.line("    %s", line)
	}
	for _, b := range e.Servers {
		share := ""
		if len(e.Servers) > 1 {
			share = ", " + b.Share
		}
		p.line("  at %s%s", b.URL, share)
		for _, edit := range b.Edits {
			p.line("    %s", edit)
		}
	}
}

func (p *page) mirror(m *mirrorSays) {
	p.line("")
	outcome := m.Outcome
	if m.Reason != "" {
		outcome += ", " + m.Reason
	}
	p.line("Mirror %s: %s", m.Name, outcome)
	width := 0
	told := slices.DeleteFunc(slices.Clone(m.Steps), func(j judged) bool { return j.usual && j.Holds == route.Yes })
	for i := range told {
		width = max(width, stepWidth(&told[i].Step))
	}
	for i := range told {
		p.step("  ", &told[i].Step, min(width, maxWidth), told[i].Why)
	}
	if m.Outcome == outcomeNot && len(m.Copies) == 0 {
		return
	}
	for _, limit := range m.Limits {
		p.line("  - %s", limit)
	}
	for i := range m.Copies {
		p.copy(&m.Copies[i])
	}
}

func (p *page) copy(c *copySays) {
	role := ""
	if c.Baseline {
		role = ", the baseline,"
	}
	if c.Reason != "" {
		p.line("  %s%s gets none, %s: %s", c.Target, role, c.Reason, c.Why)
		return
	}
	p.line("  %s%s gets, at %s:", c.Target, role, c.URL)
	for _, rule := range c.Redaction {
		p.line("    - %s (not done here)", rule)
	}
	for _, line := range c.Head {
		p.line("    %s", line)
	}
}

// maxWidth is where the column of what was looked at begins, at most.
const maxWidth = 44

func stepWidth(s *route.Step) int {
	if len(s.Steps) > 0 {
		return 0
	}
	return utf8.RuneCountInString(s.Text)
}

func (p *page) steps(indent string, steps []route.Step) {
	width := 0
	for i := range steps {
		width = max(width, stepWidth(&steps[i]))
	}
	for i := range steps {
		p.step(indent, &steps[i], min(width, maxWidth), "")
	}
}

// groupWords say in which way the steps of a group belong together.
var groupWords = map[string]string{"any": "any of", "all": "all of", "not": "not all of"}

func (p *page) step(indent string, s *route.Step, width int, why string) {
	if len(s.Steps) > 0 {
		p.line("%s%s %s", indent, marks[s.Holds], groupWords[s.Text])
		p.steps(indent+"    ", s.Steps)
		return
	}
	shown := *s
	switch {
	case s.Saw == "" && why != "":
		shown.Saw, shown.Found = why, true
	case why != "":
		shown.Saw += ": " + why
	}
	p.line("%s%s", indent, stepLine(&shown, width))
}

// stepLine is a condition with what it looked at, in a column.
func stepLine(s *route.Step, width int) string {
	saw := shortened(s.Saw)
	switch {
	case len(s.Steps) > 0:
		var texts []string
		for i := range s.Steps {
			texts = append(texts, s.Steps[i].Text)
		}
		return fmt.Sprintf("%s %s: %s", marks[s.Holds], groupWords[s.Text], strings.Join(texts, "; "))
	case s.Holds == route.Open && !s.Found:
		saw = "depends on live's answer"
	case !s.Found:
		saw = "there is none"
	}
	line := marks[s.Holds] + " " + s.Text
	if saw == "" {
		return line
	}
	return fmt.Sprintf("%s%s  %s", line, strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s.Text))), saw)
}

// maxSaw is how much of a value is shown, in bytes.
const maxSaw = 120

func shortened(value string) string {
	if len(value) <= maxSaw {
		return value
	}
	return strings.ToValidUTF8(value[:maxSaw], "") + "…"
}

// printableRune keeps what comes from others from doing anything to a terminal.
func printableRune(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '·'
}
