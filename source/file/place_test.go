package file

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPlace(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml": "loops: 2\nproxy:\n  maxHead: 32KiB\n  via: off\nmask:\n- token\n",
		"b.yaml": "# nothing else\nlog: &log\n\n  level: debug\nmirror: *log\ndrain: {}\n",
		"c.yaml": "data: [\n",
		"d.yaml": "- pprof: true\n",
		"e.yaml": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(path, setting, want string) {
		t.Helper()
		if got := New(filepath.Join(dir, path)).Place(setting); got != filepath.Join(dir, want) {
			t.Errorf("%s is at %s, want %s", setting, got, want)
		}
	}
	f("", "loops", "a.yaml:1")
	f("", "proxy.maxHead", "a.yaml:3")
	f("", "proxy.via", "a.yaml:4")
	f("", "mask", "a.yaml:5")
	f("", "log.level", "b.yaml:4")
	f("", "mirror.level", "b.yaml:4")
	f("b.yaml", "log.level", "b.yaml:4")

	// What is written nowhere is said to be in what was given.
	f("", "proxy.maxURI", "")
	f("", "loops.more", "")
	f("", "drain.more", "")
	f("", "data.dir", "")
	f("", "pprof", "")
	f("a.yaml", "log.level", "a.yaml")
	f("none.yaml", "loops", "none.yaml")
}

// FuzzPlace looks for a setting in whatever a file holds.
func FuzzPlace(f *testing.F) {
	f.Add("proxy:\n  maxHead: 1\n", "proxy.maxHead")
	f.Add("a: &a {b: *a}", "a.b.b.b")
	f.Add("- x", "x")
	f.Fuzz(func(t *testing.T, text, setting string) {
		file := filepath.Join(t.TempDir(), "tain.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if New(file).Place(setting) == "" {
			t.Error("no place")
		}
	})
}
