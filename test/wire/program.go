package wire

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Binary is the path of the tested program, in the tests of a package whose TestMain is [Main].
var Binary string

// Main builds the program once, with the race detector if the test has it, runs the tests, and
// returns the exit code. Call it from TestMain alone.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tain-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Binary = filepath.Join(dir, "tain")
	args := append([]string{"build", "-o", Binary}, buildFlags...)
	if out, err := exec.Command("go", append(args, "tain.dev/tain/cmd/tain")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building tain: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Need returns the path of a program that the test cannot do without. Without it the test is skipped,
// unless CI is set in the environment: then it fails.
func Need(t testing.TB, name string) string {
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

// ExitCode returns the code that a command ended with, from the error that it returned: -1 when it
// did not run, or was ended by a signal.
func ExitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// Buffer may be written by a process and read by a test at the same time. The zero value is empty.
type Buffer struct {
	mu  sync.Mutex
	buf []byte
}

// Write appends p. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf = append(b.buf, p...)
	return len(p), nil
}

// String returns all that was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.buf)
}
