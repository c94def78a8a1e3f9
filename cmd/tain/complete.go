package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tain.dev/tain/config"
)

// flagWords are the values of the flags that have few.
var flagWords = map[string][]string{
	"output":     {"text", "json"},
	"log-level":  {"debug", "info", "warn", "error"},
	"log-format": {"auto", "text", "json"},

	"access-log-format": {config.FormatCombined, config.FormatJSON},
}

// fileFlags are the flags that name files in PEM.
var fileFlags = []string{"tls-cert", "tls-key", "tls-client-ca", "backend-ca"}

// addCompletions tells shells what may follow each flag of a command, and of its commands. Without it
// they would offer files everywhere. The flag's errors can only be of a flag that is unknown or done twice.
func addCompletions(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		addCompletions(sub)
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Name == "file":
			_ = cmd.MarkFlagFilename(f.Name, "yaml", "yml")
		case slices.Contains(fileFlags, f.Name):
			_ = cmd.MarkFlagFilename(f.Name, "pem", "crt", "cer", "key")
		case f.Name == "access-log", f.Name == "request":
			_ = cmd.MarkFlagFilename(f.Name)
		case f.Name == "data":
			_ = cmd.MarkFlagDirname(f.Name)
		default:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(flagWords[f.Name], cobra.ShellCompDirectiveNoFileComp))
		}
	})
}

// unquoteForShells takes the quotation marks out of what flags are for, in case that a shell asks: help
// takes the name of the value from between them, but shells show them.
func unquoteForShells(root *cobra.Command, args []string) {
	if len(args) == 0 || args[0] != cobra.ShellCompRequestCmd {
		return
	}
	unquote(root)
}

func unquote(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		unquote(sub)
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) })
}
