package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// maxShown bounds the findings that the text lists; the JSON lists all.
const maxShown = 25

// Text writes the report for people.
func Text(w io.Writer, s Snapshot, o Options) error {
	p := page{style: o}
	p.headline(&s)
	p.findings(&s)
	p.latency(&s)
	for i := range s.Targets {
		p.books(&s.Targets[i])
	}
	p.notes(s.Notes)
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// page is a text under construction.
type page struct {
	style Options
	out   bytes.Buffer
}

func (p *page) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.out.WriteString(strings.TrimRight(text, " ") + "\n")
}

// heading begins a section.
func (p *page) heading(text string) {
	p.line("")
	p.line("%s", p.style.paint(bold, text))
}

// paragraph writes text in lines, all indented.
func (p *page) paragraph(indent int, text string) {
	for _, line := range wrap(text, p.style.columns()-indent) {
		p.line("%*s%s", indent, "", line)
	}
}

func (p *page) headline(s *Snapshot) {
	text := fmt.Sprintf("tain ran for %s and served %s", span(s.Now.Sub(s.Started)), plural(s.Live.Requests, "request", "requests"))
	if s.Live.Errors > 0 {
		text += fmt.Sprintf(", of which it refused or failed %s", count(s.Live.Errors))
	}
	p.paragraph(0, text+". "+outcome(s))
}

// outcome says the most important thing in one sentence.
func outcome(s *Snapshot) string {
	compared := uint64(0)
	for _, t := range s.Targets {
		if !t.Books.Baseline {
			compared += t.Books.Compared
		}
	}
	switch {
	case compared == 0:
		return "No pair was compared."
	case len(s.Findings) == 0:
		return fmt.Sprintf("In %s nothing differs beyond noise.", plural(compared, "compared pair", "compared pairs"))
	}
	return fmt.Sprintf("In %s it found %s.", plural(compared, "compared pair", "compared pairs"),
		plural(uint64(len(s.Findings)), "difference", "differences"))
}

func (p *page) findings(s *Snapshot) {
	if len(s.Findings) == 0 {
		return
	}
	candidates := 0
	for i := range s.Targets {
		if !s.Targets[i].Books.Baseline {
			candidates++
		}
	}
	p.heading("What differs")
	for i := range s.Findings[:min(len(s.Findings), maxShown)] {
		p.line("")
		p.finding(&s.Findings[i], candidates > 1)
	}
	if n := len(s.Findings) - maxShown; n > 0 {
		p.line("")
		p.line("  and %s; -o json lists all", plural(uint64(n), "more", "more"))
	}
	if s.More > 0 {
		p.line("")
		p.paragraph(2, fmt.Sprintf("Besides, %s were seen in more places than are told apart.", plural(s.More, "difference", "differences")))
	}
}

// finding writes one finding; named says whose it is, where there are several targets.
func (p *page) finding(f *finding.Finding, named bool) {
	where := clean(f.Endpoint)
	if named {
		where += p.style.paint(dim, "  "+clean(f.Target))
	}
	p.line("  %s  %s", p.style.severity(f.Severity), where)
	p.paragraph(10, clean(f.Text))
	if f.Example != nil {
		p.example(f.Example)
	}
}

// example shows a pair that has the difference: its request and, where they are not alike, how the
// two answers ended.
func (p *page) example(r *traffic.Record) {
	line := func(indent int, text string) {
		text = fit(clean(text), p.style.columns()-indent)
		p.line("%*s%s", indent, "", p.style.paint(dim, strings.TrimRight(text, " ")))
	}
	line(10, "e.g. "+strings.TrimSuffix(r.Request.Start, " HTTP/1.1"))
	if live, target := ending(&r.Live), ending(&r.Answer); live != target {
		line(15, "live ended with "+live)
		line(15, "the target with "+target)
	}
}

