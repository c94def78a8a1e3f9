package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// desk opens a desk in dir, and returns what it has put into force last.
func desk(t *testing.T, dir string) (*Desk, *State) {
	t.Helper()
	holds := new(State)
	d, err := Open(dir, "shop", func(s State) { *holds = s })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, holds
}

// audited are the decisions that stand in the log.
func audited(t *testing.T, d *Desk) []Decision {
	t.Helper()
	text, err := os.ReadFile(d.audit.path)
	if err != nil {
		t.Fatal(err)
	}
	return decisions(text)
}

func TestDecisionsOutliveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	d, holds := desk(t, dir)
	if holds.Killed || len(holds.Mirrors) != 0 || len(d.Report().Standing) != 0 || len(d.Report().Latest) != 0 {
		t.Errorf("a new desk begins with %+v and %+v", *holds, d.Report().Latest)
	}
	for _, what := range []Decision{
		{What: Kill, By: "ann", From: "127.0.0.1", Why: "the database"},
		{What: Percent, Mirror: "v2", Percent: share(125_000), By: "bob", From: "127.0.0.1"},
		{What: Unkill, By: "ann", From: "SIGUSR2"},
		{What: Pause, Mirror: "v3", By: "bob", From: "127.0.0.1"},
	} {
		if err := d.Decide(what); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*holds, stateOf(d.Report().Standing)) {
			t.Errorf("in force is %+v, decided %+v", *holds, stateOf(d.Report().Standing))
		}
	}
	again, held := desk(t, dir)
	if !reflect.DeepEqual(*held, *holds) {
		t.Errorf("after the restart %+v is in force, before it was %+v", *held, *holds)
	}
	if got, want := again.Report().Latest, d.Report().Latest; len(got) != 4 || !reflect.DeepEqual(got, want) {
		t.Errorf("after the restart the decisions are\n%+v, before\n%+v", got, want)
	}
	if latest := again.Report().Latest[0]; latest.What != Pause || latest.By != "bob" || time.Since(latest.Time) > time.Hour {
		t.Errorf("the newest decision is %+v", latest)
	}
	if got := again.Report().Standing; len(got) != 2 || !reflect.DeepEqual(got, d.Report().Standing) || got[0].Mirror != "v2" || got[0].By != "bob" || got[1].Mirror != "v3" {
		t.Errorf("after the restart there stand\n%+v, before\n%+v", got, d.Report().Standing)
	}
	for _, name := range []string{"shop.json", "shop.audit.jsonl"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; only its owner may read it", name, info, err)
		}
	}
}

func TestReport(t *testing.T) {
	d := InMemory(func(State) {})
	for _, what := range []Decision{
		{What: Pause, Mirror: "v3"}, {What: Percent, Mirror: "v2", Percent: share(50_000)}, {What: Pause, Mirror: "v4"}, {What: Kill}, {What: Resume, Mirror: "v4"},
	} {
		if err := d.Decide(what); err != nil {
			t.Fatal(err)
		}
	}
	f := func(configured []Mirror, want ...Mirror) {
		t.Helper()
		if got := d.Report(configured...).Mirrors; !reflect.DeepEqual(got, want) {
			t.Errorf("with %+v the mirrors are\n%+v, want\n%+v", configured, got, want)
		}
	}
	none, some := []Share{}, []Share{10_000, all}
	f(nil, Mirror{Mirror: "v2", Percent: share(50_000), Configured: none}, Mirror{Mirror: "v3", Paused: true, Configured: none})
	f([]Mirror{{Mirror: "v5", Configured: some}, {Mirror: "v3", Configured: some}},
		Mirror{Mirror: "v5", Configured: some}, Mirror{Mirror: "v3", Paused: true, Configured: some}, Mirror{Mirror: "v2", Percent: share(50_000), Configured: none})
	r := d.Report()
	if !r.Killed || len(r.Standing) != 3 || len(r.Latest) != 5 || r.Latest[0].What != Resume || r.Kept != "" {
		t.Errorf("%+v", r)
	}
	r.Standing[0].Mirror = "v9"
	if d.Report().Standing[0].Mirror != "v3" {
		t.Error("who reads a report changes what stands")
	}
}

