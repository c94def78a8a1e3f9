package wire

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Tain is a running tain, as its users and its operators see it. Its methods may be called from any
// goroutine, save those that take a test.
type Tain struct {
	Addr, URL        string // where users ask: host:port, and the URL
	AdminAddr, Admin string // where operators ask: host:port, and the URL
	Out, Log         Buffer // standard output and standard error

	process *exec.Cmd
	ended   chan error // gets what Wait returned
}

// StartMirror starts the quick start: live mirrored to target, and waits until it is ready. More
// flags come last, so they win.
func StartMirror(t testing.TB, live, target string, flags ...string) *Tain {
	t.Helper()
	p := NewTain(t)
	p.Start(t, exec.Command(Binary), p.MirrorArgs(live, target, flags...)...)
	return p
}

// StartFile starts tain on a configuration file, and waits until it is ready. In the text, $listen and
// $admin are tain's own addresses.
func StartFile(t testing.TB, text string) *Tain {
	t.Helper()
	p := NewTain(t)
	file := filepath.Join(t.TempDir(), "tain.yaml")
	text = strings.NewReplacer("$listen", p.Addr, "$admin", p.AdminAddr).Replace(text)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Start(t, exec.Command(Binary), "run", "-f", file)
	return p
}

// NewTain returns a tain that does not run yet, with addresses of its own.
func NewTain(t testing.TB) *Tain {
	t.Helper()
	p := &Tain{Addr: FreeAddr(t), AdminAddr: FreeAddr(t)}
	p.URL, p.Admin = "http://"+p.Addr, "http://"+p.AdminAddr
	return p
}

// MirrorArgs is the command line of the quick start.
func (p *Tain) MirrorArgs(live, target string, flags ...string) []string {
	args := []string{"mirror", "--live", live, "--to", target, "--listen", p.Addr, "--admin", p.AdminAddr, "--loops", "1", "--data", "off", "--drain", "2s"}
	return append(args, flags...)
}

// Start runs command with args, and waits until tain is ready. It is ended with the test at the
// latest.
func (p *Tain) Start(t testing.TB, command *exec.Cmd, args ...string) {
	t.Helper()
	command.Args = append(command.Args, args...)
	if command.Stdout == nil {
		command.Stdout = &p.Out
	}
	if command.Stderr == nil {
		command.Stderr = &p.Log
	}
	if err := command.Start(); err != nil {
		t.Fatalf("starting tain: %v", err)
	}
	p.process, p.ended = command, make(chan error, 1)
	go func() { p.ended <- command.Wait() }()
	t.Cleanup(func() {
		if t.Failed() {
			p.explain(t)
		}
		_ = command.Process.Kill()
	})
	Until(t, "tain to be ready", func() bool {
		select {
		case err := <-p.ended:
			t.Fatalf("tain ended at its start: %v\n%s%s", err, p.Out.String(), p.Log.String())
		default:
		}
		status, _ := p.Get("/readyz")
		return status == http.StatusOK
	})
}

// explain says what may be of use when a test has failed.
func (p *Tain) explain(t testing.TB) {
	select {
	case err := <-p.ended:
		t.Logf("tain has ended before the test: %v", err)
	default:
	}
	t.Logf("tain logged:\n%s", p.Log.String())
}

// Get asks the admin API. The status is 0 without an answer, and the body says why.
func (p *Tain) Get(path string) (status int, body string) {
	return Take(http.Get(p.Admin + path))
}

// Post changes state over the admin API.
func (p *Tain) Post(t testing.TB, path string) {
	t.Helper()
	status, body := Take(http.Post(p.Admin+path, "application/json", strings.NewReader("{}")))
	if status != http.StatusOK && status != http.StatusNoContent {
		t.Fatalf("POST %s: status %d: %s", path, status, body)
	}
}

// Take returns the status and the whole body of an answer, or 0 and what failed.
func Take(answer *http.Response, err error) (status int, body string) {
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(text)
}

// Signal sends tain a signal.
func (p *Tain) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.process.Process.Signal(sig); err != nil {
		t.Fatalf("sending %v to tain: %v", sig, err)
	}
}

// Wait returns the error that tain ended with. It can be called once.
func (p *Tain) Wait(t testing.TB) error {
	t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		t.Fatalf("tain did not end within %v", patience)
		return nil
	}
}

// Stop ends tain as an operator would, asserts that it ends well and that its report balances,
// and returns the report.
func (p *Tain) Stop(t testing.TB) string {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if err := p.Wait(t); err != nil {
		t.Fatalf("tain ended with %v, want exit code 0\n%s%s", err, p.Out.String(), p.Log.String())
	}
	p.CheckEnd(t)
	return p.Out.String()
}

// CheckEnd asserts that tain reported balanced books, and logged no fault of its own.
func (p *Tain) CheckEnd(t testing.TB) {
	t.Helper()
	if report := p.Out.String(); !strings.Contains(report, "balanced") || strings.Contains(report, "do not balance") {
		t.Errorf("the books of the report do not balance:\n%s", report)
	}
	for _, bad := range []string{"DATA RACE", "BUG:", "panic"} {
		if log := p.Log.String(); strings.Contains(log, bad) {
			t.Errorf("tain has a bug (%s):\n%s", bad, log)
		}
	}
}

// Says fails the test unless the log has each of the texts.
func (p *Tain) Says(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if log := p.Log.String(); !strings.Contains(log, text) {
			t.Errorf("the log does not say %q:\n%s", text, log)
		}
	}
}
