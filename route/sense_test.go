package route

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// matchOf compiles conditions, separated by ";".
func matchOf(t testing.TB, conditions string) *Match {
	t.Helper()
	table := mustParse(t, "route a\nbackend http://b\nmirror m 100%\nwrites\n"+strings.ReplaceAll(conditions, ";", "\n")+"\nto http://t\n")
	return &table.Routes()[0].Mirrors[0].Match
}

func TestCovers(t *testing.T) {
	f := func(wide, narrow string, want bool) {
		t.Helper()
		if got := matchOf(t, wide).covers(matchOf(t, narrow)); got != want {
			t.Errorf("%q covers %q: %v", wide, narrow, got)
		}
	}
	f("", "method GET", true)
	f("method GET", "", false)
	f("method GET PUT", "method PUT", true)
	f("method PUT", "method GET PUT", false)
	f("scheme https", "not scheme http", true)
	f("host *.b.c", "host a.b.c", true)
	f("host *.c", "host *.b.c", true)
	f("host *.b.c", "host *.c", false)
	f("host a.c", "host *.c", false)
	f("path /a/*", "path /a", true)
	f("path /a/*", "path /a/b/*", true)
	f("path /a/*", "path /ab/*", false)
	f("path /a/*", "path /a*", false)
	f("path /a*", "path /a/*", true)
	f("path /a/*", "path bytes /a/b", true)
	f("path /a/*", "path /a/{x}", true)
	f("path /*", "path /{x}", true)
	f("path /a/*", "path ~ /a/[0-9]", true)
	f("path /a/*", "path ~ /a[0-9]", false)
	f("path ~ /a.*", "path /ab", true)
	f("path ~ /a.*", "path ~ /ab", false)
	f("path /a/{x}", "path /a/b", true)
	f("path /{x}/{y}", "path /a/{y}", true)
	f("path /a/{y}", "path /{x}/{y}", false)
	f("path /{x}/**", "path /{x}/{y}", true)
	f("path /{x}/{y}", "path /{x}/**", false)
	f("path /{x}/**", "path /{x}", false)
	f("path /{x}", "path /{x}/", false)
	f("path /{x}/{y}", "path /{x}/", false)
	f("header A present", "header a = 1", true)
	f("header a ^= 1", "header a = 12", true)
	f("header a ^= 1", "header a ^= 12", true)
	f("header a ^= 12", "header a ^= 1", false)
	f("header a ^= 1", "header a ~ 12.*", true)
	f("header a ~ 1|2", "header a = 2", true)
	f("header a = 1", "header a present", false)
	f("query a present", "query A present", false)
	f("cookie a present", "cookie a = 1;cookie b = 1", true)
	f("source 10.0.0.0/8", "source 10.1.0.0/16 10.2.0.0/16", true)
	f("source 10.0.0.0/8", "source 10.1.0.0/16 11.0.0.0/16", false)
	f("cert spiffe://a/*", "cert spiffe://a/b", true)
	f("cert spiffe://a/*", "cert spiffe://a/b*", false)
	f("port 80 443", "port 80", true)
	f("sni *.a.b", "sni x.a.b", true)
	f("grpc s", "grpc s/m", true)
	f("grpc s", "grpc st/m", false)
	f("type text/*", "type text/plain", true)
	f("size <= 10", "size < 5", true)
	f("size <= 10", "size >= 5", false)
	f("when /a", "when /a", true)
	f("when /a", "when /b", false)
	f("any;method GET;or;path /a;end", "path /a", true)
	f("any;method GET;or;path /a;end", "path /b", false)
	f("path /*", "any;path /a;or;path /b;end", true)
	f("path /a/*", "any;path /a;or;path /b;end", false)
	f("not path /a", "path /b", true)
	f("not path /a", "not path /a", true)
	f("not path /a", "not path /b", false)
	f("not path /a/b", "not path /a/*", true)
}

func TestConflict(t *testing.T) {
	f := func(one, other, want string) {
		t.Helper()
		a, b := matchOf(t, one), matchOf(t, other)
		if got, back := a.conflict(b), b.conflict(a); got != want || back != want {
			t.Errorf("%q and %q: %q and %q, want %q", one, other, got, back, want)
		}
	}
	f("", "method GET", "")
	f("scheme http", "not scheme http", "scheme")
	f("host *.b", "host b", "host")
	f("host *.b", "host a.b c", "")
	f("path /a", "path /b", "path")
	f("path /a", "path /a/*", "")
	f("path /ab", "path /a/*", "path")
	f("path /ab*", "path /a/*", "path")
	f("path /a*", "path /ab/*", "")
	f("path ~ /x.*", "path /a/*", "path")
	f("path ~ /a.*", "path /a/*", "")
	f("path ~ .*", "path /a/*", "")
	f("path /a/{x}", "path /a/{x}/", "path")
	f("path /a/{x}", "path /a/{x}/**", "path")
	f("path /a/{x}/**", "path /a/{x}/{y}/b", "")
	f("path /{x}/b", "path /a/{y}", "")
	f("path /{x}/b", "path /a/{y}/b", "path")
	f("path /{x}/b", "path /{x}/c", "path")
	f("path /{x}/b", "path /*", "")
	f("path /abc/{x}", "path /a/*", "path")
	f("method GET", "method PUT HEAD", "method")
	f("port 80", "port 81", "port")
	f("sni a", "sni b", "server name")
	f("source 10.0.0.0/8", "source 10.1.0.0/16", "")
	f("source 10.0.0.0/8", "source ::/0", "source")
	f("grpc s", "grpc s/m", "")
	f("grpc s/n", "grpc s/m", "method of gRPC")
	f("size < 5", "size >= 5", "size")
	f("header a = 1", "header A = 2", "header")
	f("header a = 1", "header b = 2", "")
	f("header a ^= 1", "header a ^= 2", "header")
	f("header a ~ x.*", "header a ^= 2", "header")
	f("header a ~ .*", "header a ^= 2", "")
	f("header a present", "header a ~ 2", "")
	f("query a = 1", "query a ~ 2", "query parameter")
	f("cookie a = 1", "cookie a = 2", "cookie")
	f("not path /a/*", "path /a/b", "request")
	f("not path /a/b", "path /a/*", "")
	f("any;path /a;or;path /b;end", "path /c", "alternative")
	f("any;path /a;or;path /b;end", "path /b", "")
}

