package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestUsage makes the mistakes of people who type, and reads what they are told.
func TestUsage(t *testing.T) {
	f := func(line string, want ...string) {
		t.Helper()
		code, stdout, stderr := run(strings.Fields(line)...)
		var told []string
		for _, text := range want {
			told = append(told, "tain: "+text+"\n")
		}
		if code != exitUsage || stdout != "" || stderr != strings.Join(told, "") {
			t.Errorf("tain %s: exit code %d\n%s%swant\n%s", line, code, stdout, stderr, strings.Join(told, ""))
		}
	}
	f("mirorr", `error: there is no command "mirorr"; did you mean mirror?`, "hint: see tain --help")
	f("xyzzy", `error: there is no command "xyzzy"`, "hint: see tain --help")
	f("help xyzzy", `error: there is no command "xyzzy"`, "hint: see tain --help")
	f("help mirror xyzzy", `error: there is no command "mirror xyzzy"`, "hint: see tain --help")
	f("completion", "error: no shell is given; use bash, fish, powershell or zsh", "hint: see tain completion --help")
	f("completion powershel", `error: there is no command "powershel"; did you mean powershell?`, "hint: see tain completion --help")

	f("version now", `error: unexpected argument "now"; tain version takes flags alone`, "hint: see tain version --help")
	f("demo ruls", `error: there is no command "ruls"; did you mean rules?`, "hint: see tain demo --help")
	f("demo rules --for=1s", "error: --for: 1s is not from 2s to 1m0s", "hint: see tain demo rules --help")
	for _, cmd := range []string{"run", "check", "routes"} {
		f(cmd, "error: -f is missing; use -f tain.yaml, or -f with a folder of such files", "hint: see tain "+cmd+" --help")
		f(cmd+" --file=", "error: -f is missing; use -f tain.yaml, or -f with a folder of such files", "hint: see tain "+cmd+" --help")
		f(cmd+" my.yaml", `error: unexpected argument "my.yaml"`, "hint: a configuration is named by -f: tain "+cmd+" -f my.yaml")
		f(cmd+" -f a b", `error: unexpected argument "b"; tain `+cmd+" takes flags alone", "hint: see tain "+cmd+" --help")
	}

	const hint = "hint: see tain mirror --help"
	f("mirror --liv=http://a", "error: there is no flag --liv; did you mean --live?", hint)
	f("mirror --prcent=1", "error: there is no flag --prcent; did you mean --percent?", hint)
	f("mirror --xyzzy", "error: there is no flag --xyzzy", hint)
	f("mirror -x", "error: unknown shorthand flag: 'x' in -x", hint)
	f("mirror --live", "error: --live: has no value; use --live URL", hint)
	f("mirror --drain", "error: --drain: has no value; use --drain DURATION", hint)
	f("run -f", "error: --file: has no value; use --file PATH", "hint: see tain run --help")
	f("mirror --percent=ten", `error: --percent: "ten" is not a number`, hint)
	f("mirror --loops=1.5", `error: --loops: "1.5" is not a whole number`, hint)
	f("mirror --drain=5", `error: --drain: "5" is not a duration; use one such as 10s or 500ms`, hint)
	f("mirror --writes=perhaps", `error: --writes: "perhaps" is not true or false`, hint)
	f("mirror --max-copy-body=much", `error: --max-copy-body: "much" is not a size; use one such as 64MiB`, hint)
	f("version -o yaml", `error: --output: "yaml" is unknown; use text or json`)
}

// TestVersionAndHelp asks in each of the ways that people are used to.
func TestVersionAndHelp(t *testing.T) {
	same := func(lines ...string) (text string) {
		t.Helper()
		for _, line := range lines {
			code, stdout, stderr := run(strings.Fields(line)...)
			if code != exitOK || stderr != "" || text != "" && stdout != text {
				t.Errorf("tain %s: exit code %d\n%s%swant\n%s", line, code, stdout, stderr, text)
			}
			text = stdout
		}
		return text
	}
	if text := same("version", "--version", "-v"); !regexp.MustCompile(`^tain \S+ .*go1\.\S+ \w+/\w+\n$`).MatchString(text) {
		t.Errorf("the version is %q", text)
	}
	if text := same("help", "--help", "-h"); !strings.Contains(text, "--version") {
		t.Errorf("the help does not name --version:\n%s", text)
	}
	for _, cmd := range []string{"mirror", "run", "check", "routes", "explain", "ctl", "ctl kill", "ctl percent", "demo", "demo rules", "version", "completion", "help"} {
		same("help "+cmd, cmd+" --help")
	}
}
