package compare

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/finding"
)

// stream feeds a lab with the answers of a service that has noise, to one target and a baseline.
type stream struct {
	*lab
	rng *rand.Rand
}

func newStream(t *testing.T, seed uint64) *stream {
	return &stream{newLab(t, Config{HasBaseline: func(string) bool { return true }}), rand.New(rand.NewPCG(seed, seed))}
}

// answer is what one instance says: a timestamp, an id and a random order that always differ,
// something that rarely does, and something that does every other time.
func (s *stream) answer(change string) string {
	tags := []string{`"a"`, `"b"`, `"c"`, `"d"`, `"e"`, `"f"`}
	s.rng.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
	return fmt.Sprintf(`{"at":%d,"trace":"%x","tags":[%s],"rare":%t,"coin":%d%s}`, s.rng.Uint64(), s.rng.Uint64(),
		strings.Join(tags, ","), s.rng.Float64() < 0.01, s.rng.IntN(2), change)
}

// step offers one request's pairs; the baseline gets a share of the requests.
func (s *stream) step(share float64, target string) {
	live := answer(200, "", s.answer(""))
	s.compare(s.pair("new", get, live, target))
	if s.rng.Float64() < share {
		s.compare(s.pair("base", get, live, answer(200, "", s.answer(""))))
	}
}

func (s *stream) texts() string {
	var b strings.Builder
	for _, f := range s.c.Findings() {
		b.WriteString(f.Text + "\n")
	}
	return b.String()
}

func TestNoiseIsNoFinding(t *testing.T) {
	for seed := range uint64(8) {
		s := newStream(t, seed)
		share := []float64{1, 0.3, 0.05}[seed%3]
		for i := range 1500 {
			s.step(share, answer(200, "", s.answer("")))
			if found := s.texts(); found != "" {
				t.Fatalf("seed %d: after %d requests, noise is reported:\n%s", seed, i+1, found)
			}
		}
	}
}

// TestRareChangeIsFound plants a failure of 2 % of the inputs in noise, and asks for it, and
// nothing else, within 15 s at a hundred requests a second.
func TestRareChangeIsFound(t *testing.T) {
	late := 0
	for seed := range uint64(8) {
		s := newStream(t, seed)
		n := 0
		for found := ""; found == ""; found = s.texts() {
			n++
			target := answer(200, "", s.answer(""))
			if s.rng.Float64() < 0.02 {
				target = answer(500, "", `{"error":"oops"}`)
			}
			s.step(1, target)
			if n > 4000 {
				break
			}
		}
		if n > 1500 {
			late++
		}
		if found := s.c.Findings(); n <= 4000 && (len(found) != 1 || found[0].Path != "200→500") {
			t.Errorf("seed %d: found %s", seed, s.texts())
		}
	}
	if late > 1 {
		t.Errorf("%d of 8 came late", late)
	}
}

func TestChangeInNoiseIsFound(t *testing.T) {
	s := newStream(t, 1)
	for range 400 {
		body := strings.Replace(s.answer(`,"new":1`), `"rare":false,`, "", 1)
		s.step(0.5, answer(200, "", body))
	}
	var got []string
	for _, f := range s.c.Findings() {
		got = append(got, string(f.Kind)+" "+f.Path)
		if !strings.Contains(f.Text, "; the baseline in ") {
			t.Errorf("says nothing of the baseline: %s", f.Text)
		}
	}
	if want := "[removed rare added new]"; fmt.Sprint(got) != want {
		t.Errorf("found %v, want %v", got, want)
	}
}

// TestVolatileIsNoFinding has a field that differs the more often the later an answer comes, and a
// time, which does so too.
func TestVolatileIsNoFinding(t *testing.T) {
	s := newStream(t, 1)
	at := func(later time.Duration, odds float64) string {
		now := epoch.Add(time.Duration(s.ids)*10*time.Millisecond + later).Format(time.RFC3339)
		return answer(200, "", fmt.Sprintf(`{"queue":%t,"at":%q}`, s.rng.Float64() < odds, now))
	}
	for range 500 {
		live := at(0, 0)
		s.compare(s.pair("new", get, live, at(900*time.Millisecond, 1)))
		s.compare(s.pair("base", get, live, at(20*time.Millisecond, 0.5)))
	}
	if found := s.texts(); found != "" {
		t.Errorf("noise that depends on time is reported:\n%s", found)
	}
}

func TestNothingIsReportedUntilTheBaselineAnswers(t *testing.T) {
	s := newStream(t, 1)
	for range 100 {
		s.step(0, answer(500, "", ""))
	}
	if found := s.texts(); found != "" {
		t.Errorf("reported without a word of the baseline: %s", found)
	}
	s.c.cfg.HasBaseline = nil
	if found := s.texts(); !strings.Contains(found, "without a baseline this may be noise") {
		t.Errorf("without a baseline it says: %s", found)
	}
}

func TestLatency(t *testing.T) {
	type times struct{ live, target, base time.Duration }
	f := func(name string, pairs int, each times, want string) {
		t.Helper()
		l := newLab(t, Config{})
		body := answer(200, "", "{}")
		for range pairs {
			for target, took := range map[string]time.Duration{"new": each.target, "base": each.base} {
				if took > 0 {
					p := l.pair(target, get, body, body)
					p.Live.LastByte, p.Mirror.LastByte = each.live, took
					l.compare(p)
				}
			}
		}
		got := ""
		for _, f := range l.c.Findings() {
			got += fmt.Sprintf("%s %s", f.Severity, f.Kind)
			if f.Kind == finding.Latency && f.Count != uint64(pairs) {
				t.Errorf("%s: %d pairs counted, want %d", name, f.Count, pairs)
			}
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}
	const ms = time.Millisecond
	f("as fast", 200, times{10 * ms, 10 * ms, 10 * ms}, "")
	f("slower", 100, times{10 * ms, 25 * ms, 10 * ms}, "medium latency")
	f("too few", 99, times{10 * ms, 25 * ms, 10 * ms}, "")
	f("not twice", 200, times{10 * ms, 18 * ms, 10 * ms}, "")
	f("much slower", 100, times{10 * ms, 80 * ms, 10 * ms}, "high latency")
	f("faster", 100, times{30 * ms, 10 * ms, 30 * ms}, "low latency")
	f("the baseline likewise", 200, times{10 * ms, 25 * ms, 22 * ms}, "")
	f("more than the baseline", 200, times{10 * ms, 60 * ms, 22 * ms}, "high latency")
	f("without a baseline", 100, times{10 * ms, 25 * ms, 0}, "medium latency")
	f("below a millisecond", 200, times{ms / 4, ms, ms / 4}, "")
}

func TestWords(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(share(18, 900, "answers"), "18 of 900 answers (2.0 %)")
	f(share(1234, 1234567, ""), "1,234 of 1,234,567 (0.1 %)")
	f(share(450, 900, ""), "450 of 900 (50 %)")
	f(brief(1234567*time.Nanosecond), "1.2ms")
	f(brief(123456789*time.Nanosecond), "123ms")
	f(brief(12345*time.Nanosecond), "12µs")
	f(clip([]byte(strings.Repeat("ä", 40))), strings.Repeat("ä", 30)+"…")
	f(clip([]byte("\xff")), "1 bytes that are no text")
	f(clip([]byte("a\x00b")), "3 bytes that are no text")
	f(clip([]byte("a\tb\r\n")), "a\tb\r\n")
}
