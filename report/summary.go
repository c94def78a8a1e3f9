package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxListed bounds the findings in a summary.
const maxListed = 8

// Summary returns the lines that a terminal shows while tain runs. No line is wider than the
// options' columns, escape sequences aside.
func Summary(s Snapshot, o Options) []string {
	v := view{style: o, width: o.columns()}
	v.title(&s)
	v.sides(&s)
	v.findings(&s)
	v.foot(&s)
	return v.lines
}

// view is a summary under construction.
type view struct {
	style Options
	width int
	lines []string
}

func (v *view) line(text string) { v.lines = append(v.lines, strings.TrimRight(text, " ")) }

// title says what runs, and for how long.
func (v *view) title(s *Snapshot) {
	took := span(s.Now.Sub(s.Started))
	room := v.width - len("tain  ") - utf8.RuneCountInString(took) - 2
	way := fit(clean(s.Listen+" → "+s.Live.Name), room)
	v.line(v.style.paint(bold, "tain") + "  " + way + "  " + v.style.paint(dim, took))
	v.line("")
}

// sides is the table of live and the targets.
func (v *view) sides(s *Snapshot) {
	widths := []int{11, 9, 9, 9, 9, 8}
	cells := func(name string, cells ...string) string {
		line := ""
		for i, cell := range cells {
			if i == 3 && v.width < 70 {
				continue // the 90 % column
			}
			line += fmt.Sprintf("%*s", widths[i], cell)
		}
		return fit(name, v.width-utf8.RuneCountInString(line)) + line
	}
	v.line(v.style.paint(dim, cells("", "answers", "rate", "median", "90 %", "99 %", "differ")))
	row := func(name string, side Side, differ string) {
		l := side.Latency
		v.line(cells(clean(name), count(side.Requests), rate(side.Rate), brief(l.P50), brief(l.P90), brief(l.P99), differ))
	}
	row("live", s.Live, "")
	for i := range s.Targets {
		t := &s.Targets[i]
		name := label(t)
		if t.Books.Paused {
			name = t.Name + " (paused)"
		}
		row(name, t.Side, percent(t.Differing, t.Books.Compared))
	}
}

// findings lists the most severe findings, one line each.
func (v *view) findings(s *Snapshot) {
	v.line("")
	if len(s.Findings) == 0 {
		v.line(v.style.paint(dim, "no differences beyond noise so far"))
		return
	}
	v.line(v.style.paint(bold, plural(uint64(len(s.Findings)), "difference", "differences")))
	for _, f := range s.Findings[:min(len(s.Findings), maxListed)] {
		share := percent(f.Count, f.Pairs)
		what := strings.TrimSpace(string(f.Kind) + " " + f.Path)
		room := v.width - len("medium  ") - 8
		where := min(room/2, 34)
		v.line(v.style.severity(f.Severity) + "  " + fit(clean(f.Endpoint), where-2) + "  " +
			fit(clean(what), room-where) + fmt.Sprintf("%8s", share))
	}
	if n := len(s.Findings) - maxListed; n > 0 {
		v.line(v.style.paint(dim, fmt.Sprintf("and %d more", n)))
	}
}

// foot says what was lost, and what to do.
func (v *view) foot(s *Snapshot) {
	v.line("")
	for i := range s.Targets {
		v.lost(&s.Targets[i])
	}
	text := fmt.Sprintf("mirror memory %s of %s", size(s.Memory), size(s.Ceiling))
	const hint = "Ctrl-C ends with the report"
	if v.width >= 66 {
		text = fit(text, v.width-len(hint)) + hint
	}
	v.line(v.style.paint(dim, text))
}

// lost says what did not become a compared pair, in as many lines as that needs.
func (v *view) lost(t *Target) {
	name := strings.TrimRight(fit(clean(t.Name), v.width/2), " ")
	text := name
	flush := func() { v.line(v.style.paint(yellow, text)) }
	for _, r := range reasons(&t.Books) {
		if strings.HasPrefix(r.label, "un") && !strings.HasPrefix(r.label, "uncompared") {
			continue // never meant to be one
		}
		entry := "  " + r.label + " " + count(r.count)
		if utf8.RuneCountInString(text+entry) > v.width {
			flush()
			text = ""
		}
		text += entry
	}
	if text != name {
		flush()
	}
}
