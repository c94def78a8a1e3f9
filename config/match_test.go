package config

import (
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"tain.dev/tain/route"
)

func TestParseMatch(t *testing.T) {
	// f checks the conditions that texts, separated by " ; ", stand for.
	f := func(texts, want string) {
		t.Helper()
		m, errs := ParseMatch(strings.Split(texts, " ; "))
		got := m.String()
		for _, err := range errs {
			got += err.Error() + "\n"
		}
		if got != want {
			t.Errorf("%s: got\n%swant\n%s", texts, got, want)
		}
	}
	f("method=GET", "method GET\n")
	f("method=GET,HEAD ; path=/a", "path /a\nmethod GET HEAD\n")
	f("scheme=https", "scheme https\n")
	f("scheme!=https ; path=/a", "path /a\nnot scheme https\n")
	f("method!=POST", "not method POST\n")
	f("host=*.example.com,b", "host *.example.com b\n")
	f("host!=b", "not host b\n")
	f("path=/api/*", "path /api/*\n")
	f("path=/api*", "path /api*\n")
	f("path^=/api/", "path bytes /api/\n")
	f("path!=/a", "not path /a\n")
	f("path~=/a|/b", "path ~ /a|/b\n")
	f("path!~=/a", "not path ~ /a\n")
	f("header.X-Env=prod", "header X-Env = prod\n")
	f("header.X-Env=", `header X-Env = ""`+"\n")
	f("header.X-Env=a=b", "header X-Env = a=b\n")
	f("header.X-Env!=prod", "not header X-Env = prod\n")
	f("header.X-Env^=pr", "header X-Env ^= pr\n")
	f("header.X-Env~=p.*", "header X-Env ~ p.*\n")
	f("header.X-Env", "header X-Env present\n")
	f("!header.X-Env", "not header X-Env present\n")
	f("query.debug=1 ; query.a ; !query.b", "query debug = 1\nquery a present\nnot query b present\n")

	f(`scheme == "https"`, "scheme https\n")
	f(`scheme != "https"`, "not scheme https\n")
	f(`scheme in ["http"]`, "scheme http\n")
	f(`method == "GET"`, "method GET\n")
	f(`method=="GET"`, "method GET\n")
	f(`"GET" == method`, "method GET\n")
	f(`method!="GET"`, "not method GET\n")
	f(`method in ["GET", "HEAD"] && path.startsWith("/api/")`, "path bytes /api/\nmethod GET HEAD\n")
	f(`host == "shop.example.com"`, "host shop.example.com\n")
	f(`host in ["a", "b"]`, "host a b\n")
	f(`path in ["/a", "/b.c"]`, `path ~ /a|/b\.c`+"\n")
	f(`path.matches("^/a")`, "path ~ (?s:.*)(?:^/a)(?s:.*)\n")
	f(`header["x-env"] == "prod"`, "header x-env = prod\n")
	f(`header.env.startsWith("p")`, "header env ^= p\n")
	f(`header["x-env"] != "prod"`, "header x-env present\nnot header x-env = prod\n")
	f(`!("x-env" in header)`, "not header x-env present\n")
	f(`has(query.debug)`, "query debug present\n")
	f(`query["a"] in ["1"]`, "query a = 1\n")
	f(`query["a"].matches("1")`, "query a ~ (?s:.*)(?:1)(?s:.*)\n")
	f(`!(path == "/a") && !has(query.x)`, "not path /a\nnot query x present\n")

	f(`path == "/a" || method == "GET"`, "any\n  path /a\nor\n  method GET\nend\n")
	f(`path == "/a" || method == "GET" || method == "PUT" && path == "/b"`, "any\n  path /a\nor\n  method GET\nor\n  path /b\n  method PUT\nend\n")
	f(`!(path == "/a" && method == "GET")`, "any\n  not path /a\nor\n  not method GET\nend\n")
	f(`!(path == "/a" || method == "GET")`, "not path /a\nnot method GET\n")
	f(`!(header.a == "1" || query.b == "1")`, "header a present\nquery b present\nnot header a = 1\nnot query b = 1\n")
	f(`!(method != "GET")`, "method GET\n")
	f(`path.startsWith("/a") && path.matches("b$")`, "path /a*\nany\n  path ~ (?s:.*)(?:b$)(?s:.*)\nend\n")

	f("path=/orders/{id} ; cookie.beta=1 ; !cookie.old", "path /orders/{id}\ncookie beta = 1\nnot cookie old present\n")
	f("path=/files/**", "path /files/**\n")
	f("path!=/a/{b...}", "not path /a/{b...}\n")
	f("source=10.0.0.0/8,192.168.0.7 ; source!=10.1.0.0/16", "source 10.0.0.0/8 192.168.0.7/32\nnot source 10.1.0.0/16\n")
	f("cert=spiffe://x/*,a.b ; sni=*.b ; port=443,8443", "cert spiffe://x/* a.b\nsni *.b\nport 443 8443\n")
	f("cert", "cert *\n")
	f("!cert ; port!=80", "not cert *\nnot port 80\n")
	f("grpc=shop.v1.Cart,shop.v1.Order/Get ; type=application/grpc,application/*+proto", "grpc shop.v1.Cart shop.v1.Order/Get\ntype application/grpc application/*+proto\n")
	f("size>1KiB ; size<=64KiB ; type!=text/*", "size >= 1025\nsize <= 65536\nnot type text/*\n")
	f("size<10", "size <= 9\n")
	f("size>=10", "size >= 10\n")
	f("size=10", "size = 10\n")
	f(`cookie.beta == "1" && !("a" in cookie)`, "cookie beta = 1\nnot cookie a present\n")
	f(`source == "10.0.0.1" || source in ["::1", "10.0.0.2"]`, "any\n  source 10.0.0.1/32\nor\n  source ::1/128 10.0.0.2/32\nend\n")
	f(`cidr("10.0.0.0/8").containsIP(source)`, "source 10.0.0.0/8\n")
	f(`!cidr("10.0.0.0/8").containsIP(source)`, "source 0.0.0.0/0 ::/0\nnot source 10.0.0.0/8\n")
	f(`"spiffe://x/y" in cert && sni == "a" && port in [80, 443] && port != 443`, "cert spiffe://x/y\nsni a\nport 80 443\nnot port 443\n")
	f(`grpc == "s.v1.C/M" || grpc.startsWith("s.v2.C/")`, "any\n  grpc s.v1.C/M\nor\n  grpc s.v2.C\nend\n")
	f(`content_type == "application/json" && body_size > 10 && body_size <= 20`, "type application/json\nsize >= 11\nsize <= 20\n")
	f(`!(body_size > 10)`, "size <= 10\n")
	f(`body_size == 7`, "size = 7\n")
	f(`body_size != 7`, "when body_size != 7\n")
	f(`source == "10.0.0.01"`, "when source == \"10.0.0.01\"\n")
	f(`source.startsWith("10.")`, "when source.startsWith(\"10.\")\n")
	f(`cidr("10.0.0.1/8").containsIP(source)`, "when cidr(\"10.0.0.1/8\").containsIP(source)\n")
	f(`grpc == "s"`, "when grpc == \"s\"\n")
	f(`content_type == "Text/html"`, "when content_type == \"Text/html\"\n")
	f(`"a*" in cert`, `when "\"a*\" in cert"`+"\n")
	f(`cert.exists(n, n.startsWith("a"))`, "when cert.exists(n, n.startsWith(\"a\"))\n")
	f(`port > 1024`, "when port > 1024\n")

	f(`scheme == ""`, "when scheme == \"\"\n")
	f(`scheme == "ftp"`, "when scheme == \"ftp\"\n")
	f(`scheme in ["http", "https"]`, "when scheme in [\"http\", \"https\"]\n")
	f(`scheme == "http" && scheme != "http"`, "when scheme == \"http\" && scheme != \"http\"\n")
	f(`scheme.startsWith("http")`, "when scheme.startsWith(\"http\")\n")
	f(`path.size() > 3`, "when path.size() > 3\n")
	f(`path == "a"`, "when path == \"a\"\n")
	f(`host == "*.x"`, "when host == \"*.x\"\n")
	f(`host == "X"`, "when host == \"X\"\n")
	f(`path == "/a" && path == "/b"`, "when path == \"/a\" && path == \"/b\"\n")
	f(`path == "/a" || method.size() > 3`, "when path == \"/a\" || method.size() > 3\n")
	f(`method.startsWith("P")`, "when method.startsWith(\"P\")\n")
	f(`path.endsWith("x") ; method=GET ; method.size() > 3`, `method GET
when (path.endsWith("x")) && (method.size() > 3)
`)

	const neither = "is neither a short form such as method=GET nor an expression: "
	f("metod=GET", `match[0]: "metod=GET": `+neither+"Syntax error: token recognition error at: '=G'\n")
	f("path", `match[0]: "path": has no value; use one such as path=…`+"\n")
	f("!header.x=1", `match[0]: "!header.x=1": has no value; use one such as header.x=…`+"\n")
	f("method~=G", `match[0]: "method~=G": ~= can't be used with method; use = or !=, or an expression such as method.startsWith("x")`+"\n")
	f("scheme=http,https", `match[0]: "scheme=http,https": there is no scheme "http,https"; use http or https`+"\n")
	f("scheme!=", `match[0]: "scheme!=": there is no scheme ""; use http or https`+"\n")
	f("scheme^=http", `match[0]: "scheme^=http": ^= can't be used with scheme; use = or !=, or an expression such as scheme.startsWith("x")`+"\n")
	f("scheme=http ; scheme=https", `scheme http
match[1]: "scheme=https": there is a scheme already; leave one of them out
`)
	f("size>x", `match[0]: "size>x": "x" is not a size; use one such as 64MiB`+"\n")
	f("size~=1", `match[0]: "size~=1": "~=" compares no numbers; use <, <=, =, >= or >`+"\n")
	f("source=a", `match[0]: "source=a": "a" is not a range of addresses; use one such as 10.0.0.0/8 or an address`+"\n")
	f("port=https", `match[0]: "port=https": "https" is not a port; use 1 to 65535`+"\n")
	f("cert=a ; cert=b", "cert a\n"+`match[1]: "cert=b": there is a cert already; list them as cert=a,b`+"\n")
	f("size(path)", `match[0]: "size(path)": has the type int; use an expression that is true or false`+"\n")
	const named = `header, query and cookie can only be asked for a name, as in header["x-env"], "x-env" in header, has(header.env)`
	f(`header.exists(k, k == "a")`, `match[0]: "header.exists(k, k == \"a\")": `+named+"\n")
	f(`size(header) > 1`, `match[0]: "size(header) > 1": `+named+"\n")
	f(`header[path] == "a"`, `match[0]: "header[path] == \"a\"": `+named+"\n")
	f(`header["X"] == "a"`, `match[0]: "header[\"X\"] == \"a\"": the names of headers are in lower case; use "x"`+"\n")
	f("path=/a ; path=/b", `path /a
match[1]: "path=/b": there is a path already; join them to one expression with &&
`)
}

