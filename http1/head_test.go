package http1

import (
	"net/netip"
	"strings"
	"testing"
)

func TestHeadEnd(t *testing.T) {
	f := func(buf string, want int) {
		t.Helper()
		scanned := 0
		if got := HeadEnd([]byte(buf), &scanned); got != want {
			t.Errorf("%q: %d, want %d", buf, got, want)
		}
		if want > 0 && scanned != 0 {
			t.Errorf("%q: scanned is %d after a head", buf, scanned)
		}
		scanned = 0
		for i := range len(buf) + 1 {
			if got := HeadEnd([]byte(buf[:i]), &scanned); got != 0 {
				if got != want || got != i {
					t.Errorf("%q byte by byte: %d at %d, want %d", buf, got, i, want)
				}
				return
			}
			if scanned > i {
				t.Fatalf("%q: scanned %d of %d", buf, scanned, i)
			}
		}
		if want != 0 {
			t.Errorf("%q byte by byte: no end, want %d", buf, want)
		}
	}
	f("", 0)
	f("\r\n", 0)
	f("GET / HTTP/1.1\r\n", 0)
	f("GET / HTTP/1.1\r\nHost: a\r\n", 0)
	f("GET / HTTP/1.1\r\nHost: a\r\n\r", 0)
	f("a\r\n\r\n", 5)
	f("a\r\n\r\nbody\r\n\r\n", 5)
	f("a\r\nb\r\n\r\n\r\n", 8)
	f("a\n\n", 3) // so that Parse refuses it at once
	f("a\r\n\n", 4)
	f("a\n\r\n", 4)
	f("a\r\n\rb\n\r\r\n", 0)
	f("a\r\r\n\r\r\n", 0)
}

// A slow head must not be looked at from its start for every byte.
func TestHeadEndIsLinear(t *testing.T) {
	buf := []byte(strings.Repeat("a", 1000))
	scanned := 0
	HeadEnd(buf, &scanned)
	if scanned != len(buf) {
		t.Errorf("scanned %d of %d", scanned, len(buf))
	}
}

func TestSkipEmpty(t *testing.T) {
	f := func(buf string, want int) {
		t.Helper()
		if got := SkipEmpty([]byte(buf)); got != want {
			t.Errorf("%q: %d, want %d", buf, got, want)
		}
	}
	f("", 0)
	f("\r", 0)
	f("\n", 0)
	f("GET", 0)
	f("\r\n", 2)
	f("\r\n\r", 2)
	f("\r\n\r\nGET\r\n", 4)
}

func TestFields(t *testing.T) {
	var r Request
	head := get("via: 1.1 x\r\nX-A:  b c \t\r\nVIA:\r\nx-a: d\r\n")
	if err := r.Parse([]byte(head)); err != nil {
		t.Fatal(err)
	}
	f := r.Fields[2]
	if string(f.Name) != "X-A" || string(f.Value) != "b c" || string(f.Line) != "X-A:  b c \t\r\n" || f.ID != Other {
		t.Errorf("%q %q %q %v", f.Name, f.Value, f.Line, f.ID)
	}
	if v, ok := r.Get(Via); string(v) != "1.1 x" || !ok || !r.Has(Via) {
		t.Errorf("Get: %q %v", v, ok)
	}
	if v, ok := r.Get(Cookie); v != nil || ok || r.Has(Cookie) {
		t.Errorf("Get of what is not there: %q %v", v, ok)
	}
	if _, ok := r.Get(Other); ok || r.Has(Other) {
		t.Error("Other is there")
	}
	if v, ok := r.Lookup("x-A"); string(v) != "b c" || !ok {
		t.Errorf("Lookup: %q %v", v, ok)
	}
	if v, ok := r.Lookup("x-b"); v != nil || ok {
		t.Errorf("Lookup of what is not there: %q %v", v, ok)
	}
	if r.Count("Via") != 2 || r.Count("X-A") != 2 || r.Count("Host") != 1 || r.Count("no") != 0 {
		t.Error("wrong counts")
	}
	var lines string
	for _, f := range r.Fields {
		lines += string(f.Line)
	}
	if want := head[len("GET / HTTP/1.1\r\n") : len(head)-2]; lines != want {
		t.Errorf("lines %q, want %q", lines, want)
	}
}

