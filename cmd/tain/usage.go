package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noArgs refuses arguments: everything is said in flags. It is also where a command misses its -f,
// because cobra's own message would not say what to write there.
func noArgs(cmd *cobra.Command, args []string) error {
	config := cmd.Flags().Lookup("file")
	switch {
	case len(args) > 0 && cmd.HasSubCommands():
		return unknownCommand(cmd, args[0])
	case len(args) > 0 && config != nil && !config.Changed:
		return &exitError{code: exitUsage, err: fmt.Errorf("unexpected argument %q", args[0]), hint: fmt.Sprintf("a configuration is named by -f: %s -f %s", cmd.CommandPath(), args[0])}
	case len(args) > 0:
		return seeHelp(cmd, fmt.Errorf("unexpected argument %q; %s takes flags alone", args[0], cmd.CommandPath()))
	case config != nil && config.Value.String() == "":
		return seeHelp(cmd, errors.New("-f is missing; use -f tain.yaml, or -f with a folder of such files"))
	}
	return nil
}

func seeHelp(cmd *cobra.Command, err error) error {
	return &exitError{code: exitUsage, err: err, hint: "see " + cmd.CommandPath() + " --help"}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	return seeHelp(cmd, fmt.Errorf("there is no command %q%s", name, similar(cmd, "", name)))
}

// similar asks for what a person may have meant: a command below cmd that is written nearly like name.
// prefix is what a person writes before such names.
func similar(cmd *cobra.Command, prefix, name string) string {
	cmd.SuggestionsMinimumDistance = 2
	names := cmd.SuggestionsFor(name)
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}

// flagError says what is wrong with a flag as the errors of settings do.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		flag, text := value.GetFlag(), value.Unwrap().Error()
		if want := flagKinds[flag.Value.Type()]; want != "" {
			text = fmt.Sprintf("%q is not %s", value.GetValue(), want)
		}
		err = fmt.Errorf("--%s: %s", flag.Name, text)
	case errors.As(err, &missing):
		flag := missing.GetFlag()
		what, _ := pflag.UnquoteUsage(flag)
		err = fmt.Errorf("--%s: has no value; use --%s %s", flag.Name, flag.Name, strings.ToUpper(what))
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		err = fmt.Errorf("there is no flag --%s%s", unknown.GetSpecifiedName(), similar(flagsAsCommands(cmd), "--", unknown.GetSpecifiedName()))
	}
	return seeHelp(cmd, err)
}

// flagKinds say what a value has to be, by the type of its flag. Other types say it themselves.
var flagKinds = map[string]string{
	"bool":     "true or false",
	"duration": "a duration; use one such as 10s or 500ms",
	"float64":  "a number",
	"int":      "a whole number",
}

// flagsAsCommands names the flags of a command as cobra names commands, because it finds similar names
// among those alone.
func flagsAsCommands(cmd *cobra.Command) *cobra.Command {
	all := &cobra.Command{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		all.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return all
}

// refuseUnknown makes cobra's own commands refuse what they do not know, rather than print a help that
// nobody asked for and end well.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = noArgs
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				return seeHelp(cmd, errors.New("no shell is given; use bash, fish, powershell or zsh"))
			}
		case "help":
			cmd.Run = nil
			cmd.RunE = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil || len(rest) > 0 {
					return unknownCommand(root, strings.Join(args, " "))
				}
				about.InitDefaultHelpFlag()
				return about.Help()
			}
		}
	}
}
