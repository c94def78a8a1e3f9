package compare

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// lab makes pairs in a memory of its own, and compares them.
type lab struct {
	t   testing.TB
	mem *traffic.Memory
	c   *Comparer
	ids uint64
}

// epoch is when the first pair of a lab starts; one starts every 10 ms.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newLab(t testing.TB, cfg Config) *lab {
	t.Helper()
	mem, err := traffic.NewMemory(8 << 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Close() })
	return &lab{t: t, mem: mem, c: New(cfg)}
}

// message captures text: a head, an empty line, a body.
func message(t testing.TB, m *traffic.Message, text string) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	m.Limit = 2 << 20
	if !m.SetHead([]byte(strings.TrimSuffix(head, "\r\n")+"\r\n")) || body != "" && !m.Append([]byte(body)) {
		t.Fatal("the lab's memory is spent")
	}
	m.Ended = true
}

func (l *lab) exchange(request, answer string, took time.Duration) *traffic.Exchange {
	x := new(traffic.Exchange)
	x.Reset(l.mem)
	x.ID, x.Route, x.Client = l.ids, "shop", netip.MustParseAddr("192.0.2.7")
	x.Start = epoch.Add(time.Duration(l.ids) * 10 * time.Millisecond).UnixNano()
	message(l.t, &x.Request, request)
	message(l.t, &x.Response, answer)
	if fields := strings.Fields(answer); len(fields) > 1 {
		x.Status, _ = strconv.Atoi(fields[1])
	}
	x.FirstByte, x.LastByte = took/2, took
	return x
}

// pair makes a pair of one request and two answers that take 2 ms.
func (l *lab) pair(target, request, live, mirror string) *traffic.Pair {
	l.ids++
	return &traffic.Pair{
		Live:   l.exchange(request, live, 2*time.Millisecond),
		Mirror: l.exchange(request, mirror, 2*time.Millisecond),
		Policy: "quick", Target: target, Baseline: target == "base",
		Settle: func(*traffic.Pair, traffic.Uncompared) {},
	}
}

func (l *lab) compare(p *traffic.Pair) {
	l.t.Helper()
	if why := l.c.Pair(p); why != traffic.Compared {
		l.t.Fatalf("not compared, for the reason %d", why)
	}
	p.Finish(traffic.Compared)
}

