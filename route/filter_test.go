package route

import (
	"strings"
	"testing"
)

func TestHeaderEdits(t *testing.T) {
	// f edits lines that are separated by |.
	f := func(edits, header, want string) {
		t.Helper()
		r := routeOf(t, edits+"; backend http://b")
		e := &r.Filters.Request
		var got []byte
		for line := range strings.SplitSeq(header, "|") {
			if name, _, ok := strings.Cut(line, ":"); ok && !e.Drops([]byte(name)) {
				got = append(got, line+"\r\n"...)
			}
		}
		got = e.AppendTo(got)
		if text := strings.ReplaceAll(strings.TrimSuffix(string(got), "\r\n"), "\r\n", "|"); text != want || e.Empty() {
			t.Errorf("%s of %s: %q, want %q", edits, header, text, want)
		}
	}
	f("request set X-A 1", "x-a: 0|B: 1|X-a: 2", "B: 1|X-A: 1")
	f("request set X-A 1", "B: 1", "B: 1|X-A: 1")
	f("request add X-A 1", "x-a: 0", "x-a: 0|X-A: 1")
	f("request remove X-A", "x-a: 0|x-ab: 1|x_a: 1", "x-ab: 1|x_a: 1")
	f("request remove X-A; request add Y 1; request set Z 2", "X-A: 0|Y: 0|Z: 0", "Y: 0|Z: 2|Y: 1")
	f(`request set X-A ""`, "X-A: 1", "X-A: ")
	f(`request set X-A "ä b	c"`, "", "X-A: ä b\tc")
}

func TestHeaderEditsEmpty(t *testing.T) {
	var e HeaderEdits
	if !e.Empty() || e.Drops([]byte("A")) || len(e.AppendTo(nil)) > 0 {
		t.Error("no edits change something")
	}
}

func TestHeaderEditsAllocateNothing(t *testing.T) {
	r := routeOf(t, "request set X-A 1; request add X-B 2; request remove X-C; backend http://b")
	buf, name := make([]byte, 0, 256), []byte("X-c")
	if n := testing.AllocsPerRun(100, func() {
		if !r.Filters.Request.Drops(name) {
			t.Error("not removed")
		}
		buf = r.Filters.Request.AppendTo(buf[:0])
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHeaderEdits(b *testing.B) {
	names := [][]byte{[]byte("Host"), []byte("User-Agent"), []byte("Accept"), []byte("X-Forwarded-For"), []byte("Cookie"), []byte("X-Request-Id")}
	e := &HeaderEdits{Set: []HeaderField{{"X-Env", "prod"}, {"X-Request-Start", "1"}}, Remove: []string{"X-Debug"}}
	for b.Loop() {
		for _, name := range names {
			if e.Drops(name) {
				b.Fatal("dropped")
			}
		}
	}
}

// TestFiltersThatChangeNothing become nil, so that whoever applies them needs not look.
func TestFiltersThatChangeNothing(t *testing.T) {
	b := Backend{URL: "http://b", Weight: 1, Filters: &Filters{}}
	table, errs := New([]*Route{{Name: "r", Filters: &Filters{}, Backends: []Backend{b}}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	r := table.Routes()[0]
	if r.Filters != nil || r.Backends[0].Filters != nil {
		t.Errorf("filters %v, %v", r.Filters, r.Backends[0].Filters)
	}
}

// TestFilterLimits crosses the limits that the text form reaches only with long lines.
func TestFilterLimits(t *testing.T) {
	f := func(filters *Filters, want string) {
		t.Helper()
		_, errs := New([]*Route{{Name: "r", Filters: filters, Backends: []Backend{{URL: "http://b", Weight: 1}}}})
		if len(errs) == 0 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%v, want %s", errs, want)
		}
	}
	long := strings.Repeat("x", 1<<17)
	f(&Filters{Request: HeaderEdits{Remove: strings.Split(strings.Repeat("x,", 100), ",")}}, "request: 101 are too many; use up to 64")
	f(&Filters{Request: HeaderEdits{Set: []HeaderField{{"X", long}}}}, "request.set.X: 131072 are too many")
	f(&Filters{Request: HeaderEdits{Set: []HeaderField{{long, ""}}}}, "is not the name of a header")
	f(&Filters{Path: PathRewrite{Kind: RewriteFull, Value: "/" + long}}, "rewrite.path: 131073 are too many")
	f(&Filters{Path: PathRewrite{Kind: RewriteRegexp, Pattern: long}}, "rewrite.path: 131072 are too many")
	f(&Filters{Path: PathRewrite{Kind: RewriteFull, Value: "/", Pattern: "a"}}, "parts that belong to another kind")
	f(&Filters{Path: PathRewrite{Value: "/"}}, "parts that belong to another kind")
	f(&Filters{Path: PathRewrite{Kind: 9, Value: "/"}}, "no kind of rewrite")
	f(&Filters{Respond: &Respond{Status: 200, Body: long}}, "respond.body: 131072 are too many")
	f(&Filters{CORS: &CORS{AllowOrigins: strings.Split(strings.Repeat("http://x,", 100), ",")}}, "cors.origins: 101 are too many")
	f(&Filters{CORS: &CORS{AllowOrigins: []string{"http://x"}, MaxAge: -1e9}}, "cors.maxAge: -1s is negative")
}
