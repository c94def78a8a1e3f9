package route

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// pathsAndKeys stand for the expression languages.
var pathsAndKeys = Compile{When: pathIs, After: faultIs, Key: headerIs}

// headerIs is for keys: an expression is the name of a header.
func headerIs(expression string) (func(*Request) (string, bool), error) {
	if strings.HasPrefix(expression, "wrong") {
		return nil, pointedError{errors.New("this is wrong"), 7}
	}
	return func(r *Request) (string, bool) { return r.Header(expression) }, nil
}

// pathIs stands for the expression language: an expression is a path that the request must have.
func pathIs(expression string) (func(*Request) bool, error) {
	if strings.HasPrefix(expression, "wrong") {
		return nil, pointedError{errors.New("this is wrong"), 7}
	}
	return func(r *Request) bool { return r.Path == expression }, nil
}

// faultIs stands for expressions on exchanges: one is the fault that live must have.
func faultIs(expression string) (func(*Exchanged) bool, error) {
	if strings.HasPrefix(expression, "wrong") {
		return nil, pointedError{errors.New("this is wrong"), 7}
	}
	return func(x *Exchanged) bool { return x.Fault == expression }, nil
}

type pointedError struct {
	error
	column int
}

func (e pointedError) Column() int { return e.column }

// request reads "GET host/path?query Name=value Name=value", with https:// before the host or not. Words
// without = are @ and the user's address, : and the port, sni: and a name, cert: and names with commas,
// and length: and a number.
func request(t testing.TB, text string) *Request {
	t.Helper()
	words := strings.Fields(text)
	if len(words) < 2 {
		t.Fatalf("BUG: request %q", text)
	}
	rest, secure := strings.CutPrefix(words[1], "https://")
	scheme := map[bool]string{false: SchemeHTTP, true: SchemeHTTPS}[secure]
	target, query, _ := strings.Cut(rest, "?")
	host, path, _ := strings.Cut(target, "/")
	r := &Request{
		Scheme: scheme, Method: words[0], Host: host, Path: "/" + path, Query: query,
		Header: func(name string) (string, bool) {
			for _, word := range words[2:] {
				if key, value, _ := strings.Cut(word, "="); strings.EqualFold(key, name) {
					return value, true
				}
			}
			return "", false
		},
	}
	for _, word := range words[2:] {
		connect(t, r, word)
	}
	return r
}

// connect notes a word about the connection of r.
func connect(t testing.TB, r *Request, word string) {
	kind, value, _ := strings.Cut(word, ":")
	switch {
	case word[0] == '@':
		addr := netip.MustParseAddr(word[1:])
		r.Client = func() netip.Addr { return addr }
	case strings.Contains(word, "="):
	case kind == "":
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatalf("BUG: port %q", value)
		}
		r.Port = uint16(n)
	case kind == "sni":
		r.SNI = value
	case kind == "cert":
		r.Cert = &Certificate{names: strings.Split(value, ","), fingerprint: "sha256:" + strings.Repeat("0a", 32)}
	case kind == "length":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatalf("BUG: length %q", value)
		}
		r.Length = n
	}
}

// mustParse compiles the text of routes that have no backends of their own.
func mustParse(t testing.TB, text string) *Table {
	t.Helper()
	table, errs := ParseWith(text, pathsAndKeys)
	if len(errs) > 0 {
		t.Fatalf("parsing\n%s\n%v", text, errs)
	}
	return table
}

