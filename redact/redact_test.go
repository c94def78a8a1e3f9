package redact

import (
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	m := New("X-Api-Key", "token")
	f := func(name, value, want string) {
		t.Helper()
		if got := m.Header(name, value); got != want {
			t.Errorf("%s: %s is kept as %q, want %q", name, value, got, want)
		}
	}
	f("Authorization", "Bearer abc", Masked)
	f("proxy-authorization", "Basic abc", Masked)
	f("COOKIE", "a=b", Masked)
	f("Set-Cookie", "a=b; Path=/", Masked)
	f("x-api-key", "abc", Masked)
	f("Accept", "*/*", "*/*")
	f("Location", "/cb?a=1&TOKEN=abc#x", "/cb?a=1&TOKEN=[masked]")
	f("Location", "/cb#a=1&token=abc", "/cb#a=1&token=[masked]")
	f("Link", "</next?token=abc>; rel=next", "</next?token=[masked]")
	f("X-Debug", `{"token": "abc"}`, Masked)
	f("Access-Control-Allow-Headers", "X-Api-Key", "X-Api-Key")
	f("Cache-Control", "max-age=60", "max-age=60")
	f("Grpc-Message", "wrong token=abc", "wrong token=[masked]")
	f("Grpc-Status-Details-Bin", "dG9rZW49YWJj", Masked)
}

func TestStart(t *testing.T) {
	m := New("token", " Pass Word ", "")
	f := func(line, want string) {
		t.Helper()
		if got := m.Start(line); got != want {
			t.Errorf("%q is kept as %q, want %q", line, got, want)
		}
	}
	f("GET / HTTP/1.1", "GET / HTTP/1.1")
	f("GET /a?b=c HTTP/1.1", "GET /a?b=c HTTP/1.1")
	f("GET /a?token=abc&b=c HTTP/1.1", "GET /a?token=[masked]&b=c HTTP/1.1")
	f("GET /a?%74oKen=abc HTTP/1.1", "GET /a?%74oKen=[masked] HTTP/1.1")
	f("GET /a?b=1;token=abc;def HTTP/1.1", "GET /a?b=1;token=[masked] HTTP/1.1")
	f("GET /a?token=abc?def&c=1 HTTP/1.1", "GET /a?token=[masked]&c=1 HTTP/1.1")
	f("GET /a?user[token]=abc HTTP/1.1", "GET /a?user[token]=[masked] HTTP/1.1")
	f("GET /a?token[0]=abc HTTP/1.1", "GET /a?token[0]=[masked] HTTP/1.1")
	f("GET /a?pass+word=abc HTTP/1.1", "GET /a?pass+word=[masked] HTTP/1.1")
	f("GET /a;token=abc/b HTTP/1.1", "GET /a;token=[masked] HTTP/1.1")
	f("HTTP/1.1 200 token=1", "HTTP/1.1 200 token=1")
	f("nonsense", "nonsense")
}

// TestAppendTarget holds what event loops ask for: the same as Target, behind what is there, and without
// an allocation.
func TestAppendTarget(t *testing.T) {
	f := func(m *Mask, target, want string) {
		t.Helper()
		if got := m.Target(target); got != want {
			t.Errorf("%q is kept as %q, want %q", target, got, want)
		}
		room, in := make([]byte, 0, 256), []byte(target)
		if got := string(m.AppendTarget(append(room, "GET "...), in)); got != "GET "+want || string(in) != target {
			t.Errorf("%q is appended as %q, want %q; it is %q now", target, got, "GET "+want, in)
		}
		if n := testing.AllocsPerRun(100, func() { m.AppendTarget(room, in) }); n > 0 {
			t.Errorf("%q: %v allocations", target, n)
		}
	}
	m := New("token", "pin")
	f(m, "", "")
	f(m, "/a", "/a")
	f(m, "/a?b=c&d", "/a?b=c&d")
	f(m, "&a=b&&c=d&", "&a=b&&c=d&")
	f(m, "/a?token=abc&b=c&pin=1;2#x", "/a?token=[masked]&b=c&pin=[masked]")
	f(m, "/a?user%5BTOKEN%5D=abc", "/a?user%5BTOKEN%5D=[masked]")
	f(m, "/a?x+.token.=abc", "/a?x+.token.=[masked]")
	f(m, "/a?%2=token&%zz.pin=1&100%=1", "/a?%2=token&%zz.pin=[masked]&100%=1")
	f(m, "http://a/?b=token#pin=1", "http://a/?b=token#pin=[masked]")
	f(New(), "/a?token=abc", "/a?token=abc")
}

