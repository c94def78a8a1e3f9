package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const ms = time.Millisecond

// busy is a run with a candidate, a baseline, and something of everything.
func busy() Snapshot {
	candidate := traffic.Books{Mirror: "quick", Target: "127.0.0.1:9001", Seen: 24_103, Unsampled: 100, Sent: 23_500, Answered: 23_400, Compared: 23_380}
	candidate.Unmatched[traffic.UnmatchedMethod] = 480
	candidate.Dropped[traffic.DroppedQueue] = 20
	candidate.Dropped[traffic.DroppedMemory] = 3
	candidate.Failed[traffic.FailedTimeout] = 95
	candidate.Failed[traffic.FailedConnect] = 5
	candidate.Uncompared[traffic.UncomparedBacklog] = 20
	baseline := traffic.Books{Mirror: "quick", Target: "127.0.0.1:9002", Baseline: true, Seen: 24_103, Sent: 24_103, Answered: 24_103, Compared: 24_103}
	example := &traffic.Record{ID: 4711, Request: traffic.RecordMessage{Start: "GET /orders/17?country=CH HTTP/1.1"}}
	return Snapshot{
		Started: start, Now: start.Add(72 * time.Second), Listen: "127.0.0.1:8080",
		Live: Side{"127.0.0.1:9000", 24_103, 2, 342.4, Latency{1234 * time.Microsecond, 3100 * time.Microsecond, 9400 * time.Microsecond}},
		Targets: []Target{
			{Side{"127.0.0.1:9001", 23_400, 0, 334, Latency{1300 * time.Microsecond, 80 * ms, 130 * ms}}, candidate, 23_001, 1_204},
			{Side{"127.0.0.1:9002", 24_103, 0, 342, Latency{1250 * time.Microsecond, 3200 * time.Microsecond, 9 * ms}}, baseline, 22_800, 0},
		},
		Findings: []finding.Finding{
			{ID: "1", Mirror: "quick", Target: "127.0.0.1:9001", Route: "quick", Endpoint: "GET /orders/{id}", Kind: finding.Removed, Path: "discount", Severity: finding.High,
				Text:  "discount is missing; live has 12.50, in 180 of 9,000 answers (2.0 %); the baseline in none of 9,012.",
				Count: 180, Pairs: 9000, BaselinePairs: 9012, Example: example},
			{ID: "2", Mirror: "quick", Target: "127.0.0.1:9001", Route: "quick", Endpoint: "GET /search", Kind: finding.Status, Path: "200→500", Severity: finding.High,
				Text:  "The status is 500 where live has 200, in 90 of 2,000 answers (4.5 %); the baseline in none of 2,001.",
				Count: 90, Pairs: 2000, BaselinePairs: 2001},
			{ID: "3", Mirror: "quick", Target: "127.0.0.1:9001", Route: "quick", Endpoint: "GET /recommendations/{id}", Kind: finding.Latency, Severity: finding.Medium,
				Text:  "The median answer is 4.0 times slower: 80ms, live 20ms, the baseline 20.1ms, over 3,000 pairs.",
				Count: 3000, Pairs: 3000, BaselinePairs: 3000},
		},
		More: 7, Memory: 1_300_000, Ceiling: 64 << 20,
		Notes: []string{"Pairs are kept in memory only, because /var/lib/tain can't be written; choose another folder with --data."},
	}
}

// quiet is a run in which nothing happened yet.
func quiet() Snapshot {
	return Snapshot{Started: start, Now: start.Add(2 * time.Second), Listen: ":8080", Ceiling: 64 << 20,
		Live:    Side{Name: "live.example:80"},
		Targets: []Target{{Side: Side{Name: "new.example:80"}, Books: traffic.Books{Mirror: "quick", Target: "new.example:80"}}}}
}

// running is a run whose books are closed by what is under way.
func running() Snapshot {
	s := quiet()
	s.Targets[0].Books = traffic.Books{Mirror: "quick", Target: "new.example:80", Paused: true,
		Seen: 10, Queued: 1, Sent: 9, InFlight: 2, Answered: 7, Compared: 4, Comparing: 3}
	return s
}

// broken is a run whose books do not add up.
func broken() Snapshot {
	s := quiet()
	s.Targets[0].Books.Seen = 5
	return s
}

