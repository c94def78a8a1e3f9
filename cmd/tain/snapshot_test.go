package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNotesSayWhyNothingWasKept gives tain a folder that can't be made.
func TestNotesSayWhyNothingWasKept(t *testing.T) {
	s := built(t)
	f := func(dir, want string) {
		t.Helper()
		s.cfg.Data.Dir = dir
		s.store = s.openStore()
		notes := s.notes(nil)
		told := slices.ContainsFunc(notes, func(note string) bool { return strings.HasPrefix(note, "Nothing was kept on disk: "+want) })
		if told != (want != "") {
			t.Errorf("with --data %s the notes are %q, want %q among them", dir, notes, want)
		}
	}
	f("off", "")
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f(filepath.Join(taken, "data"), "making the folder for recordings: mkdir "+taken)
}
