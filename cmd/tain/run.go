package main

import (
	"github.com/spf13/cobra"

	"tain.dev/tain/config"
	"tain.dev/tain/mirror"
	"tain.dev/tain/source/file"
)

func newRunCommand() *cobra.Command {
	var path, output string
	cmd := &cobra.Command{
		Use:   "run -f tain.yaml",
		Short: "Serve and mirror as a configuration says",
		Long: `tain run serves what a file, or every file of a folder, describes. Its routes and listeners are read again
when it changes, and on SIGHUP, certificates when theirs do; a file with errors changes nothing, and is
logged. Other settings need a restart.
SIGTERM and Ctrl-C drain, as does the end of the terminal. SIGUSR1 stops all mirroring at once, SIGUSR2
allows it again.`,
		Example: "  tain run -f tain.yaml\n  tain run -f /etc/tain",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			watcher := file.New(path, mirror.CheckRedaction)
			cfg, errs := watcher.Load()
			if !onlyRoutes(errs) || len(errs) > 0 && len(cfg.Table.Routes()) == 0 {
				return &exitError{code: exitConfig, err: joinErrors(errs), hint: "tain check -f " + path + " lists this again"}
			}
			return serve(cmd, cfg, watcher, output, errs...)
		},
	}
	addFileFlag(cmd, &path)
	addOutputFlag(cmd, &output)
	return cmd
}

// serve runs tain until a signal ends it, then prints the report. watcher is of the
// configuration to follow, nil for none; problems are the routes in it that are left out.
func serve(cmd *cobra.Command, cfg *config.Config, watcher *file.Watcher, output string, problems ...error) error {
	s, live, err := prepare(cfg, output)
	if err != nil {
		return err
	}
	defer live.close()
	ctx, free := s.untilEnded()
	defer free()
	if watcher != nil {
		s.follow(watcher, problems)
	}
	go live.run(ctx, s)
	if err := s.run(ctx); err != nil {
		return err
	}
	return live.report(cmd.OutOrStdout(), s)
}
