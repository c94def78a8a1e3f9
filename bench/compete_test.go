//go:build linux

package main

import (
	"errors"
	"testing"
)

func TestContenderRow(t *testing.T) {
	base := &contender{cpu: []float64{10, 20}}
	f := func(c *contender, base *contender, verdict, note string) {
		t.Helper()
		c.cpu, c.rate = []float64{8, 16}, []float64{1000, 3000}
		r := c.row(base, limit{Must: 1.1, Aim: 0.9})
		if r.verdict() != verdict || r.Note != note {
			t.Errorf("%q, %q, want %q, %q", r.verdict(), r.Note, verdict, note)
		}
	}
	target := &server{}
	f(&contender{}, base, "yes, aim too", "2000 requests/s")
	f(&contender{errors: 2}, base, "**no**", "2000 requests/s, **2 errors**")
	f(&contender{missing: errNotInstalled}, base, "", "not measured")
	f(&contender{}, &contender{missing: errors.New("no nginx")}, "", "2000 requests/s")
	f(&contender{target: target, copied: []float64{1, 1.02}}, base, "yes, aim too", "2000 requests/s, 101.0 % copied")
	f(&contender{target: target, copied: []float64{0.9, 0.5}}, base, "**no**", "2000 requests/s, **70.0 % copied**")
	books := account{Seen: 200, Compared: 150, Uncompared: map[string]int{"backlog": 50}}
	f(&contender{target: target, copied: []float64{1}, books: books}, base, "yes, aim too", "2000 requests/s, 100.0 % copied, 75.0 % compared (of 200: uncompared{backlog} 50)")
	books.Imbalance = "seen is not sent"
	f(&contender{target: target, copied: []float64{1}, books: books}, base, "**no**", "2000 requests/s, 100.0 % copied, 75.0 % compared (of 200: uncompared{backlog} 50), **seen is not sent**")
}
