package mirror

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/pace"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/upstream"
)

// TestOutcomes holds what copies say of their target.
func TestOutcomes(t *testing.T) {
	f := func(got, want pace.Outcome) {
		t.Helper()
		if got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	f(outcomeOf(upstream.Ignored), pace.Ignored)
	f(outcomeOf(upstream.ConnectFailed), pace.Unreachable)
	f(outcomeOf(upstream.Reset), pace.Failed)
	f(outcomeOf(upstream.TimedOut), pace.Failed)
	f(outcomeOfStatus(200), pace.Succeeded)
	f(outcomeOfStatus(404), pace.Succeeded)
	f(outcomeOfStatus(500), pace.Succeeded)
	f(outcomeOfStatus(429), pace.Failed)
	f(outcomeOfStatus(503), pace.Failed)
}

func TestTellStrain(t *testing.T) {
	var log bytes.Buffer
	told := 1.0
	f := func(share float64, want string) {
		t.Helper()
		log.Reset()
		told = tellStrain(slog.New(slog.NewTextHandler(&log, nil)), pace.StrainStatus{Share: share, Why: "live is slow"}, told)
		if got := log.String(); (got != "") != (want != "") || !strings.Contains(got, want) || told != share {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
	f(1, "")
	f(0, `why="live is slow" share=0`)
	f(0, "")
	f(0.01, "copy more again")
	f(1, "share=1")
}

// TestRunTells holds that the log says once that a breaker opened, and that it closed.
func TestRunTells(t *testing.T) {
	live, target := startFaulty(t, "ok"), startFaulty(t, "refuse")
	r := start(t, plain(), "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nlimit breaker streak 1 pause 1h max-pause 1h\nto http://"+target.Addr+" v2\n")
	var log wire.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx, slog.New(slog.NewTextHandler(&log, nil))) }()
	user := wire.Dial(t, "user", r.addr)
	user.Sends(get)
	user.Gets(okAnswer)
	const open = `its breaker is open" mirror=v2 target=v2 why="1 connections in a row did not come about"`
	wire.Until(t, "the log to say so", func() bool { return strings.Contains(log.String(), open) })
	r.mu.Lock()
	for _, l := range r.limiters {
		pass, _ := l.breaker.Allow(int64(24 * time.Hour))
		l.breaker.Done(pass, int64(24*time.Hour), pace.Succeeded)
	}
	r.mu.Unlock()
	wire.Until(t, "the log to say the contrary", func() bool { return strings.Contains(log.String(), "its breaker is closed") })
	user.Closes()
	cancel()
	if err := <-done; err != nil || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("%v, and the log is\n%s", err, log.String())
	}
}

// TestStrain shows the mirror a live that gets slow, and asks for a copy.
func TestStrain(t *testing.T) {
	live := startFaulty(t, "ok")
	r := start(t, plain(), "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nlimit strain\nto http://$target v2\n")
	showStrain(t, r.strain)
	user := wire.Dial(t, "user", r.addr)
	user.Sends(get)
	user.Gets(okAnswer)
	user.Closes()
	r.waitFor(t, "v2", "seen 1\ndropped strain 1\n")
	if s := r.Books()[0].Throttle; s.Share != 0 || !strings.Contains(s.ShareWhy, "as usual") {
		t.Errorf("%+v", s)
	}
}
