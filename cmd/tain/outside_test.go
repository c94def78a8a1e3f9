package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tain.dev/tain/accesslog"
	"tain.dev/tain/config"
	"tain.dev/tain/redact"
)

// TestAccessLogMasks holds that a line of the access log has no secret, and costs the loop no allocation.
func TestAccessLogMasks(t *testing.T) {
	cfg := config.Defaults()
	cfg.Loops, cfg.AccessLog.Path = 1, filepath.Join(t.TempDir(), "access.log")
	s := &system{cfg: &cfg, log: slog.New(slog.DiscardHandler)}
	if err := s.openAccessLog(redact.New("token")); err != nil {
		t.Fatal(err)
	}
	e := &accesslog.Entry{Method: []byte("GET"), Target: []byte("/a?token=abc&b=c"), Referer: []byte("http://a/?user%5Btoken%5D=abc")}
	if n := testing.AllocsPerRun(100, func() { s.access.Add(0, e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.access.Run(ctx); err != nil { // writes what is there
		t.Fatal(err)
	}
	text, err := os.ReadFile(cfg.AccessLog.Path)
	if err != nil {
		t.Fatal(err)
	}
	if line := string(text); strings.Contains(line, "abc") || !strings.Contains(line, `"GET /a?token=[masked]&b=c" `) {
		t.Errorf("the log says %.200s", line)
	}
}
