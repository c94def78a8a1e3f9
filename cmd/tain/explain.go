package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tain.dev/tain/config"
	"tain.dev/tain/mirror"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// explain is tain explain: its flags, and what they lead to.
type explain struct {
	question
	ctl   ctl // --admin and --output
	path  string
	quick config.Quick
}

func newExplainCommand() *cobra.Command { return new(explain).command() }

func (e *explain) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [METHOD] URL [flags]",
		Short: "Say why a request is mirrored, or why not",
		Long: `tain explain says for a request which route it takes, what live gets, which mirrors copy it and how the
copies look, and if one does not, why: condition by condition, with what each of them looked at. Nothing is
sent to anybody.

The request is a URL with -H and -d, as for curl; or, with -r, a file with a request as it goes over the
wire; or, with --pair, that of a pair that a running tain has kept.

The rules are those of -f; or those of --live, --to and the other flags of tain mirror; or else those of the
running tain that --admin names. What operators decided there counts where --admin is given, or nothing else.`,
		Example: `  tain explain -f tain.yaml https://shop.example.com/cart?id=7 -H 'Cookie: session=abc' --from 192.0.2.7
  tain explain -f tain.yaml PUT shop.example.com/cart -d '{"id":7}' -H 'Content-Type: application/json'
  tain explain -f tain.yaml --tls -r request.http
  tain explain http://shop.example.com/cart                 # by the rules of the tain that runs here
  tain explain --pair 4711 --admin 127.0.0.1:9780 -o json`,
		Args: e.takeArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.run(cmd) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&e.path, "file", "f", "", fileUsage)
	f.StringVar(&e.ctl.admin, "admin", "", "`address` or URL of a running tain's admin API (default $TAIN_ADMIN, else 127.0.0.1:9780)")
	f.StringArrayVarP(&e.fields, "header", "H", nil, "`field` of the request, such as 'X-Env: prod'; repeatable")
	f.StringVarP(&e.data, "data", "d", "", "`body` of the request, or @ and the name of a file with it")
	f.StringVarP(&e.file, "request", "r", "", "`file` with the whole request, or - for standard input")
	f.Uint64Var(&e.pair, "pair", 0, "`id` of a pair that a running tain has kept: its request, and live's answer")
	f.StringVar(&e.from, "from", "", "`address` that the request comes from (default 127.0.0.1, or that of the pair)")
	f.BoolVar(&e.secure, "tls", false, "the request of -r or --pair comes over TLS")
	addQuickFlags(f, &e.quick)
	for _, name := range quickFlags() {
		_ = f.MarkHidden(name) // their place is the help of tain mirror
	}
	f.StringVarP(&e.ctl.output, "output", "o", "text", "`form` of the output: text or json")
	return cmd
}

// quickFlags are the names of the quick start's flags.
func quickFlags() (names []string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	addQuickFlags(all, new(config.Quick))
	all.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

func (e *explain) takeArgs(cmd *cobra.Command, args []string) error {
	e.args, e.given = args, cmd.Flags().Changed
	err := e.check()
	if len(args) > 2 {
		err = fmt.Errorf("unexpected argument %q; use %s", args[2], cmd.UseLine())
	}
	if err == nil && e.ctl.output != "text" && e.ctl.output != "json" {
		return badOutput(e.ctl.output)
	}
	if err != nil {
		return seeHelp(cmd, err)
	}
	return nil
}

func (e *explain) run(cmd *cobra.Command) error {
	s, err := e.scene()
	if err != nil {
		return err
	}
	var a *asked
	var pair *traffic.Record
	if e.pair != 0 || e.given("pair") {
		if pair, err = e.kept(); err != nil {
			return err
		}
		a = e.ofPair(pair)
	} else if a, err = e.asked(); err != nil {
		return seeHelp(cmd, err)
	}
	says, err := s.explain(a, pair)
	if err != nil {
		return &exitError{code: exitInternal, err: fmt.Errorf("trying the request on loopback: %w", err)}
	}
	if e.ctl.output == "text" {
		writeExplanation(cmd.OutOrStdout(), says)
		return nil
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(says)
}

// scene is the configuration, and what operators decided where a running tain is asked.
func (e *explain) scene() (s *scene, err error) {
	s = &scene{now: time.Now()}
	switch quick := slices.ContainsFunc(quickFlags(), e.given); {
	case quick && e.given("file"):
		return nil, usageError("-f has all the rules; leave --live, --to and their like out")
	case quick:
		err = e.fromFlags(s)
	case e.given("file"):
		err = e.fromFile(s)
	}
	if err != nil || s.cfg != nil && !e.given("admin") {
		return s, err
	}
	if s.control, err = e.ctl.ask("GET", "/api/v1/control", nil); err == nil && s.cfg == nil {
		err = e.fromServed(s)
	}
	return s, err
}

func (e *explain) fromFile(s *scene) error {
	cfg, errs := config.Load(e.path, mirror.CheckRedaction)
	if !onlyRoutes(errs) || len(errs) > 0 && len(cfg.Table.Routes()) == 0 {
		return &exitError{code: exitConfig, err: joinErrors(errs), hint: "tain check -f " + e.path + " lists this again"}
	}
	s.cfg = cfg
	for _, err := range errs {
		s.notes = append(s.notes, "The configuration is not right: "+err.Error())
	}
	return nil
}

func (e *explain) fromFlags(s *scene) error {
	cfg, errs := e.quick.Config()
	if errs = append(errs, flagErrors(cfg.Validate())...); len(errs) > 0 {
		return &exitError{code: exitUsage, err: joinErrors(errs), hint: "see tain mirror --help"}
	}
	s.cfg = cfg
	return nil
}

// fromServed takes the table that a running tain serves.
func (e *explain) fromServed(s *scene) error {
	base, status, text, err := e.get("/api/v1/routes?format=text")
	if err != nil {
		return err
	}
	table, errs := route.ParseWith(string(text), route.Compile{When: config.CompileExpression, After: config.CompileOutcome, Key: config.CompileKey})
	if status != http.StatusOK || len(errs) > 0 {
		return errors.Join(stranger(base, status), joinErrors(errs))
	}
	cfg := config.Defaults()
	cfg.Table = table
	s.cfg, s.remote = &cfg, true
	s.notes = append(s.notes, "The rules are those of the running tain, its other settings taken for the defaults. With -f they count too.")
	return nil
}

// get asks the admin API for something.
func (e *explain) get(path string) (base string, status int, text []byte, err error) {
	if base, err = e.ctl.base(); err != nil {
		return "", 0, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	status, text, err = exchange(ctx, base, http.MethodGet, path, nil)
	return base, status, text, err
}

// kept finds the pair that is asked for.
func (e *explain) kept() (*traffic.Record, error) {
	base, status, text, err := e.get("/api/v1/pairs?limit=1000")
	if err != nil {
		return nil, err
	}
	var says struct {
		Pairs []traffic.Record `json:"pairs"`
	}
	if err := json.Unmarshal(text, &says); err != nil || status != http.StatusOK {
		return nil, stranger(base, status)
	}
	i := slices.IndexFunc(says.Pairs, func(p traffic.Record) bool { return p.ID == e.pair })
	if i < 0 {
		return nil, &exitError{code: exitNegative, err: fmt.Errorf("--pair: there is no pair %d among the %d latest that are kept", e.pair, len(says.Pairs)), hint: "GET /api/v1/pairs lists those that there are"}
	}
	return &says.Pairs[i], nil
}
