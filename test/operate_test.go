package test

import (
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// TestKillSwitch stops and restarts all mirroring, over the admin API and with signals.
func TestKillSwitch(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	f := func(kill, unkill func()) {
		t.Helper()
		hammer(t, p, 80)
		kill()
		stopsCopying(t, p)
		asUsual(t, live, p)
		unkill()
		copiesAgain(t, p)
	}
	f(func() { p.Post(t, "/api/v1/kill") }, func() { p.Post(t, "/api/v1/unkill") })
	f(func() { p.Signal(t, syscall.SIGUSR1) }, func() { p.Signal(t, syscall.SIGUSR2) })
	f(func() { p.Post(t, "/api/v1/mirrors/mirror/pause") }, func() { p.Post(t, "/api/v1/mirrors/mirror/resume") })
	p.Stop(t)
}

// TestKillSwitchGivesUpCopies switches off while copies wait at a target that never answers.
func TestKillSwitchGivesUpCopies(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "never-answer")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--timeout", "1m")
	hammer(t, p, 400)
	if b := p.Books(t); b["inflight"] == 0 {
		t.Fatalf("no copy is under way: %v", b)
	}
	start := time.Now()
	p.Post(t, "/api/v1/kill")
	b := p.Settled(t)
	if took := time.Since(start); took > time.Second {
		t.Errorf("the last copies ended %s after the kill switch, want a second at most", took)
	}
	if b["dropped/paused"]+b["failed/stopping"] == 0 {
		t.Errorf("no copy was given up: %v", b)
	}
	p.Stop(t)
}

func stopsCopying(t *testing.T, p *wire.Tain) {
	t.Helper()
	paused := p.Books(t)["dropped/paused"]
	wire.Until(t, "copies to be dropped", func() bool {
		ask(t, "GET", p.URL+"/item", nil, nil)
		return p.Books(t)["dropped/paused"] > paused
	})
	before := p.Settled(t)["sent"]
	hammer(t, p, 80)
	if after := p.Books(t)["sent"]; after != before {
		t.Errorf("%d copies were sent though mirroring is off", after-before)
	}
}

func copiesAgain(t *testing.T, p *wire.Tain) {
	t.Helper()
	before := p.Books(t)["sent"]
	wire.Until(t, "copies to be sent again", func() bool {
		ask(t, "GET", p.URL+"/item", nil, nil)
		return p.Books(t)["sent"] > before
	})
}

// TestOrdersAreChecked gives the admin API what it must not obey.
func TestOrdersAreChecked(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	f := func(path, contentType, origin string, want int) {
		t.Helper()
		r, err := http.NewRequest("POST", p.Admin+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if status, body := wire.Take(http.DefaultClient.Do(r)); status != want {
			t.Errorf("POST %s as %s from %q: status %d, want %d: %s", path, contentType, origin, status, want, body)
		}
	}
	f("/api/v1/kill", "text/plain", "", http.StatusUnsupportedMediaType)
	f("/api/v1/kill", "application/json", "http://example.com", http.StatusForbidden)
	f("/api/v1/mirrors/none/pause", "application/json", "", http.StatusNotFound)
	if status, _ := p.Get("/api/v1/kill"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET /api/v1/kill: status %d, want 405", status)
	}
	hammer(t, p, 80)
	if b := p.Settled(t); b["compared"] != 80 {
		t.Errorf("%d pairs compared, want 80: %v", b["compared"], b)
	}
	p.Stop(t)
}

// TestDrain stops tain while an answer is on its way: the user gets all of it.
func TestDrain(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "slow:50ms")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	hammer(t, p, 80)
	answer, err := client.Get(p.URL + "/big.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := make(chan int, 1)
	go func() {
		body, _ := io.ReadAll(answer.Body) // a short body shows in its length
		got <- len(body)
	}()
	p.Stop(t)
	if n := <-got; n != 1<<20 {
		t.Errorf("the user got %d bytes, want all %d", n, 1<<20)
	}
}

// slowUser has a request under way that does not end by itself.
func slowUser(t *testing.T, p *wire.Tain) *socket {
	t.Helper()
	s := dial(t, p.Addr)
	s.send(t, "PUT /files/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
	wire.Until(t, "the request to be seen", func() bool { return p.Books(t)["seen"] > 0 })
	return s
}

// TestDrainEnds stops tain while a user takes forever: it waits for --drain, and no longer.
func TestDrainEnds(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--drain", "700ms", "--writes")
	slowUser(t, p)
	start := time.Now()
	p.Stop(t)
	if took := time.Since(start); took < 700*time.Millisecond || took > 3*time.Second {
		t.Errorf("tain ended after %s, want a little more than the 700ms of --drain", took)
	}
	if log := p.Log.String(); !strings.Contains(log, "--drain") {
		t.Errorf("the log does not say that --drain was over:\n%s", log)
	}
}

// TestNotReadyWhileDraining looks at tain from a load balancer during the drain.
func TestNotReadyWhileDraining(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--writes", "--drain", "20s")
	user := slowUser(t, p)
	p.Signal(t, syscall.SIGTERM)
	wire.Until(t, "tain to be not ready", func() bool {
		status, _ := p.Get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	if status, _ := p.Get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: status %d while draining, want 200", status)
	}
	user.send(t, strings.Repeat("x", 996))
	if got := user.answer(t, "PUT"); got.status != http.StatusCreated {
		t.Errorf("the user whose request was under way got status %d, want 201", got.status)
	}
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
	p.CheckEnd(t)
}

// TestSecondSignal does not wait for a drain that was asked for.
func TestSecondSignal(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--writes", "--drain", "5m")
	slowUser(t, p)
	p.Signal(t, syscall.SIGTERM)
	wire.Until(t, "the drain", func() bool { return strings.Contains(p.Log.String(), "draining") })
	p.Signal(t, syscall.SIGTERM)
	err := p.Wait(t)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("tain ended with %v, want the second SIGTERM", err)
	}
}
