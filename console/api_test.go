package console

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// get asks for a path and decodes the answer, which must be JSON with the given status.
func get(t *testing.T, w *world, target string, status int) map[string]any {
	t.Helper()
	rec := w.ask("GET", target, "")
	if rec.Code != status || rec.Header().Get("Content-Type") != jsonType {
		t.Fatalf("%s: status %d as %q, want %d as JSON: %s", target, rec.Code, rec.Header().Get("Content-Type"), status, rec.Body)
	}
	var v map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s: %v: %s", target, err, rec.Body)
	}
	return v
}

// contains checks that an answer holds the JSON text want.
func contains(t *testing.T, w *world, target, want string) {
	t.Helper()
	rec := w.ask("GET", target, "")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
		t.Errorf("%s: status %d, %s\nwant in it: %s", target, rec.Code, rec.Body, want)
	}
}

func TestStatus(t *testing.T) {
	w := newWorld()
	v := get(t, w, "/api/v1/status", 200)
	if v["ready"] != true || v["killed"] != false || v["version"] != "v0.1.0" {
		t.Errorf("status %v", v)
	}
	if up := v["uptime_seconds"].(float64); up < 60 {
		t.Errorf("up for %v s, want a minute", up)
	}
	contains(t, w, "/api/v1/status", `"standing":[]`)
	contains(t, w, "/api/v1/status", `"memory":{"used":2048,"ceiling":67108864}`)
	contains(t, w, "/api/v1/status", `"requests":{"2xx":90,"5xx":10},"refused":{"400":3},"errors":{"connect":10}`)
	contains(t, w, "/api/v1/status", `"latency":{"count":4,"p50_ms":1.5,"p90_ms":2,"p99_ms":3}`)

	w.make(t, control.Decision{What: control.Kill, By: "ann"})
	if v := get(t, w, "/api/v1/status", 200); v["killed"] != true || len(v["standing"].([]any)) != 1 {
		t.Errorf("status %v", v)
	}
	w.status.NotReady = "draining"
	w.status.Config = Reload{Errors: []string{"tain.yaml:3:1: admin: no"}}
	if v := get(t, w, "/api/v1/status", 200); v["ready"] != false || v["not_ready"] != "draining" {
		t.Errorf("status %v", v)
	}
	contains(t, w, "/api/v1/status", `"errors":["tain.yaml:3:1: admin: no"]`)
}

func TestProbes(t *testing.T) {
	w := newWorld()
	get(t, w, "/healthz", 200)
	get(t, w, "/readyz", 200)
	w.status.NotReady = "draining"
	get(t, w, "/healthz", 200)
	if v := get(t, w, "/readyz", 503); v["error"] != "not ready: draining" {
		t.Errorf("readyz %v", v)
	}
}

func TestRoutes(t *testing.T) {
	w := newWorld()
	contains(t, w, "/api/v1/routes", `"routes":[{"name":"shop","hosts":["shop.example.com"],`+
		`"backends":[{"url":"http://127.0.0.1:9000","weight":1}],`+
		`"mirrors":[{"name":"v2","percent":12.5,"writes":false,`+
		`"targets":[{"name":"127.0.0.1:9001","url":"http://127.0.0.1:9001"}]}]}],"total":1`)

	rec := w.ask("GET", "/api/v1/routes?format=text", "")
	if got := rec.Header().Get("Content-Type"); rec.Code != 200 || !strings.HasPrefix(got, "text/plain") {
		t.Errorf("as text: status %d, type %q", rec.Code, got)
	}
	if want := w.sources().Table().String(); rec.Body.String() != want {
		t.Errorf("as text: %q, want %q", rec.Body, want)
	}
	get(t, w, "/api/v1/routes?format=xml", 400)
}

func TestMirrors(t *testing.T) {
	w := newWorld()
	contains(t, w, "/api/v1/mirrors", `{"mirror":"v2","target":"127.0.0.1:9001","baseline":false,"paused":false,`+
		`"seen":100,"unmatched":{"method":5},"unsampled":10,"dropped":{"queue":3},`+
		`"sent":80,"answered":70,"failed":{"timeout":6},"compared":60,"uncompared":{"live":7},`+
		`"queued":2,"inflight":4,"comparing":3,`+
		`"limits":{"limit":6.5,"breaker":"half-open","breaker_why":"the probe failed","breaker_opened":3,"share":0.25,"share_why":"live is slow"},`+
		`"latency":{"count":4,"p50_ms":1.5,"p90_ms":2,"p99_ms":3}}`)
	w.make(t, control.Decision{What: control.Kill, By: "ann"}, control.Decision{What: control.Pause, Mirror: "v3"}, control.Decision{What: control.Pause, Mirror: "v2", By: "bob"})
	if standing, _ := get(t, w, "/api/v1/mirrors", 200)["mirrors"].([]any)[0].(map[string]any)["standing"].([]any); len(standing) != 1 || standing[0].(map[string]any)["by"] != "bob" {
		t.Errorf("for v2 there stands %v, want bob's decision alone", standing)
	}
	w.books[0].Seen++
	contains(t, w, "/api/v1/mirrors", `"imbalance":"mirror v2 to 127.0.0.1:9001: seen 101 is not`)
}

func TestPairs(t *testing.T) {
	f := func(query string, kept, want int) {
		t.Helper()
		w := newWorld()
		w.pairs = make([]traffic.Record, kept)
		pairs := get(t, w, "/api/v1/pairs"+query, 200)["pairs"].([]any)
		if len(pairs) != want {
			t.Errorf("%s of %d pairs: %d, want %d", query, kept, len(pairs), want)
		}
	}
	f("", 0, 0)
	f("", 19, 19)
	f("", 21, 20)
	f("?limit=1", 21, 1)
	f("?limit=1000", 2000, 1000)
}