// TestCases compares the two answers of each case once, and lists what differs. See testdata.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := make(map[string]string)
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			got := differences(t, parts)
			if *update {
				archive.Files[len(archive.Files)-1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if want := parts["want"]; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func differences(t *testing.T, parts map[string]string) string {
	names, ok := parts["mask"]
	if !ok {
		names = "token"
	}
	l := newLab(t, Config{Mask: redact.New(names)})
	request := parts["request"]
	if request == "" {
		request = "GET / HTTP/1.1\n"
	}
	request, _ = wireForm(t, request, "")
	live, liveTrailer := wireForm(t, parts["live"], parts["live trailer"])
	mirror, mirrorTrailer := wireForm(t, parts["mirror"], parts["mirror trailer"])
	p := l.pair("new", request, live, mirror)
	p.Live.Response.Trailer, p.Mirror.Response.Trailer = []byte(liveTrailer), []byte(mirrorTrailer)
	l.compare(p)
	var b strings.Builder
	for _, f := range l.c.Findings() {
		text, _, _ := strings.Cut(f.Text, ", in 1 of 1 answers")
		fmt.Fprintf(&b, "%s %s %s %q: %s\n", f.Severity, f.Endpoint, f.Kind, f.Path, text)
	}
	return b.String()
}

// wireForm writes a message and its trailer as they are captured. The body of gRPC is made by grpcBody.
func wireForm(t *testing.T, text, trailer string) (message, rest string) {
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	fields := lines(strings.TrimSuffix(head, "\n"))
	rest = string(lines(strings.TrimSuffix(trailer, "\n")))
	if p := readProtocol(headerValue(fields, "Content-Type")); p.grpc {
		body, rest = grpcBody(t, p, body, rest)
	}
	return string(fields) + "\r\n" + body, rest
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%s\r\n%s", status, header, body)
}

const get = "GET /orders/17?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n"

func TestUncompared(t *testing.T) {
	l := newLab(t, Config{})
	f := func(name string, want traffic.Uncompared, change func(p *traffic.Pair)) {
		t.Helper()
		p := l.pair("new", get, answer(200, "", "{}"), answer(200, "", "{}"))
		change(p)
		if got := l.c.Pair(p); got != want {
			t.Errorf("%s: reason %d, want %d", name, got, want)
		}
	}
	f("complete", traffic.Compared, func(p *traffic.Pair) {})
	f("live broke", traffic.UncomparedLive, func(p *traffic.Pair) { p.Live.Fault = "reset" })
	f("live never answered", traffic.UncomparedLive, func(p *traffic.Pair) { p.Live.Status = 0 })
	f("the mirror broke", traffic.UncomparedFault, func(p *traffic.Pair) { p.Mirror.Fault = "reset" })
	f("cut by the budget", traffic.UncomparedMemory, func(p *traffic.Pair) {
		p.Live.Response.Append([]byte("abcdef"))
		p.Mirror.Response.Limit = 4
		p.Mirror.Response.Append([]byte("abcdef"))
	})
	if tallies := l.c.Tallies(); len(tallies) != 1 || tallies[0].Pairs != 1 {
		t.Errorf("tallies %+v, want one pair", tallies)
	}
}

func TestGroupsAndTallies(t *testing.T) {
	l := newLab(t, Config{})
	for i := range 10 {
		request := fmt.Sprintf("GET /orders/%d HTTP/1.1\r\n\r\n", i)
		l.compare(l.pair("new", request, answer(200, "", `{"a":1}`), answer(200, "", `{"a":2}`)))
		l.compare(l.pair("newer", request, answer(200, "", `{"a":1}`), answer(200, "", `{"a":1}`)))
	}
	found := l.c.Findings()
	if len(found) != 1 || found[0].Count != 10 || found[0].Endpoint != "GET /orders/{id}" || found[0].Target != "new" {
		t.Fatalf("findings %+v", found)
	}
	if f := found[0]; f.Route != "shop" || f.Mirror != "quick" || !f.First.Equal(epoch.Add(10*time.Millisecond)) || !f.Last.After(f.First) {
		t.Errorf("finding %+v", f)
	}
	want := []Tally{{"quick", "new", false, 10, 10, 0}, {"quick", "newer", false, 10, 0, 0}}
	if got := l.c.Tallies(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("tallies %+v, want %+v", got, want)
	}
	if again := l.c.Findings(); again[0].ID != found[0].ID || len(again[0].ID) != 16 {
		t.Errorf("the id %q became %q", found[0].ID, again[0].ID)
	}
}

func TestBounds(t *testing.T) {
	l := newLab(t, Config{})
	for i := range maxGroups + 20 {
		path := "/p" + strings.Repeat("x", i%50) + string(rune('a'+i/50))
		l.compare(l.pair("new", "GET "+path+" HTTP/1.1\r\n\r\n", answer(200, "", "{}"), answer(200, "", "{}")))
	}
	if n := len(l.c.groups); n != maxGroups+1 {
		t.Errorf("%d groups, want %d and one for the others", n, maxGroups)
	}
	for i := range maxDiffs + 20 {
		body := fmt.Sprintf(`{"k%s%c":1}`, strings.Repeat("y", i%50), 'a'+i/50)
		l.compare(l.pair("new", get, answer(200, "", "{}"), answer(200, "", body)))
	}
	if n := l.c.More(); n != 20 {
		t.Errorf("%d differences past the bound, want 20", n)
	}
}

func TestUnknownPathsShareAGroup(t *testing.T) {
	l := newLab(t, Config{})
	for _, path := range []string{"/wp-admin", "/phpmyadmin", "/.env"} {
		l.compare(l.pair("new", "GET "+path+" HTTP/1.1\r\n\r\n", answer(404, "", "{}"), answer(404, "", "{}")))
	}
	if len(l.c.groups) != 1 {
		t.Errorf("%d groups for paths that live does not know, want 1", len(l.c.groups))
	}
}

func TestKeep(t *testing.T) {
	var kept []*traffic.Record
	l := newLab(t, Config{
		Mask: redact.New("token"),
		Keep: func(build func() *traffic.Record) { kept = append(kept, build()) },
	})
	request := "GET /a?token=abc HTTP/1.1\r\nCookie: a=b\r\nX: y\r\n\r\n"
	l.compare(l.pair("new", request, answer(200, "", `{"token":"abc","a":1}`), answer(200, "", `{"token":"abd","a":2}`)))
	for range 150 {
		l.compare(l.pair("new", get, answer(200, "", "{}"), answer(200, "", "{}")))
	}
	if len(kept) < 2 || len(kept) > 4 {
		t.Fatalf("%d records kept, want the one that differs and one equal one a second", len(kept))
	}
	line, err := json.Marshal(kept[0])
	if err != nil || strings.Contains(string(line), "abc") || strings.Contains(string(line), "a=b") {
		t.Errorf("a secret is kept (%v):\n%s", err, line)
	}
	for _, want := range []string{`"differs":["value token","value a"]`, `"GET /a?token=[masked] HTTP/1.1"`, `"client":"192.0.2.7"`} {
		if !strings.Contains(string(line), want) {
			t.Errorf("the record lacks %s:\n%s", want, line)
		}
	}
	if len(kept[1].Differs) != 0 {
		t.Errorf("an equal pair differs in %v", kept[1].Differs)
	}
	for _, f := range l.c.Findings() {
		if strings.Contains(f.Text, "ab") && f.Path == "token" {
			t.Errorf("a secret is shown: %s", f.Text)
		}
		if f.Example == nil || f.Example.ID != 1 {
			t.Errorf("%s has not the first pair as its example", f.Path)
		}
	}
}

func TestRecordBodies(t *testing.T) {
	f := func(name string, cfg Config, head, body, want string, base64, truncated bool) {
		t.Helper()
		l := newLab(t, cfg)
		p := l.pair("new", get, "HTTP/1.1 200 OK\r\n"+head+"\r\n"+body, "HTTP/1.1 500 X\r\n\r\n")
		l.compare(p)
		got := l.c.Findings()[0].Example.Live.Message
		if got.Body != want || got.Base64 != base64 || got.Truncated != truncated || got.BodySize != int64(len(body)) {
			t.Errorf("%s: %.80q base64=%v truncated=%v size=%d", name, got.Body, got.Base64, got.Truncated, got.BodySize)
		}
	}
	names := Config{Mask: redact.New("token")}
	f("text", Config{}, "", "hä", "hä", false, false)
	f("binary", Config{}, "", "\xff\xfe", "//4=", true, false)
	f("binary, with secrets", names, "", "\xff\xfe", redact.Masked, false, false)
	f("long", Config{}, "", strings.Repeat("ä", maxRecordBody), strings.Repeat("ä", maxRecordBody/2), false, true)
	f("long, cut in a rune", Config{}, "", "x"+strings.Repeat("ä", maxRecordBody), "x"+strings.Repeat("ä", maxRecordBody/2-1), false, true)
	f("compressed", names, "Content-Encoding: gzip\r\n", gzipped("hello"), "hello", false, false)
	f("compressed by what we don't know", names, "Content-Encoding: br\r\n", "hello", redact.Masked, false, false)
}

func TestFindingsWhileComparing(t *testing.T) {
	l := newLab(t, Config{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			l.c.Findings()
			l.c.Tallies()
			l.c.More()
		}
	}()
	for i := range 500 {
		l.compare(l.pair("new", get, answer(200, "", "{}"), answer(200, "", fmt.Sprintf(`{"a%d":1}`, i%7))))
	}
	<-done
	if n := len(l.c.Findings()); n != 7 {
		t.Errorf("%d findings, want 7", n)
	}
}

func TestOrderOfFindings(t *testing.T) {
	l := newLab(t, Config{})
	l.compare(l.pair("new", get, answer(200, "", `{"a":1,"b":2}`), answer(200, "X-New: 1\r\n", `{"a":2}`)))
	l.compare(l.pair("new", get, answer(200, "", `{"a":1}`), answer(500, "", ``)))
	l.compare(l.pair("new", get, answer(200, "", `{"a":1}`), answer(500, "", ``)))
	var kinds []finding.Kind
	for _, f := range l.c.Findings() {
		kinds = append(kinds, f.Kind)
	}
	want := []finding.Kind{finding.Status, finding.Removed, finding.Value, finding.Header}
	if fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("findings come as %v, want %v", kinds, want)
	}
}
