// Package h2spec runs h2spec, the conformance tests of HTTP/2, against the built tain: in cleartext and
// over TLS, every case, the strict ones too, with a mirror at work.
package h2spec

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

func TestMain(m *testing.M) { os.Exit(wire.Main(m)) }

// version is pinned, so that a new case fails nobody's change.
const version = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// failing lists the cases that may fail, each with its reason. It may only shrink.
var failing = map[string]string{}

func TestH2spec(t *testing.T) {
	tool := tool(t)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	live, target := httptest.NewServer(hello), httptest.NewServer(hello)
	t.Cleanup(live.Close)
	t.Cleanup(target.Close)
	pair := pki.New(t).Issue(t, "127.0.0.1")
	secure := wire.FreeAddr(t)
	tain := wire.StartFile(t, fmt.Sprintf(`
listen:
- $listen
- address: %s
  tls: {certificates: [{cert: %s, key: %s}]}
admin: $admin
loops: 1
data: {dir: "off"}
routes:
- name: all
  backends: [{url: %q}]
  mirrors: [{name: copy, writes: true, targets: [{url: %q}]}]
`, secure, pair.Cert, pair.Key, live.URL, target.URL))
	run := func(name, addr string, flags ...string) {
		t.Run(name, func(t *testing.T) {
			host, port, _ := strings.Cut(addr, ":")
			check(t, exec.Command(tool, append(flags, "--strict", "-h", host, "-p", port, "-o", "5")...))
		})
	}
	run("h2c", tain.Addr)
	run("TLS", secure, "-t", "-k")
	// A user who keeps to the rules is served all the while, and afterwards.
	if status, body := wire.Take(http.Get(tain.URL + "/")); status != http.StatusOK || body != "hello" {
		t.Errorf("afterwards tain answers %d %q", status, body)
	}
}

// check runs h2spec, and holds that nothing failed but what may.
func check(t *testing.T, command *exec.Cmd) {
	t.Helper()
	out, err := command.CombinedOutput()
	var failed []string
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "× "); ok && failing[name] == "" {
			failed = append(failed, name)
		}
	}
	summary := "146 tests, "
	if !strings.Contains(string(out), summary) || len(failed) > 0 || err != nil && len(failing) == 0 {
		t.Errorf("%v: %v; failed: %q\n%s", command, err, failed, out)
	}
}

// tool is h2spec, built if it is not installed.
func tool(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("h2spec"); err == nil {
		return path
	}
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "install", version)
	command.Env = append(os.Environ(), "GOBIN="+dir)
	command.WaitDelay = time.Second
	if out, err := command.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
		t.Skipf("%v: %v", command, err)
	}
	return filepath.Join(dir, "h2spec")
}
