package route

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// table compiles lines of the form "name: line; line".
func table(t testing.TB, lines ...string) *Table {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, ":")
		fmt.Fprintf(&b, "route %s\nbackend http://b\n%s\n", name, strings.ReplaceAll(rest, ";", "\n"))
	}
	return mustParse(t, b.String())
}

func taken(r *Route) string {
	if r == nil {
		return ""
	}
	return r.Name
}

func TestLookupPrecedence(t *testing.T) {
	// f looks up req in the routes in both orders: the rules decide, not the order.
	f := func(req, want string, lines ...string) {
		t.Helper()
		for range 2 {
			if got := taken(table(t, lines...).Lookup(request(t, req))); got != want {
				t.Errorf("%q in %q: %q, want %q", req, lines, got, want)
			}
			lines[0], lines[1] = lines[1], lines[0]
		}
	}
	f("GET h/a", "redirect", "redirect: scheme http", "h: host h; path /a; method GET")
	f("GET https://h/a", "h", "redirect: scheme http", "h: host h; path /a; method GET")
	f("GET h/a", "a", "a: scheme http; path /a", "redirect: scheme http; method GET; header X = 1")
	f("GET h/a", "any", "a: scheme http; path /b", "any:")
	f("GET https://h/a", "https", "any: host h; path /a", "https: scheme https")
	f("GET https://h/a", "not", "any: host h; path /a", "not: not scheme http")
	f("GET https://a.b.c/a", "wild", "wild: scheme https; host *.b.c", "any: host a.b.c")
	f("GET https://h/", "one", "one: scheme https; path ~ /", "two: scheme http; path ~ /")

	f("GET h/", "h", "h: host h", "any:")
	f("GET x/", "any", "h: host h", "any:")
	f("GET a.b.c/", "exact", "exact: host a.b.c", "wild: host *.b.c; path /")
	f("GET a.b.c/", "long", "short: host *.c; path /", "long: host *.b.c")
	f("GET a.b.c/", "short", "short: host *.c", "long: host *.b.c; path /x")
	f("GET h/x", "any", "h: host h; path /y", "any:")
	f("GET b.c/", "", "a: host *.b.c", "b: host *.a.b.c")
	f("GET .b.c/", "c", "b: host *.b.c", "c: host *.c")

	f("GET h/a/b", "exact", "exact: path /a/b", "prefix: path /a/b/*; method GET")
	f("GET h/a/b", "exact", "exact: path /a/b", "regexp: path ~ /a/.")
	f("GET h/a/b", "regexp", "regexp: path ~ .*", "prefix: path /a/b/*")
	f("GET h/a/b", "exact", "exact: path /a/b", "template: path /{x}/b; method GET")
	f("GET h/a/b", "template", "template: path /{x}/{y}", "regexp: path ~ /a/b; method GET")
	f("GET h/a/b", "template", "template: path /{x}/b", "prefix: path /a/b/*; method GET")
	f("GET h/a/b", "long", "long: path /a/{y}", "short: path /{x}/b; method GET")
	f("GET h/a/c", "short", "long: path /a/{y}/d", "short: path /{x}/c")
	f("GET h/a/b/c", "literal", "literal: path /a/{x}/c", "variable: path /a/{x}/{y}; method GET")
	f("GET h/a/b/c", "closed", "closed: path /a/{x}/{y}", "open: path /a/{x}/**; method GET")
	f("GET h/a/b/c", "open", "open: path /a/**", "any: method GET")
	f("GET h/a/b", "long", "long: path /a/*", "short: path /*; method GET; header X = 1")
	f("GET h/a/b/c", "long", "long: path /a/b*", "short: path /a/*")
	f("GET h/a/b", "elements", "elements: path /a/*", "bytes: path /a*; method GET")
	f("GET h/ab", "bytes", "elements: path /a/*", "bytes: path /a*")
	f("GET h/apple", "root", "elements: path /a/*", "root: path /*")
	f("GET h/", "root", "any: method GET", "root: path /*")

	f("GET h/", "method", "method: method GET", "header: header X = 1; header Y = 1")
	f("GET h/ X=1 Y=1", "two", "one: header X = 1", "two: header X = 1; header Y = 1")
	f("GET h/?a&b X=1", "header", "header: header X = 1", "query: query a present; query b present")
	f("GET h/?a&b", "two", "one: query a present", "two: query a present; query b present")
	f("GET h/ Cookie=a=1", "cookie", "cookie: cookie a = 1", "query: query a present")
	f("GET h/?a @10.0.0.1", "query", "query: query a present", "source: source 10.0.0.0/8; size = 0")
	f("GET h/ @10.0.0.1", "source", "source: source 10.0.0.0/8", "when: when /")
	f("GET h/", "when", "when: when /", "none:")
	f("GET h/x", "none", "when: when /", "none:")
	f("POST h/a", "any", "get: path /a; method GET", "any:")
}

// A request of which the scheme is not known takes no route that asks for one.
func TestLookupWithoutScheme(t *testing.T) {
	tbl := table(t, "http: scheme http", "https: scheme https; path /a", "any:")
	if got := taken(tbl.Lookup(&Request{Path: "/a"})); got != "any" {
		t.Errorf("took %q", got)
	}
}

func TestLookupKeepsOrder(t *testing.T) {
	tbl := table(t, "first: path /a", "second: path /a")
	if got := taken(tbl.Lookup(request(t, "GET h/a"))); got != "first" {
		t.Errorf("took %q", got)
	}
}

func TestLookupAsterisk(t *testing.T) {
	r := &Request{Method: "OPTIONS", Path: "*"}
	if got := taken(table(t, "root: path /*", "any: method OPTIONS").Lookup(r)); got != "any" {
		t.Errorf("took %q", got)
	}
	if got := taken(table(t, "star: path exact *").Lookup(r)); got != "star" {
		t.Errorf("took %q", got)
	}
}