func TestInMemory(t *testing.T) {
	var holds State
	d := InMemory(func(s State) { holds = s })
	if err := d.Decide(Decision{What: Kill}); err != nil || !holds.Killed || d.Report().Kept != "" || len(d.Report().Latest) != 1 {
		t.Errorf("%v, in force is %+v, kept at %q", err, holds, d.Report().Kept)
	}
	for i := range 2 * recent {
		d.Decide(Decision{What: Pause, Mirror: fmt.Sprint(i)})
	}
	if got := d.Report().Latest; len(got) != recent || got[0].Mirror != fmt.Sprint(2*recent-1) {
		t.Errorf("%d decisions are remembered, the newest is %+v", len(got), got[0])
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	d := InMemory(func(State) {})
	f := func(what Decision) {
		t.Helper()
		before := len(d.Report().Latest)
		if err := d.Decide(what); !errors.Is(err, ErrRefused) || len(d.Report().Latest) != before {
			t.Errorf("%.60v: %v, %d decisions", what, err, len(d.Report().Latest)-before)
		}
	}
	f(Decision{What: "stop"})
	f(Decision{What: Kill, Why: "two\nlines"})
	decide := func(what Decision) {
		t.Helper()
		if err := d.Decide(what); err != nil {
			t.Error(err)
		}
	}
	for i := range maxStanding {
		decide(Decision{What: Pause, Mirror: fmt.Sprint(i)})
	}
	f(Decision{What: Pause, Mirror: "one more"})
	decide(Decision{What: Kill})
	f(Decision{What: Pause, Mirror: "one more"})
	decide(Decision{What: Pause, Mirror: "7", Why: "the same again"})
	decide(Decision{What: Resume, Mirror: "7"})
	decide(Decision{What: Unkill})
	decide(Decision{What: Pause, Mirror: "one more"})
}

// What can't be kept is in force all the same, and the error says so.
func TestUnkept(t *testing.T) {
	dir := t.TempDir()
	d, holds := desk(t, dir)
	d.path = filepath.Join(dir, "missing", "shop.json")
	err := d.Decide(Decision{What: Kill})
	if err == nil || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "not kept over a restart") || !holds.Killed {
		t.Errorf("%v; in force is %+v", err, *holds)
	}
	if latest := audited(t, d); len(latest) != 1 {
		t.Errorf("the audit log has %+v", latest)
	}
	d.path = filepath.Join(dir, "shop.json")
	d.audit.close()
	if err := d.Decide(Decision{What: Unkill}); err == nil || !strings.Contains(err.Error(), "not in the audit log") || holds.Killed {
		t.Errorf("%v; in force is %+v", err, *holds)
	}
}

// What can't be read may have been the kill switch, so it is on until somebody decides.
func TestUnreadable(t *testing.T) {
	f := func(text string) {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, "shop.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var holds State
		for range 2 { // a restart changes nothing of it
			d, err := Open(dir, "shop", func(s State) { holds = s })
			if err == nil || !strings.Contains(err.Error(), path) || !holds.Killed {
				t.Fatalf("with %s: %v, %+v", text, err, holds)
			}
			if s := d.Report().Standing; len(s) != 1 || s[0].What != Kill || s[0].Why != err.Error() || s[0].Time.IsZero() {
				t.Errorf("with %s there stands %+v", text, s)
			}
			if latest := d.Report().Latest; latest[0].By != "tain" || latest[0].From != "start" {
				t.Errorf("with %s the log begins with %+v", text, latest)
			}
			if left, err := os.ReadFile(path); string(left) != text {
				t.Errorf("%s has become %s, %v", text, left, err)
			}
			d.Close()
		}
		d, _ := Open(dir, "shop", func(s State) { holds = s })
		if err := d.Decide(Decision{What: Unkill, By: "ann"}); err != nil || holds.Killed {
			t.Errorf("with %s: %v, %+v", text, err, holds)
		}
		d.Close()
		if _, again := desk(t, dir); again.Killed {
			t.Errorf("with %s the decision is not kept", text)
		}
	}
	f("")
	f(`{"standing": [{"what": "ki`)
	f(`{"standing": [{"what": "stop", "by": "ann"}]}`)
	f(`{"standing": [{"what": "percent", "mirror": "v2", "percent": 101}]}`)
	f(`{"standing": {}}`)
}

