package test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tain is a running tain.
type tain struct {
	addr, url        string // where users ask
	adminAddr, admin string // where operators ask: host:port, and the URL
	process          *exec.Cmd
	out, log         lockedBuffer // standard output and standard error
	ended            chan error   // gets what Wait returned
}

// startMirror starts the quick start: live mirrored to target, and waits until it is ready. More
// flags come last, so they win.
func startMirror(t *testing.T, live, target string, flags ...string) *tain {
	t.Helper()
	p := newTain(t)
	p.start(t, exec.Command(binary), p.mirrorArgs(live, target, flags...)...)
	return p
}

// newTain returns a tain that does not run yet, with addresses of its own.
func newTain(t *testing.T) *tain {
	t.Helper()
	p := &tain{addr: freeAddr(t), adminAddr: freeAddr(t)}
	p.url, p.admin = "http://"+p.addr, "http://"+p.adminAddr
	return p
}

// mirrorArgs is the command line of the quick start.
func (p *tain) mirrorArgs(live, target string, flags ...string) []string {
	args := []string{"mirror", "--live", live, "--to", target, "--listen", p.addr, "--admin", p.adminAddr, "--loops", "1", "--data", "off", "--drain", "2s"}
	return append(args, flags...)
}

// start runs command with args, and waits until tain is ready.
func (p *tain) start(t *testing.T, command *exec.Cmd, args ...string) {
	t.Helper()
	command.Args = append(command.Args, args...)
	if command.Stdout == nil {
		command.Stdout = &p.out
	}
	if command.Stderr == nil {
		command.Stderr = &p.log
	}
	if err := command.Start(); err != nil {
		t.Fatalf("starting tain: %v", err)
	}
	p.process, p.ended = command, make(chan error, 1)
	go func() { p.ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	eventually(t, "tain to be ready", func() bool {
		select {
		case err := <-p.ended:
			t.Fatalf("tain ended at its start: %v\n%s%s", err, p.out.String(), p.log.String())
		default:
		}
		status, _ := p.get("/readyz")
		return status == http.StatusOK
	})
}

// get asks the admin API. The status is 0 without an answer.
func (p *tain) get(path string) (status int, body string) {
	return take(http.Get(p.admin + path))
}

// post changes state over the admin API.
func (p *tain) post(t *testing.T, path string) {
	t.Helper()
	status, body := take(http.Post(p.admin+path, "application/json", strings.NewReader("{}")))
	if status != http.StatusOK && status != http.StatusNoContent {
		t.Fatalf("POST %s: status %d: %s", path, status, body)
	}
}

func take(answer *http.Response, err error) (status int, body string) {
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

// signal sends tain a signal.
func (p *tain) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.process.Process.Signal(sig); err != nil {
		t.Fatalf("sending %v to tain: %v", sig, err)
	}
}

// wait returns the error that tain ended with.
func (p *tain) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("tain did not end within 30s")
		return nil
	}
}

// stop ends tain as an operator would, asserts that it ends well and that its report balances,
// and returns the report.
func (p *tain) stop(t *testing.T) string {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if err := p.wait(t); err != nil {
		t.Fatalf("tain ended with %v, want exit code 0\n%s%s", err, p.out.String(), p.log.String())
	}
	p.checkEnd(t)
	return p.out.String()
}

// checkEnd asserts that tain reported balanced books, and logged no fault of its own.
func (p *tain) checkEnd(t *testing.T) {
	t.Helper()
	if report := p.out.String(); !strings.Contains(report, "balanced") || strings.Contains(report, "do not balance") {
		t.Errorf("the books of the report do not balance:\n%s", report)
	}
	for _, bad := range []string{"DATA RACE", "BUG:", "panic"} {
		if log := p.log.String(); strings.Contains(log, bad) {
			t.Errorf("tain has a bug (%s):\n%s", bad, log)
		}
	}
}

// exitCode returns the code that a command ended with, from the error that it returned.
func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// lockedBuffer may be written by a process and read by a test at the same time.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
