package test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// soon is a deadline for what has to happen within a second: on a machine that does much else at once.
const soon = 3 * time.Second

// arrivals is a target that notes when copies come.
type arrivals struct {
	url   string
	count atomic.Int64
	last  atomic.Int64 // nanoseconds since 1970
}

func startArrivals(t *testing.T) *arrivals {
	t.Helper()
	a := new(arrivals)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.count.Add(1)
		a.last.Store(time.Now().UnixNano())
		io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	a.url = s.URL
	return a
}

// again waits for another hundred copies.
func (a *arrivals) again(t *testing.T) {
	t.Helper()
	before := a.count.Load()
	wire.Until(t, "copies to come", func() bool { return a.count.Load() > before+100 })
}

// cease waits until no copy has come for a while, and fails the test if the last one came too long
// after the order that was given at start.
func (a *arrivals) cease(t *testing.T, order string, start time.Time) {
	t.Helper()
	last := func() time.Time { return time.Unix(0, a.last.Load()) }
	wire.Until(t, "copies to cease", func() bool { return time.Since(last()) > time.Second })
	took := last().Sub(start)
	if took > soon {
		t.Errorf("the last copy came %s after %s, want a second at most", took, order)
	}
	t.Logf("the last copy came %s after %s", took, order)
}

// load has eight users ask all the time, and returns how to make them leave.
func load(t *testing.T, p *wire.Tain) (leave func()) {
	t.Helper()
	var users sync.WaitGroup
	var gone atomic.Bool
	for range 8 {
		users.Go(func() {
			for !gone.Load() {
				if got := ask(t, "GET", p.URL+"/item", nil, nil); got.status != http.StatusOK {
					t.Errorf("a user got status %d", got.status)
					return
				}
			}
		})
	}
	leave = sync.OnceFunc(func() { gone.Store(true); users.Wait() })
	t.Cleanup(leave)
	return leave
}

// ctl gives an order with tain ctl, and returns what it says.
func ctl(t *testing.T, p *wire.Tain, args ...string) string {
	t.Helper()
	out, err := exec.Command(wire.Binary, append([]string{"ctl", "--admin", p.AdminAddr, "--by", "ann"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("tain ctl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestControlUnderLoad gives orders while users ask as fast as they can: each is in effect within a
// second, as the target sees it, and no user notices.
func TestControlUnderLoad(t *testing.T) {
	live, target := startNginx(t), startArrivals(t)
	p := wire.StartMirror(t, live.url, target.url)
	leave := load(t, p)
	f := func(stop, goOn func()) {
		t.Helper()
		target.again(t)
		start := time.Now()
		stop()
		target.cease(t, "the order to stop", start)
		start = time.Now()
		goOn()
		target.again(t)
		if took := time.Since(start); took > soon {
			t.Errorf("a hundred copies came only %s after the order to go on", took)
		}
	}
	order := func(args ...string) func() { return func() { ctl(t, p, args...) } }
	f(order("kill", "--why", "load"), order("unkill"))
	f(order("pause", "mirror"), order("resume", "mirror"))
	f(order("percent", "mirror", "0"), order("percent", "mirror", "default"))
	f(func() { p.Signal(t, syscall.SIGUSR1) }, func() { p.Signal(t, syscall.SIGUSR2) })
	leave()
	audit := ctl(t, p, "audit")
	for _, want := range []string{"  kill                    by ann  from 127.0.0.1  load\n", "percent mirror default", "from SIGUSR1"} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit log does not have %q:\n%s", want, audit)
		}
	}
	p.Settled(t)
	p.Stop(t)
}

// TestPercentWhileRunning copies a tenth of the requests.
func TestPercentWhileRunning(t *testing.T) {
	live, target := startNginx(t), startArrivals(t)
	p := wire.StartMirror(t, live.url, target.url)
	if got, want := ctl(t, p, "percent", "mirror", "10"), "mirror: 10% instead of 100% (by ann, "; !strings.HasPrefix(got, want) {
		t.Errorf("it says %s, want %s", got, want)
	}
	hammer(t, p, 2000)
	if sent := p.Settled(t)["sent"]; sent < 120 || sent > 280 { // six standard deviations
		t.Errorf("%d of 2000 requests were copied, want about 200", sent)
	}
	if report := p.Stop(t); !strings.Contains(report, "Operators decided on the mirror mirror: 10% instead of 100% (by ann, ") {
		t.Errorf("the report does not say what operators decided:\n%s", report)
	}
}

// TestDecisionsOutliveACrash kills tain right after a decision, and starts it again.
func TestDecisionsOutliveACrash(t *testing.T) {
	live, target := startNginx(t), startArrivals(t)
	first := wire.NewTain(t)
	args := first.MirrorArgs(live.url, target.url, "--data", t.TempDir())
	first.Start(t, exec.Command(wire.Binary), args...)
	ctl(t, first, "percent", "mirror", "50")
	ctl(t, first, "kill", "--why", "the database")
	first.Signal(t, syscall.SIGKILL)
	if first.Wait(t) == nil {
		t.Error("tain survived")
	}

	p := &wire.Tain{Addr: first.Addr, URL: first.URL, AdminAddr: first.AdminAddr, Admin: first.Admin}
	p.Start(t, exec.Command(wire.Binary), args...)
	p.Says(t, "what was decided before still holds")
	if metrics := p.Metrics(t); !strings.Contains(metrics, "\ntain_mirror_killed 1\n") {
		t.Error("tain_mirror_killed is not 1")
	}
	hammer(t, p, 80)
	if b := p.Settled(t); b["sent"] != 0 || b["dropped/paused"]+b["unsampled"] != 80 || target.count.Load() != 0 {
		t.Errorf("after the restart copies are sent: %v", b)
	}
	status := ctl(t, p, "status")
	for _, want := range []string{"mirroring: killed (by ann, ", ": the database)\n", "mirror: 50% instead of 100% (by ann, "} {
		if !strings.Contains(status, want) {
			t.Errorf("the status does not have %q:\n%s", want, status)
		}
	}
	ctl(t, p, "unkill")
	hammer(t, p, 80)
	if b := p.Settled(t); b["sent"] == 0 {
		t.Errorf("nothing is copied though that is allowed again: %v", b)
	}
	p.Stop(t)
}
