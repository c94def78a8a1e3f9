// Package examples holds configurations that run as they stand. Its test starts every one.
package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/test/faulty"
)

// binary is the tain that was built for the tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tain-examples-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tain")
	if out, err := exec.Command("go", "build", "-o", binary, "tain.dev/tain/cmd/tain").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building tain: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// TestExamples checks each example as it stands, then runs it with free ports in place of the
// written ones and a healthy server behind each, asks it one request, and waits for its copies.
func TestExamples(t *testing.T) {
	f := func(name, host, path string, copies int) {
		t.Run(name, func(t *testing.T) {
			if out, err := exec.Command(binary, "check", "-f", name).CombinedOutput(); err != nil {
				t.Fatalf("tain check: %v\n%s", err, out)
			}
			listen := freeAddr(t)
			p := start(t, withFreePorts(t, name, listen))
			for range 20 { // a sample may leave out one
				ask(t, "http://"+listen+path, host)
			}
			p.waitForCopies(t, copies)
		})
	}
	f("quick-start", "localhost", "/", 20)
	f("candidate-and-baseline", "localhost", "/api/orders/7", 0) // a tenth: it may be none
	f("several-services", "orders.example.com", "/", 20)
	f("several-services", "shop.example.com", "/orders/7", 20)
	f("several-services", "a.search.example.com", "/?q=tea", 0) // no header of the region
}

// withFreePorts copies an example: it listens on listen, and each port of this machine is the one
// of a healthy server.
func withFreePorts(t *testing.T, name, listen string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	local := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	servers := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(name, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("example %s has no files: %v", name, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = local.ReplaceAllFunc(text, func(addr []byte) []byte {
			if servers[string(addr)] == "" {
				s, err := faulty.Start("ok")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(s.Close)
				servers[string(addr)] = s.Addr
			}
			return []byte(servers[string(addr)])
		})
		text = bytes.ReplaceAll(text, []byte(`":8080"`), []byte(`"`+listen+`"`))
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tain is a running tain.
type tain struct {
	admin string
	log   bytes.Buffer // to be read when the process has ended
}

// start starts tain on a folder and waits until it is ready. It is ended with the test.
func start(t *testing.T, dir string) *tain {
	t.Helper()
	p := &tain{admin: freeAddr(t)}
	settings := fmt.Sprintf("admin: %q\ndata: {dir: \"off\"}\n", p.admin)
	if err := os.WriteFile(filepath.Join(dir, "zz-test.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "run", "-f", dir)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("tain ended: %v\n%s", err, p.log.String())
		}
	})
	until(t, "tain to be ready", func() bool {
		answer, err := http.Get("http://" + p.admin + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return p
}

// waitForCopies waits until every target of one mirror has answered at least so many copies.
func (p *tain) waitForCopies(t *testing.T, copies int) {
	t.Helper()
	until(t, fmt.Sprintf("%d copies", copies), func() bool {
		answer, err := http.Get("http://" + p.admin + "/api/v1/mirrors")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var list struct {
			Mirrors []struct{ Answered int }
		}
		if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Mirrors {
			if m.Answered >= copies {
				return true
			}
		}
		return false
	})
}

func ask(t *testing.T, url, host string) {
	t.Helper()
	q, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = host
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "{") {
		t.Fatalf("%s of %s: %s, %q, %v", url, host, answer.Status, text, err)
	}
}

// until waits for ok.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
