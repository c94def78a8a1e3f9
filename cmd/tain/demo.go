package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tain.dev/tain/config"
	"tain.dev/tain/demo"
)

// demoRate is the demo's load in requests per second, gentle enough for a laptop.
const demoRate = 350

func newDemoCommand() *cobra.Command {
	var length time.Duration
	var output string
	var listen []string
	set := config.Defaults()
	set.Data.Dir = "off"
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See tain find what is wrong with version 2 of a small shop",
		Long: `tain demo starts a small shop as live, a second instance of it as baseline, and version 2 of it, in which
some regressions are planted. It mirrors the traffic of made-up users from the first to the others, and
names the regressions as it finds them. Everything listens on loopback.

With --for it ends by itself, with a last line "planted N, found N, false N", and exits with 1 unless all
were found and none is false.`,
		Example: "  tain demo\n  tain demo --for 20s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set.Listen = config.Listeners(listen...)
			return runDemo(cmd, set, length, output)
		},
	}
	cmd.Flags().DurationVar(&length, "for", 0, "end after so long, and say how well tain did")
	cmd.Flags().StringSliceVar(&listen, "listen", []string{"127.0.0.1:0"}, "`address` where the mirrored shop listens")
	addProcessFlags(cmd.Flags(), &set)
	addOutputFlag(cmd, &output)
	cmd.AddCommand(newDemoRulesCommand())
	return cmd
}

func runDemo(cmd *cobra.Command, set config.Config, length time.Duration, output string) error {
	var urls []string
	for i, version := range []int{1, 2, 1} {
		url, closeShop, err := startShop(version, uint64(i+1))
		if err != nil {
			return environment(err, "")
		}
		defer closeShop()
		urls = append(urls, url)
	}
	cfg, errs := config.Quick{Live: urls[0], To: urls[1:2], Baseline: urls[2], Percent: 100}.Config()
	table := cfg.Table
	*cfg = set
	cfg.Table = table
	if errs = append(errs, flagErrors(cfg.Validate())...); len(errs) > 0 {
		return &exitError{code: exitUsage, err: joinErrors(errs), hint: "see tain demo --help"}
	}
	s, live, err := prepare(cfg, output)
	if err != nil {
		return err
	}
	defer live.close()
	load, err := demo.NewLoad("http://"+s.listeners.addrs()[0], demoRate)
	if err != nil {
		return err
	}
	ctx, free := s.untilEnded()
	defer free()
	if length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The shop is at http://%s. Version 2 of it gets a copy of everything.\n%s\n\n", s.listeners.addrs()[0], adminText(s))
	go load.Run(ctx)
	go live.run(ctx, s)
	if err := s.run(ctx); err != nil {
		return err
	}
	if err := live.report(cmd.OutOrStdout(), s); err != nil {
		return err
	}
	return score(cmd.OutOrStdout(), s, length > 0)
}

func adminText(s *system) string {
	if addr := s.console.AdminAddr(); addr != nil {
		return "What tain sees is at http://" + addr.String() + " too."
	}
	return "The report comes at the end."
}

// startShop serves one version of the shop on a free port of loopback.
func startShop(version int, seed uint64) (url string, stop func(), err error) {
	url, stop, err = serveDemo(demo.Shop(version, seed))
	if err != nil {
		err = fmt.Errorf("starting version %d of the shop: %w", version, err)
	}
	return url, stop, err
}

// score says how many of the planted regressions were found. strict makes anything but a perfect
// score an error.
func score(w io.Writer, s *system, strict bool) error {
	found, missing, unexplained := demo.Score(s.compare.Findings())
	fmt.Fprintln(w)
	for _, p := range missing {
		fmt.Fprintf(w, "not found: %s\n", p.Says)
	}
	for _, f := range unexplained {
		fmt.Fprintf(w, "false: %s\n", f.Text)
	}
	fmt.Fprintf(w, "planted %d, found %d, false %d\n", len(demo.Planted()), len(found), len(unexplained))
	if strict && (len(missing) > 0 || len(unexplained) > 0) {
		return &exitError{code: exitNegative, err: errors.New("the demo did not find just what was planted")}
	}
	return nil
}
