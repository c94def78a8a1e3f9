package route

import (
	"strconv"
	"strings"
	"testing"
)

// routeOf compiles a route of lines that are separated by semicolons.
func routeOf(t testing.TB, lines string) *Route {
	t.Helper()
	return mustParse(t, "route r\n"+strings.ReplaceAll(lines, ";", "\n")).Routes()[0]
}

// TestRewritePath holds the table of the Gateway API for whole elements (HTTPPathModifier,
// replacePrefixMatch), and what the other kinds of matches make of a prefix.
func TestRewritePath(t *testing.T) {
	f := func(match, rewrite, path, want string) {
		t.Helper()
		r := routeOf(t, match+"; rewrite-path "+rewrite+"; backend http://b")
		if got := string(r.Filters.Path.Append([]byte("GET "), path, &r.Match)); got != "GET "+want {
			t.Errorf("%s of %s, matched by %s: %q, want %q", rewrite, path, match, got, want)
		}
	}
	f("path /foo/*", "prefix /xyz", "/foo/bar", "/xyz/bar")
	f("path /foo/*", "prefix /xyz/", "/foo/bar", "/xyz/bar")
	f("path elements /foo/", "prefix /xyz", "/foo/bar", "/xyz/bar")
	f("path elements /foo/", "prefix /xyz/", "/foo/bar", "/xyz/bar")
	f("path /foo/*", "prefix /xyz", "/foo", "/xyz")
	f("path /foo/*", "prefix /xyz", "/foo/", "/xyz/")
	f("path /foo/*", `prefix ""`, "/foo/bar", "/bar")
	f("path /foo/*", `prefix ""`, "/foo/", "/")
	f("path /foo/*", `prefix ""`, "/foo", "/")
	f("path /foo/*", "prefix /", "/foo/", "/")
	f("path /foo/*", "prefix /", "/foo", "/")

	f("path /foo/*", "prefix /xyz/", "/foo", "/xyz/")
	f("path /foo/*", "prefix /", "/foo//bar", "//bar")
	f("path /foo/*", "prefix /x", "/foo/%2e%2E/a%20b", "/x/%2e%2E/a%20b")
	f("path /*", "prefix /xyz", "/bar", "/xyz/bar")
	f("path /*", "prefix /xyz", "/", "/xyz")
	f("path /*", "prefix /", "/", "/")
	f("method GET", "prefix /xyz", "/bar/", "/xyz/bar/")
	f("method GET", "prefix /xyz/", "/", "/xyz/")
	f("path /foo*", "prefix /x", "/foobar", "/xbar")
	f("path /foo*", "prefix /x/", "/foo/bar", "/x//bar")
	f("path /foo", "prefix /x", "/foo", "/x")

	f("path /foo/*", "full /x/y", "/foo/bar", "/x/y")
	f("path /foo/*", "full /x%20%c3%A4y", "/foo/bar", "/x%20%c3%A4y")
	f("path ~ .*", "full /", "/foo/bar", "/")

	f("path /foo/*", "regexp ^/foo/([^/]+)/(?P<rest>.*)$ /x/${rest}/$1", "/foo/a/b/c", "/x/b/c/a")
	f("path /foo/*", "regexp o 0", "/foo/boo", "/f00/b00")
	f("path /foo/*", "regexp nothing /x", "/foo/bar", "/foo/bar")
	f("path /foo/*", "regexp ^/foo $$a", "/foo/bar", "/$a/bar")
	f("path /foo/*", `regexp ^/foo/bar$ ""`, "/foo/bar", "/")

	for _, rewrite := range []string{"full /x", "prefix /x", "regexp .* /x"} {
		f("method OPTIONS", rewrite, "*", "*")
	}
	none := PathRewrite{}
	if got := string(none.Append(nil, "/a", &Match{})); got != "/a" {
		t.Errorf("no rewrite makes %q", got)
	}
}

