package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tain.dev/tain/config"
)

func newMirrorCommand() *cobra.Command {
	var quick config.Quick
	var output string
	var listen []string
	quick.Percent = 100
	set := config.Defaults()
	cmd := &cobra.Command{
		Use:   "mirror --live URL --to URL [flags]",
		Short: "Put tain in front of a service and mirror its traffic (the quick start)",
		Long: `tain mirror listens for users, forwards what they send to --live, and sends a copy to every --to. The
answers of the copies are compared with live's and thrown away. Nothing about a copy can delay, change
or fail a user's request. Ctrl-C drains, and then prints the report.

Only safe methods (GET, HEAD, OPTIONS, TRACE, QUERY) are copied, unless --writes is given: a copied POST
may charge a card twice.

--match says which requests are copied; all that are given must hold:
  method=GET  path=/api/*  path=/exact  path~=/v[12]/.*  host=shop.example.com
  header.X-Env=prod  query.debug=1   with != for not, and else a CEL expression such as
  'method == "GET" && header["x-env"] in ["prod", "stage"]'`,
		Example: `  tain mirror --live http://127.0.0.1:9000 --to http://127.0.0.1:9001
  tain mirror --live http://127.0.0.1:9000 --to http://127.0.0.1:9001 --baseline http://127.0.0.1:9002 \
      --percent 10 --match 'path=/api/*'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, errs := quick.Config()
			table := cfg.Table
			*cfg = set
			cfg.Table, cfg.Listen = table, config.Listeners(listen...)
			takeAdmin(cfg)
			if errs = append(errs, flagErrors(cfg.Validate())...); len(errs) > 0 {
				return &exitError{code: exitUsage, err: joinErrors(errs), hint: "see tain mirror --help"}
			}
			return serve(cmd, cfg, nil, output)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&quick.Live, "live", "", "`URL` of the service that answers users, http://host:port")
	f.StringArrayVar(&quick.To, "to", nil, "`URL` that copies go to, http://host:port; repeatable")
	f.StringVar(&quick.Baseline, "baseline", "", "`URL` of a second instance of the live version, to tell noise from change")
	f.Float64Var(&quick.Percent, "percent", 100, "`percentage` of the requests that are copied, 0 to 100, down to 0.0001")
	f.StringArrayVar(&quick.Match, "match", nil, "`condition` on the requests that are copied; repeatable")
	f.BoolVar(&quick.Writes, "writes", false, "copy unsafe methods (POST, PUT, DELETE, …) too")
	f.StringVar(&quick.Host, "host", "", "Host of the copies: a `name`, or a suffix such as -shadow (default: as the user sent it)")
	f.DurationVar(&quick.Timeout, "timeout", 10*time.Second, "how long a copy may take, from the connect to the last byte")
	f.Var((*size)(&quick.MaxCopyBody), "max-copy-body", "largest request body that is copied (default 1MiB)")
	f.Var((*size)(&set.Mirror.Memory), "mirror-memory", "ceiling for all that exists because of mirrors")
	f.StringSliceVar(&listen, "listen", []string{set.Listen[0].Address}, "`address` where users connect, host:port or :port; repeatable")
	addProcessFlags(f, &set)
	addOutputFlag(cmd, &output)
	return cmd
}

// addProcessFlags adds what tain mirror and tain demo have in common.
func addProcessFlags(f *pflag.FlagSet, set *config.Config) {
	f.StringVar(&set.Admin, "admin", set.Admin, "`address` of the admin API, or off")
	f.StringVar(&set.Health, "health", set.Health, "`address` that serves only /healthz, /readyz and /metrics")
	f.BoolVar(&set.Pprof, "pprof", set.Pprof, "serve Go profiles on the admin API")
	f.IntVar(&set.Loops, "loops", set.Loops, "`number` of event loops; one uses one core")
	f.StringVar(&set.Data.Dir, "data", set.Data.Dir, "`folder` for examples of pairs, or off (default $XDG_STATE_HOME/tain)")
	f.StringSliceVar(&set.Mask, "mask", nil, "`names` of headers, query parameters and fields to mask in every pair, besides Authorization and cookies")
	f.DurationVar(&set.Drain, "drain", set.Drain, "how long running requests may take when tain stops")
	f.StringVar(&set.Log.Level, "log-level", set.Log.Level, "lowest `level` that is logged: debug, info, warn or error")
	f.StringVar(&set.Log.Format, "log-format", set.Log.Format, "`form` of the log: text, json, or auto, which is text on a terminal, else json")
}

// takeAdmin reads "off" for an address.
func takeAdmin(cfg *config.Config) {
	if cfg.Admin == "off" {
		cfg.Admin = ""
	}
	if cfg.Health == "off" {
		cfg.Health = ""
	}
}

// flagErrors names the flags of settings that have one.
func flagErrors(errs []error) []error {
	flags := map[string]string{
		"listen": "--listen", "admin": "--admin", "health": "--health", "loops": "--loops", "drain": "--drain",
		"mirror.memory": "--mirror-memory", "data.dir": "--data", "log.level": "--log-level", "log.format": "--log-format", "mask": "--mask",
	}
	for _, err := range errs {
		if e, ok := err.(*config.Error); ok {
			name, index, _ := strings.Cut(e.Setting, "[")
			if flag := flags[name]; flag != "" && e.File == "" {
				e.Setting = flag
				if index != "" {
					e.Setting += " (number " + strings.TrimSuffix(index, "]") + ", counted from 0)"
				}
			}
		}
	}
	return errs
}

// size is a flag in bytes, such as 64MiB.
type size int64

func (s *size) Set(text string) error {
	n, err := config.ParseSize(text)
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	*s = size(n)
	return nil
}

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return config.FormatSize(int64(*s))
}

func (s *size) Type() string { return "size" }