// randomMatch makes matches over little, so that many overlap.
func randomMatch(rnd *rand.Rand, depth int) string {
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	var lines []string
	for range 1 + rnd.IntN(2) {
		kind := rnd.IntN(9)
		if depth == 0 {
			kind = rnd.IntN(7)
		}
		switch kind {
		case 0:
			lines = append(lines, "method "+pick("GET", "PUT", "GET PUT"))
		case 1:
			lines = append(lines, "header x "+pick("= 1", "= 12", "^= 1", "~ 1.*", "present"))
		case 2:
			lines = append(lines, "size "+pick("<", "<=", "=", ">=", ">")+" "+pick("1", "2"))
		case 3:
			lines = append(lines, "source "+pick("10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8 10.0.0.0/9"))
		case 4:
			lines = append(lines, "scheme "+pick("http", "https"))
		case 5, 6:
			lines = append(lines, "path "+pick("/a", "/a/*", "/a*", "/a/{x}", "/{x}/b", "/{x}/**", "~ /a.*", "/ab/*", "/a/b"))
		case 7:
			lines = append(lines, "any\n"+randomMatch(rnd, depth-1)+"\nor\n"+randomMatch(rnd, depth-1)+"\nend")
		case 8:
			lines = append(lines, "not\n"+randomMatch(rnd, depth-1)+"\nend")
		}
	}
	return strings.Join(lines, "\n")
}

// TestSenseAgainstRequests compares what is said of two matches with what they do to requests.
func TestSenseAgainstRequests(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	covering, conflicting := 0, 0
	random := func() *Match {
		for {
			text := "route a\nbackend http://b\nmirror m 100%\nwrites\n" + randomMatch(rnd, 2) + "\nto http://t\n"
			if table, errs := Parse(text); len(errs) == 0 {
				return &table.Routes()[0].Mirrors[0].Match
			}
		}
	}
	for range 3000 {
		a, b := random(), random()
		covers, conflicts := a.covers(b), a.conflict(b) != ""
		if covers {
			covering++
		}
		if conflicts {
			conflicting++
		}
		for range 50 {
			text := fmt.Sprintf("%s %sh%s %s length:%s", pick("GET", "PUT", "POST"), pick("", "https://"),
				pick("/", "/a", "/a/", "/ab", "/a/b", "/ab/c", "/b/b", "/b/"), pick("", "x=1", "x=12", "x=2"), pick("-1", "0", "1", "2", "3"))
			r := request(t, text)
			client := netip.MustParseAddr(pick("10.0.0.1", "10.1.0.1", "10.200.0.1", "11.0.0.1", "12.0.0.1"))
			r.Client = func() netip.Addr { return client }
			inA, inB := a.Matches(r), b.Matches(r)
			if covers && inB && !inA || conflicts && inA && inB {
				t.Fatalf("covers %v, conflicts %v, but of %s from %s:\n%s%v\n%s%v",
					covers, conflicts, text, client, a, inA, b, inB)
			}
		}
	}
	if covering < 100 || conflicting < 100 {
		t.Errorf("only %d cover each other and %d conflict", covering, conflicting)
	}
}

func TestUseless(t *testing.T) {
	f := func(want string, lines ...string) {
		t.Helper()
		var got []string
		for _, err := range table(t, lines...).Useless() {
			got = append(got, err.Error())
		}
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("%q:\n%s\nwant\n%s", lines, text, want)
		}
	}
	hidden := func(route, by string) string {
		return fmt.Sprintf("route %q: match: is never reached, because every request that it matches takes the route %q before; make its conditions narrower, or remove it", route, by)
	}
	f("")
	f("", "a: path /a", "b: path /b")
	f(hidden("b", "a"), "a: path /a", "b: path /a")
	f(hidden("b", "a"), "a: path /a; not header x present", "b: path /a; not header x present")
	f("", "a: path /a; method GET", "b: path /a")
	f("", "b: path /a", "a: path /a; method GET")
	f(hidden("b", "a"), "a: method GET PUT", "b: method PUT")
	f(hidden("b", "a"), "a: host h", "b: host h")
	f("", "a: host h", "b: host h i")
	f(hidden("b", "a"), "a: host h i", "b: host i")
	f("", "a: scheme https", "b:")
	f(hidden("b", "a"), "a: path ~ /a.*; query q present", "b: path ~ /a.*; query q present")
	f(hidden("b", "a"), "a: path /a/{x}/{y}; method GET", "b: path /a/{z}/{y}; method GET")
	f(hidden("b", "a"), "a: path /*; source 10.0.0.0/8", "b: path /*; source 10.1.0.0/16")
	f(`route "a": mirrors[0]: gets no copy, because the route asks for PUT, and without writes no mirror copies that; set writes to true`,
		"a: method PUT; mirror m 100%; to http://t; mirror n 100%; writes; to http://t")
}
