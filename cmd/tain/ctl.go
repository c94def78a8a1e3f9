package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tain.dev/tain/control"
	"tain.dev/tain/route"
)

// ctl is what the commands of tain ctl have in common: their flags.
type ctl struct {
	admin, output, by, why string
}

func newCtlCommand() *cobra.Command {
	c := new(ctl)
	cmd := &cobra.Command{
		Use:   "ctl",
		Short: "Stop, pause and change mirroring while tain runs",
		Long: `tain ctl gives orders to a running tain, over its admin API. What it orders is in force within a second,
outlives a restart and a change of the configuration, and is kept in an audit log with who decided it,
when, and why. tain ctl status says what differs from the configuration.`,
		Example: `  tain ctl status
  tain ctl kill --why "the database is full"     # stop all mirroring; live goes on
  tain ctl unkill
  tain ctl pause v2                              # one mirror
  tain ctl percent v2 5                          # until: tain ctl percent v2 default
  tain ctl audit -n 5`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return seeHelp(cmd, fmt.Errorf("no command is given; use %s", strings.Join(namesOf(cmd), ", ")))
		},
	}
	f := cmd.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&c.admin, "admin", "", "`address` or URL of tain's admin API (default $TAIN_ADMIN, else 127.0.0.1:9780)")
	f.StringVarP(&c.output, "output", "o", "text", "`form` of the output: text or json")
	f.StringVar(&c.by, "by", "", "`name` of who decides, for the audit log (default the name that you are logged in with)")
	f.StringVar(&c.why, "why", "", "`reason` of the decision, for the audit log")
	cmd.AddCommand(c.statusCommand(),
		c.switchCommand(control.Kill, "Stop all mirroring at once", "tain ctl kill stops all mirroring. What waits is dropped, what is under way is given up, live goes on."),
		c.switchCommand(control.Unkill, "Allow mirroring again", "tain ctl unkill takes back tain ctl kill. Mirrors that are paused stay paused."),
		c.mirrorCommand(control.Pause, "Stop copying for one mirror", "tain ctl pause stops every mirror of that name."),
		c.mirrorCommand(control.Resume, "Let a paused mirror go on", "tain ctl resume takes back tain ctl pause."),
		c.percentCommand(), c.auditCommand())
	return cmd
}

// namesOf are the names of a command's commands.
func namesOf(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	return names
}

func (c *ctl) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Say what is mirrored, and what operators decided",
		Long:    "tain ctl status prints a line for the kill switch, and one for each mirror: the share that is copied, and\nwhere that is not the configuration's, who decided it, when, and why.",
		Example: "  tain ctl status\n  tain ctl status -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := c.ask("GET", "/api/v1/control", nil)
			if err != nil {
				return err
			}
			return c.print(cmd, report, func(w io.Writer) { writeStatus(w, report, time.Now()) })
		},
	}
}

// switchCommand makes a decision about all mirrors.
func (c *ctl) switchCommand(what, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: what, Short: short, Long: long,
		Example: fmt.Sprintf("  tain ctl %s\n  tain ctl %s --by ann --why \"the database is full\"", what, what),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.decide(cmd, "/api/v1/"+what, "", nil)
		},
	}
}

// mirrorCommand makes a decision about the mirrors of one name.
func (c *ctl) mirrorCommand(what, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: what + " NAME", Short: short, Long: long,
		Example: fmt.Sprintf("  tain ctl %s v2", what),
		Args:    named("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.decide(cmd, mirrorPath(args[0], what), args[0], nil)
		},
		ValidArgsFunction: c.completeMirror,
	}
}

func (c *ctl) percentCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "percent NAME PERCENT|default",
		Short: "Copy another share of the requests",
		Long: `tain ctl percent sets the share of the matching requests that the mirrors of that name copy: 0 to 100, down
to 0.0001. It holds until another one is set, whatever the configuration says; default gives the
configuration its say again.`,
		Example: "  tain ctl percent v2 5\n  tain ctl percent v2 0.01 --why \"the target is small\"\n  tain ctl percent v2 default",
		Args:    named("NAME", "PERCENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			percent := json.RawMessage("null")
			if args[1] != "default" {
				perMillion, err := route.ParsePercent(args[1])
				if err != nil {
					return seeHelp(cmd, fmt.Errorf("%w, or default for that of the configuration", err))
				}
				percent, _ = control.Share(perMillion).MarshalJSON() // never fails
			}
			return c.decide(cmd, mirrorPath(args[0], control.Percent), args[0], percent)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []cobra.Completion{"default"}, cobra.ShellCompDirectiveNoFileComp
			}
			return c.completeMirror(cmd, args, begun)
		},
	}
}

func (c *ctl) auditCommand() *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "List who decided what, and when",
		Long:    "tain ctl audit prints the latest decisions, the newest first. All of them are in the audit log, beside the\nfile that tain ctl status names.",
		Example: "  tain ctl audit\n  tain ctl audit -n 100 -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if most < 1 {
				return seeHelp(cmd, fmt.Errorf("--number: %d is not a number of decisions; use 1 or more", most))
			}
			report, err := c.ask("GET", "/api/v1/control", nil)
			if err != nil {
				return err
			}
			latest := report.Latest[:min(most, len(report.Latest))]
			return c.print(cmd, latest, func(w io.Writer) { writeAudit(w, latest, time.Local) })
		},
	}
	cmd.Flags().IntVarP(&most, "number", "n", 20, "`number` of decisions; tain remembers 100")
	return cmd
}

// named takes just these arguments.
func named(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return seeHelp(cmd, fmt.Errorf("%s is missing; use %s", names[len(args)], cmd.UseLine()))
		case len(args) > len(names):
			return seeHelp(cmd, fmt.Errorf("unexpected argument %q; use %s", args[len(names)], cmd.UseLine()))
		}
		return nil
	}
}

func mirrorPath(name, what string) string {
	return "/api/v1/mirrors/" + url.PathEscape(name) + "/" + what
}

// decide gives an order, and prints what holds from then on. mirror is whom it is about, "" for all.
func (c *ctl) decide(cmd *cobra.Command, path, mirror string, percent json.RawMessage) error {
	body := map[string]any{"by": cmp.Or(c.by, loginName()), "why": c.why}
	if percent != nil {
		body["percent"] = percent
	}
	report, err := c.ask("POST", path, body)
	if err != nil {
		return err
	}
	if report.Problem != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "tain: warning: %s\n", report.Problem)
	}
	return c.print(cmd, report, func(w io.Writer) { writeOutcome(w, report, mirror, time.Now()) })
}

// loginName is who works here, even with the rights of another.
func loginName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// print prints v as JSON, or as text says it.
func (c *ctl) print(cmd *cobra.Command, v any, text func(io.Writer)) error {
	if c.output == "text" {
		text(cmd.OutOrStdout())
		return nil
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
