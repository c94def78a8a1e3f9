package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/control"
)

func share(perMillion control.Share) *control.Share { return &perMillion }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// reported is what a desk reports once these decisions were made, all of them at 11:30.
func reported(t *testing.T, configured []control.Mirror, decisions ...control.Decision) *control.Report {
	t.Helper()
	desk := control.InMemory(func(control.State) {})
	for _, d := range decisions {
		if err := desk.Decide(d); err != nil {
			t.Fatal(err)
		}
	}
	r := desk.Report(configured...)
	for _, all := range [][]control.Decision{r.Standing, r.Latest} {
		for i := range all {
			all[i].Time = noon.Add(-30 * time.Minute)
		}
	}
	return &r
}

var twoMirrors = []control.Mirror{{Mirror: "v2", Configured: []control.Share{1_000_000}}, {Mirror: "v3", Configured: []control.Share{10_000, 125_000}}}

// TestStatusText reads what holds, and what its makers say of it.
func TestStatusText(t *testing.T) {
	f := func(want string, decisions ...control.Decision) {
		t.Helper()
		var text strings.Builder
		writeStatus(&text, reported(t, twoMirrors, decisions...), noon)
		got, _ := strings.CutSuffix(text.String(), "What is decided ends with this tain: it is not kept.\n")
		if want = strings.TrimPrefix(want, "\n"); got != want {
			t.Errorf("the status is\n%swant\n%s", got, want)
		}
	}
	kill := control.Decision{What: control.Kill, By: "ann", From: "127.0.0.1", Why: "the database"}
	pause := control.Decision{What: control.Pause, Mirror: "v3", From: "127.0.0.1"}
	five := control.Decision{What: control.Percent, Mirror: "v2", Percent: share(50_000), By: "bob"}
	f(`
mirroring: on
v2: 100%
v3: 1% and 12.5%
`)
	f(`
mirroring: killed (by ann, 11:30: the database)
v2: 5% instead of 100% (by bob, 11:30)
v3: paused (by 127.0.0.1, 11:30), else 1% and 12.5%
`, five, pause, kill)
	f(`
mirroring: on
v2: paused (by bob, 11:30), else 5% instead of 100% (by bob, 11:30)
v3: 1% and 12.5%
gone: paused (by bob, 11:30), else none, since no route has it
`, control.Decision{What: control.Pause, Mirror: "v2", By: "bob"}, five, control.Decision{What: control.Pause, Mirror: "gone", By: "bob"})
}

func TestStatusSaysWhatIsKept(t *testing.T) {
	var text strings.Builder
	writeStatus(&text, &control.Report{Kept: "/state/a.json"}, noon)
	if want := "mirroring: on\nWhat is decided is kept in /state/a.json.\n"; text.String() != want {
		t.Errorf("%q, want %q", &text, want)
	}
}

// TestOutcomeText is what follows an order.
func TestOutcomeText(t *testing.T) {
	f := func(mirror, want string, decisions ...control.Decision) {
		t.Helper()
		var text strings.Builder
		if writeOutcome(&text, reported(t, twoMirrors, decisions...), mirror, noon); text.String() != want {
			t.Errorf("about %q it says\n%swant\n%s", mirror, &text, want)
		}
	}
	kill := control.Decision{What: control.Kill, By: "ann"}
	f("", "mirroring: on\n")
	f("", "mirroring: killed (by ann, 11:30)\n", kill)
	f("v2", "v2: 100%\n")
	f("v2", "mirroring: killed (by ann, 11:30)\nv2: 100%\n", kill)
	f("gone", "")
}

func TestOverrides(t *testing.T) {
	f := func(want []string, decisions ...control.Decision) {
		t.Helper()
		if got := overrides(reported(t, twoMirrors, decisions...), noon); !reflect.DeepEqual(got, want) {
			t.Errorf("it says\n%q, want\n%q", got, want)
		}
	}
	f(nil)
	f(nil, control.Decision{What: control.Pause, Mirror: "gone"})
	f([]string{
		"The kill switch is on, nothing is mirrored: killed (by SIGUSR1, 11:30).",
		"Operators decided on the mirror v2: 5% instead of 100% (by ann, 11:30: load).",
		"Operators decided on the mirror v3: paused (by bob, 11:30), else 1% and 12.5%.",
	}, control.Decision{What: control.Pause, Mirror: "v3", By: "bob"}, control.Decision{What: control.Kill, From: "SIGUSR1"},
		control.Decision{What: control.Percent, Mirror: "v2", Percent: share(50_000), By: "ann", Why: "load"})
}

func TestClock(t *testing.T) {
	zone := time.FixedZone("east", 2*60*60)
	f := func(ago time.Duration, zone *time.Location, want string) {
		t.Helper()
		if got := clock(noon.Add(-ago), noon.In(zone)); got != want {
			t.Errorf("%s ago is %s, want %s", ago, got, want)
		}
	}
	f(0, time.UTC, "12:00")
	f(12*time.Hour, time.UTC, "00:00")
	f(12*time.Hour+time.Second, time.UTC, "2026-11-20 23:59")
	f(13*time.Hour, zone, "01:00")
	f(15*time.Hour, zone, "2026-11-20 23:00")
}

func TestAuditText(t *testing.T) {
	var text strings.Builder
	r := reported(t, nil,
		control.Decision{What: control.Percent, Mirror: "v2", Percent: share(125_000), By: "ann", From: "127.0.0.1", Why: "load"},
		control.Decision{What: control.Percent, Mirror: "v2", By: "ann", From: "127.0.0.1"},
		control.Decision{What: control.Pause, Mirror: "v2", By: "bob", From: "127.0.0.1"},
		control.Decision{What: control.Kill, From: "SIGUSR1"})
	writeAudit(&text, r.Latest, time.FixedZone("east", 60*60))
	want := `
2026-11-21 12:30:00  kill                by ?    from SIGUSR1
2026-11-21 12:30:00  pause v2            by bob  from 127.0.0.1
2026-11-21 12:30:00  percent v2 default  by ann  from 127.0.0.1
2026-11-21 12:30:00  percent v2 12.5     by ann  from 127.0.0.1  load
`
	var got []string
	for line := range strings.Lines(text.String()) {
		got = append(got, strings.TrimRight(line, " \n"))
	}
	if strings.Join(got, "\n") != strings.TrimSpace(want) {
		t.Errorf("the audit log is\n%s\nwant%s", &text, want)
	}
}
