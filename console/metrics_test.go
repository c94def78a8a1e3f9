package console

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/traffic"
)

func scrape(w *world) string {
	rec := httptest.NewRecorder()
	newMetrics(w.sources()).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

func TestMetricsAreWellNamed(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(newWorld()))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "tain_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestBooksAreCounted(t *testing.T) {
	text := scrape(newWorld())
	f := func(line string) {
		t.Helper()
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	const of = `mirror="v2",target="127.0.0.1:9001"`
	const to = `target="127.0.0.1:9001"} `
	f(`tain_mirror_seen_total{` + of + `} 100`)
	f(`tain_mirror_unmatched_total{mirror="v2",reason="method",` + to + `5`)
	f(`tain_mirror_unmatched_total{mirror="v2",reason="upgrade",` + to + `0`)
	f(`tain_mirror_unsampled_total{` + of + `} 10`)
	f(`tain_mirror_dropped_total{mirror="v2",reason="queue",` + to + `3`)
	f(`tain_mirror_sent_total{` + of + `} 80`)
	f(`tain_mirror_answered_total{` + of + `} 70`)
	f(`tain_mirror_failed_total{mirror="v2",reason="timeout",` + to + `6`)
	f(`tain_mirror_failed_total{mirror="v2",reason="live_incomplete",` + to + `0`)
	f(`tain_mirror_compared_total{` + of + `} 60`)
	f(`tain_mirror_uncompared_total{mirror="v2",reason="live",` + to + `7`)
	f(`tain_mirror_queued{` + of + `} 2`)
	f(`tain_mirror_inflight{` + of + `} 4`)
	f(`tain_mirror_comparing{` + of + `} 3`)
	f(`tain_mirror_paused{` + of + `} 0`)
	f(`tain_mirror_limit{` + of + `} 6.5`)
	f(`tain_mirror_breaker_open{` + of + `} 1`)
	f(`tain_mirror_breaker_opened_total{` + of + `} 3`)
	f(`tain_mirror_strain_ratio{` + of + `} 0.25`)
	f(`tain_mirror_latency_seconds_bucket{` + of + `,le="0.0001"} 0`)
	f(`tain_mirror_latency_seconds_bucket{` + of + `,le="0.00025"} 1`)
	f(`tain_mirror_latency_seconds_bucket{` + of + `,le="10"} 4`)
	f(`tain_mirror_latency_seconds_sum{` + of + `} 0.008`)
	f(`tain_mirror_latency_seconds_count{` + of + `} 4`)
}

func TestLiveAndStatusAreShown(t *testing.T) {
	w := newWorld()
	w.status.Config.OK = false
	text := scrape(w)
	f := func(line string) {
		t.Helper()
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
	f(`tain_proxy_requests_total{class="2xx"} 90`)
	f(`tain_proxy_refused_total{code="400"} 3`)
	f(`tain_proxy_errors_total{reason="connect"} 10`)
	f(`tain_proxy_received_bytes_total 1000`)
	f(`tain_proxy_sent_bytes_total 5000`)
	f(`tain_proxy_connections 7`)
	f(`tain_proxy_latency_seconds_count 4`)
	f(`tain_mirror_killed 0`)
	f(`tain_mirror_memory_used_bytes 2048`)
	f(`tain_mirror_memory_ceiling_bytes 6.7108864e+07`)
	f(`tain_config_last_reload_successful 0`)
	f(`tain_config_last_reload_timestamp_seconds 1.7000000005e+09`)
	f(`tain_build_info{goversion="go`)
	f(`go_goroutines `)
	f(`process_start_time_seconds `)
}

func TestDecisionsAreShown(t *testing.T) {
	w := newWorld()
	if text := scrape(w); !strings.Contains(text, "\ntain_mirror_killed 0\n") || strings.Contains(text, "tain_mirror_decided_ratio") {
		t.Error("something was decided from the start")
	}
	w.make(t, control.Decision{What: control.Kill}, control.Decision{What: control.Percent, Mirror: "v2", Percent: share(125_000)}, control.Decision{What: control.Pause, Mirror: "v3"})
	text := scrape(w)
	for _, line := range []string{`tain_mirror_killed 1`, `tain_mirror_decided_ratio{mirror="v2"} 0.125`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, `tain_mirror_decided_ratio{mirror="v3"}`) {
		t.Error("a mirror has a share that was not decided")
	}
}

// TestBooksOfOneNameAreAdded holds that two routes with a mirror of one name do not break the scrape.
func TestBooksOfOneNameAreAdded(t *testing.T) {
	w := newWorld()
	w.books = []traffic.Books{someBooks("v2", "a"), someBooks("v2", "b"), someBooks("v2", "a")}
	w.books[2].Paused = true
	sums := merged(w.books)
	if len(sums) != 2 || sums[0].Target != "a" || sums[1].Target != "b" {
		t.Fatalf("merged into %+v", sums)
	}
	if err := sums[0].Balance(); err != nil {
		t.Error(err)
	}
	if sums[0].Paused || sums[0].Dropped[traffic.DroppedQueue] != 6 {
		t.Errorf("the sum is %+v", sums[0])
	}
	if text := scrape(w); !strings.Contains(text, `tain_mirror_seen_total{mirror="v2",target="a"} 200`) {
		t.Error("the sum is not shown")
	}
}

func TestAnyNameMakesMetrics(t *testing.T) {
	f := func(name string, want string) {
		t.Helper()
		w := newWorld()
		w.books[0].Mirror = name
		if text := scrape(w); !strings.Contains(text, want) {
			t.Errorf("mirror %q: no %s", name, want)
		}
	}
	f("a\"b\\c\n", `tain_mirror_sent_total{mirror="a\"b\\c\n",target=`)
	f("bad \xff utf-8", "tain_mirror_sent_total{mirror=\"bad \uFFFD utf-8\",target=")
	f("", `tain_mirror_sent_total{mirror="",target=`)
}

func TestNothingYetMakesMetrics(t *testing.T) {
	w := &world{desk: control.InMemory(func(control.State) {})}
	if problems, err := testutil.CollectAndLint(collector{w.sources()}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestDocumented holds docs/admin-api.md against what there is.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	c := newWorld().console(config.Config{})
	for _, e := range append(append(c.probes(), c.api()...), profiles()[0]) {
		if want := "`" + e.method + " " + e.path + "`"; !strings.Contains(string(page), want) {
			t.Errorf("docs/admin-api.md does not describe %s", want)
		}
	}
	w := newWorld()
	w.make(t, control.Decision{What: control.Percent, Mirror: "v2", Percent: share(1)})
	shown := scrape(w)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (tain_\S+)`).FindAllStringSubmatch(shown, -1) {
		if !strings.Contains(string(page), "`"+m[1]+"`") {
			t.Errorf("docs/admin-api.md does not describe `%s`", m[1])
		}
	}
	for name, want := range map[string]string{
		"tain_mirror_unmatched_total":  reasons[traffic.Unmatched](traffic.NumUnmatched),
		"tain_mirror_dropped_total":    reasons[traffic.Dropped](traffic.NumDropped),
		"tain_mirror_failed_total":     reasons[traffic.Failed](traffic.NumFailed),
		"tain_mirror_uncompared_total": reasons[traffic.Uncompared](traffic.NumUncompared),
	} {
		if line := "| `" + name + "` | " + want + " |\n"; !strings.Contains(string(page), line) {
			t.Errorf("docs/admin-api.md lacks the line %s", line)
		}
	}
	for _, name := range regexp.MustCompile("`(tain_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(shown, "# TYPE "+name[1]+" ") {
			t.Errorf("docs/admin-api.md describes %s, which is not there", name[1])
		}
	}
}

// reasons lists the names of all reasons before end.
func reasons[R reason](end R) string {
	var names []string
	for r := range end {
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}