// remote is a run whose requests are calls of gRPC.
func remote() Snapshot {
	s := quiet()
	s.Targets[0].Books = traffic.Books{Mirror: "quick", Target: "new.example:80", Seen: 10, Sent: 10, Answered: 10, Compared: 10}
	message := func(fields ...string) (m traffic.RecordMessage) {
		for i := 0; i < len(fields); i += 2 {
			m.Trailer = append(m.Trailer, [2]string{fields[i], fields[i+1]})
		}
		return m
	}
	head := traffic.RecordMessage{Header: [][2]string{{"content-type", "application/grpc"}, {"Grpc-Message", "no such order"}}}
	example := func(start string, live, answer traffic.RecordSide) *traffic.Record {
		return &traffic.Record{ID: 17, Request: traffic.RecordMessage{Start: start}, Live: live, Answer: answer}
	}
	const get, file = "POST /shop.Orders/Get HTTP/1.1", "GET /file HTTP/1.1"
	ok := traffic.RecordSide{Status: 200, GRPC: "OK", Message: message("grpc-status", "0")}
	s.Findings = []finding.Finding{
		{ID: "1", Endpoint: "POST /shop.Orders/Get", Kind: finding.Status, Path: "OK→NOT_FOUND", Severity: finding.High,
			Text: "The status is NOT_FOUND (5) where live has OK, in 5 of 10 answers (50 %); without a baseline this may be noise.", Count: 5, Pairs: 10,
			Example: example(get, ok, traffic.RecordSide{Status: 200, GRPC: "NOT_FOUND (5)", Message: head})},
		{ID: "2", Endpoint: "POST /shop.Orders/Get", Kind: finding.Value, Path: "message[*].3.1", Severity: finding.Medium,
			Text: "message[*].3.1 is 18 where live has 17, in 5 of 10 answers (50 %); without a baseline this may be noise.", Count: 5, Pairs: 10,
			Example: example(get, ok, ok)},
		{ID: "3", Endpoint: "GET /file", Kind: finding.Trailer, Path: "X-Checksum", Severity: finding.Low,
			Text: "The trailer X-Checksum is missing; live has 17, in 1 of 10 answers (10 %); without a baseline this may be noise.", Count: 1, Pairs: 10,
			Example: example(file, traffic.RecordSide{Status: 200, Message: message("X-Checksum", "17", "X-Lines", "3")}, traffic.RecordSide{Status: 200})},
	}
	return s
}

func text(t *testing.T, s Snapshot, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	golden(t, "busy.txt", text(t, busy(), Options{}))
	golden(t, "busy-narrow.txt", text(t, busy(), Options{Width: 50}))
	golden(t, "quiet.txt", text(t, quiet(), Options{}))
	golden(t, "running.txt", text(t, running(), Options{}))
	golden(t, "broken.txt", text(t, broken(), Options{}))
	golden(t, "remote.txt", text(t, remote(), Options{}))
}

func TestSummary(t *testing.T) {
	lines := func(s Snapshot, o Options) string { return strings.Join(Summary(s, o), "\n") + "\n" }
	golden(t, "busy-summary.txt", lines(busy(), Options{}))
	golden(t, "busy-summary-narrow.txt", lines(busy(), Options{Width: 60}))
	golden(t, "quiet-summary.txt", lines(quiet(), Options{Width: 200}))
	golden(t, "running-summary.txt", lines(running(), Options{}))
}

func TestFindingsNameTheirTarget(t *testing.T) {
	s := busy()
	s.Targets = append(s.Targets, quiet().Targets...)
	if got := text(t, s, Options{}); !strings.Contains(got, "GET /search  127.0.0.1:9001\n") {
		t.Errorf("with two targets it does not say which one differs:\n%s", got)
	}
}

func TestManyFindings(t *testing.T) {
	s := busy()
	for range 50 {
		s.Findings = append(s.Findings, s.Findings[0])
	}
	if got := text(t, s, Options{}); !strings.Contains(got, "and 28 more") {
		t.Errorf("53 findings are shown as\n%s", got)
	}
	if got := strings.Join(Summary(s, Options{}), "\n"); !strings.Contains(got, "and 45 more") {
		t.Errorf("53 findings are summed up as\n%s", got)
	}
}