func TestBody(t *testing.T) {
	m := New("token", "kennwört")
	f := func(kind, body, want string) {
		t.Helper()
		if got := string(m.Body(kind, []byte(body))); got != want {
			t.Errorf("%s %q is kept as %q, want %q", kind, body, got, want)
		}
	}
	const js, form = "application/json", "application/x-www-form-urlencoded; charset=utf-8"
	f(js, `{"a": 1, "b": [true, null, "x"]}`, `{"a": 1, "b": [true, null, "x"]}`)
	f(js, `{"a": {"Token" : "abc", "c": 2}}`, `{"a": {"Token" : "[masked]", "c": 2}}`)
	f(js, `[{"token": {"a": ["b"]}}, 5]`, `[{"token": "[masked]"}, 5]`)
	f(js, `{"t\u006fken": 5}`, `{"t\u006fken": "[masked]"}`)
	f(js, `{"KENNWÖRT": 5}`, `{"KENNWÖRT": "[masked]"}`)
	f(js, `{"bad \x escape": 5}`, `{"bad \x escape": "[masked]"}`)
	f(js, "{\"token\":1}\n{\"token\":2}\n", "{\"token\":\"[masked]\"}\n{\"token\":\"[masked]\"}\n")
	f(js, `{"query": "login(token: \"abc\")", "n": 1}`, `{"query": "[masked]", "n": 1}`)
	f(js, `{"next": "/a?token=abc"}`, `{"next": "[masked]"}`)
	f(js, `{"kind": "token"}`, `{"kind": "token"}`)
	// Bodies that break off.
	f(js, `{"a": 1, "token": "ab`, `{"a": 1, "token": "[masked]"`)
	f(js, `{"token": {"a": [1, "ab`, `{"token": "[masked]"`)
	f(js, `{"token": 12`, `{"token": "[masked]"`)
	f(js, `{"token":`, `{"token":"[masked]"`)
	f(js, `{"a": "some te`, `{"a": "some te`)
	f(js, `{"a": "token=ab`, `{"a": [masked]`)
	f(js, `{"a": 1, "tok`, `{"a": 1, "tok`)
	// Malformed ones.
	f(js, `{a: 1, 'b': 2}`, `{a: 1, 'b': 2}`)
	f(js, `{a: 1, 'token': 2}`, `{[masked]`)
	f(js, `{"a": 1} tail token=2`, `{"a": 1} tail [masked]`)
	f(js, `{"a": @, "t\u006fken": 2}`, `{"a": [masked]`)
	f(js, strings.Repeat("[", 600), strings.Repeat("[", 600))
	// Others.
	f("text/plain", `{"token": 1}`, `{"token": "[masked]"}`)
	f("text/plain", "hello", "hello")
	f("text/html", `<input name="Token" value="abc">`, Masked)
	f("image/png", "\x89PNG\x00\xff", Masked)
	f("text/plain", "h\x00e\x00", Masked)
	f("text/plain", "broken off h\xc3", "broken off h\xc3")
	f("application/grpc", "\x00\x00\x00\x00\x05hello", Masked)
	f("application/grpc+json", "{\"a\": 1}", Masked)
	f("Application/GRPC-web-text", "dG9rZW49YWJj", Masked)
	f(form, "a=1&token=abc&b=2", "a=1&token=[masked]&b=2")
	f(form, `{"token": "abc"}`, Masked)
	f(form, `{"t\u006fken": "abc"}&a=1`, Masked)
	f(form, `a={"token": "abc"}`, Masked)
	f(form, `{"a": 1, &%74oken=abc`, `{"a": 1, &%74oken=[masked]`)
	f("", "", "")
}

func TestNoNames(t *testing.T) {
	m := New()
	const body = "\x89PNG\x00 token=1"
	if got := string(m.Body("", []byte(body))); got != body {
		t.Errorf("without names a body is kept as %q", got)
	}
	if got := m.Header("Cookie", "a=b"); got != Masked {
		t.Errorf("without names a cookie is kept as %q", got)
	}
	if got := m.Header("Grpc-Status-Details-Bin", "abc"); got != "abc" {
		t.Errorf("without names a binary field is kept as %q", got)
	}
	if m.Any() {
		t.Error("a mask without names says it has some")
	}
}