// ending says what came last in an answer: the status of gRPC with its message, and the trailer.
func ending(side *traffic.RecordSide) string {
	var parts []string
	add := func(fields [][2]string, wanted func(name string) bool) {
		for _, f := range fields {
			if wanted(strings.ToLower(f[0])) {
				parts = append(parts, f[0]+": "+f[1])
			}
		}
	}
	if side.GRPC != "" {
		parts = append(parts, "status "+side.GRPC)
		add(side.Message.Header, func(name string) bool { return name == "grpc-message" })
	}
	add(side.Message.Trailer, func(name string) bool { return name != "grpc-status" })
	if len(parts) == 0 {
		return "no trailer"
	}
	return strings.Join(parts, ", ")
}

func (p *page) latency(s *Snapshot) {
	p.heading("How long answers took")
	p.line("")
	row := func(name string, cells ...string) string {
		if p.style.columns() < 64 {
			cells = slices.Delete(cells, 2, 3) // the 90 % column
		}
		line := ""
		for _, cell := range cells {
			line += fmt.Sprintf("%11s", cell)
		}
		return "  " + fit(clean(name), p.style.columns()-2-len(cells)*11) + line
	}
	p.line("%s", p.style.paint(dim, row("", "answers", "median", "90 %", "99 %")))
	side := func(name string, side *Side) {
		l := side.Latency
		p.line("%s", row(name, count(side.Requests), brief(l.P50), brief(l.P90), brief(l.P99)))
	}
	side("live", &s.Live)
	for i := range s.Targets {
		side(label(&s.Targets[i]), &s.Targets[i].Side)
	}
}

// label names a target in a table.
func label(t *Target) string {
	if t.Books.Baseline && t.Name != "baseline" {
		return t.Name + " (baseline)"
	}
	return t.Name
}

// books writes the account of one target: the three equations, and what every reason means.
func (p *page) books(t *Target) {
	b := &t.Books
	p.heading(fmt.Sprintf("What became of the copies for %s", clean(label(t))))
	p.line("")
	for _, e := range equations(b) {
		p.equation(e)
	}
	if err := b.Balance(); err != nil {
		p.line("")
		for _, line := range wrap("The books do not balance: "+clean(err.Error())+". This is a fault of tain.", p.style.columns()-2) {
			p.line("  %s", p.style.paint(red, line))
		}
	} else {
		p.line("  %s", p.style.paint(green, "balanced"))
	}
	if b.Compared > 0 {
		p.line("")
		p.paragraph(2, fmt.Sprintf("%s of %s compared pairs showed a difference (%s), noise included.",
			count(t.Differing), count(b.Compared), percent(t.Differing, b.Compared)))
		if t.Redacted > 0 {
			p.paragraph(2, fmt.Sprintf("%s compared pairs differ in what the mirror redacts, which does not count.", count(t.Redacted)))
		}
	}
	p.reasons(reasons(b))
}

// equation writes one line of the books, broken only between its terms.
func (p *page) equation(e equation) {
	const indent = 24
	line := fmt.Sprintf("  %-9s%12s =", e.sum.name, count(e.sum.count))
	for i, t := range e.terms {
		term := count(t.count) + " " + t.name
		if i < len(e.terms)-1 {
			term += " +"
		}
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(term) > p.style.columns() {
			p.line("%s", line)
			line = strings.Repeat(" ", indent+1)
		}
		line += " " + term
	}
	p.line("%s", line)
}

// reasons writes what was not copied, answered or compared, and why.
func (p *page) reasons(all []reason) {
	if len(all) == 0 {
		return
	}
	p.line("")
	wide := 0
	for _, r := range all {
		wide = max(wide, utf8.RuneCountInString(r.label))
	}
	for _, r := range all {
		indent := 2 + 10 + 2 + wide + 2
		head := fmt.Sprintf("  %10s  %s  ", count(r.count), fit(r.label, wide))
		for i, line := range wrap(r.says, max(p.style.columns()-indent, 20)) {
			if i > 0 {
				head = strings.Repeat(" ", indent)
			}
			p.line("%s%s", head, line)
		}
	}
}

func (p *page) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	p.heading("To know")
	p.line("")
	for _, note := range notes {
		for i, line := range wrap(clean(note), p.style.columns()-4) {
			p.line("  %s %s", map[bool]string{true: "-", false: " "}[i == 0], line)
		}
	}
}
