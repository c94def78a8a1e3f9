package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/source/file"
)

func TestChanges(t *testing.T) {
	f := func(want string, change func(*config.Config)) {
		t.Helper()
		old, now := config.Defaults(), config.Defaults()
		old.Loops, now.Loops = 2, 2
		change(&now)
		var got []string
		for _, c := range changes(reflect.ValueOf(old), reflect.ValueOf(now), "") {
			got = append(got, fmt.Sprintf("%s: %q, %q", c.setting, c.old, c.new))
		}
		if got := strings.Join(got, "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("", func(c *config.Config) {})
	f("", func(c *config.Config) { c.Listen = config.Listeners(":1"); c.Table = nil })
	f("", func(c *config.Config) { c.Mask = []string{} })
	f(`admin: "127.0.0.1:9780", ""`, func(c *config.Config) { c.Admin = "" })
	f("loops: \"2\", \"3\"\ndrain: \"30s\", \"1m0s\"", func(c *config.Config) { c.Loops, c.Drain = 3, time.Minute })
	f(`proxy.maxHead: "64KiB", "1MiB"`, func(c *config.Config) { c.Proxy.MaxHead = 1 << 20 })
	f(`proxy.maxFields: "256", "1024"`, func(c *config.Config) { c.Proxy.MaxFields = 1024 })
	f(`proxy.trustedPeers: "", "10.0.0.0/8, fd00::/8"`, func(c *config.Config) {
		c.Proxy.TrustedPeers = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	f(`mask: "", "token, pin"`, func(c *config.Config) { c.Mask = []string{"token", "pin"} })
	f("pprof: \"false\", \"true\"\ndata.maxBytes: \"256MiB\", \"1KB\"\nlog.level: \"info\", \"debug\"", func(c *config.Config) {
		c.Pprof, c.Data.MaxBytes, c.Log.Level = true, 1000, "debug"
	})
}

// TestWarnOfRestart names a setting with its place, once for as long as it stays so.
func TestWarnOfRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tain.yaml")
	var log bytes.Buffer
	s := &system{watcher: file.New(path), log: slog.New(slog.NewTextHandler(&log, nil))}
	f := func(text string, want ...string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("routes: []\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, errs := config.Load(path)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if s.cfg == nil {
			s.cfg = cfg
		}
		log.Reset()
		s.warnOfRestart(cfg)
		got := strings.Split(strings.TrimSpace(strings.ReplaceAll(log.String(), path, "tain.yaml")), "\n")
		if log.Len() == 0 {
			got = nil
		}
		if len(got) != len(want) {
			t.Fatalf("%s\n%d lines of log, want %d:\n%s", text, len(got), len(want), log.String())
		}
		for i := range want {
			if !strings.HasSuffix(got[i], want[i]) {
				t.Errorf("%s\nthe log says\n%s\nwant\n%s", text, got[i], want[i])
			}
		}
	}
	f("proxy: {maxHead: 32KiB}\n")
	f("proxy: {maxHead: 32KiB}\nlisten: :1\n")
	f("proxy: {maxHead: 48KiB}\n", `a setting has changed that needs a restart" setting=proxy.maxHead at=tain.yaml:2 old=32KiB new=48KiB`)
	f("listen: :1\nproxy: {maxHead: 48KiB}\n")
	f("\nproxy:\n  maxHead: 48KiB\ndrain: 1s\n", "setting=drain at=tain.yaml:5 old=30s new=1s", "setting=proxy.maxHead at=tain.yaml:4 old=32KiB new=48KiB")
	f("", "setting=proxy.maxHead at=tain.yaml old=32KiB new=64KiB")
	f("proxy: {maxHead: 32KiB}\n", `all settings are again those that tain started with: no restart is needed"`)
}
