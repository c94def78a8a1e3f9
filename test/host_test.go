package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// says fails the test unless the log of tain has each of the texts.
func (p *tain) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if log := p.log.String(); !strings.Contains(log, text) {
			t.Errorf("the log does not say %q:\n%s", text, log)
		}
	}
}

// limited is tain with few descriptors.
func limited(descriptors string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", `ulimit -n "$0"; exec "$@"`, descriptors, binary)
}

// TestNoDescriptorsLeft lets more users come than tain may have descriptors.
func TestNoDescriptorsLeft(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := newTain(t)
	p.start(t, limited("48"), p.mirrorArgs(live.url, "http://"+target.Addr)...)
	var users []*socket
	for range 100 {
		users = append(users, dial(t, p.addr))
	}
	eventually(t, "the lack to be told", func() bool { return strings.Contains(p.log.String(), "ulimit -n") })
	for _, u := range users {
		u.Close()
	}
	eventually(t, "tain to serve again", func() bool {
		status, _ := take(client.Get(p.url + "/item"))
		return status == http.StatusOK
	})
	hammer(t, p, 80)
	p.settled(t)
	p.stop(t)
}

// TestTooFewDescriptorsToStart gives tain less than it needs itself.
func TestTooFewDescriptorsToStart(t *testing.T) {
	command := limited("8")
	command.Args = append(command.Args, newTain(t).mirrorArgs("http://127.0.0.1:1", "http://127.0.0.1:1", "--loops", "8")...)
	out, err := command.CombinedOutput()
	if exitCode(err) != 78 || !strings.Contains(string(out), "ulimit -n") {
		t.Errorf("exit code %d, want 78 and a message with ulimit -n:\n%s", exitCode(err), out)
	}
}

// TestPortInUse starts a second tain on the ports of the first. It says so, and names the flag.
func TestPortInUse(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := startMirror(t, live.url, "http://"+target.Addr)
	f := func(want string, flags ...string) {
		t.Helper()
		args := []string{"mirror", "--live", live.url, "--to", "http://" + target.Addr, "--data", "off"}
		out, err := exec.Command(binary, append(args, flags...)...).CombinedOutput()
		if exitCode(err) != 78 || !strings.Contains(string(out), want) {
			t.Errorf("%v: exit code %d, want 78 and a message with %s:\n%s", flags, exitCode(err), want, out)
		}
	}
	f("--listen "+p.addr, "--listen", p.addr, "--admin", "off")
	f("--admin "+p.adminAddr, "--listen", "127.0.0.1:0", "--admin", p.adminAddr)
	hammer(t, p, 80)
	p.stop(t)
}

// TestLiveIsDown starts tain before live. It says so, serves 502, and serves once live is there.
func TestLiveIsDown(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	live.stop()
	p := startMirror(t, live.url, "http://"+target.Addr)
	eventually(t, "the warning", func() bool { return strings.Contains(p.log.String(), "--live") })
	p.says(t, live.addr)
	if got := ask(t, "GET", p.url+"/item", nil, nil); got.status != http.StatusBadGateway {
		t.Errorf("status %d, want 502", got.status)
	}
	live.start(t)
	hammer(t, p, 80)
	b := p.settled(t)
	if b["seen"] != 81 || b["compared"] != 80 {
		t.Errorf("%d requests seen and %d pairs compared, want 81 and 80: %v", b["seen"], b["compared"], b)
	}
	p.stop(t)
}

// TestNoPlaceForData gives tain a folder that cannot be one. It says so and serves.
func TestNoPlaceForData(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "differ")
	p := startMirror(t, live.url, "http://"+target.Addr, "--data", filepath.Join(live.dir, "nginx.conf"))
	hammer(t, p, 80)
	if b := p.settled(t); b["compared"] != 80 {
		t.Errorf("%d pairs compared, want 80: %v", b["compared"], b)
	}
	p.says(t, "--data")
	p.stop(t)
}

// TestLogIsStuck logs to a full disk, and to a pipe that nobody reads. Live goes away, so that
// there is much to log.
func TestLogIsStuck(t *testing.T) {
	f := func(name string, stderr *os.File) {
		t.Run(name, func(t *testing.T) {
			live, target := startNginx(t), startFaulty(t, "ok")
			p := newTain(t)
			command := exec.Command(binary)
			command.Stderr = stderr
			p.start(t, command, p.mirrorArgs(live.url, "http://"+target.Addr, "--log-level", "debug")...)
			hammer(t, p, 80)
			live.stop()
			for range 2000 {
				if got := ask(t, "GET", p.url+"/item", nil, nil); got.status != http.StatusBadGateway {
					t.Fatalf("without live: status %d, want 502", got.status)
				}
			}
			live.start(t)
			hammer(t, p, 80)
			if b := p.settled(t); b["seen"] != 2160 {
				t.Errorf("%d requests seen, want 2160: %v", b["seen"], b)
			}
			p.stop(t)
		})
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	f("disk full", full)
	unread, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Close()
	defer pipe.Close()
	f("pipe unread", pipe)
}

// TestReportIsLost writes the report to a full disk. That is an error, with what to do.
func TestReportIsLost(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p := newTain(t)
	command := exec.Command(binary)
	command.Stdout = full
	p.start(t, command, p.mirrorArgs(live.url, "http://"+target.Addr)...)
	hammer(t, p, 80)
	p.signal(t, syscall.SIGTERM)
	if code := exitCode(p.wait(t)); code != 70 {
		t.Errorf("exit code %d, want 70", code)
	}
	p.says(t, "tain: error: writing the report", "tain: hint: free the disk")
}