func TestExpressionColumns(t *testing.T) {
	f := func(text string, want int) {
		t.Helper()
		_, err := CompileExpression(text)
		e, ok := err.(*ExpressionError)
		if !ok || e.Column() != want {
			t.Errorf("%s: %#v, want column %d", text, err, want)
		}
	}
	f("metod", 1)
	f(`path == "/a" && metod == "GET"`, 17)
	f(`path == 3`, 6)
	f("path ==", 8)
}

func TestExpressionIsBounded(t *testing.T) {
	f := func(text string, r *route.Request, want bool) {
		t.Helper()
		holds, err := CompileExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := holds(r); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	list := "[" + strings.Repeat("1,", 50) + "1]"
	nested := list + ".all(a, " + list + ".all(b, " + list + ".all(c, path.size() > 0)))"
	f(nested, &route.Request{Path: "/"}, false)
	f(list+".all(a, path.size() > 0)", &route.Request{Path: "/"}, true)
	f(`"x" in header || method == "GET"`, &route.Request{Method: "GET"}, true)
	if _, err := CompileExpression(strings.Repeat(" ", 5000)); err == nil {
		t.Error("an expression of 5000 bytes was compiled")
	}
}

// randomExpression makes expressions of which most have a native form.
func randomExpression(rnd *rand.Rand, depth int) string {
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	if depth > 0 {
		switch rnd.IntN(5) {
		case 0, 1:
			return randomExpression(rnd, depth-1) + " && " + randomExpression(rnd, depth-1)
		case 2:
			return "!(" + randomExpression(rnd, depth-1) + ")"
		}
	}
	switch rnd.IntN(12) {
	case 0:
		return pick("port", "body_size") + pick(" == 1", " != 1", " < 5", " >= 5", " in [1, 5]")
	case 1:
		return pick(`cidr("10.0.0.0/8").containsIP(source)`, `source == "10.0.0.1"`, `source in ["::1", "11.0.0.1"]`, `"spiffe://x/y" in cert`)
	}
	subject := pick("path", "path", "grpc", "content_type", "sni", "cookie.c", "scheme", "method", "host", `header["x"]`, `header.x`, `query["q"]`, "query.q")
	constant := func() string {
		return pick(`"a/b"`, `"a/"`, `"application/grpc"`, `"/"`, `"/a"`, `"/a/b"`, `"GET"`, `"h"`, `"h.x"`, `"http"`, `"https"`, `"1"`, `""`, `"*"`, `"a b"`)
	}
	switch rnd.IntN(8) {
	case 0:
		return pick(`"x" in header`, `"q" in query`, "has(header.x)", "has(query.q)")
	case 1:
		return subject + " in [" + constant() + ", " + constant() + "]"
	case 2:
		return subject + ".startsWith(" + constant() + ")"
	case 3:
		return subject + ".matches(" + pick(`"a"`, `"^/a"`, `"/b$"`, `"a|b"`, `"(?i)A"`, `"."`) + ")"
	case 4:
		return constant() + " == " + subject
	case 5:
		return subject + " != " + constant()
	}
	return subject + " == " + constant()
}

func randomRequest(rnd *rand.Rand) *route.Request {
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	headers := map[string]string{}
	for name, value := range map[string]string{
		"x":            pick("", "/a", "1", "GET"),
		"cookie":       pick("c=1", "b=2; c=GET", "c"),
		"content-type": pick("application/grpc", "Application/gRPC+proto; a=b", "text/html", ""),
	} {
		if rnd.IntN(2) == 0 {
			headers[name] = value
		}
	}
	client, _ := netip.ParseAddr(pick("10.0.0.1", "::ffff:10.0.0.2", "11.0.0.1", "::1", ""))
	certificate := route.NewCertificate(&x509.Certificate{URIs: []*url.URL{{Scheme: "spiffe", Host: "x", Path: "/y"}}})
	return &route.Request{
		Scheme: pick("http", "https"),
		Method: pick("GET", "POST", ""),
		Host:   pick("h", "H:80", "h.x", "h.x.", "", "*"),
		Path:   pick("/", "/a", "/a/b", "/ab", "*", "", "/\n", "/\xff", "/a/", "/a/b/c"),
		Query:  pick("", "q", "q=1", "q=%31", "q=a+b&q=1", "qq=1", "q=%2Fa"),
		Header: func(name string) (string, bool) {
			value, ok := headers[strings.ToLower(name)]
			return value, ok
		},
		Client: func() netip.Addr { return client },
		Port:   uint16(rnd.IntN(3)),
		SNI:    pick("", "h", "H.x"),
		Cert:   []*route.Certificate{nil, certificate}[rnd.IntN(2)],
		Length: int64(rnd.IntN(8)) - 1,
	}
}

// TestNativeAgreesWithCEL compares the two ways to compute an expression.
func TestNativeAgreesWithCEL(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	natives := 0
	for range 2000 {
		text := randomExpression(rnd, 2)
		m, err := compileExpression(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if m.Func != nil {
			continue
		}
		natives++
		holds, err := CompileExpression(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		matches := compiled(t, m)
		for range 50 {
			r := randomRequest(rnd)
			if got, want := matches.Matches(r), holds(r); got != want {
				x, hasX := r.Header("x")
				t.Fatalf("%s on %+v from %s, x %q %v: native %v, CEL %v, from\n%s", text, r, r.Source(), x, hasX, got, want, matches)
			}
		}
	}
	if natives < 500 {
		t.Errorf("only %d of 2000 expressions have a native form", natives)
	}
}

// compiled is a match as a table has it.
func compiled(t testing.TB, m route.Match) *route.Match {
	t.Helper()
	table, errs := route.New([]*route.Route{{
		Name: "r", Backends: []route.Backend{{URL: "http://b", Weight: 1}},
		Mirrors: []*route.Mirror{{Name: "m", Match: m, Writes: true, Targets: []route.Target{{URL: "http://t"}}}},
	}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return &table.Routes()[0].Mirrors[0].Match
}

// FuzzMatch checks that no condition makes the reader or the compiled match fail, and that its text
// form reads back.
func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"method=GET", "scheme!=https", "path~=a", `header["x"] == "1" && path.startsWith("/")`, "!query.a", "path.size() > 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, errs := ParseMatch([]string{text})
		if len(errs) > 0 {
			return
		}
		line := fmt.Sprintf("route r\nbackend http://b\nmirror m 1%%\n%sto http://t\n", m.String())
		table, errs := route.ParseWith(line, route.Compile{When: CompileExpression, Key: CompileKey})
		if len(errs) > 0 {
			return // such as a header name that is none: the table says so
		}
		match := &table.Routes()[0].Mirrors[0].Match
		if match.String() != m.String() {
			t.Errorf("%q is\n%sand reads back as\n%s", text, m.String(), match)
		}
		match.Matches(&route.Request{Method: "GET", Host: "h", Path: "/a", Query: "q=1"})
	})
}

func BenchmarkMatch(b *testing.B) {
	r := &route.Request{Method: "GET", Host: "shop.example.com", Path: "/api/items/42", Query: "debug=1",
		Header: func(string) (string, bool) { return "prod", true }}
	run := func(name, text string) {
		b.Run(name, func(b *testing.B) {
			m, errs := ParseMatch([]string{text})
			if len(errs) > 0 {
				b.Fatal(errs)
			}
			match := compiled(b, m)
			b.ReportAllocs()
			for b.Loop() {
				if !match.Matches(r) {
					b.Fatal("no match")
				}
			}
		})
	}
	run("native", `method == "GET" && path.startsWith("/api/") && header["x-env"] == "prod"`)
	run("cel", `method == "GET" && path.startsWith("/api/") && header["x-env"].endsWith("prod")`)
}
