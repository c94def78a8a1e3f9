package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/mirror"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// inbox keeps the heads that a server got, as lines without those that the server's library takes away.
type inbox struct {
	mu    sync.Mutex
	heads [][]string
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := []string{fmt.Sprintf("%s %s HTTP/1.1", r.Method, r.URL.RequestURI()), "Host: " + r.Host}
	for name, values := range r.Header {
		for _, value := range values {
			head = append(head, name+": "+value)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heads = append(b.heads, head)
	w.Header().Set("X-Cache", "MISS")
}

// take takes the only head that came.
func (b *inbox) take(t *testing.T) []string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.heads) != 1 {
		t.Fatalf("%d requests came, want 1", len(b.heads))
	}
	head := b.heads[0]
	b.heads = nil
	return head
}

const liveRules = `
listen: 127.0.0.1:0
admin: off
data: {dir: off}
loops: 1
mirror: {instance: here}
routes:
- name: shop
  match: path=/shop/*
  rewrite: {path: /v1/*}
  request: {set: {X-Env: prod}, remove: X-Gone}
  backends: http://$live
  mirrors:
  - {name: users, percent: 50, sample: {by: cookie session}, match: header.X-Env!=test, targets: http://$users}
  - {name: writes, writes: true, maxBody: 20B, copy: {path: {regexp: ^/v1, to: /v2}, client: drop}, after: x-any, targets: http://$writes}
- name: clean
  match: path=/clean
  backends: http://$live
  mirrors:
  - name: clean
    writes: true
    copy: {redact: [{name: session, do: remove}, {path: $.card, do: last4}]}
    targets: http://$clean
- name: all
  backends: http://$live
`

