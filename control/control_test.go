package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func share(perMillion uint32) *uint32 { return &perMillion }

func TestAfter(t *testing.T) {
	f := func(decisions []Decision, want string) {
		t.Helper()
		var s State
		for i := range decisions {
			before, _ := json.Marshal(s)
			next := s.after(&decisions[i])
			if now, _ := json.Marshal(s); string(now) != string(before) {
				t.Errorf("%+v changes the state that it came from: %s, then %s", decisions[i], before, now)
			}
			s = next
		}
		if got, _ := json.Marshal(s); string(got) != want {
			t.Errorf("%+v leads to\n%s, want\n%s", decisions, got, want)
		}
	}
	f(nil, `{"killed":false}`)
	f([]Decision{{What: Kill}}, `{"killed":true}`)
	f([]Decision{{What: Kill}, {What: Unkill}}, `{"killed":false}`)
	f([]Decision{{What: Pause, Mirror: "a"}, {What: Pause, Mirror: "b"}, {What: Resume, Mirror: "a"}}, `{"killed":false,"mirrors":{"b":{"paused":true}}}`)
	f([]Decision{{What: Percent, Mirror: "a", PerMillion: share(0)}}, `{"killed":false,"mirrors":{"a":{"per_million":0}}}`)
	f([]Decision{{What: Percent, Mirror: "a", PerMillion: share(5)}, {What: Pause, Mirror: "a"}, {What: Percent, Mirror: "a"}, {What: Kill}},
		`{"killed":true,"mirrors":{"a":{"paused":true}}}`)
	f([]Decision{{What: Resume, Mirror: "a"}}, `{"killed":false}`)
}

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
	if !reflect.DeepEqual(*holds, State{}) || len(d.Latest()) != 0 {
		t.Errorf("a new desk begins with %+v and %+v", *holds, d.Latest())
	}
	for _, what := range []Decision{
		{What: Kill, By: "ann", From: "127.0.0.1", Why: "the database"},
		{What: Percent, Mirror: "v2", PerMillion: share(125_000), By: "bob", From: "127.0.0.1"},
		{What: Unkill, By: "ann", From: "SIGUSR2"},
		{What: Pause, Mirror: "v3", By: "bob", From: "127.0.0.1"},
	} {
		if err := d.Decide(what); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*holds, d.State()) {
			t.Errorf("in force is %+v, decided %+v", *holds, d.State())
		}
	}
	again, held := desk(t, dir)
	if !reflect.DeepEqual(*held, *holds) {
		t.Errorf("after the restart %+v is in force, before it was %+v", *held, *holds)
	}
	if got, want := again.Latest(), d.Latest(); len(got) != 4 || !reflect.DeepEqual(got, want) {
		t.Errorf("after the restart the decisions are\n%+v, before\n%+v", got, want)
	}
	if latest := again.Latest()[0]; latest.What != Pause || latest.By != "bob" || time.Since(latest.Time) > time.Hour {
		t.Errorf("the newest decision is %+v", latest)
	}
	for _, name := range []string{"shop.json", "shop.audit.jsonl"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; only its owner may read it", name, info, err)
		}
	}
}

func TestInMemory(t *testing.T) {
	var holds State
	d := InMemory(func(s State) { holds = s })
	if err := d.Decide(Decision{What: Kill}); err != nil || !holds.Killed || d.Kept() != "" || len(d.Latest()) != 1 {
		t.Errorf("%v, in force is %+v, kept at %q", err, holds, d.Kept())
	}
	for i := range 2 * recent {
		d.Decide(Decision{What: Pause, Mirror: fmt.Sprint(i)})
	}
	if got := d.Latest(); len(got) != recent || got[0].Mirror != fmt.Sprint(2*recent-1) {
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
		before := len(d.Latest())
		if err := d.Decide(what); !errors.Is(err, ErrRefused) || len(d.Latest()) != before {
			t.Errorf("%.60v: %v, %d decisions", what, err, len(d.Latest())-before)
		}
	}
	f(Decision{What: Kill, By: strings.Repeat("x", maxText+1)})
	f(Decision{What: Kill, Why: strings.Repeat("x", maxText+1)})
	for i := range maxMirrors {
		if err := d.Decide(Decision{What: Pause, Mirror: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	f(Decision{What: Pause, Mirror: "one more"})
	if err := d.Decide(Decision{What: Resume, Mirror: "7"}); err != nil {
		t.Error(err)
	}
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

func TestUnreadableState(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "shop.json")
	if err := os.WriteFile(path, []byte(`{"killed": tr`), 0o600); err != nil {
		t.Fatal(err)
	}
	applied := false
	_, err := Open(dir, "shop", func(State) { applied = true })
	if err == nil || !strings.Contains(err.Error(), path) || applied {
		t.Errorf("%v, applied %v", err, applied)
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
	for _, latest := range [][]Decision{d.Latest(), again.Latest()} {
		if len(latest) != 2 || latest[0].By != "bob" || latest[1].By != "ann" {
			t.Errorf("%+v", latest)
		}
	}
}