// Where nothing can be written, nothing was decided before either.
func TestUnwritable(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	holds := State{Killed: true}
	d, err := Open(filepath.Join(taken, "data"), "shop", func(s State) { holds = s })
	if err == nil || !strings.Contains(err.Error(), "not kept over a restart") || holds.Killed || d.Report().Kept != "" {
		t.Fatalf("%v, %+v, kept at %q", err, holds, d.Report().Kept)
	}
	if err := d.Decide(Decision{What: Kill}); err != nil || !holds.Killed {
		t.Errorf("%v, %+v", err, holds)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// What stands holds even if there can't be an audit log.
func TestWithoutAuditLog(t *testing.T) {
	dir := t.TempDir()
	d, _ := desk(t, dir)
	if err := d.Decide(Decision{What: Kill}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(d.audit.path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.audit.path, 0o700); err != nil {
		t.Fatal(err)
	}
	var holds State
	again, err := Open(dir, "shop", func(s State) { holds = s })
	if err == nil || !holds.Killed || again.Report().Kept != "" {
		t.Errorf("%v, %+v, kept at %q", err, holds, again.Report().Kept)
	}
}

func TestAuditRotates(t *testing.T) {
	dir := t.TempDir()
	d, _ := desk(t, dir)
	d.audit.max = 1000
	for i := range 50 {
		if err := d.Decide(Decision{What: Pause, Mirror: fmt.Sprint(i), By: "ann"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"shop.audit.jsonl", "shop.audit.jsonl.1"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() > 1000 || info.Size() == 0 {
			t.Errorf("%s: %v, %v", name, info.Size(), err)
		}
	}
	if latest := audited(t, d); len(latest) == 0 || latest[len(latest)-1].Mirror != "49" {
		t.Errorf("%+v", latest)
	}
}

// A line that was cut off by a crash costs nothing but itself.
func TestAuditAfterACrash(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "shop.audit.jsonl")
	if err := os.WriteFile(path, []byte(`{"what":"kill","by":"ann"}`+"\n"+`{"what":"unk`), 0o600); err != nil {
		t.Fatal(err)
	}
	d, _ := desk(t, dir)
	if err := d.Decide(Decision{What: Unkill, By: "bob"}); err != nil {
		t.Fatal(err)
	}
	again, _ := desk(t, dir)
	for _, latest := range [][]Decision{d.Report().Latest, again.Report().Latest} {
		if len(latest) != 2 || latest[0].By != "bob" || latest[1].By != "ann" {
			t.Errorf("%+v", latest)
		}
	}
}

// FuzzOpen opens a desk on any file: it is either understood, or the kill switch is on.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{"", "{}", "null", `{"standing": [{"what": "kill"}, {"what": "percent", "mirror": "v2", "percent": 12.5}]}`, `{"standing": [{"what": "unkill"}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "shop.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		var holds State
		d, err := Open(dir, "shop", func(s State) { holds = s })
		t.Cleanup(func() { d.Close() })
		if err != nil && !holds.Killed {
			t.Errorf("%v, and nothing is killed", err)
		}
		for name, rule := range holds.Mirrors {
			if rule.PerMillion != nil && Share(*rule.PerMillion) > all {
				t.Errorf("mirror %q gets %d of a million", name, *rule.PerMillion)
			}
		}
		if d.Report().Killed != holds.Killed {
			t.Errorf("the report says %+v, in force is %+v", d.Report(), holds)
		}
	})
}