func TestPairsHoldTheirLimit(t *testing.T) {
	w := newWorld()
	src := w.sources()
	src.Pairs = func(int) []traffic.Record { return make([]traffic.Record, 50) } // more than asked for
	w.pairs = src.Pairs(0)
	if n := len(get(t, w, "/api/v1/pairs?limit=3", 200)["pairs"].([]any)); n != 3 {
		t.Errorf("%d pairs, want 3", n)
	}
}

func TestBadParameters(t *testing.T) {
	f := func(target, want string) {
		t.Helper()
		if got, _ := get(t, newWorld(), target, 400)["error"].(string); !strings.Contains(got, want) {
			t.Errorf("%s: error %q, want %q", target, got, want)
		}
	}
	f("/api/v1/pairs?limit=0", "limit=0: use a number from 1 to 1000")
	f("/api/v1/pairs?limit=1001", "limit=1001: use a number from 1 to 1000")
	f("/api/v1/pairs?limit=-1", "limit=-1")
	f("/api/v1/pairs?limit=", "limit=: use a number")
	f("/api/v1/pairs?limit=ten", "limit=ten: use a number")
	f("/api/v1/pairs?limit=99999999999999999999", "use a number")
	f("/api/v1/pairs?limit=1&limit=2", `"limit" is given 2 times`)
	f("/api/v1/pairs?offset=1", `"offset" is not known here; there are: limit`)
	f("/api/v1/pairs?limit=%zz", "invalid URL escape")
	f("/api/v1/findings?offset=-1", "offset=-1: use a number from 0 to")
	f("/api/v1/findings?limit=0&offset=x", "limit=0")
	f("/api/v1/mirrors?name=v2", `"name" is not known here; there are: limit, offset`)
	f("/api/v1/status?verbose=1", `"verbose" is not known here; there are: none`)
}

func TestFindingsArePaged(t *testing.T) {
	w := newWorld()
	w.findings = nil
	for i := range 250 {
		w.findings = append(w.findings, finding.Finding{ID: fmt.Sprint(i)})
	}
	f := func(query string, first string, n int, next any) {
		t.Helper()
		v := get(t, w, "/api/v1/findings"+query, 200)
		page := v["findings"].([]any)
		if len(page) != n || v["total"] != 250.0 || v["next_offset"] != next {
			t.Fatalf("%s: %d of %v, next %v; want %d of 250, next %v", query, len(page), v["total"], v["next_offset"], n, next)
		}
		if n > 0 && page[0].(map[string]any)["id"] != first {
			t.Errorf("%s begins with %v, want %s", query, page[0], first)
		}
	}
	f("", "0", 100, 100.0)
	f("?offset=100", "100", 100, 200.0)
	f("?offset=200", "200", 50, nil)
	f("?limit=250", "0", 250, nil)
	f("?limit=1&offset=249", "249", 1, nil)
	f("?offset=250", "", 0, nil)
	f("?offset=1073741824", "", 0, nil)
}

// TestPagesAreBoundedInBytes holds that a page ends early when its items are large, and that
// following next_offset still finds all of them.
func TestPagesAreBoundedInBytes(t *testing.T) {
	w := newWorld()
	w.findings = make([]finding.Finding, 5)
	for i := range w.findings {
		w.findings[i].Text = strings.Repeat("x", maxPage/3)
	}
	var got []int
	for offset := any(0.0); offset != nil; {
		v := get(t, w, fmt.Sprintf("/api/v1/findings?offset=%v", offset), 200)
		got = append(got, len(v["findings"].([]any)))
		offset = v["next_offset"]
	}
	if fmt.Sprint(got) != "[2 2 1]" {
		t.Errorf("pages of %v findings, want [2 2 1]", got)
	}

	w.findings[0].Text = strings.Repeat("x", maxPage+1)
	v := get(t, w, "/api/v1/findings", 200)
	if n := len(v["findings"].([]any)); n != 1 || v["next_offset"] != 1.0 {
		t.Errorf("a finding of more than a page: %d of them, next %v; want itself alone", n, v["next_offset"])
	}
}

func TestNothingThere(t *testing.T) {
	f := func(path string) {
		t.Helper()
		if got, _ := get(t, newWorld(), path, 404)["error"].(string); !strings.Contains(got, "there is nothing at "+path) {
			t.Errorf("%s: %q", path, got)
		}
	}
	f("/favicon.ico")
	f("/api/v1/")
	f("/api/v2/status")
	f("/api/v1/status/")
}

func TestIndexNamesEveryEndpoint(t *testing.T) {
	w := newWorld()
	rec := w.ask("GET", "/", "")
	if got := rec.Header().Get("Content-Type"); rec.Code != 200 || got != "text/html; charset=utf-8" {
		t.Fatalf("status %d, type %q", rec.Code, got)
	}
	for _, want := range []string{`href="/api/v1/findings"`, "/api/v1/mirrors/{name}/pause", `href="/debug/pprof/"`} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %s on the index page", want)
		}
	}
}

func TestProfilesAreBehindTheirFlag(t *testing.T) {
	f := func(pprof bool, want int) {
		t.Helper()
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
			if got := newWorld().askConsole(config.Config{Admin: adminAddr, Pprof: pprof}, "GET", path, "").Code; got != want {
				t.Errorf("pprof %v, %s: status %d, want %d", pprof, path, got, want)
			}
		}
	}
	f(true, 200)
	f(false, 404)
}

func TestUnmarshallableAnswers(t *testing.T) {
	w := newWorld()
	w.pairs[0].Live.FirstMS = math.NaN()
	if got, _ := get(t, w, "/api/v1/pairs", 500)["error"].(string); !strings.Contains(got, "making the answer") {
		t.Errorf("error %q", got)
	}
}
