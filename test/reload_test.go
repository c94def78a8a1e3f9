package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tain.dev/tain/test/wire"
)

// TestReload changes the file of a running tain: to another mirror, to nonsense, and back. Users
// notice nothing; the last good table serves.
func TestReload(t *testing.T) {
	live, first, second := startNginx(t), startFaulty(t, "ok"), startFaulty(t, "ok")
	p, file := wire.NewTain(t), filepath.Join(t.TempDir(), "tain.yaml")
	write := func(target string) {
		t.Helper()
		text := fmt.Sprintf("listen: %s\nadmin: %s\ndata: {dir: \"off\"}\ndrain: 2s\nroutes:\n  - name: shop\n    backends: %s\n    mirrors:\n      - name: v2\n        targets: %s\n", p.Addr, p.AdminAddr, live.url, target)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("http://" + first.Addr)
	p.Start(t, exec.Command(wire.Binary), "run", "-f", file)
	hammer(t, p, 80)
	wire.Until(t, "copies at the first target", func() bool { return first.Requests() == 80 })

	write("http://" + second.Addr)
	wire.Until(t, "copies at the second target", func() bool {
		hammer(t, p, 8)
		return second.Requests() > 0
	})

	write("htp:/nonsense")
	p.Signal(t, syscall.SIGHUP)
	wire.Until(t, "the failed reload to be told", func() bool {
		hammer(t, p, 8)
		_, metrics := p.Get("/metrics")
		return strings.Contains(metrics, "\ntain_config_last_reload_successful 0\n")
	})
	if log := p.Log.String() + p.Out.String(); !strings.Contains(log, "htp:/nonsense") {
		t.Errorf("the log does not quote what is wrong:\n%s", log)
	}
	before := second.Requests()
	hammer(t, p, 80)
	wire.Until(t, "copies by the last good table", func() bool { return second.Requests() >= before+80 })

	write("http://" + second.Addr)
	wire.Until(t, "a good reload", func() bool {
		_, metrics := p.Get("/metrics")
		return strings.Contains(metrics, "\ntain_config_last_reload_successful 1\n")
	})
	hammer(t, p, 80)
	p.Stop(t)
}
