package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tain.dev/tain/test/wire"
)

// TestScripts runs the scripts in testdata/script, which read as a manual of the command line.
// Besides the commands of testscript they have
//
//	exits CODE COMMAND...
//
// which runs a command and asserts its exit code, and the condition [race]: the race detector is on.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		// A command that should have ended must not hold up the rest.
		Deadline: time.Now().Add(2 * time.Minute),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(wire.Binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			// Nothing is kept outside the script's own folder.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "race" {
				return wire.Race, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %q is not an exit code", args[0])
	}
	if got := wire.ExitCode(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}
