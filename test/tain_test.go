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
	addr, url string // where users ask
	admin     string // URL of the admin API
	process   *exec.Cmd
	out, log  lockedBuffer // standard output and standard error
	ended     chan error   // gets what Wait returned
}

// startMirror starts the quick start: live mirrored to target, and waits until it is ready. More
// flags come last, so they win.
func startMirror(t *testing.T, live, target string, flags ...string) *tain {
	t.Helper()
	args := []string{"mirror", "--live", live, "--to", target, "--loops", "1", "--data", "off", "--drain", "2s"}
	return startTain(t, exec.Command(binary), append(args, flags...)...)
}

// startTain starts command with args and with addresses of its own.
func startTain(t *testing.T, command *exec.Cmd, args ...string) *tain {
	t.Helper()
	p := &tain{addr: freeAddr(t), process: command, ended: make(chan error, 1)}
	p.url = "http://" + p.addr
	admin := freeAddr(t)
	p.admin = "http://" + admin
	command.Args = append(command.Args, args...)
	command.Args = append(command.Args, "--listen", p.addr, "--admin", admin)
	command.Stdout, command.Stderr = &p.out, &p.log
	if err := command.Start(); err != nil {
		t.Fatalf("starting tain: %v", err)
	}
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
	return p
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

// stop ends tain as an operator would, asserts that it ends well and that its report balances,
// and returns the report.
func (p *tain) stop(t *testing.T) string {
	t.Helper()
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stopping tain: %v", err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Fatalf("tain ended with %v, want exit code 0\n%s%s", err, p.out.String(), p.log.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("tain did not end within 30s of SIGTERM")
	}
	report := p.out.String()
	if !strings.Contains(report, "balanced") || strings.Contains(report, "does not add up") {
		t.Errorf("the books of the report do not balance:\n%s", report)
	}
	if strings.Contains(p.log.String(), "DATA RACE") || strings.Contains(p.log.String(), "BUG:") {
		t.Errorf("tain has a bug:\n%s", p.log.String())
	}
	return report
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
