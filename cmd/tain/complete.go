package main

import (
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

// addCompletions tells shells what may follow each flag of a command. Without it they would offer
// files everywhere. The flag's errors can only be of a flag that is unknown or done twice.
func addCompletions(cmd *cobra.Command) {
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "file":
			_ = cmd.MarkFlagFilename(f.Name, "yaml", "yml")
		case "tls-cert", "tls-key", "tls-client-ca", "backend-ca":
			_ = cmd.MarkFlagFilename(f.Name, "pem", "crt", "cer", "key")
		case "access-log":
			_ = cmd.MarkFlagFilename(f.Name)
		case "data":
			_ = cmd.MarkFlagDirname(f.Name)
		default:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(flagWords[f.Name], cobra.ShellCompDirectiveNoFileComp))
		}
	})
}