func TestMatches(t *testing.T) {
	f := func(condition, req string, want bool) {
		t.Helper()
		table := mustParse(t, "route a\nbackend http://b\nmirror m 100%\nwrites\n"+condition+"\nto http://t\n")
		match := &table.Routes()[0].Mirrors[0].Match
		if got := match.Matches(request(t, req)); got != want {
			t.Errorf("%q on %q: %v, want %v", condition, req, got, want)
		}
	}
	f("", "GET h/", true)

	f("scheme http", "GET h/", true)
	f("scheme http", "GET https://h/", false)
	f("scheme https", "GET https://h/", true)
	f("scheme https\nmethod GET", "POST https://h/", false)

	f("host h.example", "GET h.example/", true)
	f("host h.example", "GET H.Example.:8080/", true)
	f("host h.example", "GET x.h.example/", false)
	f("host a *.h.example", "GET x.h.example/", true)
	f("host a *.h.example", "GET x.y.h.example:1/", true)
	f("host a *.h.example", "GET h.example/", false)
	f("host a *.h.example", "GET xh.example/", false)
	f("host [::1]", "GET [::1]:80/", true)
	f("host h", "GET "+strings.Repeat("h", 300)+"/", false)

	f("path /a", "GET h/a", true)
	f("path /a", "GET h/a/", false)
	f("path /a/*", "GET h/a", true)
	f("path /a/*", "GET h/a/", true)
	f("path /a/*", "GET h/a/b/c", true)
	f("path /a/*", "GET h/ab", false)
	f("path elements /a/", "GET h/a", true)
	f("path /*", "GET h/a", true)
	f("path /*", "GET h/", true)
	f("path /a*", "GET h/ab", true)
	f("path /a*", "GET h/b", false)
	f("path ~ /a/[0-9]+", "GET h/a/12", true)
	f("path ~ /a/[0-9]+", "GET h/a/12/x", false)
	f("path ~ /a|/b", "GET h/bc", false)
	f("path ~ (?i)/A", "GET h/a", true)
	f("path ~ ^/a$", "GET h/a", true)
	f(`path exact "/a*"`, "GET h/a*", true)
	f(`path exact "/a*"`, "GET h/ab", false)

	f("method GET HEAD", "HEAD h/", true)
	f("method GET HEAD", "get h/", false)

	f("header X-A = 1", "GET h/ x-a=1", true)
	f("header X-A = 1", "GET h/ x-a=12", false)
	f("header X-A = 1", "GET h/", false)
	f("header X-A ^= 1", "GET h/ x-a=12", true)
	f("header X-A ~ 1|2", "GET h/ x-a=2", true)
	f("header X-A ~ 1|2", "GET h/ x-a=22", false)
	f("header X-A present", "GET h/ x-a=", true)
	f("header X-A present", "GET h/", false)
	f("header X-A = 1\nheader X-B = 2", "GET h/ x-a=1", false)

	f("query a = 1", "GET h/?a=1", true)
	f("query a = 1", "GET h/?b=2&a=1&a=3", true)
	f("query a = 3", "GET h/?b=2&a=1&a=3", false)
	f("query a = 1", "GET h/?&&%61=%31", true)
	f(`query a = "1 2"`, "GET h/?a=1+2", true)
	f(`query "a b" = c`, "GET h/?a%20b=c", true)
	f("query a = 1", "GET h/?a=12", false)
	f("query a = %zz", "GET h/?a=%zz", true)
	f("query a = %2", "GET h/?a=%2", true)
	f("query a ^= 1", "GET h/?a=12", true)
	f("query a ^= 12", "GET h/?a=1", false)
	f("query a ~ [0-9]+", "GET h/?a=%31%32", true)
	f("query a ~ [0-9]+", "GET h/?a=x", false)
	f("query a present", "GET h/?a", true)
	f("query a present", "GET h/?aa", false)
	f("query a present", "GET h/", false)

	f("not scheme http", "GET h/", false)
	f("not scheme http", "GET https://h/", true)
	f("not scheme http\nscheme https", "GET https://h/", true)
	f("not path /a/*", "GET h/a", false)
	f("not path /a/*", "GET h/b", true)
	f("not method POST", "POST h/", false)
	f("not host h", "GET h/", false)
	f("not header X-A = 1", "GET h/", true)
	f("not header X-A = 1", "GET h/ X-A=1", false)
	f("not query a present", "GET h/?a", false)
	f("not path /a\nnot path /b", "GET h/b", false)

	f("path /a/{id}", "GET h/a/1", true)
	f("path /a/{id}", "GET h/a/", false)
	f("path /a/{id}", "GET h/a/1/", false)
	f("path /a/{id}/", "GET h/a/1/", true)
	f("path /a/{id}/b/{x}", "GET h/a/1/b/2", true)
	f("path /a/{id}/b/{x}", "GET h/a/1/c/2", false)
	f("path /a/{id}/b/{x}", "GET h/a/1/b", false)
	f("path /{a}/b", "GET h/x/b", true)
	f("path /{a}/b", "GET h//b", false)
	f("path /a/**", "GET h/a/", true)
	f("path /a/**", "GET h/a/b/c", true)
	f("path /a/**", "GET h/a", false)
	f("path /a/{id}/{rest...}", "GET h/a/1/", true)
	f("path /a/{id}/{rest...}", "GET h/a/1/b/c", true)
	f("path /a/{id}/{rest...}", "GET h/a/1", false)
	f("path template /a/b", "GET h/a/b", true)
	f("path template /a/b", "GET h/a/bc", false)
	f("path /**", "GET h/", true)
	f("path /{a...}", "GET h/x/y", true)

	f("cookie a = 1", "GET h/ Cookie=b=2;a=1", true)
	f("cookie a = 1", "GET h/ Cookie=b=2", false)
	f("cookie a = 1", "GET h/", false)
	f("cookie a ^= 1\ncookie b present", "GET h/ Cookie=b=;a=12", true)
	f("cookie a ~ [0-9]+", "GET h/ Cookie=a=x", false)
	f("not cookie a = 1", "GET h/", true)

	f("source 10.0.0.0/8", "GET h/ @10.1.2.3", true)
	f("source 10.0.0.0/8", "GET h/ @::ffff:10.1.2.3", true)
	f("source 10.0.0.0/8 fd00::/8", "GET h/ @fd00::1", true)
	f("source 10.0.0.0/8", "GET h/ @11.0.0.1", false)
	f("source 10.0.0.0/8", "GET h/", false)
	f("source 10.0.0.1", "GET h/ @10.0.0.1", true)
	f("source ::ffff:10.0.0.0/104", "GET h/ @10.1.2.3", true)
	f("not source 10.0.0.0/8", "GET h/", true)
	f("port 443 8443", "GET h/ :8443", true)
	f("port 443 8443", "GET h/ :80", false)
	f("sni *.example.com", "GET h/ sni:Shop.Example.com", true)
	f("sni *.example.com", "GET h/", false)
	f("cert *", "GET h/ cert:a", true)
	f("cert *", "GET h/", false)
	f("cert shop.example.com spiffe://x/y", "GET h/ cert:a,spiffe://x/y", true)
	f("cert spiffe://x/*", "GET h/ cert:a,spiffe://x/y/z", true)
	f("cert *.example.com", "GET h/ cert:example.com", false)
	f("cert a*a", "GET h/ cert:a", false)
	f("cert sha256:"+strings.Repeat("0A:", 31)+"0A", "GET h/ cert:a", true)
	f("cert sha256:"+strings.Repeat("0b", 32), "GET h/ cert:a", false)
	f("cert *0a", "GET h/ cert:a", false)

	f("grpc shop.v1.Cart", "POST h/shop.v1.Cart/Add Content-Type=application/grpc", true)
	f("grpc shop.v1.Cart", "POST h/shop.v1.Cart/Add content-type=application/grpc+proto;a=b", true)
	f("grpc shop.v1.Cart", "POST h/shop.v1.Cart/Add content-type=application/grpc-web", false)
	f("grpc shop.v1.Cart", "POST h/shop.v1.Cart/Add", false)
	f("grpc shop.v1.Cart", "POST h/shop.v1.Cart content-type=application/grpc", false)
	f("grpc a shop.v1.Cart/Add", "POST h/shop.v1.Cart/Add content-type=application/grpc", true)
	f("grpc shop.v1.Cart/Add", "POST h/shop.v1.Cart/AddAll content-type=application/grpc", false)
	f("type application/json", "POST h/ content-type=Application/JSON;charset=utf-8", true)
	f("type application/json", "POST h/ content-type=application/jsonx", false)
	f("type text/* application/*+json", "POST h/ content-type=application/problem+json", true)
	f("type application/*+json", "POST h/ content-type=application/json", false)
	f("type application/json", "POST h/", false)
	f("type application/*", "POST h/ content-type=application/"+strings.Repeat("x", 300), false)
	f("size > 10", "POST h/ length:11", true)
	f("size > 10", "POST h/ length:10", false)
	f("size > 10", "POST h/ length:-1", false)
	f("size <= 10", "POST h/ length:-1", false)
	f("size < 10\nsize >= 5", "POST h/ length:4", false)
	f("size < 10\nsize >= 5", "POST h/ length:5", true)
	f("size = 0", "GET h/", true)

	f("any\npath /a\nor\npath /b\nmethod PUT\nend", "GET h/a", true)
	f("any\npath /a\nor\npath /b\nmethod PUT\nend", "GET h/b", false)
	f("any\npath /a\nor\npath /b\nmethod PUT\nend", "PUT h/b", true)
	f("any\npath /a\nor\npath /b\nend\nmethod PUT", "GET h/a", false)
	f("any\npath /a/*\nend\nany\nmethod GET\nor\nmethod PUT\nend", "PUT h/a", true)
	f("any\npath /a/*\nend\nany\nmethod GET\nor\nmethod PUT\nend", "POST h/a", false)
	f("not\npath /a\nmethod PUT\nend", "PUT h/a", false)
	f("not\npath /a\nmethod PUT\nend", "GET h/a", true)
	f("not\nany\nheader a present\nor\nnot header b present\nend\nend", "GET h/ b=1", true)
	f("not\nany\nheader a present\nor\nnot header b present\nend\nend", "GET h/ a=1 b=1", false)
	f("not\nany\nheader a present\nor\nnot header b present\nend\nend", "GET h/", false)
	f("any\nwhen /a\nor\nwhen /b\nend", "GET h/b", true)

	f("when /a", "GET h/a", true)
	f("when /a", "GET h/b", false)
	f("when /a\nmethod POST", "GET h/a", false)
}

