package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"tain.dev/tain/test/wire"
)

// startBehindTerminal starts command on a terminal of its own, where its standard input and its report
// are, unless that goes elsewhere. It returns a function that closes the terminal's window.
func startBehindTerminal(t *testing.T, p *wire.Tain, command *exec.Cmd, args ...string) (closeWindow func()) {
	t.Helper()
	window, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { window.Close() })
	command.Stdin = terminal
	if command.Stdout == nil {
		command.Stdout = terminal
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // so that it hears of the window
	p.Start(t, command, args...)
	terminal.Close()
	return func() { window.Close() }
}

// configured writes a file that sends every request to live, and returns its path.
func configured(t *testing.T, p *wire.Tain, live string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tain.yaml")
	text := fmt.Sprintf("listen: %s\nadmin: %s\ndata: {dir: \"off\"}\ndrain: 10s\nroutes:\n- {name: shop, backends: '%s'}\n", p.Addr, p.AdminAddr, live)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// untilRead waits until the log has told n readings of the configuration.
func untilRead(t *testing.T, p *wire.Tain, n int) {
	t.Helper()
	wire.Until(t, fmt.Sprintf("reading %d of the configuration", n), func() bool { return strings.Count(p.Log.String(), "the configuration was read") == n })
}

// TestHangUp sends SIGHUP to a tain that was started by hand: it reloads while its terminal is there,
// and drains when it has gone.
func TestHangUp(t *testing.T) {
	p := wire.NewTain(t)
	closeWindow := startBehindTerminal(t, p, exec.Command(wire.Binary), "run", "-f", configured(t, p, "http://127.0.0.1:1"))
	untilRead(t, p, 1)
	p.Signal(t, syscall.SIGHUP)
	untilRead(t, p, 2)
	closeWindow()
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
	p.Says(t, "the terminal is gone", "draining")
}

// TestNoHangUp closes the terminal of a tain that is to outlive it, as nohup says: that reloads.
func TestNoHangUp(t *testing.T) {
	p := wire.NewTain(t)
	nohup := exec.Command("/bin/sh", "-c", `trap "" HUP; exec "$0" "$@"`, wire.Binary)
	nohup.Stdout = &p.Out // as nohup would
	closeWindow := startBehindTerminal(t, p, nohup, "run", "-f", configured(t, p, "http://127.0.0.1:1"))
	untilRead(t, p, 1)
	closeWindow()
	untilRead(t, p, 2)
	p.Signal(t, syscall.SIGTERM)
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
}

// TestHangUpDuringDrain sends the signals that are no end while tain drains: the request under way gets
// its answer.
func TestHangUpDuringDrain(t *testing.T) {
	asked, answer := make(chan bool), make(chan bool)
	live := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- true
		<-answer
	}))
	defer live.Close()
	p := wire.NewTain(t)
	p.Start(t, exec.Command(wire.Binary), "run", "-f", configured(t, p, live.URL))
	user := dial(t, p.Addr)
	user.send(t, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
	<-asked
	p.Signal(t, syscall.SIGTERM)
	wire.Until(t, "the drain", func() bool { return strings.Contains(p.Log.String(), "draining") })
	p.Signal(t, syscall.SIGHUP)
	p.Signal(t, syscall.SIGUSR2)
	wire.Until(t, "both signals to be heard", func() bool { return strings.Contains(p.Log.String(), "the kill switch is off") })
	close(answer)
	if got := user.answer(t, "GET"); got.status != http.StatusOK {
		t.Errorf("the user got %d", got.status)
	}
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
}
