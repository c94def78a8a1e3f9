package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/console"
	"tain.dev/tain/control"
)

// administered is a system that does not run, but whose admin API does.
func administered(t *testing.T) (s *system, addr string) {
	t.Helper()
	s = built(t)
	c := console.New(config.Config{Admin: "127.0.0.1:0"}, s.sources(), slog.New(slog.DiscardHandler))
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, c.AdminAddr().String()
}

// TestCtl gives orders to a tain, and looks at what it has of them.
func TestCtl(t *testing.T) {
	s, addr := administered(t)
	t.Setenv("TAIN_ADMIN", addr)
	t.Setenv("SUDO_USER", "ann")
	f := func(line, want, made string) {
		t.Helper()
		code, stdout, stderr := run(strings.Fields("ctl " + line)...)
		if code != exitOK || stderr != "" || !strings.HasPrefix(stdout, want) {
			t.Fatalf("tain ctl %s: exit code %d\n%s%swant\n%s", line, code, stdout, stderr, want)
		}
		if latest := s.control().Latest; len(latest) > 0 && made != "" && decisionText(&latest[0]) != made {
			t.Errorf("tain ctl %s decides %s, want %s", line, decisionText(&latest[0]), made)
		}
	}
	f("status", "mirroring: on\nmirror: 100%\nWhat is decided ends with this tain", "")
	f("kill --why disk", "mirroring: killed (by ann, ", "kill")
	f("pause mirror --by=bob", "mirroring: killed (by ann, ", "pause mirror")
	f("unkill", "mirroring: on\n", "unkill")
	f("resume mirror", "mirror: 100%\n", "resume mirror")
	f("percent mirror 0.0001%", "mirror: 0.0001% instead of 100% (by ann, ", "percent mirror 0.0001")
	f("percent mirror default --admin="+addr, "mirror: 100%\n", "percent mirror default")
	f("status --admin http://"+addr+"/", "mirroring: on\n", "")
	if latest := s.control().Latest; len(latest) != 6 || latest[5].Why != "disk" || latest[4].By != "bob" || latest[0].From != "127.0.0.1" {
		t.Errorf("the decisions are %+v", latest)
	}

	f("audit -n1", "20", "")
	if _, stdout, _ := run("ctl", "audit", "-n1"); strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, "  percent mirror default  by ann  from 127.0.0.1") {
		t.Errorf("the latest decision is %s", stdout)
	}
	_, stdout, _ := run("ctl", "audit", "-o", "json")
	var audit []control.Decision
	if err := json.Unmarshal([]byte(stdout), &audit); err != nil || len(audit) != 6 {
		t.Errorf("%v: %s", err, stdout)
	}
	_, stdout, _ = run("ctl", "kill", "-o", "json")
	var report control.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || !report.Killed {
		t.Errorf("%v: %s", err, stdout)
	}
}

// TestCtlRefused gives orders that nobody takes.
func TestCtlRefused(t *testing.T) {
	s, addr := administered(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"killed":true}`)) }))
	defer page.Close()
	away := httptest.NewServer(http.RedirectHandler("http://"+addr+"/api/v1/control", http.StatusTemporaryRedirect))
	defer away.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	f := func(admin, line string, code int, want string) {
		t.Helper()
		t.Setenv("TAIN_ADMIN", admin)
		got, stdout, stderr := run(append([]string{"ctl"}, strings.Fields(line)...)...)
		if got != code || stdout != "" || !strings.HasPrefix(stderr, "tain: error: "+want) {
			t.Errorf("tain ctl %s: exit code %d, want %d\n%s%swant\n%s", line, got, code, stdout, stderr, want)
		}
		if made := s.control().Latest; len(made) != 0 {
			t.Fatalf("tain ctl %s decides %+v", line, made)
		}
	}
	f(addr, "pause v3", exitNegative, `there is no mirror "v3"; there are: mirror`)
	f(addr, "kill --by=a"+strings.Repeat("b", 300), exitNegative, "nothing was changed: ")
	f(closed.Addr().String(), "kill", exitConfig, "nobody listens at http://"+closed.Addr().String()+"\ntain: hint: is tain running? --admin")
	f(page.URL, "kill", exitConfig, "what answers at "+page.URL+", with status 200, is not tain's admin API")
	f(away.URL, "kill", exitConfig, "what answers at "+away.URL+", with status 307, is not tain's admin API")
	f("tain.invalid:1", "kill", exitConfig, "asking the admin API at http://tain.invalid:1: ")
	f("ftp://a", "kill", exitUsage, `--admin: "ftp://a" is not the address of an admin API`)
	f("http://", "kill", exitUsage, `--admin: "http://" is not the address`)
	f(addr, "", exitUsage, "no command is given; use audit, kill, pause, percent, resume, status, unkill")
	f(addr, "kil", exitUsage, `there is no command "kil"; did you mean kill?`)
	f(addr, "kill v2", exitUsage, `unexpected argument "v2"; tain ctl kill takes flags alone`)
	f(addr, "pause", exitUsage, "NAME is missing; use tain ctl pause NAME")
	f(addr, "percent mirror", exitUsage, "PERCENT is missing; use tain ctl percent NAME PERCENT|default")
	f(addr, "percent mirror 5 6", exitUsage, `unexpected argument "6"; use tain ctl percent`)
	f(addr, "percent mirror 101", exitUsage, `"101" is not a percentage; use 0 to 100 with up to four decimals, or default for`)
	f(addr, "kill -o yaml", exitUsage, `--output: "yaml" is unknown`)
	f(addr, "audit -n0", exitUsage, "--number: 0 is not a number of decisions")
	f(addr, "status --admn=a", exitUsage, "there is no flag --admn; did you mean --admin?")
}

// TestCtlCompletes asks for what may follow, as a shell does.
func TestCtlCompletes(t *testing.T) {
	_, addr := administered(t)
	f := func(line string, want ...string) {
		t.Helper()
		_, stdout, _ := run(append([]string{"__complete", "ctl"}, strings.Split(line, " ")...)...)
		var got []string
		for line := range strings.Lines(stdout) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); !strings.HasPrefix(word, ":") {
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || !strings.HasSuffix(stdout, ":4\n") {
			t.Errorf("after tain ctl %s may follow %v, want %v, and no files\n%s", line, got, want, stdout)
		}
	}
	f("pause --admin "+addr+" ", "mirror")
	f("percent --admin "+addr+" ", "mirror")
	f("percent mirror --admin "+addr+" ", "default")
	f("pause mirror --admin " + addr + " ")
	f("kill ")
	f("un", "unkill")
	f("status -o ", "text", "json")
	f("pause --admin 127.0.0.1:1 ")
	f("--adm", "--admin")
}
