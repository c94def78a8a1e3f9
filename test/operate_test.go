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
)

// TestKillSwitch stops and restarts all mirroring, over the admin API and with signals.
func TestKillSwitch(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := startMirror(t, live.url, "http://"+target.Addr)
	f := func(kill, unkill func()) {
		t.Helper()
		hammer(t, p, 80)
		kill()
		p.stopsCopying(t)
		asUsual(t, live, p)
		unkill()
		p.copiesAgain(t)
	}
	f(func() { p.post(t, "/api/v1/kill") }, func() { p.post(t, "/api/v1/unkill") })
	f(func() { p.signal(t, syscall.SIGUSR1) }, func() { p.signal(t, syscall.SIGUSR2) })
	f(func() { p.post(t, "/api/v1/mirrors/mirror/pause") }, func() { p.post(t, "/api/v1/mirrors/mirror/resume") })
	p.stop(t)
}

// TestKillSwitchGivesUpCopies switches off while copies wait at a target that never answers.
func TestKillSwitchGivesUpCopies(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "never-answer")
	p := startMirror(t, live.url, "http://"+target.Addr, "--timeout", "1m")
	hammer(t, p, 400)
	if b := p.books(t); b["inflight"] == 0 {
		t.Fatalf("no copy is under way: %v", b)
	}
	start := time.Now()
	p.post(t, "/api/v1/kill")
	b := p.settled(t)
	if took := time.Since(start); took > time.Second {
		t.Errorf("the last copies ended %s after the kill switch, want a second at most", took)
	}
	if b["dropped/paused"]+b["failed/stopping"] == 0 {
		t.Errorf("no copy was given up: %v", b)
	}
	p.stop(t)
}

func (p *tain) stopsCopying(t *testing.T) {
	t.Helper()
	paused := p.books(t)["dropped/paused"]
	eventually(t, "copies to be dropped", func() bool {
		ask(t, "GET", p.url+"/item", nil, nil)
		return p.books(t)["dropped/paused"] > paused
	})
	before := p.settled(t)["sent"]
	hammer(t, p, 80)
	if after := p.books(t)["sent"]; after != before {
		t.Errorf("%d copies were sent though mirroring is off", after-before)
	}
}

func (p *tain) copiesAgain(t *testing.T) {
	t.Helper()
	before := p.books(t)["sent"]
	eventually(t, "copies to be sent again", func() bool {
		ask(t, "GET", p.url+"/item", nil, nil)
		return p.books(t)["sent"] > before
	})
}

// TestOrdersAreChecked gives the admin API what it must not obey.
func TestOrdersAreChecked(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := startMirror(t, live.url, "http://"+target.Addr)
	f := func(path, contentType, origin string, want int) {
		t.Helper()
		r, err := http.NewRequest("POST", p.admin+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if status, body := take(http.DefaultClient.Do(r)); status != want {
			t.Errorf("POST %s as %s from %q: status %d, want %d: %s", path, contentType, origin, status, want, body)
		}
	}
	f("/api/v1/kill", "text/plain", "", http.StatusUnsupportedMediaType)
	f("/api/v1/kill", "application/json", "http://example.com", http.StatusForbidden)
	f("/api/v1/mirrors/none/pause", "application/json", "", http.StatusNotFound)
	if status, _ := p.get("/api/v1/kill"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET /api/v1/kill: status %d, want 405", status)
	}
	hammer(t, p, 80)
	if b := p.settled(t); b["compared"] != 80 {
		t.Errorf("%d pairs compared, want 80: %v", b["compared"], b)
	}
	p.stop(t)
}

// TestDrain stops tain while an answer is on its way: the user gets all of it.
func TestDrain(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "slow:50ms")
	p := startMirror(t, live.url, "http://"+target.Addr)
	hammer(t, p, 80)
	answer, err := client.Get(p.url + "/big.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := make(chan int, 1)
	go func() {
		body, _ := io.ReadAll(answer.Body) // a short body shows in its length
		got <- len(body)
	}()
	p.stop(t)
	if n := <-got; n != 1<<20 {
		t.Errorf("the user got %d bytes, want all %d", n, 1<<20)
	}
}

// slowUser has a request under way that does not end by itself.
func slowUser(t *testing.T, p *tain) *socket {
	t.Helper()
	s := dial(t, p.addr)
	s.send(t, "PUT /files/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
	eventually(t, "the request to be seen", func() bool { return p.books(t)["seen"] > 0 })
	return s
}

// TestDrainEnds stops tain while a user takes forever: it waits for --drain, and no longer.
func TestDrainEnds(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := startMirror(t, live.url, "http://"+target.Addr, "--drain", "700ms", "--writes")
	slowUser(t, p)
	start := time.Now()
	p.stop(t)
	if took := time.Since(start); took < 700*time.Millisecond || took > 3*time.Second {
		t.Errorf("tain ended after %s, want a little more than the 700ms of --drain", took)
	}
	if log := p.log.String(); !strings.Contains(log, "--drain") {
		t.Errorf("the log does not say that --drain was over:\n%s", log)
	}
}

// TestNotReadyWhileDraining looks at tain from a load balancer during the drain.
func TestNotReadyWhileDraining(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := startMirror(t, live.url, "http://"+target.Addr, "--writes", "--drain", "20s")
	user := slowUser(t, p)
	p.signal(t, syscall.SIGTERM)
	eventually(t, "tain to be not ready", func() bool {
		status, _ := p.get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	if status, _ := p.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: status %d while draining, want 200", status)
	}
	user.send(t, strings.Repeat("x", 996))
	if got := user.answer(t, "PUT"); got.status != http.StatusCreated {
		t.Errorf("the user whose request was under way got status %d, want 201", got.status)
	}
	if err := p.wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
	p.checkEnd(t)
}

// TestSecondSignal does not wait for a drain that was asked for.
func TestSecondSignal(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := startMirror(t, live.url, "http://"+target.Addr, "--writes", "--drain", "5m")
	slowUser(t, p)
	p.signal(t, syscall.SIGTERM)
	eventually(t, "the drain", func() bool { return strings.Contains(p.log.String(), "draining") })
	p.signal(t, syscall.SIGTERM)
	err := p.wait(t)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("tain ended with %v, want the second SIGTERM", err)
	}
}
