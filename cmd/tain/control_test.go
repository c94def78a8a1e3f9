package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/route"
)

func TestDeskName(t *testing.T) {
	f := func(admin, listen, want string) {
		t.Helper()
		cfg := &config.Config{Admin: admin, Listen: config.Listeners(listen, ":9999")}
		if got := deskName(cfg); got != want {
			t.Errorf("with admin %q and listen %q the name is %q, want %q", admin, listen, got, want)
		}
	}
	f("127.0.0.1:9780", ":8080", "127.0.0.1:9780")
	f("", ":8080", ":8080")
	f("", "unix:/run/tain.sock", "unix:_run_tain.sock")
	f("127.0.0.1:0", ":8080", "")
	f("", "127.0.0.1:0", "")
}

// keeping is a built system whose desk is in dir, and its log.
func keeping(t *testing.T, dir, admin string) (s *system, log *bytes.Buffer) {
	t.Helper()
	s, log = built(t), new(bytes.Buffer)
	s.log = slog.New(slog.NewTextHandler(log, nil))
	s.cfg.Data.Dir, s.cfg.Admin = dir, admin
	s.openDesk()
	t.Cleanup(func() { s.desk.Close() })
	return s, log
}

// TestDecisionsOutliveARestart makes them in one system, and looks at the next.
func TestDecisionsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	s, log := keeping(t, dir, "127.0.0.1:9780")
	for _, d := range []control.Decision{
		{What: control.Kill, By: "ann", From: "127.0.0.1", Why: "the database"},
		{What: control.Percent, Mirror: "mirror", Percent: share(50_000), By: "bob", From: "127.0.0.1"},
	} {
		if err := s.decide(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.decide(control.Decision{What: "stop"}); err == nil {
		t.Error("a decision without a meaning was made")
	}
	says := func(log *bytes.Buffer, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if !strings.Contains(log.String(), text) {
				t.Errorf("the log does not say %q:\n%s", text, log)
			}
		}
	}
	says(log, `msg="the kill switch is on: nothing is mirrored; tain ctl unkill`, `what=kill by=ann from=127.0.0.1 why="the database"`, "what=percent mirror=mirror percent=5% by=bob")

	next, log := keeping(t, dir, "127.0.0.1:9780")
	if !next.mirror.Killed() || next.control().Kept != filepath.Join(dir, "control", "127.0.0.1:9780.json") {
		t.Errorf("after the restart: %+v", next.control())
	}
	says(log, "what was decided before still holds", "what=kill by=ann", "what=percent mirror=mirror percent=5% by=bob")
	notes := strings.Join(next.notes(nil), "\n")
	for _, want := range []string{"The kill switch is on, nothing is mirrored: killed (by ann, ", "Operators decided on the mirror mirror: 5% instead of 100% (by bob, "} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes are\n%s\nwant %q in them", notes, want)
		}
	}

	other, _ := keeping(t, dir, "127.0.0.1:9781")
	if other.mirror.Killed() {
		t.Error("another tain is killed too")
	}
	if unnamed, _ := keeping(t, dir, "127.0.0.1:0"); unnamed.mirror.Killed() || unnamed.control().Kept != "" {
		t.Errorf("one without a fixed address: %+v", unnamed.control())
	}
	if off, _ := keeping(t, "off", "127.0.0.1:9780"); off.mirror.Killed() || off.control().Kept != "" {
		t.Errorf("one that keeps no data: %+v", off.control())
	}
}

// TestUnreadableDecisions begins killed, and says so.
func TestUnreadableDecisions(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "control"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "control", "127.0.0.1:9780.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, log := keeping(t, dir, "127.0.0.1:9780")
	if !s.mirror.Killed() || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "so the kill switch is on until somebody turns it off") {
		t.Errorf("killed: %v\n%s", s.mirror.Killed(), log)
	}
	if err := s.decide(control.Decision{What: control.Unkill, By: "ann"}); err != nil || s.mirror.Killed() {
		t.Errorf("%v, killed: %v", err, s.mirror.Killed())
	}
}

func TestConfigured(t *testing.T) {
	mirror := func(name string, perMillion uint32) *route.Mirror {
		return &route.Mirror{Name: name, Sample: route.Sample{PerMillion: perMillion}}
	}
	got := configured([]*route.Route{
		{Mirrors: []*route.Mirror{mirror("v3", 10), mirror("v2", route.All)}}, {},
		{Mirrors: []*route.Mirror{mirror("v2", 5), mirror("v3", 10)}},
	})
	want := []control.Mirror{{Mirror: "v3", Configured: []control.Share{10}}, {Mirror: "v2", Configured: []control.Share{1_000_000, 5}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
