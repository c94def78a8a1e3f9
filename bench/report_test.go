//go:build linux

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	f := func(want string, value float64, l limit) {
		t.Helper()
		r := row{Ratio: &quantity{Value: value}, Limit: l}
		if got := r.verdict(); got != want {
			t.Errorf("%v under %+v: %q, want %q", value, l, got, want)
		}
	}
	most := limit{Must: 1.1, Aim: 0.8}
	f("**no**", 1.11, most)
	f("yes", 1.1, most)
	f("yes", 0.81, most)
	f("yes, aim too", 0.8, most)
	least := limit{Must: 0.9, Aim: 0.97, AtLeast: true}
	f("**no**", 0.89, least)
	f("yes", 0.9, least)
	f("yes, aim too", 1.2, least)
	f("yes", 0.1, limit{Must: 1.1})
	f("", 5, limit{})
	f("yes", 0, limit{None: true})
	f("**no**", 1, limit{None: true})
	if got := (&row{Limit: most}).verdict(); got != "" {
		t.Errorf("a row that was not measured: %q", got)
	}
}

// TestSpoilt: a good ratio is worth nothing where the requests failed.
func TestSpoilt(t *testing.T) {
	r := row{Ratio: &quantity{Value: 0.5}, Limit: limit{Must: 1.1}, Note: "9 requests/s"}
	r.spoil("%d errors", 3)
	if got := r.verdict(); got != "**no**" || r.Note != "9 requests/s, **3 errors**" {
		t.Errorf("%q, %q", got, r.Note)
	}
}

// TestVerdictSpeaksOfTheRatio: a limit on a row with both is about the ratio.
func TestVerdictSpeaksOfTheRatio(t *testing.T) {
	r := row{Measured: &quantity{Value: 100}, Ratio: &quantity{Value: 1}, Limit: limit{Must: 1.1}}
	if got := r.verdict(); got != "yes" {
		t.Errorf("%q, want yes", got)
	}
}

func TestQuantityText(t *testing.T) {
	f := func(want string, q *quantity) {
		t.Helper()
		if got := q.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("", nil)
	f("7.20 µs", &quantity{7.2, 7.2, 7.2, "µs"})
	f("7.20 µs (6.90–12.3)", &quantity{7.2, 6.9, 12.345, "µs"})
	f("61234", &quantity{61234, 61234, 61234, ""})
	f("0", &quantity{})
	f("3 faults", count(3, "faults"))
}

func TestPrint(t *testing.T) {
	var r report
	r.begin("CPU")
	r.add(row{What: "tain", Measured: &quantity{6, 5, 7, "µs"}, Ratio: &quantity{0.75, 0.7, 0.8, ""}, Limit: limit{Must: 1.1, Aim: 0.8}, Note: "fast"},
		row{What: "requests", Measured: count(1, "failed"), Limit: limit{None: true}},
		row{What: "nobody", Note: "not measured"})
	r.note("two\n  words")
	var text strings.Builder
	if err := r.print(&text, false); err != nil {
		t.Fatal(err)
	}
	want := `### CPU

| what | measured | ratio | must | aim | reached | |
| --- | --- | --- | --- | --- | --- | --- |
| tain | 6.00 µs (5.00–7.00) | 0.75 (0.70–0.80) | ≤ 1.10 | ≤ 0.80 | yes, aim too | fast |
| requests | 1 failed |  | 0 |  | **no** |  |
| nobody |  |  |  |  |  | not measured |

- two words

`
	if text.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", text.String(), want)
	}
	text.Reset()
	if err := r.print(&text, true); err != nil {
		t.Fatal(err)
	}
	var back []group
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil || back[0].Rows[0].Ratio.Value != 0.75 {
		t.Errorf("JSON does not come back: %v\n%s", err, text.String())
	}
}