func TestColumns(t *testing.T) {
	for _, s := range []Snapshot{busy(), quiet(), running(), broken(), remote()} {
		for _, width := range []int{0, 1, 40, 60, 80, 300} {
			o := Options{Width: width}
			for _, line := range append(Summary(s, o), strings.Split(text(t, s, o), "\n")...) {
				if n := utf8.RuneCountInString(line); n > o.columns() && width >= 60 {
					t.Errorf("%d columns for a width of %d: %q", n, width, line)
				}
			}
		}
	}
}

// TestColorAddsNothing asks that colours change the looks only, and that every one is ended.
func TestColorAddsNothing(t *testing.T) {
	strip := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[36m", "")
	for _, s := range []Snapshot{busy(), quiet(), broken(), remote()} {
		plain := text(t, s, Options{}) + strings.Join(Summary(s, Options{}), "\n")
		color := text(t, s, Options{Color: true}) + strings.Join(Summary(s, Options{Color: true}), "\n")
		if !strings.Contains(color, "\x1b[1m") || strings.Contains(plain, "\x1b") {
			t.Error("colours are there when they should not be, or not when they should")
		}
		if got := strip.Replace(color); got != plain {
			t.Errorf("without its colours it reads\n%q, plain it is\n%q", got, plain)
		}
		for line := range strings.Lines(color) {
			if n := strings.Count(line, "\x1b["); n%2 != 0 {
				t.Errorf("a colour goes on past the line %q", line)
			}
		}
	}
}

func TestNothingReachesTheTerminal(t *testing.T) {
	s := busy()
	const evil = "a\x1b[2Jb\r\nc\u202ed\u009be\xff"
	f := &s.Findings[0]
	f.Text, f.Endpoint, f.Path, f.Example.Request.Start = evil, evil, evil, evil
	f.Example.Answer.GRPC, f.Example.Live.Message.Trailer = evil, [][2]string{{evil, evil}}
	s.Targets[0].Name, s.Live.Name, s.Listen = evil, evil, evil
	s.Targets[0].Books.Seen++
	s.Targets[0].Books.Target = evil
	s.Notes = []string{evil}
	got := text(t, s, Options{}) + strings.Join(Summary(s, Options{}), "\n")
	if i := strings.IndexAny(got, "\x1b\r\u202e\u009b"); i >= 0 || !utf8.ValidString(got) {
		t.Errorf("a control character comes through at %d:\n%q", i, got)
	}
}

func TestJSON(t *testing.T) {
	for name, s := range map[string]Snapshot{"busy.json": busy(), "broken.json": broken(), "remote.json": remote()} {
		var b bytes.Buffer
		if err := JSON(&b, s); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Errorf("%s is no JSON", name)
		}
		golden(t, name, b.String())
	}
}

// full is a disk with no space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestErrorsSayWhat(t *testing.T) {
	for _, err := range []error{Text(full{}, busy(), Options{}), JSON(full{}, busy())} {
		if err == nil || err.Error() != "writing the report: no space left" {
			t.Errorf("error %v", err)
		}
	}
}

func TestUnits(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(brief(0), "–")
	f(brief(850*time.Microsecond), "850 µs")
	f(brief(1234*time.Microsecond), "1.2 ms")
	f(brief(123*ms), "123 ms")
	f(brief(1500*ms), "1.50 s")
	f(brief(75*time.Second), "75 s")
	f(span(-time.Second), "0 s")
	f(span(59*time.Second), "59 s")
	f(span(61*time.Second), "1 min 1 s")
	f(span(3*time.Hour+5*time.Minute), "3 h 5 min")
	f(rate(0), "0/s")
	f(rate(2.34), "2.3/s")
	f(rate(1234.6), "1,235/s")
	f(percent(0, 0), "–")
	f(percent(1, 1000), "0.1 %")
	f(percent(997, 10000), "10 %")
	f(size(100), "0 KiB")
	f(size(3<<20), "3.0 MiB")
	f(size(3<<30), "3.0 GiB")
	f(count(1234567), "1,234,567")
	f(fit("äöü", 5)+"|", "äöü  |")
	f(fit("äöüß", 3), "äö…")
	f(strings.Join(wrap("aa bb cccccccc d", 5), "|"), "aa bb|ccccc|ccc d")
}