func TestMatchesWithoutHeaders(t *testing.T) {
	m := Match{Headers: []Condition{{Name: "X-A", Op: OpPresent}}}
	if m.Matches(&Request{Path: "/"}) {
		t.Error("a header is present where there are none")
	}
}

func TestParams(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		var got []string
		for name, value := range Params(query) {
			got = append(got, name+":"+value)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q: %q, want %q", query, text, want)
		}
	}
	f("", "")
	f("a", "a:")
	f("a=1&b=2", "a:1 b:2")
	f("&a=1&&", "a:1")
	f("a=b=c", "a:b=c")
	f("=x", ":x")
	f("%61+=%2b%2", "a :+%2")
	for name := range Params("a&b") {
		if name != "a" {
			t.Errorf("went on to %q after the break", name)
		}
		break
	}
}

func TestSafe(t *testing.T) {
	f := func(method string, want bool) {
		t.Helper()
		if got := Safe(method); got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "QUERY"} {
		f(method, true)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "", "PROPFIND"} {
		f(method, false)
	}
}

func TestHostRewrite(t *testing.T) {
	f := func(rewrite, host, want string) {
		t.Helper()
		h := ParseHostRewrite(rewrite)
		if got := string(h.AppendTo([]byte("Host: "), host)); got != "Host: "+want {
			t.Errorf("%q of %q: %q, want %q", rewrite, host, got, want)
		}
		if h.String() != rewrite {
			t.Errorf("%q reads back as %q", rewrite, h)
		}
	}
	f("", "shop:80", "shop:80")
	f("v2.example:81", "shop:80", "v2.example:81")
	f("-shadow", "shop", "shop-shadow")
	f("-shadow", "shop:8080", "shop-shadow:8080")
	f("-shadow", "[::1]:80", "[::1]-shadow:80")
	f("-shadow", "[::1]", "[::1]-shadow")
	f("-shadow", "", "-shadow")
}

func TestPercent(t *testing.T) {
	f := func(text string, want uint32, printed string) {
		t.Helper()
		got, err := ParsePercent(text)
		if err != nil || got != want || FormatPercent(got) != printed {
			t.Errorf("%q: %d %q, error %v", text, got, FormatPercent(got), err)
		}
	}
	f("0", 0, "0%")
	f("0.0001", 1, "0.0001%")
	f("10", 100_000, "10%")
	f("12.5%", 125_000, "12.5%")
	f("12.50", 125_000, "12.5%")
	f("100", All, "100%")
	f("100.0000%", All, "100%")
	for _, wrong := range []string{"", "%", "-1", "101", "100.0001", "1.", "1.00001", ".5", "1e1", "half", "0.00001"} {
		if got, err := ParsePercent(wrong); err == nil {
			t.Errorf("%q was read as %d", wrong, got)
		}
	}
}