func TestIdentify(t *testing.T) {
	for id := Host; id < numIDs; id++ {
		for _, name := range []string{id.String(), strings.ToLower(id.String()), strings.ToUpper(id.String())} {
			if got := identify([]byte(name)); got != id || name == "" {
				t.Errorf("%q is %v", name, got)
			}
		}
		for _, name := range []string{id.String() + "x", "x" + id.String(), strings.ReplaceAll(id.String(), "-", "_") + "_"} {
			if got := identify([]byte(name)); got != Other {
				t.Errorf("%q is %v", name, got)
			}
		}
	}
	for _, name := range []string{"a", "X-Request-Id", "Hos\x74\x00", "Content_Length", "Content\rLength"} {
		if got := identify([]byte(name)); got != Other {
			t.Errorf("%q is %v", name, got)
		}
	}
}

func TestHop(t *testing.T) {
	f := func(lines, want string) {
		t.Helper()
		var r Request
		if err := r.Parse([]byte(get(lines))); err != nil {
			t.Fatal(err)
		}
		var hops []string
		for _, f := range r.Fields {
			if f.Hop {
				hops = append(hops, string(f.Name))
			}
		}
		if got := strings.Join(hops, " "); got != want {
			t.Errorf("%q: hops %q, want %q", lines, got, want)
		}
	}
	f("A: b\r\nVia: c\r\nExpect: 100-continue\r\nTrailer: x\r\nContent-Length: 5\r\n", "")
	f("Connection: close\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: x\r\n",
		"Connection Keep-Alive Proxy-Connection TE Upgrade")
	f("Transfer-Encoding: chunked\r\nProxy-Authorization: x\r\nProxy-Authenticate: x\r\nAuthorization: x\r\n",
		"Transfer-Encoding Proxy-Authorization Proxy-Authenticate")
	f("X-A: 1\r\nConnection: close, x-a , cookie\r\nX-B: 2\r\nx-A: 3\r\nCookie: c\r\n", "X-A Connection x-A Cookie")
	f("Connection: x\r\nX: y\r\nY: z\r\nConnection: Y\r\n", "Connection X Y Connection")
	f("Connection: \"x\"\r\nX: y\r\n", "Connection")
}

func TestFieldsKeepTheirRoom(t *testing.T) {
	var r Request
	head := []byte(get("A: b\r\nC: d\r\n"))
	if err := r.Parse(head); err != nil {
		t.Fatal(err)
	}
	before := &r.Fields[0]
	if err := r.Parse(head); err != nil || before != &r.Fields[0] {
		t.Errorf("%v, or the fields moved", err)
	}
}

var addresses = []string{
	"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
	"2001:DB8::aBcD", "64:ff9b::1.2.3.4", "1:2:3:4:5::1.2.3.4",
	"", ":", ":::", "1", "1:", "1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "1.2.3.4", "::1.2.3",
	"::1.2.3.256", "::01.2.3.4", "::1.2.3.4.5", "::1.2.3.4:1", "1:2:3:4:5:6:7:1.2.3.4", ":1", "1:::2", "::1%eth0", "::.1.2.3", "::1.2.3.", "1:2:3:4:5:6::1.2.3.4",
}

func checkIPv6(t *testing.T, s string) {
	t.Helper()
	addr, err := netip.ParseAddr(s)
	if want := err == nil && addr.Is6() && addr.Zone() == ""; validIPv6([]byte(s)) != want {
		t.Errorf("%q: want %v", s, want)
	}
}

func TestValidIPv6(t *testing.T) {
	for _, s := range addresses {
		checkIPv6(t, s)
	}
}

func FuzzValidIPv6(f *testing.F) {
	for _, s := range addresses {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkIPv6(t, s) })
}

// The words of scanText must see every bad byte at every place in a word.
func TestScanText(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				b := []byte(strings.Repeat("\t\xff ~a\x80", 4)[:length])
				b[at] = byte(c)
				want := length
				if c < ' ' && c != '\t' || c == 0x7f {
					want = at
				}
				if got := scanText(b, 0); got != want {
					t.Fatalf("%q: %d, want %d", b, got, want)
				}
			}
		}
	}
}

func TestEqualFold(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if EqualFold(a, b) != want || EqualFold([]byte(b), a) != want || EqualFold([]byte(a), []byte(b)) != want {
			t.Errorf("%q and %q: not %v", a, b, want)
		}
	}
	f("", "", true)
	f("X-Tain-Mirror", "x-tain-mirror", true)
	f("close", "close2", false)
	f("close", "cloze", false)
	f("@[`{", "@[`{", true)
	f("@", "`", false) // 0x20 apart, and no letters
	f("[", "{", false)
	f("k", "\u212a", false)  // the Kelvin sign
	f("\xc4", "\xe4", false) // letters in Latin-1 alone
}
