// Command tain mirrors live traffic to other versions of a service and says what the copies
// revealed. Reading run.go and system.go is reading how it is put together.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes of every command, after sysexits(3).
const (
	exitOK       = 0
	exitNegative = 1  // the command's answer is no
	exitUsage    = 64 // the command line is wrong
	exitInternal = 70 // tain failed
	exitConfig   = 78 // the configuration, or what it asks of the system, can't be had
)

// exitError is an error with its exit code, and a hint for the person who can mend it.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func main() {
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

func execute(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	unquoteForShells(root, args)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitUsage, err: err, hint: "see tain --help"} // cobra's own: unknown command or argument
	}
	if exit.code == exitInternal && exit.hint == "" {
		exit.hint = "this should not happen: please report it, with the log"
	}
	for line := range strings.SplitSeq(exit.Error(), "\n") {
		if line != "" {
			fmt.Fprintf(stderr, "tain: error: %s\n", line)
		}
	}
	if exit.hint != "" {
		fmt.Fprintf(stderr, "tain: hint: %s\n", exit.hint)
	}
	return exit.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tain",
		Short: "Mirror live traffic to another version of a service, and compare the answers",
		Long: `tain copies the live traffic of a service to other versions of it, without the users of the live
service noticing, compares the answers, and says what it saw.`,
		Example: `  tain demo                              # see it at work, with a small shop and its second version
  tain mirror --live http://127.0.0.1:9000 --to http://127.0.0.1:9001
  tain check -f tain.yaml && tain run -f tain.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		Version:       readBuild().String(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			_ = cmd.Help()
			return usageError("no command is given")
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.InitDefaultVersionFlag() // so that tain help lists it, too
	root.SetFlagErrorFunc(flagError)
	for _, cmd := range []*cobra.Command{
		newMirrorCommand(), newRunCommand(), newCheckCommand(), newRoutesCommand(), newExplainCommand(), newCtlCommand(), newDemoCommand(), newVersionCommand(),
	} {
		addCompletions(cmd)
		root.AddCommand(cmd)
	}
	refuseUnknown(root)
	return root
}
