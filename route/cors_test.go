package route

import (
	"strings"
	"testing"
)

// corsOf is the CORS of a text form's line.
func corsOf(t testing.TB, line string) *CORS {
	t.Helper()
	return routeOf(t, "cors "+line+"; backend http://b").Filters.CORS
}

// short is lines of Access-Control-… without what they have in common.
func short(lines []byte) string {
	text := strings.ReplaceAll(strings.TrimSuffix(string(lines), "\r\n"), "\r\n", " | ")
	return strings.ReplaceAll(text, "Access-Control-", "")
}

func TestAllows(t *testing.T) {
	f := func(origins, origin string, want bool) {
		t.Helper()
		if got := corsOf(t, "origins "+origins).Allows(origin); got != want {
			t.Errorf("%s allows %s: %v", origins, origin, got)
		}
	}
	f("*", "https://a.example", true)
	f("*", "null", true)
	f("https://a.example", "https://a.example", true)
	f("https://A.example", "https://a.EXAMPLE", true)
	f("https://a.example", "http://a.example", false)
	f("https://a.example", "https://a.example:8443", false)
	f("https://a.example:8443", "https://a.example:8443", true)
	f("https://a.example", "https://a.example.evil", false)
	f("https://a.example", "null", false)
	f("https://a.example", "", false)
	f("https://b,https://a", "https://a", true)
	f("https://*.example.com", "https://a.example.com", true)
	f("https://*.example.com", "https://a.b.example.com", true)
	f("https://*.example.com", "https://example.com", false)
	f("https://*.example.com", "https://.example.com", false)
	f("https://*.example.com", "https://evilexample.com", false)
	f("https://*.example.com", "http://a.example.com", false)
	f("https://*.example.com", "https://a.example.com:444", false)
	f("https://*.example.com:444", "https://a.example.com:444", true)
	f("https://*.example.com", "https://evil/.example.com", false)
	f("https://*.com", "https://a.com", true)
	f("app-x+y://*.a", "app-x+y://b.a", true)
}

func TestPreflight(t *testing.T) {
	f := func(cors, origin, method, headers, want string) {
		t.Helper()
		if got := short(corsOf(t, cors).AppendPreflight(nil, origin, method, headers)); got != want {
			t.Errorf("%s, asked by %s for %s %s:\n%s, want\n%s", cors, origin, method, headers, got, want)
		}
	}
	f("origins https://a", "https://a", "PUT", "x-a", "Allow-Origin: https://a | Vary: Origin")
	f("origins https://a", "https://b", "PUT", "x-a", "Vary: Origin")
	f("origins https://a methods PUT headers X-A max-age 1h", "https://b", "PUT", "x-a", "Vary: Origin")
	f("origins https://a methods PUT,DELETE headers X-A,X-B max-age 1h credentials expose X-C", "https://a", "GET", "",
		"Allow-Origin: https://a | Allow-Credentials: true | Vary: Origin | Allow-Methods: PUT, DELETE | Allow-Headers: X-A, X-B | Max-Age: 3600")
	f("origins *", "https://a", "GET", "", "Allow-Origin: *")
	f("origins * methods * headers *", "https://a", "PUT", "x-a", "Allow-Origin: * | Allow-Methods: * | Allow-Headers: *")
	f("origins * methods * headers * credentials", "https://a", "PUT", "x-a, x-b",
		"Allow-Origin: https://a | Allow-Credentials: true | Vary: Origin | Allow-Methods: PUT | Allow-Headers: x-a, x-b")
	f("origins * headers * credentials", "https://a", "GET", "", "Allow-Origin: https://a | Allow-Credentials: true | Vary: Origin | Allow-Headers: *")
}

func TestActual(t *testing.T) {
	f := func(cors, origin, want string) {
		t.Helper()
		if got := short(corsOf(t, cors).AppendActual(nil, origin)); got != want {
			t.Errorf("%s, asked by %q:\n%s, want\n%s", cors, origin, got, want)
		}
	}
	f("origins https://a", "https://a", "Allow-Origin: https://a | Vary: Origin")
	f("origins https://a", "https://b", "Vary: Origin")
	f("origins https://a", "", "Vary: Origin")
	f("origins https://a methods PUT headers X expose X-C,X-D credentials max-age 1h", "https://a",
		"Allow-Origin: https://a | Allow-Credentials: true | Vary: Origin | Expose-Headers: X-C, X-D")
	f("origins * expose *", "https://a", "Allow-Origin: * | Expose-Headers: *")
	f("origins *", "", "Allow-Origin: *")
	f("origins * credentials", "https://a", "Allow-Origin: https://a | Allow-Credentials: true | Vary: Origin")
	f("origins * credentials", "", "Vary: Origin")
}

func TestCORSDrops(t *testing.T) {
	c := corsOf(t, "origins *")
	for name, want := range map[string]bool{
		"Access-Control-Allow-Origin": true, "access-control-max-age": true,
		"Access-Control-": false, "Access-Controls": false, "Vary": false, "": false,
	} {
		if got := c.Drops([]byte(name)); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestCORSAllocatesNothing(t *testing.T) {
	c := corsOf(t, "origins https://b,https://*.a methods PUT,DELETE headers X-A,X-B max-age 1h credentials expose X-C")
	buf, name := make([]byte, 0, 512), []byte("Access-Control-Allow-Origin")
	if n := testing.AllocsPerRun(100, func() {
		buf = c.AppendPreflight(buf[:0], "https://x.a", "PUT", "x-a")
		buf = c.AppendActual(buf, "https://x.a")
		if !c.Drops(name) {
			t.Error("not dropped")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
