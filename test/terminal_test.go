package test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"tain.dev/tain/test/wire"
)

// startOnTerminal starts the quick start with all its standard files on a terminal, and returns
// the other end of it.
func startOnTerminal(t *testing.T, p *wire.Tain, env []string, args ...string) *os.File {
	t.Helper()
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(wire.Binary)
	command.Env = append(os.Environ(), env...)
	command.Stdin, command.Stdout, command.Stderr = terminal, terminal, terminal
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // so that Ctrl-C reaches it
	go io.Copy(&p.Out, keyboard)                                            // until the last user of the terminal closes it
	p.Start(t, command, args...)
	terminal.Close()
	return keyboard
}

// TestTerminal runs tain as a person does: with a live summary, which Ctrl-C replaces with the
// report.
func TestTerminal(t *testing.T) {
	f := func(name string, env []string, colored bool) {
		t.Run(name, func(t *testing.T) {
			live, target := startNginx(t), startFaulty(t, "differ")
			p := wire.NewTain(t)
			keyboard := startOnTerminal(t, p, env, p.MirrorArgs(live.url, "http://"+target.Addr)...)
			hammer(t, p, 80)
			p.Settled(t)
			wire.Until(t, "the summary", func() bool { return strings.Contains(p.Out.String(), "Ctrl-C ends with the report") })
			wire.Until(t, "what differs", func() bool { return strings.Contains(p.Out.String(), "value name") })
			if _, err := keyboard.WriteString("\x03"); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(t); err != nil {
				t.Errorf("tain ended with %v", err)
			}
			wire.Until(t, "the report", func() bool { return strings.Contains(p.Out.String(), "To know") })
			checkScreen(t, p, colored)
		})
	}
	f("colour", []string{"TERM=xterm", "NO_COLOR="}, true)
	f("NO_COLOR", []string{"TERM=xterm", "NO_COLOR=1"}, false)
}

// checkScreen asserts that the terminal was left as it was found, with the whole report on it.
func checkScreen(t *testing.T, p *wire.Tain, colored bool) {
	t.Helper()
	all := p.Out.String()
	const showCursor, wrapAgain = "\x1b[?25h", "\x1b[?7h"
	_, end, ok := strings.Cut(all, showCursor)
	if !ok || !strings.Contains(all, wrapAgain) || strings.Contains(end, "\x1b[?") {
		t.Errorf("the terminal was not left as it was found:\n%q", all)
	}
	for _, text := range []string{"tain ran for", "What differs", "balanced"} {
		if !strings.Contains(end, text) {
			t.Errorf("after the summary there is no %q:\n%s", text, end)
		}
	}
	if got := strings.Contains(all, "\x1b[1m"); got != colored {
		t.Errorf("colours: %v, want %v", got, colored)
	}
}

// TestDumbTerminal has no summary, and no escape sequence.
func TestDumbTerminal(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.NewTain(t)
	keyboard := startOnTerminal(t, p, []string{"TERM=dumb"}, p.MirrorArgs(live.url, "http://"+target.Addr)...)
	hammer(t, p, 80)
	if _, err := keyboard.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
	wire.Until(t, "the report", func() bool { return strings.Contains(p.Out.String(), "To know") })
	if strings.Contains(p.Out.String(), "\x1b") {
		t.Errorf("there are escape sequences:\n%q", p.Out.String())
	}
}

// TestPipe runs tain as a service manager does: every line of the log is JSON, and the report alone
// is on standard output, as JSON where that is asked for.
func TestPipe(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "differ")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "-o", "json")
	hammer(t, p, 80)
	p.Settled(t)
	p.Signal(t, syscall.SIGTERM)
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
	for line := range strings.Lines(p.Log.String()) {
		var record struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Time == "" || record.Level == "" || record.Msg == "" {
			t.Errorf("a line of the log is not a record: %s", line)
		}
	}
	p.Says(t, `"msg":"serving"`, `"msg":"draining`)
	var report map[string]any
	if err := json.Unmarshal([]byte(p.Out.String()), &report); err != nil {
		t.Errorf("the report is not JSON: %v\n%s", err, p.Out.String())
	}
}
