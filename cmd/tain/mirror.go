package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tain.dev/tain/config"
	"tain.dev/tain/tlsconf"
)

func newMirrorCommand() *cobra.Command {
	var quick config.Quick
	var output, accessFormat string
	var certs, keys []string
	set := config.Defaults()
	cmd := &cobra.Command{
		Use:   "mirror --live URL --to URL [flags]",
		Short: "Put tain in front of a service and mirror its traffic (the quick start)",
		Long: `tain mirror listens for users, forwards what they send to --live, and sends a copy to every --to. The
answers of the copies are compared with live's and thrown away. Nothing about a copy can delay, change
or fail a user's request. Ctrl-C drains, and then prints the report.

URLs say how a service is talked to: http://host:port and https://host:port are HTTP/1.1, h2c:// and
h2:// HTTP/2, for gRPC too; http+unix:///run/app.sock is a socket. With --tls-cert users connect over
TLS, else in the clear; they speak HTTP/1.1 or HTTP/2 as they like.

Only safe methods (GET, HEAD, OPTIONS, TRACE, QUERY) are copied, unless --writes is given: a copied POST
may charge a card twice.

--match says which requests are copied; all that are given must hold:
  method=GET  path=/api/*  path=/exact  path~=/v[12]/.*  host=shop.example.com
  header.X-Env=prod  query.debug=1   with != for not, and else a CEL expression such as
  'method == "GET" && header["x-env"] in ["prod", "stage"]'`,
		Example: `  tain mirror --live http://127.0.0.1:9000 --to http://127.0.0.1:9001
  tain mirror --live http://127.0.0.1:9000 --to http://127.0.0.1:9001 --baseline http://127.0.0.1:9002 \
      --percent 10 --match 'path=/api/*'
  tain mirror --live https://shop.internal --to https://shop-v2.internal --backend-ca internal-ca.pem \
      --listen :8443 --tls-cert shop.pem --tls-key shop.key --access-log /var/log/tain.log
  tain mirror --live h2c://127.0.0.1:9000 --to h2c://127.0.0.1:9001 --writes    # gRPC`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			quick.TLSCert, quick.TLSKey = firstOf(certs), firstOf(keys)
			cfg, errs := quick.Config()
			errs = append(errs, emptyFiles(cmd.Flags())...)
			if err := takeCertificates(cfg.Listen, certs, keys); err != nil {
				errs = append(errs, err)
			}
			table, listen := cfg.Table, cfg.Listen
			*cfg = set
			cfg.Table, cfg.Listen = table, listen
			if err := takeAccessFormat(&cfg.AccessLog, accessFormat, cmd.Flags().Changed("access-log-format")); err != nil {
				errs = append(errs, err)
			}
			if errs = append(errs, flagErrors(cfg.Validate())...); len(errs) > 0 {
				return &exitError{code: exitUsage, err: joinErrors(errs), hint: "see tain mirror --help"}
			}
			if err := checkBackendCA(quick.BackendCA); err != nil {
				return err
			}
			return serve(cmd, cfg, nil, output)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	addQuickFlags(f, &quick)
	f.Var((*size)(&set.Mirror.Memory), "mirror-memory", "ceiling for all that exists because of mirrors")
	f.StringSliceVar(&quick.Listen, "listen", []string{set.Listen[0].Address}, "`address` where users connect, host:port, :port or unix:/path; repeatable")
	f.StringArrayVar(&certs, "tls-cert", nil, "PEM `file` of the certificate that users see, with its intermediates; repeatable, chosen by the name asked for")
	f.StringArrayVar(&keys, "tls-key", nil, "PEM `file` of its private key; repeatable, in the same order (default that of --tls-cert)")
	f.StringVar(&quick.TLSClientCA, "tls-client-ca", "", "PEM `file` of authorities; users need a certificate from one of them")
	f.StringVar(&set.AccessLog.Path, "access-log", "", "`file` for a line per live request, or stdout or stderr")
	f.StringVar(&accessFormat, "access-log-format", set.AccessLog.Format, "`form` of the lines: combined, json, or a template such as '$status $request_time $request'")
	addProcessFlags(f, &set)
	addOutputFlag(cmd, &output)
	return cmd
}

// addQuickFlags adds what says how to mirror.
func addQuickFlags(f *pflag.FlagSet, quick *config.Quick) {
	f.StringVar(&quick.Live, "live", "", "`URL` of the service that answers users, such as http://host:port")
	f.StringArrayVar(&quick.To, "to", nil, "`URL` that copies go to; repeatable")
	f.StringVar(&quick.Baseline, "baseline", "", "`URL` of a second instance of the live version, to tell noise from change")
	f.StringVar(&quick.BackendCA, "backend-ca", "", "PEM `file` of the authorities that certificates of https:// and h2:// URLs come from (default the system's)")
	f.BoolVar(&quick.BackendInsecure, "backend-insecure", false, "take any certificate of https:// and h2:// URLs")
	f.Float64Var(&quick.Percent, "percent", 100, "`percentage` of the requests that are copied, 0 to 100, down to 0.0001")
	f.StringArrayVar(&quick.SampleBy, "sample-by", nil, "`key` whose requests are all copied or none, such as 'cookie session', 'header X-User' or address; repeatable, the first that a request has counts")
	f.StringVar(&quick.MaxRate, "max-rate", "", "how many copies a target gets at most: a `rate` such as 100/s, 30/m or '1000/s burst 50'")
	f.StringArrayVar(&quick.Match, "match", nil, "`condition` on the requests that are copied, such as path=/api/*, source=10.0.0.0/8, or CEL; repeatable")
	f.BoolVar(&quick.Writes, "writes", false, "copy unsafe methods (POST, PUT, DELETE, …) too")
	f.StringVar(&quick.Host, "host", "", "Host of the copies: a `name`, or a suffix such as -shadow (default: as the user sent it)")
	f.DurationVar(&quick.Timeout, "timeout", 10*time.Second, "how long a copy may take, from the connect to the last byte")
	f.Var((*size)(&quick.MaxCopyBody), "max-copy-body", "largest request body that is copied (default 1MiB)")
}

// addProcessFlags adds what tain mirror and tain demo have in common.
func addProcessFlags(f *pflag.FlagSet, set *config.Config) {
	f.StringVar(&set.Admin, "admin", set.Admin, "`address` of the admin API, or off")
	f.StringVar(&set.Health, "health", set.Health, "`address` that serves only /healthz, /readyz and /metrics")
	f.BoolVar(&set.Pprof, "pprof", set.Pprof, "serve Go profiles on the admin API")
	f.IntVar(&set.Loops, "loops", set.Loops, "`number` of event loops; one uses one core")
	f.StringVar(&set.Data.Dir, "data", set.Data.Dir, "`folder` for examples of pairs and for decisions of operators, or off (default $XDG_STATE_HOME/tain)")
	f.StringSliceVar(&set.Mask, "mask", nil, "`names` of headers, query parameters and fields to mask in every pair, besides Authorization and cookies")
	f.DurationVar(&set.Drain, "drain", set.Drain, "how long running requests may take when tain stops")
	f.StringVar(&set.Log.Level, "log-level", set.Log.Level, "lowest `level` that is logged: debug, info, warn or error")
	f.StringVar(&set.Log.Format, "log-format", set.Log.Format, "`form` of the log: text, json, or auto, which is text on a terminal, else json")
}

// takeAccessFormat reads a text with variables as a template. given says that it is not the default.
func takeAccessFormat(log *config.AccessLog, format string, given bool) error {
	const flag = "--access-log-format"
	switch {
	case given && log.Path == "":
		return &config.Error{Setting: flag, Text: "means nothing without an access log; use --access-log too"}
	case strings.Contains(format, "$"):
		log.Format, log.Template = config.FormatTemplate, format
	case format == config.FormatCombined, format == config.FormatJSON:
		log.Format = format
	default:
		return &config.Error{Setting: flag, Text: fmt.Sprintf("%q is unknown; use combined, json, or a template with variables such as $status", format)}
	}
	return nil
}

// checkBackendCA finds out at once what would keep every request from a backend that speaks TLS. tain
// run goes on, because there the file may come later.
func checkBackendCA(file string) error {
	if file == "" {
		return nil
	}
	store := tlsconf.NewStore(slog.New(slog.DiscardHandler))
	if _, err := store.Client(tlsconf.Client{CA: file}, "any"); err != nil {
		return environment(fmt.Errorf("--backend-ca %s: %w", file, err), "name a PEM file of certificates")
	}
	return nil
}

// flagErrors names the flags of settings that have one.
func flagErrors(errs []error) []error {
	flags := map[string]string{
		"listen": "--listen", "admin": "--admin", "health": "--health", "loops": "--loops", "drain": "--drain",
		"mirror.memory": "--mirror-memory", "data.dir": "--data", "log.level": "--log-level", "log.format": "--log-format", "mask": "--mask",
	}
	for _, err := range errs {
		if e, ok := err.(*config.Error); ok {
			name, _, _ := strings.Cut(e.Setting, "[") // the text quotes which of several values it is about
			if flag := flags[name]; flag != "" && e.File == "" {
				e.Setting = flag
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
		return err
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
