package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tain.dev/tain/control"
	"tain.dev/tain/route"
)

// byWhom says who decided, when and why, such as "by ann, 14:02: the database is full".
func byWhom(d *control.Decision, now time.Time) string {
	text := fmt.Sprintf("by %s, %s", cmp.Or(d.By, d.From), clock(d.Time, now))
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

// clock is a time of today, or a date with it, where now is.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// switchText says whether anything is mirrored at all.
func switchText(r *control.Report, now time.Time) string {
	if d := standing(r, control.Kill, ""); d != nil {
		return "killed (" + byWhom(d, now) + ")"
	}
	return "on"
}

// mirrorText says what holds for a mirror, such as "5% instead of 100% (by ann, 14:02)".
func mirrorText(r *control.Report, m *control.Mirror, now time.Time) string {
	text := sharesText(m.Configured)
	if d := standing(r, control.Percent, m.Mirror); d != nil && m.Percent != nil {
		text = fmt.Sprintf("%s instead of %s (%s)", shareText(*m.Percent), text, byWhom(d, now))
	}
	if d := standing(r, control.Pause, m.Mirror); d != nil {
		return fmt.Sprintf("paused (%s), else %s", byWhom(d, now), text)
	}
	return text
}

// standing is the decision of a kind that stands about a mirror, nil where none does.
func standing(r *control.Report, what, mirror string) *control.Decision {
	i := slices.IndexFunc(r.Standing, func(d control.Decision) bool { return d.What == what && d.Mirror == mirror })
	if i < 0 {
		return nil
	}
	return &r.Standing[i]
}

func shareText(s control.Share) string { return route.FormatPercent(uint32(s)) }

// sharesText lists the shares that a configuration has for one name.
func sharesText(all []control.Share) string {
	var words []string
	for _, s := range all {
		words = append(words, shareText(s))
	}
	return cmp.Or(strings.Join(words, " and "), "none, since no route has it")
}

// overrides says, in sentences, in what mirroring differs from the configuration.
func overrides(r *control.Report, now time.Time) (sentences []string) {
	if r.Killed {
		sentences = append(sentences, "The kill switch is on, nothing is mirrored: "+switchText(r, now)+".")
	}
	for i := range r.Mirrors {
		m := &r.Mirrors[i]
		if len(m.Configured) > 0 && (m.Paused || m.Percent != nil) {
			sentences = append(sentences, fmt.Sprintf("Operators decided on the mirror %s: %s.", m.Mirror, mirrorText(r, m, now)))
		}
	}
	return sentences
}

// writeOutcome says what holds for one mirror, or for all.
func writeOutcome(w io.Writer, r *control.Report, mirror string, now time.Time) {
	if mirror == "" || r.Killed {
		fmt.Fprintf(w, "mirroring: %s\n", switchText(r, now))
	}
	if i := slices.IndexFunc(r.Mirrors, func(m control.Mirror) bool { return m.Mirror == mirror }); i >= 0 {
		fmt.Fprintf(w, "%s: %s\n", mirror, mirrorText(r, &r.Mirrors[i], now))
	}
}

func writeStatus(w io.Writer, r *control.Report, now time.Time) {
	fmt.Fprintf(w, "mirroring: %s\n", switchText(r, now))
	for i := range r.Mirrors {
		fmt.Fprintf(w, "%s: %s\n", r.Mirrors[i].Mirror, mirrorText(r, &r.Mirrors[i], now))
	}
	if r.Kept == "" {
		fmt.Fprintln(w, "What is decided ends with this tain: it is not kept.")
		return
	}
	fmt.Fprintf(w, "What is decided is kept in %s.\n", r.Kept)
}

func writeAudit(w io.Writer, latest []control.Decision, zone *time.Location) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range latest {
		d := &latest[i]
		fmt.Fprintf(table, "%s\t%s\tby %s\tfrom %s\t%s\n", d.Time.In(zone).Format(time.DateTime), decisionText(d), cmp.Or(d.By, "?"), d.From, d.Why)
	}
	table.Flush()
}

// decisionText is a decision as one would type it.
func decisionText(d *control.Decision) string {
	switch {
	case d.What == control.Kill, d.What == control.Unkill:
		return d.What
	case d.What != control.Percent:
		return d.What + " " + d.Mirror
	case d.Percent == nil:
		return "percent " + d.Mirror + " default"
	}
	return "percent " + d.Mirror + " " + strings.TrimSuffix(shareText(*d.Percent), "%")
}
