package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReload changes the file of a running tain: to another mirror, to nonsense, and back. Users
// notice nothing; the last good table serves.
func TestReload(t *testing.T) {
	live, first, second := startNginx(t), startFaulty(t, "ok"), startFaulty(t, "ok")
	p, file := newTain(t), filepath.Join(t.TempDir(), "tain.yaml")
	write := func(target string) {
		t.Helper()
		text := fmt.Sprintf("listen: %s\nadmin: %s\ndata: {dir: \"off\"}\ndrain: 2s\nroutes:\n  - name: shop\n    backends: %s\n    mirrors:\n      - name: v2\n        targets: %s\n", p.addr, p.adminAddr, live.url, target)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("http://" + first.Addr)
	p.start(t, exec.Command(binary), "run", "-f", file)
	hammer(t, p, 80)
	eventually(t, "copies at the first target", func() bool { return first.Requests() == 80 })

	write("http://" + second.Addr)
	eventually(t, "copies at the second target", func() bool {
		hammer(t, p, 8)
		return second.Requests() > 0
	})

	write("htp:/nonsense")
	p.signal(t, syscall.SIGHUP)
	eventually(t, "the failed reload to be told", func() bool {
		hammer(t, p, 8)
		_, metrics := p.get("/metrics")
		return strings.Contains(metrics, "\ntain_config_last_reload_successful 0\n")
	})
	if log := p.log.String() + p.out.String(); !strings.Contains(log, "htp:/nonsense") {
		t.Errorf("the log does not quote what is wrong:\n%s", log)
	}
	before := second.Requests()
	hammer(t, p, 80)
	eventually(t, "copies by the last good table", func() bool { return second.Requests() >= before+80 })

	write("http://" + second.Addr)
	eventually(t, "a good reload", func() bool {
		_, metrics := p.get("/metrics")
		return strings.Contains(metrics, "\ntain_config_last_reload_successful 1\n")
	})
	hammer(t, p, 80)
	p.stop(t)
}
