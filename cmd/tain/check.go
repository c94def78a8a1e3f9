package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"tain.dev/tain/config"
	"tain.dev/tain/mirror"
)

const fileUsage = "`path` of the configuration: a YAML file, or a folder of them"

func newCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check -f tain.yaml",
		Short: "Say everything that is wrong with a configuration",
		Long: `tain check reads a configuration as tain run does, and loads the certificates that it names. It lists
everything that is wrong with it, with file, line and column, and exits with 1 if there is anything. What is
right but of no use, such as a route that is never reached, is a warning.`,
		Example: "  tain check -f tain.yaml\n  tain check -f /etc/tain",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, errs := config.Load(path, mirror.CheckRedaction)
			errs = append(errs, checkFiles(path, cfg, errs, plainLogger(cmd.ErrOrStderr()))...)
			for _, warning := range cfg.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "tain: warning:", warning)
			}
			if len(errs) > 0 {
				return &exitError{code: exitNegative, err: joinErrors(errs)}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, %d routes\n", path, len(cfg.Table.Routes()))
			return nil
		},
	}
	addFileFlag(cmd, &path)
	return cmd
}

func newRoutesCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "routes -f tain.yaml",
		Short:   "Print the routes of a configuration as they are compiled",
		Long:    "tain routes prints the table that tain run would serve, in its text form. Routes that are wrong are left\nout and listed on standard error, and the exit code is 1.",
		Example: "  tain routes -f tain.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, errs := config.Load(path, mirror.CheckRedaction)
			fmt.Fprint(cmd.OutOrStdout(), cfg.Table)
			if len(errs) > 0 {
				return &exitError{code: exitNegative, err: joinErrors(errs)}
			}
			return nil
		},
	}
	addFileFlag(cmd, &path)
	return cmd
}

// plainLogger is for a command that is over at once: its lines need no time.
func plainLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func addFileFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "file", "f", "", fileUsage)
	_ = cmd.MarkFlagRequired("file")
}

func joinErrors(errs []error) error { return errors.Join(errs...) }