// running is a system of these rules, whose loops run, with what its live service and its targets get.
func running(t *testing.T) (s *system, file string, boxes map[string]*inbox) {
	t.Helper()
	text := strings.Replace(liveRules, "x-any", `{any: [status=5xx, "response.header.X-Cache=MISS"]}`, 1)
	boxes = map[string]*inbox{}
	for _, name := range []string{"live", "users", "writes", "clean"} {
		boxes[name] = new(inbox)
		server := httptest.NewServer(boxes[name])
		t.Cleanup(server.Close)
		text = strings.ReplaceAll(text, "$"+name, server.Listener.Addr().String())
	}
	file = filepath.Join(t.TempDir(), "tain.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, errs := config.Load(file, mirror.CheckRedaction)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	s, err := build(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var loops sync.WaitGroup
	for _, loop := range s.loops {
		loops.Go(loop.Run)
	}
	t.Cleanup(func() {
		s.listeners.close()
		for _, loop := range s.loops {
			loop.Stop()
		}
		loops.Wait()
	})
	return s, file, boxes
}

// TestExplainSaysWhatHappens sends requests to a running system, and compares what happens with what
// tain explain says: the head that live gets, what the books count, and the head of each copy.
func TestExplainSaysWhatHappens(t *testing.T) {
	s, file, boxes := running(t)
	accounts := func(mirror string) traffic.Account {
		for _, b := range s.mirror.Books() {
			if b.Mirror == mirror {
				return b.Account()
			}
		}
		return traffic.Account{}
	}
	f := func(line string, want ...string) {
		t.Helper()
		before := map[string]traffic.Account{"users": accounts("users"), "writes": accounts("writes"), "clean": accounts("clean")}
		says := explained(t, file, line)
		send(t, s.listeners.addrs()[0], line)
		sameHead(t, line+": live", says.Live, boxes["live"].take(t))
		for i, m := range says.Mirrors {
			if got := strings.TrimSpace(m.Outcome + " " + m.Reason); got != want[i] {
				t.Fatalf("%s: %s is %s, want %s", line, m.Name, got, want[i])
			}
			if m.Outcome != outcomeNot {
				wire.Until(t, "the answer of the copy for "+m.Name, func() bool { return accounts(m.Name).Answered > before[m.Name].Answered })
				sameHead(t, line+": "+m.Name, m.Copies[0].Head, boxes[m.Name].take(t))
				continue
			}
			wire.Until(t, m.Reason+" of "+m.Name, func() bool { return countOf(accounts(m.Name), m.Reason) == countOf(before[m.Name], m.Reason)+1 })
		}
	}
	f("/shop/a?b=1 -H 'Cookie: session=abc' -H 'X-Gone: 1'", "copied", "it depends")
	f("/shop/a -H 'Cookie: session=abc7'", "not copied unsampled", "it depends")
	f("/shop/a -H 'Cookie: other=abc'", "not copied unsampled", "it depends")
	f("/shop/a -H 'Cookie: session=abc' -H 'X-Env: test' -H 'Forwarded: for=192.0.2.7'", "not copied unmatched{rule}", "it depends")
	f("/shop/a -d 'x=1' -H 'Cookie: session=abc'", "not copied unmatched{method}", "it depends")
	f("/shop/a -d 'x=12345678901234567890' -H 'Cookie: session=abc'", "not copied unmatched{method}", "not copied dropped{body}")
	f("/shop/a -H 'X-Tain-Mirror: a'", "not copied unmatched{marked}", "not copied unmatched{marked}")
	f("/shop/a -H 'X-Skipper-Shadow-Traffic: a'", "not copied unmatched{marked}", "not copied unmatched{marked}")
	f("/other")

	const json = " -H 'Content-Type: application/json' -H 'Digest: x' -H 'Cookie: session=1; lang=de' "
	f("/clean -d '{\"card\":\"4111111111111111\"}'"+json, "copied")
	f("/clean -d '{\"other\":\"4111111111111111\"}'"+json, "copied")
	f("/clean -d '{\"card\":'"+json, "not copied dropped{redaction}")
	f("/clean -d 'x' -H 'Content-Type: application/xml'", "not copied dropped{redaction}")
	f("/clean?session=2&card=3", "copied")
}

// countOf is what the books say of a reason such as dropped{body}.
func countOf(a traffic.Account, reason string) uint64 {
	line, label, _ := strings.Cut(strings.TrimSuffix(reason, "}"), "{")
	switch line {
	case "unmatched":
		return a.Unmatched[label]
	case "dropped":
		return a.Dropped[label]
	}
	return a.Unsampled
}

// explained is what tain explain says of a line, which begins with the path.
func explained(t *testing.T, file, line string) *explanation {
	t.Helper()
	code, stdout, stderr := run(append([]string{"explain", "-f", file, "-o", "json"}, words("http://shop.example.com"+line)...)...)
	says := &explanation{}
	if err := json.Unmarshal([]byte(stdout), says); err != nil || code != exitOK {
		t.Fatalf("%s: exit code %d, %v\n%s%s", line, code, err, stdout, stderr)
	}
	return says
}

// send sends the same request as a user does.
func send(t *testing.T, addr, line string) {
	t.Helper()
	e := new(explain)
	cmd := e.command()
	if err := cmd.ParseFlags(words(line)); err != nil {
		t.Fatal(err)
	}
	e.args, e.given = []string{"http://shop.example.com" + cmd.Flags().Arg(0)}, cmd.Flags().Changed
	a, err := e.asked()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(slices.Concat(a.head, a.body)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %v", line, answer, err)
	}
}

// sameHead compares a head with what came of it. The rehearsal and the system have names of their own.
func sameHead(t *testing.T, what string, said, came []string) {
	t.Helper()
	came = headLines([]byte(strings.Join(came, "\r\n")), "tain")
	first := min(1, len(said))
	slices.Sort(said[first:])
	slices.Sort(came[1:])
	if !slices.Equal(said, came) {
		t.Errorf("%s\nis said to be\n  %s\nand is\n  %s", what, strings.Join(said, "\n  "), strings.Join(came, "\n  "))
	}
}

// TestExplainAsksARunningTain takes the rules from an admin API, with what operators decided.
func TestExplainAsksARunningTain(t *testing.T) {
	s, addr := administered(t)
	t.Setenv("TAIN_ADMIN", addr)
	f := func(want ...string) {
		t.Helper()
		code, stdout, stderr := run("explain", "http://shop.example.com/a")
		for _, text := range append(want, "It takes the route all.", "The rules are those of the running tain") {
			if code != exitOK || stderr != "" || !strings.Contains(stdout, text) {
				t.Errorf("exit code %d\n%s%swant in it\n%s", code, stdout, stderr, text)
			}
		}
	}
	decide := func(d control.Decision) {
		t.Helper()
		d.By = "ann"
		if err := s.decide(d); err != nil {
			t.Fatal(err)
		}
	}
	f("Mirror mirror: copied", "127.0.0.1:2 gets, at https://127.0.0.1:2:", "X-Tain-Mirror: ")
	decide(control.Decision{What: control.Percent, Mirror: "mirror", Percent: share(50_000)})
	f("Mirror mirror: it depends", "? sample 5% instead of 100%", "by chance")
	decide(control.Decision{What: control.Pause, Mirror: "mirror", Why: "disk"})
	f("Mirror mirror: not copied, dropped{paused}", "✗ neither killed nor paused", "paused by ann, ", ": disk")
	decide(control.Decision{What: control.Kill})
	f("Mirror mirror: not copied, dropped{paused}", "killed by ann, ")
}

// TestExplainPair asks about a request of the past, with the rules of today.
func TestExplainPair(t *testing.T) {
	pair := traffic.Record{
		ID: 7, Route: "all", Mirror: "v2", Client: "192.0.2.7",
		Request: traffic.RecordMessage{Start: "POST /a HTTP/1.1", Body: `{"a":1}`, BodySize: 7, Header: [][2]string{
			{"Host", "shop.example.com"}, {"Content-Length", "7"}, {"Cookie", "session=[masked]"},
			{"X-Forwarded-For", "203.0.113.9, 192.0.2.7"}, {"X-Forwarded-Proto", "https"}, {"Via", "1.1 tain-0a0b0c0d"},
		}},
		Live: traffic.RecordSide{Upstream: "127.0.0.1:9000", Status: 503, LastMS: 12.5, Message: traffic.RecordMessage{Header: [][2]string{{"X-Cache", "HIT"}}}},
	}
	answers := map[string]string{
		"/api/v1/control": `{"killed":false,"mirrors":[],"standing":[],"kept":""}`,
		"/api/v1/routes": "route all\nscheme https\nbackend http://127.0.0.1:9000\nmirror v2 100%\nwrites\nafter\nstatus 500-599\n" +
			"response-header x-cache = HIT\nlatency < 10ms\nbackend *:9000\njson $.a = 1\nend\nto http://127.0.0.1:9001\n",
	}
	page, _ := json.Marshal(map[string]any{"pairs": []traffic.Record{{ID: 8}, pair}})
	answers["/api/v1/pairs"] = string(page)
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(answers[r.URL.Path])) }))
	defer admin.Close()
	code, stdout, stderr := run("explain", "--admin", admin.URL, "--pair", "7")
	for _, text := range []string{
		"to shop.example.com, from 192.0.2.7, over TLS", "✓ scheme https  https", "X-Forwarded-For: 203.0.113.9, 192.0.2.7\n",
		"Mirror v2: not copied, unmatched{after}", "✓ json $.a = 1                   7 bytes", "✓ status 500-599                 503",
		"✓ response-header x-cache = HIT  HIT", "✗ latency <= 9.999999ms          12.5ms", "✓ backend *:9000                 127.0.0.1:9000",
		"masked, so that what depends on them can't be told: Cookie.",
	} {
		if code != exitOK || stderr != "" || !strings.Contains(stdout, text) {
			t.Errorf("exit code %d\n%s%swant in it\n%s", code, stdout, stderr, text)
		}
	}
	if code, _, stderr := run("explain", "--admin", admin.URL, "--pair", "9"); code != exitNegative || !strings.Contains(stderr, "there is no pair 9 among the 2 latest") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	answers["/api/v1/pairs"] = "<html>"
	if code, _, stderr := run("explain", "--admin", admin.URL, "--pair", "7"); code != exitConfig || !strings.Contains(stderr, "is not tain's admin API") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
