package control

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func share(perMillion Share) *Share { return &perMillion }

// TestStand makes decisions one after the other, and looks at those that stand in the end.
func TestStand(t *testing.T) {
	kill, unkill := Decision{What: Kill}, Decision{What: Unkill}
	pause := func(mirror string) Decision { return Decision{What: Pause, Mirror: mirror} }
	resume := func(mirror string) Decision { return Decision{What: Resume, Mirror: mirror} }
	percent := func(mirror string, s *Share) Decision { return Decision{What: Percent, Mirror: mirror, Percent: s} }

	f := func(made []Decision, want ...Decision) {
		t.Helper()
		var standing []Decision
		for i := range made {
			before, _ := json.Marshal(standing)
			next := stand(standing, &made[i])
			if now, _ := json.Marshal(standing); string(now) != string(before) {
				t.Errorf("%+v changes what stood: %s, then %s", made[i], before, now)
			}
			standing = next
		}
		if len(standing) != len(want) || len(want) > 0 && !reflect.DeepEqual(standing, want) {
			t.Errorf("after %+v\n%+v stands, want\n%+v", made, standing, want)
		}
	}
	f(nil)
	f([]Decision{kill}, kill)
	f([]Decision{kill, unkill})
	f([]Decision{unkill})
	f([]Decision{resume("a")})
	f([]Decision{pause("a"), pause("b"), resume("a")}, pause("b"))
	f([]Decision{pause("a"), kill, unkill}, pause("a"))
	f([]Decision{percent("a", share(5)), pause("a"), percent("a", share(0)), percent("b", share(7))}, pause("a"), percent("a", share(0)), percent("b", share(7)))
	f([]Decision{percent("a", share(5)), pause("a"), percent("a", nil), kill}, pause("a"), kill)
	f([]Decision{{What: Kill, By: "ann"}, {What: Kill, By: "bob"}}, Decision{What: Kill, By: "bob"})
}

func TestStateOf(t *testing.T) {
	f := func(want State, standing ...Decision) {
		t.Helper()
		got := stateOf(standing)
		if got.Killed != want.Killed || len(got.Mirrors) != len(want.Mirrors) || len(want.Mirrors) > 0 && !reflect.DeepEqual(got.Mirrors, want.Mirrors) {
			t.Errorf("while %+v stands, the state is\n%+v, want\n%+v", standing, got, want)
		}
	}
	none, five := uint32(0), uint32(50_000)
	f(State{})
	f(State{Killed: true}, Decision{What: Kill})
	f(State{Killed: true, Mirrors: map[string]Rule{"a": {Paused: true, PerMillion: &five}, "b": {PerMillion: &none}, "c": {Paused: true}}},
		Decision{What: Percent, Mirror: "a", Percent: share(50_000)}, Decision{What: Pause, Mirror: "a"},
		Decision{What: Kill}, Decision{What: Percent, Mirror: "b", Percent: share(0)}, Decision{What: Pause, Mirror: "c"})
}

func TestDecisionsAreChecked(t *testing.T) {
	f := func(d Decision, want string) {
		t.Helper()
		if err := d.check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60v: %v, want %q", d, err, want)
		}
	}
	f(Decision{What: Kill}, "")
	f(Decision{What: Kill, By: "Ærøskøbing's ann", Why: strings.Repeat("x", maxText)}, "")
	f(Decision{}, `no decision ""`)
	f(Decision{What: "stop"}, `no decision "stop"`)
	f(Decision{What: Kill, By: strings.Repeat("x", maxText+1)}, "256 bytes")
	f(Decision{What: Kill, Why: strings.Repeat("x", maxText+1)}, "256 bytes")
	f(Decision{What: Kill, By: "ann\n"}, `"ann\n"`)
	f(Decision{What: Kill, Why: "\x1b[2J"}, `"\x1b[2J"`)
}

func TestDecisionAsJSON(t *testing.T) {
	f := func(d Decision, want string) {
		t.Helper()
		text, err := json.Marshal(d)
		if string(text) != want || err != nil {
			t.Errorf("%s, %v\nwant\n%s", text, err, want)
		}
		var again Decision
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%s is read as %+v, %v", text, again, err)
		}
	}
	at := time.Date(2026, 11, 21, 14, 2, 3, 0, time.UTC)
	f(Decision{Time: at, What: Kill, By: "ann", From: "SIGUSR1"}, `{"time":"2026-11-21T14:02:03Z","what":"kill","by":"ann","from":"SIGUSR1"}`)
	f(Decision{Time: at, What: Percent, Mirror: "v2", Percent: share(125_000), By: "ann", From: "127.0.0.1", Why: "load"},
		`{"time":"2026-11-21T14:02:03Z","what":"percent","mirror":"v2","percent":12.5,"by":"ann","from":"127.0.0.1","why":"load"}`)
}

func TestShare(t *testing.T) {
	f := func(s Share, want string) {
		t.Helper()
		text, err := json.Marshal(s)
		if string(text) != want || err != nil {
			t.Errorf("%d is written as %s, %v; want %s", s, text, err, want)
		}
		var again Share
		if err := json.Unmarshal(text, &again); err != nil || again != s {
			t.Errorf("%s is read as %d, %v; want %d", text, again, err, s)
		}
	}
	f(0, "0")
	f(1, "0.0001")
	f(290_000, "29")
	f(333_333, "33.3333")
	f(999_999, "99.9999")
	f(all, "100")
	for s := Share(0); s <= all; s += 97 {
		text, _ := json.Marshal(s)
		f(s, string(text))
	}
	for _, bad := range []string{"-0.1", "100.1", `"5"`, "true", "{}"} {
		var s Share
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s is read as %d", bad, s)
		}
	}
}