func TestNewOfServingRoutes(t *testing.T) {
	old := table(t, "a: path ~ /a.*", "b:")
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 1000 {
			old.Lookup(&Request{Path: "/ab"})
		}
	})
	renewed, errs := New(append([]*Route{}, old.Routes()[0]))
	wg.Wait()
	if len(errs) > 0 || taken(renewed.Lookup(&Request{Path: "/ab"})) != "a" || renewed.Lookup(&Request{Path: "/"}) != nil {
		t.Errorf("renewed table %q, errors %v", renewed, errs)
	}
}

func TestEmptyTable(t *testing.T) {
	empty, errs := New(nil)
	if len(errs) > 0 || empty.Lookup(&Request{Host: "h", Path: "/"}) != nil || empty.String() != "" {
		t.Errorf("%q, %v", empty, errs)
	}
}

// randomRoutes makes routes over few hosts, elements and conditions, so that many overlap.
func randomRoutes(rnd *rand.Rand, n int) []*Route {
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	var routes []*Route
	for i := range n {
		r := &Route{Name: fmt.Sprint("r", i), Backends: []Backend{{URL: "http://b", Weight: 1}}}
		r.Match.Scheme = pick("", "", "http", "https")
		if host := pick("", "a.b.c", "b.c", "*.c", "*.b.c"); host != "" {
			r.Hosts = []string{host}
		}
		r.Match.Path = ParsePath(randomPath(rnd) + pick("", "*", "/*"))
		if rnd.IntN(6) == 0 {
			r.Match.Path = ParsePath("/a" + pick("/{x}", "/**", "/{x}/b", "/{x}/**", "/b/{x}"))
		}
		if rnd.IntN(4) == 0 {
			r.Match.Path = Path{}
		}
		if method := pick("", "", "GET", "PUT"); method != "" {
			r.Match.Methods = []string{method}
		}
		for range rnd.IntN(3) {
			r.Match.Headers = append(r.Match.Headers, Condition{Name: pick("x", "y"), Op: OpPresent})
		}
		if rnd.IntN(3) == 0 {
			r.Match.Query = []Condition{{Name: "q", Value: pick("1", "2")}}
		}
		routes = append(routes, r)
	}
	return routes
}

func randomPath(rnd *rand.Rand) string {
	path := "/"
	for range rnd.IntN(4) {
		path += string("aab/"[rnd.IntN(4)])
	}
	return path
}

// reference is the documented order in its plainest form: the best of all routes that match.
func reference(routes []*Route, r *Request) *Route {
	var best *Route
	rank := func(r *Route) [8]int {
		scheme := min(1, len(r.Match.Scheme))
		host := 1000
		if len(r.Hosts) == 0 {
			host = 0
		} else if strings.HasPrefix(r.Hosts[0], "*") {
			host = len(r.Hosts[0])
		}
		m := &r.Match
		path := map[PathKind]int{PathAny: -1, PathExact: 1000, PathRegexp: 900}[m.Path.Kind]
		elements, literals := 0, 0
		if m.Path.Kind == PathElements || m.Path.Kind == PathBytes {
			path = len(m.Path.Value)
		}
		if m.Path.Kind == PathElements {
			elements = 1
		}
		if t := m.Path.template; t != nil {
			path, literals = 950+len(t.prefix), t.literals
			if !t.rest {
				literals += 10
			}
		}
		return [8]int{scheme, host, path, elements, literals, min(1, len(m.Methods)), len(m.Headers), len(m.Query)}
	}
	for _, candidate := range routes {
		hosts := Match{Hosts: candidate.Hosts}
		if !hosts.Matches(r) || !candidate.Match.Matches(r) {
			continue
		}
		if best == nil || compareRanks(rank(candidate), rank(best)) > 0 {
			best = candidate
		}
	}
	return best
}

func compareRanks(a, b [8]int) int {
	for i := range a {
		if c := cmp.Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func TestLookupAgainstReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	for range 300 {
		tbl, errs := New(randomRoutes(rnd, 1+rnd.IntN(60)))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for range 100 {
			r := request(t, fmt.Sprintf("%s %s%s%s?%s %s %s", pick("GET", "PUT", "POST"), pick("", "https://"), pick("a.b.c", "b.c", "c", "x"),
				randomPath(rnd), pick("", "q=1", "q=2"), pick("", "x=1"), pick("", "y=1")))
			got, want := tbl.Lookup(r), reference(tbl.Routes(), r)
			if got != want {
				t.Fatalf("%s %s://%s%s?%s: %q, want %q, in\n%s", r.Method, r.Scheme, r.Host, r.Path, r.Query, taken(got), taken(want), tbl)
			}
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	tbl := table(t,
		"a: host *.example.com; path /api/*; method GET; header X-A ^= 1; query a = 1",
		"b: path ~ /b/[0-9]+; not path /b/0", "c:", "d: scheme https; path /d",
		"e: path /e/{x}/f/{y}; cookie b = 2; source 10.0.0.0/8; cert x; type text/*; size = 0; any; method PUT; or; not method POST; end")
	for _, text := range []string{"GET Shop.Example.COM:80/api/x?%61=%31 X-A=12", "GET h/b/12", "GET h/b/0", "GET https://h/d", "GET https://h/b/12", "GET h/e/1/f/2 Cookie=a=1;b=2 @10.0.0.1 Content-Type=text/plain cert:x"} {
		r := request(t, text)
		if n := testing.AllocsPerRun(100, func() { tbl.Lookup(r) }); n > 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}
