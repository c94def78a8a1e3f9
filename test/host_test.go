package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tain.dev/tain/test/wire"
)

// limited is tain with few descriptors.
func limited(descriptors string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", `ulimit -n "$0"; exec "$@"`, descriptors, wire.Binary)
}

// TestNoDescriptorsLeft lets more users come than tain may have descriptors.
func TestNoDescriptorsLeft(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.NewTain(t)
	p.Start(t, limited("48"), p.MirrorArgs(live.url, "http://"+target.Addr)...)
	var users []*socket
	for range 100 {
		users = append(users, dial(t, p.Addr))
	}
	wire.Until(t, "the lack to be told", func() bool { return strings.Contains(p.Log.String(), "ulimit -n") })
	for _, u := range users {
		u.Close()
	}
	wire.Until(t, "tain to serve again", func() bool {
		status, _ := wire.Take(client.Get(p.URL + "/item"))
		return status == http.StatusOK
	})
	hammer(t, p, 80)
	p.Settled(t)
	p.Stop(t)
}

// TestTooFewDescriptorsToStart gives tain less than it needs itself.
func TestTooFewDescriptorsToStart(t *testing.T) {
	command := limited("8")
	command.Args = append(command.Args, wire.NewTain(t).MirrorArgs("http://127.0.0.1:1", "http://127.0.0.1:1", "--loops", "8")...)
	out, err := command.CombinedOutput()
	if wire.ExitCode(err) != 78 || !strings.Contains(string(out), "ulimit -n") {
		t.Errorf("exit code %d, want 78 and a message with ulimit -n:\n%s", wire.ExitCode(err), out)
	}
}

// TestPortInUse starts a second tain on the ports of the first. It says so, and names the flag.
func TestPortInUse(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	f := func(want string, flags ...string) {
		t.Helper()
		args := []string{"mirror", "--live", live.url, "--to", "http://" + target.Addr, "--data", "off"}
		out, err := exec.Command(wire.Binary, append(args, flags...)...).CombinedOutput()
		if wire.ExitCode(err) != 78 || !strings.Contains(string(out), want) {
			t.Errorf("%v: exit code %d, want 78 and a message with %s:\n%s", flags, wire.ExitCode(err), want, out)
		}
	}
	f("--listen "+p.Addr, "--listen", p.Addr, "--admin", "off")
	f("--admin "+p.AdminAddr, "--listen", "127.0.0.1:0", "--admin", p.AdminAddr)
	hammer(t, p, 80)
	p.Stop(t)
}

// TestLiveIsDown starts tain before live. It says so, serves 502, and serves once live is there.
func TestLiveIsDown(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	live.stop()
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	wire.Until(t, "the warning", func() bool { return strings.Contains(p.Log.String(), "--live") })
	p.Says(t, live.addr)
	if got := ask(t, "GET", p.URL+"/item", nil, nil); got.status != http.StatusBadGateway {
		t.Errorf("status %d, want 502", got.status)
	}
	live.start(t)
	hammer(t, p, 80)
	b := p.Settled(t)
	if b["seen"] != 81 || b["compared"] != 80 {
		t.Errorf("%d requests seen and %d pairs compared, want 81 and 80: %v", b["seen"], b["compared"], b)
	}
	p.Stop(t)
}

// TestNoPlaceForData gives tain a folder that cannot be one. It says so and serves.
func TestNoPlaceForData(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "differ")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--data", filepath.Join(live.dir, "nginx.conf"))
	hammer(t, p, 80)
	if b := p.Settled(t); b["compared"] != 80 {
		t.Errorf("%d pairs compared, want 80: %v", b["compared"], b)
	}
	p.Says(t, "--data")
	p.Stop(t)
}

// TestLogIsStuck logs to a full disk, and to a pipe that nobody reads. Live goes away, so that
// there is much to log.
func TestLogIsStuck(t *testing.T) {
	f := func(name string, stderr *os.File) {
		t.Run(name, func(t *testing.T) {
			live, target := startNginx(t), startFaulty(t, "ok")
			p := wire.NewTain(t)
			command := exec.Command(wire.Binary)
			command.Stderr = stderr
			p.Start(t, command, p.MirrorArgs(live.url, "http://"+target.Addr, "--log-level", "debug")...)
			hammer(t, p, 80)
			live.stop()
			for range 2000 {
				if got := ask(t, "GET", p.URL+"/item", nil, nil); got.status != http.StatusBadGateway {
					t.Fatalf("without live: status %d, want 502", got.status)
				}
			}
			live.start(t)
			hammer(t, p, 80)
			if b := p.Settled(t); b["seen"] != 2160 {
				t.Errorf("%d requests seen, want 2160: %v", b["seen"], b)
			}
			p.Stop(t)
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
	p := wire.NewTain(t)
	command := exec.Command(wire.Binary)
	command.Stdout = full
	p.Start(t, command, p.MirrorArgs(live.url, "http://"+target.Addr)...)
	hammer(t, p, 80)
	p.Signal(t, syscall.SIGTERM)
	if code := wire.ExitCode(p.Wait(t)); code != 70 {
		t.Errorf("exit code %d, want 70", code)
	}
	p.Says(t, "tain: error: writing the report", "tain: hint: free the disk")
}
