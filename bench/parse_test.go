//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseWrk(t *testing.T) {
	const good = `Running 1s test @ http://127.0.0.1:46313/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   553.64us    1.18ms  24.50ms   97.05%
    Req/Sec    79.24k     5.62k   86.30k    70.00%
  78835 requests in 1.00s, 17.67MB read
Requests/sec:  78512.12
Transfer/sec:     17.60MB
`
	f := func(text string, requests int, perSecond float64, errs int, complaint string) {
		t.Helper()
		u, err := parseWrk(text)
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("error %v, want %q", err, complaint)
		}
		if err == nil && (u.requests != requests || u.perSecond != perSecond || u.errors != errs) {
			t.Errorf("%+v, want %d requests, %v/s, %d errors", u, requests, perSecond, errs)
		}
	}
	f(good, 78835, 78512.12, 0, "")
	f(good+"  Socket errors: connect 1, read 2, write 3, timeout 4\n", 78835, 78512.12, 10, "")
	f(good+"  Non-2xx or 3xx responses: 12\n", 78835, 78512.12, 12, "")
	f(strings.Replace(good, "78835 requests", "0 requests", 1), 0, 0, 0, "no request was answered")
	f("unable to connect", 0, 0, 0, "can't read its output")
}

func TestParseH2load(t *testing.T) {
	const good = `starting benchmark...
Application protocol: h2c
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 1.00s, 69456.50 req/s, 4.70MB/s
requests: 69456 total, 69520 started, 69456 done, 69456 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 69456 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 4.70MB (4931572) total, 3.18MB (3333888) headers (space savings 51.02%), 339.14KB (347280) data
`
	f := func(text string, requests int, perSecond float64, errs int, complaint string) {
		t.Helper()
		u, err := parseH2load(text)
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("error %v, want %q", err, complaint)
		}
		if err == nil && (u.requests != requests || u.perSecond != perSecond || u.errors != errs) {
			t.Errorf("%+v, want %d requests, %v/s, %d errors", u, requests, perSecond, errs)
		}
	}
	f(good, 69456, 69456.5, 0, "")
	f(strings.Replace(good, ": h2c", ": h2", 1), 69456, 69456.5, 0, "")
	f(strings.Replace(good, "0 failed, 0 errored, 0 timeout", "7 failed, 2 errored, 1 timeout", 1), 69456, 69456.5, 3, "")
	f(strings.Replace(good, "0 3xx, 0 4xx, 0 5xx", "1 3xx, 2 4xx, 4 5xx", 1), 69456, 69456.5, 7, "")
	f(strings.Replace(good, "69456 done", "0 done", 1), 0, 0, 0, "no request was answered")
	f(strings.Replace(good, ": h2c", ": http/1.1", 1), 0, 0, 0, "did not speak HTTP/2")
	f(strings.Replace(good, "Application protocol: h2c", "", 1), 0, 0, 0, "did not speak HTTP/2")
	f("unable to connect", 0, 0, 0, "can't read its output")
}

func TestGeneratorsLoadForWholeSeconds(t *testing.T) {
	f := func(g generator, d time.Duration, want string) {
		t.Helper()
		if got := strings.Join(g.argv("127.0.0.1:1", d), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(wrk, 3*time.Second, "wrk -t1 -c32 -d3 http://127.0.0.1:1/")
	f(wrkTLS, 100*time.Millisecond, "wrk -t1 -c32 -d1 https://127.0.0.1:1/")
	f(h2loadPlain, 2500*time.Millisecond, "h2load -t1 -c4 -m16 -D2 http://127.0.0.1:1/")
	f(h2loadTLS, time.Second, "h2load -t1 -c4 -m16 -D1 https://127.0.0.1:1/")
}

func TestParseBench(t *testing.T) {
	f := func(line, what string, ns float64, note string) {
		t.Helper()
		r, ok := parseBench("route", line)
		if ok != (what != "") {
			t.Fatalf("%q: read is %v", line, ok)
		}
		if ok && (r.What != what || r.Measured.Value != ns || r.Note != note) {
			t.Errorf("%q: %s, %v, %s", line, r.What, r.Measured.Value, r.Note)
		}
	}
	f("BenchmarkLookup/routes=100-2  \t 1356\t 147.2 ns/op\t 0 B/op\t 0 allocs/op\n", "route: Lookup/routes=100", 147.2, "0 allocations, 0 bytes")
	f("BenchmarkRequest   \t 10\t 99 ns/op\t 512.3 MB/s\t 64 B/op\t 2 allocs/op\n", "route: Request", 99, "2 allocations, 64 bytes")
	f("ok  \ttain.dev/tain/route\t2.1s\n", "", 0, "")
	f("PASS\n", "", 0, "")
}

func TestParseFlags(t *testing.T) {
	f := func(complaint string, args ...string) options {
		t.Helper()
		o, _, err := parseFlags(args)
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%v: error %v, want %q", args, err, complaint)
		}
		return o
	}
	if o := f(""); len(o.only) != len(sections) || o.rounds != 9 || o.length != 3*time.Second {
		t.Errorf("defaults: %+v", o)
	}
	if o := f("", "-only", "cpu,idle"); !slices.Equal(o.only, []string{"cpu", "idle"}) {
		t.Errorf("-only: %v", o.only)
	}
	f(`no section "cpus"; the sections are go,startup`, "-only", "cpus")
	f("must be positive", "-rounds", "0")
}

// TestServerCPU holds that the clock of another process is read, and that its children count.
func TestServerCPU(t *testing.T) {
	s, err := startServer(t.TempDir(), "busy", "127.0.0.1:0", "sh", "-c", "(while :; do :; done) & wait")
	if err != nil {
		t.Fatal(err)
	}
	// Asked to end, the shell would leave its child behind.
	defer unix.Kill(-s.cmd.Process.Pid, unix.SIGKILL)
	for began := time.Now(); ; {
		spent, err := s.cpu()
		if err != nil {
			t.Fatal(err)
		}
		if spent > 50*time.Millisecond {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("a busy child spent %v in 20 s", spent)
		}
		<-time.After(5 * time.Millisecond)
	}
	size, err := s.resident("VmRSS")
	if err != nil || size < 1<<16 || size > 1<<30 {
		t.Errorf("a shell's resident size is %d: %v", size, err)
	}
}

func TestServerWait(t *testing.T) {
	s, err := startServer(t.TempDir(), "brief", freeAddr(), "sh", "-c", "echo no such setting; exit 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.wait(t.Context(), 20*time.Second); err == nil || !strings.Contains(err.Error(), "brief ended: no such setting") {
		t.Errorf("error %v, want what the program said", err)
	}
	if _, err := startServer(t.TempDir(), "none", freeAddr(), "/no/such/program"); err == nil || !strings.Contains(err.Error(), "starting none") {
		t.Errorf("a program that does not exist: error %v", err)
	}
}

func TestEnvoyConfig(t *testing.T) {
	plain := envoyConfig("127.0.0.1:1", "127.0.0.1:2", "")
	if strings.Contains(plain, "mirror") || !strings.Contains(plain, "port_value: 2 ") {
		t.Errorf("plain:\n%s", plain)
	}
	mirrored := envoyConfig("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
	if !strings.Contains(mirrored, "request_mirror_policies: [{ cluster: mirror }]") || !strings.Contains(mirrored, "port_value: 3 ") {
		t.Errorf("mirrored:\n%s", mirrored)
	}
}
