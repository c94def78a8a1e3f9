package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binary is the tested program.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

// buildAndRun builds the program once, and runs the tests.
func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tain-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tain")
	args := append([]string{"build", "-o", binary}, buildFlags...)
	if out, err := exec.Command("go", append(args, "tain.dev/tain/cmd/tain")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building tain: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// need returns the path of a program that the test cannot do without.
func need(t *testing.T, name string) string {
	t.Helper()
	for _, where := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(where); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed; .ci/run installs it", name)
	return ""
}

// eventually asks ready, every few milliseconds, until it is true, and fails the test when half a
// minute passes first.
func eventually(t *testing.T, what string, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !ready() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited 30s for %s", what)
		}
	}
}