func TestAppendLocation(t *testing.T) {
	// f redirects a request of "scheme://host/path?query", which came to a port.
	f := func(redirect, request string, port uint16, want string) {
		t.Helper()
		r := routeOf(t, "path /foo/*; redirect "+redirect)
		scheme, rest, _ := strings.Cut(request, "://")
		host, rest, _ := strings.Cut(rest, "/")
		path, query, _ := strings.Cut("/"+rest, "?")
		got := string(r.Filters.Redirect.AppendLocation([]byte("Location: "), scheme, host, path, query, port, &r.Match))
		if got != "Location: "+want {
			t.Errorf("%s of %s on port %d: %q, want %q", redirect, request, port, got, want)
		}
	}
	f("host new.example.com", "http://old/foo?a=b", 0, "http://new.example.com/foo?a=b")
	f("host new", "http://old:8080/foo", 8080, "http://new:8080/foo")
	f("host new", "http://old/foo", 80, "http://new/foo")
	f("host new", "https://old/foo", 443, "https://new/foo")
	f("host new", "https://old/foo", 80, "https://new:80/foo")
	f("host new", "http://old/foo", 443, "http://new:443/foo")
	f("scheme https", "http://old/foo", 80, "https://old/foo")
	f("scheme https", "http://old:8080/foo", 8080, "https://old/foo")
	f("scheme http", "https://old/foo", 443, "http://old/foo")
	f("scheme https port 8443", "http://old/foo", 80, "https://old:8443/foo")
	f("scheme https port 443", "http://old:8080/foo", 8080, "https://old/foo")
	f("scheme http port 80", "https://old/foo", 443, "http://old/foo")
	f("port 8083", "http://old/foo", 0, "http://old:8083/foo")
	f("port 80", "http://old:8080/foo", 8080, "http://old/foo")
	f("port 80", "https://old/foo", 443, "https://old:80/foo")
	f("scheme https", "http://[::1]:8080/foo", 8080, "https://[::1]/foo")
	f("port 81; redirect-path full /x", "http://old/foo/bar?a", 0, "http://old:81/x?a")
	f("host new; redirect-path prefix /x", "http://old/foo/bar?", 0, "http://new/x/bar")
	f("status 301; redirect-path regexp foo bar", "http://old/foo", 0, "http://old/bar")
}

func TestRedirectStatus(t *testing.T) {
	f := func(lines string, want int) {
		t.Helper()
		if got := routeOf(t, lines).Filters.Redirect.Status; got != want {
			t.Errorf("%s: %d, want %d", lines, got, want)
		}
	}
	f("redirect port 1", 302)
	for _, status := range []int{301, 302, 303, 307, 308} {
		f("redirect port 1 status "+strconv.Itoa(status), status)
	}
}

func TestRewritesAllocateNothing(t *testing.T) {
	buf := make([]byte, 0, 256)
	f := func(lines string) {
		t.Helper()
		r := routeOf(t, lines)
		if n := testing.AllocsPerRun(100, func() {
			buf = r.Filters.Path.Append(buf[:0], "/foo/bar", &r.Match)
			if d := r.Filters.Redirect; d != nil {
				buf = d.AppendLocation(buf[:0], "http", "old:8080", "/foo/bar", "a=b", 8080, &r.Match)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", lines, n)
		}
	}
	f("path /foo/*; rewrite-path prefix /x; backend http://b")
	f("path /foo*; rewrite-path prefix /x; backend http://b")
	f("rewrite-path full /x; backend http://b")
	f("path /foo/*; redirect scheme https port 8443; redirect-path prefix /x")
}

// FuzzRewrite checks that whatever a rewrite that was checked makes of a path is a path again.
func FuzzRewrite(f *testing.F) {
	f.Add("full", "/x", "", "/foo/bar")
	f.Add("prefix", "/x/", "", "/foo/bar")
	f.Add("regexp", "${a}$$b", "(?P<a>o+)", "/foo/bar")
	f.Fuzz(func(t *testing.T, kind, value, pattern, path string) {
		if !strings.HasPrefix(path, "/") || !only(path, isPathByte) {
			return
		}
		rewrite := PathRewrite{Value: value, Pattern: pattern}
		switch kind {
		case "full":
			rewrite.Kind = RewriteFull
		case "prefix":
			rewrite.Kind = RewritePrefix
		case "regexp":
			rewrite.Kind = RewriteRegexp
		}
		for _, match := range []Path{{}, {Kind: PathElements, Value: "/"}, {Kind: PathElements, Value: "/foo"}, {Kind: PathBytes, Value: "/fo"}, {Kind: PathExact, Value: path}} {
			table, errs := New([]*Route{{Name: "r", Match: Match{Path: match}, Filters: &Filters{Path: rewrite}, Backends: []Backend{{URL: "http://b", Weight: 1}}}})
			if len(errs) > 0 || table.Routes()[0].Filters == nil || !match.matches(path) {
				continue
			}
			got := string(table.Routes()[0].Filters.Path.Append(nil, path, &table.Routes()[0].Match))
			if !strings.HasPrefix(got, "/") || !only(got, isPathByte) {
				t.Errorf("%s %q %q of %q, matched by %v: %q", kind, value, pattern, path, match, got)
			}
		}
	})
}
