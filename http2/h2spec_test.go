package http2

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// h2spec is pinned, so that a new case fails nobody's change.
const h2spec = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// TestH2spec runs all cases, the strict ones too, over cleartext.
func TestH2spec(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs another program")
	}
	path := buildH2spec(t)
	r := newRig(t)
	addr := r.serve(nil, func(s *Stream) {
		for err := error(nil); err == nil; err = s.Fill() {
			s.Consume(len(s.Buffered()))
		}
		answer(s, "200", "hello")
	})
	_, port, _ := net.SplitHostPort(addr)
	out, err := exec.Command(path, "--strict", "-p", port, "-o", "1").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`\n146 tests, 146 passed, 0 skipped, 0 failed\n`).Match(out) {
		t.Errorf("not all cases passed:\n%s", out)
	}
}

func buildH2spec(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("h2spec"); err == nil {
		return path
	}
	dir := t.TempDir()
	install := exec.Command("go", "install", h2spec)
	install.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %v\n%s", install, err, out)
		}
		t.Skipf("%v: %v", install, err)
	}
	return filepath.Join(dir, "h2spec")
}
