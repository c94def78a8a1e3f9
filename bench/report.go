//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
)

// limit is what a ratio, or else a measured value, must reach and aims at; 0 where nothing is
// asked. A value must not be above a limit, or not below it where AtLeast is set. Where None is set,
// it must be 0.
type limit struct {
	Must    float64 `json:"must,omitempty"`
	Aim     float64 `json:"aim,omitempty"`
	AtLeast bool    `json:"at_least,omitempty"`
	None    bool    `json:"none,omitempty"`
}

// row is one line of the table.
type row struct {
	What     string    `json:"what"`
	Measured *quantity `json:"measured,omitempty"`
	Ratio    *quantity `json:"ratio,omitempty"`
	Limit    limit     `json:"limit"`
	Note     string    `json:"note,omitempty"`
	Spoilt   bool      `json:"spoilt,omitempty"` // the note has a reason why the row reaches nothing
}

// spoil notes a reason why the row reaches nothing.
func (r *row) spoil(format string, args ...any) {
	if r.Note != "" {
		r.Note += ", "
	}
	r.Note += "**" + fmt.Sprintf(format, args...) + "**"
	r.Spoilt = true
}

// group is the result of one section.
type group struct {
	Title string   `json:"title"`
	Rows  []row    `json:"rows"`
	Notes []string `json:"notes,omitempty"`
}

// report collects groups in the order in which they were measured.
type report struct{ groups []group }

func (r *report) begin(title string) { r.groups = append(r.groups, group{Title: title}) }

func (r *report) add(rows ...row) {
	g := &r.groups[len(r.groups)-1]
	g.Rows = append(g.Rows, rows...)
}

func (r *report) note(text string) {
	g := &r.groups[len(r.groups)-1]
	g.Notes = append(g.Notes, strings.Join(strings.Fields(text), " "))
}

// judged is the quantity that the limit speaks of.
func (r *row) judged() *quantity {
	if r.Ratio != nil {
		return r.Ratio
	}
	return r.Measured
}

// verdict says in one word whether the limit is kept.
func (r *row) verdict() string {
	q := r.judged()
	reaches := func(limit float64) bool {
		if r.Limit.AtLeast {
			return q.Value >= limit
		}
		return q.Value <= limit
	}
	switch {
	case q == nil || r.Limit.Must == 0 && !r.Limit.None:
		return ""
	case r.Spoilt, !reaches(r.Limit.Must):
		return "**no**"
	case r.Limit.Aim != 0 && reaches(r.Limit.Aim):
		return "yes, aim too"
	}
	return "yes"
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r.groups)
	}
	for _, g := range r.groups {
		fmt.Fprintf(w, "### %s\n\n", g.Title)
		if len(g.Rows) > 0 {
			fmt.Fprintln(w, "| what | measured | ratio | must | aim | reached | |")
			fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- |")
		}
		for _, row := range g.Rows {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", row.What, row.Measured, row.Ratio,
				row.Limit.must(), row.Limit.text(row.Limit.Aim), row.verdict(), row.Note)
		}
		fmt.Fprintln(w)
		for _, n := range g.Notes {
			fmt.Fprintf(w, "- %s\n", n)
		}
		if len(g.Notes) > 0 {
			fmt.Fprintln(w)
		}
	}
	return nil
}

func (l limit) must() string {
	if l.None {
		return "0"
	}
	return l.text(l.Must)
}

func (l limit) text(n float64) string {
	if n == 0 {
		return ""
	}
	if l.AtLeast {
		return "≥ " + number(n)
	}
	return "≤ " + number(n)
}

// String is the value with its unit, and its spread where there is one; "" of nil.
func (q *quantity) String() string {
	if q == nil {
		return ""
	}
	text := number(q.Value)
	if q.Value == q.Low && q.Value == q.High && q.Value == math.Trunc(q.Value) {
		text = fmt.Sprintf("%.0f", q.Value) // a count
	}
	if q.Unit != "" {
		text += " " + q.Unit
	}
	if q.Low != q.High {
		text += fmt.Sprintf(" (%s–%s)", number(q.Low), number(q.High))
	}
	return text
}

// number has three digits that mean something.
func number(n float64) string {
	switch size := math.Abs(n); {
	case size >= 100:
		return fmt.Sprintf("%.0f", n)
	case size >= 10:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.2f", n)
	}
}
