package route

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shapeOf compiles the first target of a mirror of lines, which are separated by semicolons. $DIR is a
// folder with the files token and key.
func shapeOf(t testing.TB, route, mirror string) *Shape {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{"token": "t0ken\n", "key": "k&y\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mirror = strings.ReplaceAll(mirror, "$DIR", dir)
	if !strings.Contains(mirror, "to http") {
		mirror += "; to http://t v2"
	}
	r := routeOf(t, route+"; backend http://b; mirror m 100%; "+mirror)
	s, err := NewShape(r, r.Mirrors[0], &r.Mirrors[0].Targets[0], "X-Tain-Mirror", "here/m")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// headOf makes a head of a request line without its version, and fields, all separated by |.
func headOf(request string) (head string, lineEnd, hostEnd int) {
	parts := strings.Split(request, "|")
	head = parts[0] + " HTTP/1.1\r\n"
	lineEnd = len(head)
	head += "Host: shop:8080\r\n"
	hostEnd = len(head)
	for _, field := range parts[1:] {
		head += field + "\r\n"
	}
	return head, lineEnd, hostEnd
}

// append appends the copy of a request in the form of headOf, in that form and without the marker.
func (s *Shape) copyOf(t testing.TB, request string) string {
	t.Helper()
	head, lineEnd, hostEnd := headOf(request)
	got := string(s.Append([]byte("> "), []byte(head), lineEnd, hostEnd, 42))
	got, ok := strings.CutSuffix(got, "X-Tain-Mirror: here/m\r\n")
	if !ok || !strings.HasPrefix(got, "> ") {
		t.Errorf("the copy of %s has not the marker behind all fields: %q", request, got)
	}
	got = strings.TrimSuffix(strings.TrimPrefix(got, "> "), "\r\n")
	got = strings.ReplaceAll(strings.Replace(got, " HTTP/1.1", "", 1), "\r\n", "|")
	return strings.Replace(got, "|Host: shop:8080", "", 1)
}

// TestShape has a case for everything that a mirror may change of a copy.
func TestShape(t *testing.T) {
	f := func(mirror, request, want string) {
		t.Helper()
		if got := shapeOf(t, "path /api/*", mirror).copyOf(t, request); got != want {
			t.Errorf("%s: %s\nbecomes %s\nwant    %s", mirror, request, got, want)
		}
	}
	f("", "GET /api/a?b=%63&d=e|A: 1|b:2", "GET /api/a?b=%63&d=e|A: 1|b:2")
	f("host-as -shadow", "GET /api|A: 1", "GET /api|Host: shop-shadow:8080|A: 1")
	f("host-as v2", "GET /api", "GET /api|Host: v2")

	f("copy-path full /x", "GET /api/a?b", "GET /x?b")
	f("copy-path prefix /x", "GET /api/a?b", "GET /x/a?b")
	f("path /api/v1/*; copy-path prefix /x", "GET /api/v1/a?b", "GET /x/a?b")
	f("copy-path regexp ^/api/([a-z]+)/(?P<id>.*)$ /$id/${1}", "GET /api/a/7", "GET /7/a")
	f("copy-path full /x", "OPTIONS *", "OPTIONS *")

	f("copy-query remove b", "GET /?a=1&b=2&c=3", "GET /?a=1&c=3")
	f("copy-query remove b", "GET /?b=2", "GET /")
	f("copy-query remove b", "GET /?%62=2&B=3&bb", "GET /?B=3&bb")
	f("copy-query remove b", "GET /?&&a&b&", "GET /?&&a&")
	f("copy-query remove b", "GET /?", "GET /?")
	f("copy-query remove b", "GET /", "GET /")
	f("copy-query set b 1", "GET /?b=2&a=1&b", "GET /?a=1&b=1")
	f("copy-query set b 1", "GET /?b=2", "GET /?b=1")
	f("copy-query set b 1", "GET /?", "GET /?b=1")
	f(`copy-query set "ä b" "1&2=%"; copy-query set c ""`, "GET /", "GET /?%C3%A4%20b=1%262%3D%25&c=")
	f("copy-query regexp ^v=([0-9]+)&? ver=$1", "GET /?v=12&a", "GET /?ver=12a")
	f(`copy-query regexp .* ""`, "GET /?v=12&a", "GET /")
	f("copy-query regexp ^$ a=1", "GET /?", "GET /?")
	f("copy-query regexp b x; copy-query remove x; copy-query set z 1", "GET /?b=1&a", "GET /?a&z=1")
	f("copy-query set b 1", "OPTIONS *", "OPTIONS *")
	f("copy-path full /x; copy-query remove a", "GET /?a&b", "GET /x?b")

	f("copy-header set A 9", "GET /|B: 1|a: 2|a: 3|C: 4", "GET /|B: 1|C: 4|A: 9")
	f("copy-header add A 9", "GET /|a: 2|C: 4", "GET /|a: 2|C: 4|A: 9")
	f("copy-header remove A; copy-header remove Bb", "GET /|a: 2|bb: 3|C: 4|A: 5", "GET /|C: 4")
	f("copy-header remove A", "GET /|Ab: 1|ba: 2", "GET /|Ab: 1|ba: 2")
	f("copy-header default A 9", "GET /|B: 1", "GET /|B: 1|A: 9")
	f("copy-header default A 9", "GET /|a: 2|B: 1", "GET /|a: 2|B: 1")
	f("copy-header replace A 9", "GET /|a: 2|B: 1|A: 3", "GET /|B: 1|A: 9")
	f("copy-header replace A 9", "GET /|B: 1", "GET /|B: 1")
	f("copy-header default A 8; copy-header replace B 9", "GET /|b: 1|C: 1", "GET /|C: 1|A: 8|B: 9")
	f("copy-header remove-like x-.*", "GET /|X-A: 1|Ax-: 1|x-b: 2", "GET /|Ax-: 1")
	f("copy-header remove-like .*; trace sampled on", "GET /|Content-Length: 1|A: 2|tracestate: a", "GET /|Content-Length: 1|tracestate: a")
	f("copy-header remove-like x-.*; copy-header default X-A 9; copy-header replace X-B 9; copy-header add X-C 9", "GET /|X-A: 1|X-B: 2|X-C: 3", "GET /|X-A: 9|X-C: 9")
	f("copy-header default Authorization a; copy-header replace X-Api-Key b; credentials drop usual", "GET /|Authorization: u|X-Api-Key: u", "GET /|Authorization: a")
	f("copy-header remove-like cookie; credentials keep-cookies a", "GET /|Cookie: a=1|B: 1", "GET /|B: 1")
	long := strings.Repeat("x", 70)
	f("copy-header remove "+long, "GET /|"+long+"x: 1|"+long+": 2", "GET /|"+long+"x: 1")
}

func TestShapeCredentials(t *testing.T) {
	f := func(mirror, request, want string) {
		t.Helper()
		if got := shapeOf(t, "path /api/*", mirror).copyOf(t, request); got != want {
			t.Errorf("%s: %s\nbecomes %s\nwant    %s", mirror, request, got, want)
		}
	}
	const user = "GET /?ACCESS_TOKEN=a&q=1&api%5Fkey=b|authorization: a|A: 1|Cookie: a=1; b=2;c=3|x-api-key: k|X-Key: x"
	f("credentials drop usual", user, "GET /?q=1|A: 1|X-Key: x")
	f("credentials drop X-Key Authorization; credentials drop-query Q", user,
		"GET /?ACCESS_TOKEN=a&api%5Fkey=b|A: 1|Cookie: a=1; b=2;c=3|x-api-key: k")
	f("credentials drop-cookies b d", "GET /|Cookie: a=1; b=2;c=3|B: 1", "GET /|Cookie: a=1; c=3|B: 1")
	f("credentials drop-cookies a", "GET /|Cookie: a=1|B: 1|Cookie: b", "GET /|B: 1|Cookie: b")
	f("credentials keep-cookies b", "GET /|cookie: a=1; b=x=2 ; ;c|B: 1", "GET /|Cookie: b=x=2|B: 1")
	f("credentials keep-cookies b", "GET /|cookie: B=1|A: 1", "GET /|A: 1")
	f("credentials drop usual; credentials keep-cookies b", user, "GET /?q=1|A: 1|Cookie: b=2|X-Key: x")

	const bearer = "bear Authorization $DIR/token prefix \"Bearer \""
	f(bearer, "GET /|AUTHORIZATION: a|A: 1", "GET /|A: 1|Authorization: Bearer t0ken")
	f(bearer, "GET /|A: 1", "GET /|A: 1|Authorization: Bearer t0ken")
	f(bearer+"; credentials drop usual", "GET /|Authorization: a|A: 1|Cookie: b", "GET /|A: 1|Authorization: Bearer t0ken")
	f("bear-query k $DIR/key", "GET /?k=1&a=2", "GET /?a=2&k=k%26y")
	f("bear-query token $DIR/key; credentials drop usual", "GET /?token=1&a=2", "GET /?a=2&token=k%26y")
	f(bearer+"; to http://t v2; bear authorization $DIR/key", "GET /", "GET /|authorization: k&y")
	f(bearer+"; to http://t v2; "+bearer, "GET /", "GET /|Authorization: Bearer t0ken")
	f(bearer+"; to http://t v2; bear X-Api-Key $DIR/key", "GET /", "GET /|X-Api-Key: k&y|Authorization: Bearer t0ken")

	f("client drop", "GET /|x-forwarded-for: 1|A: 1|Forwarded: for=1|X-Forwarded-Proto: https|X-REAL-IP: 1",
		"GET /|A: 1|X-Forwarded-Proto: https")
	f("client drop; copy-header set X-Forwarded-For 192.0.2.1", "GET /|X-Forwarded-For: 1", "GET /|X-Forwarded-For: 192.0.2.1")
}

// TestShapeWithoutSecret holds that a credential that can't be read is an error, which quotes nothing.
func TestShapeWithoutSecret(t *testing.T) {
	r := routeOf(t, "backend http://b; mirror m 100%; bear A /nowhere/a; to http://t; bear-query B /nowhere/b; to http://u; bear A /nowhere/c")
	m := r.Mirrors[0]
	for i, want := range []string{"/nowhere/b|/nowhere/a", "/nowhere/c"} {
		_, err := NewShape(r, m, &m.Targets[i], "X", "a/m")
		for _, file := range strings.Split(want, "|") {
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("target %d: the error is %v, want %s in it", i, err, file)
			}
		}
		if i == 1 && strings.Contains(err.Error(), "/nowhere/a") {
			t.Errorf("target %d reads what its own stands in for: %v", i, err)
		}
	}
}

const (
	parentOn  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	parentOff = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

func TestShapeTrace(t *testing.T) {
	f := func(mirror, request, want string) {
		t.Helper()
		if got := shapeOf(t, "path /api/*", mirror).copyOf(t, request); got != want {
			t.Errorf("%s: %s\nbecomes %s\nwant    %s", mirror, request, got, want)
		}
	}
	const state = "|tracestate: a=1|Tracestate: b=2"
	f("trace sampled off", "GET /|Traceparent: "+parentOn+state+"|A: 1", "GET /|A: 1|traceparent: "+parentOff+state)
	f("trace sampled on", "GET /|traceparent: "+parentOff, "GET /|traceparent: "+parentOn)
	f("trace sampled on", "GET /|traceparent: "+strings.Replace(parentOff, "00-", "01-", 1)+"-x", "GET /|traceparent: "+parentOn)
	f("trace sampled on", "GET /|A: 1", "GET /|A: 1")
	// What is wrong, or there twice, goes on as it came.
	for _, wrong := range []string{"x", "ff" + parentOff[2:], strings.ToUpper(parentOff), parentOff + "-x", parentOff[:54] + "g",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-" + strings.Repeat("0", 16) + "-01",
		parentOff + "|traceparent: " + parentOff} {
		f("trace sampled on child", "GET /|traceparent: "+wrong+state, "GET /|traceparent: "+wrong+state)
	}

	f("trace baggage", "GET /|A: 1", "GET /|A: 1|baggage: tain.mirror=here/m")
	f("trace baggage", "GET /|Baggage: a=1;p , b=2|traceparent: x|baggage:|baggage: c=3", "GET /|traceparent: x|baggage: a=1;p , b=2,c=3,tain.mirror=here/m")
	full := "a=" + strings.Repeat("x", maxBaggage-len("a=,tain.mirror=here/m"))
	f("trace baggage", "GET /|baggage: "+full, "GET /|baggage: "+full+",tain.mirror=here/m")
	f("trace baggage", "GET /|baggage: "+full+"x|A: 1", "GET /|A: 1|baggage: "+full+"x")
	many := strings.Repeat("a=1,", maxBaggageMembers-2) + "a=1"
	f("trace baggage", "GET /|baggage: "+many, "GET /|baggage: "+many+",tain.mirror=here/m")
	f("trace baggage", "GET /|baggage: "+many+"|baggage: b=1", "GET /|baggage: "+many+"|baggage: b=1")
}

// TestShapeIDs holds that ids of traces are new where they are to be, and well-formed.
func TestShapeIDs(t *testing.T) {
	s := shapeOf(t, "path /api/*", "trace child start")
	request := "GET /|traceparent: " + parentOn
	parse := func(copied string) parentField {
		t.Helper()
		_, value, _ := strings.Cut(copied, "traceparent: ")
		value, _, _ = strings.Cut(value, "|")
		p, ok := parseTraceparent([]byte(value))
		if !ok {
			t.Fatalf("no traceparent is in %s", copied)
		}
		return p
	}
	child := parse(s.copyOf(t, request))
	if string(child.trace) != parentOn[3:35] || string(child.parent) == parentOn[36:52] || !child.sampled {
		t.Errorf("the child of %s is %s-%s, sampled %v", parentOn, child.trace, child.parent, child.sampled)
	}
	if other := parse(shapeOf(t, "path /api/*", "trace child; to http://u u").copyOf(t, request)); string(other.parent) == string(child.parent) {
		t.Error("the copies for two targets have one id")
	}
	head, lineEnd, hostEnd := headOf(request)
	if other := parse(strings.Replace(string(s.Append(nil, []byte(head), lineEnd, hostEnd, 43)), "\r\nX-Tain", "|X-Tain", 1)); string(other.parent) == string(child.parent) {
		t.Error("the copies of two requests have one id")
	}
	for _, without := range []string{"GET /|tracestate: a=1", "GET /|traceparent: x|tracestate: a=1"} {
		copied := s.copyOf(t, without)
		if p := parse(copied); p.sampled || strings.Contains(copied, "tracestate") || string(p.trace[:16]) == string(p.trace[16:]) {
			t.Errorf("%s becomes %s", without, copied)
		}
	}
	if p := parse(shapeOf(t, "path /api/*", "trace start sampled on").copyOf(t, "GET /")); !p.sampled {
		t.Error("a trace that starts is not sampled")
	}
}

func TestBaggageMember(t *testing.T) {
	if got := string(baggageMember("a%b/m:[1]")); got != "tain.mirror=a%25b/m:[1]" {
		t.Errorf("the member is %s", got)
	}
}

// fiveChanges are a mirror's five header changes, and a request of a browser.
const (
	fiveChanges = "copy-header set X-Env test; copy-header add X-Copy 1; copy-header remove X-Debug; credentials drop Authorization; credentials drop-cookies session"
	browser     = "GET /api/items/7?fields=name|User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128|Accept: application/json|" +
		"Accept-Encoding: gzip|Accept-Language: en|Authorization: Bearer 0f4c1a6d9e|Cookie: session=0f4c1a6d9e; locale=en|" +
		"Referer: https://shop.example/|X-Request-Id: 7|X-Forwarded-For: 192.0.2.1|X-Forwarded-Proto: https"
)

func TestShapeAllocatesNothing(t *testing.T) {
	s := shapeOf(t, "path /api/*", fiveChanges+"; copy-path prefix /x; copy-query remove a; host-as -x; client drop; trace child baggage")
	head, lineEnd, hostEnd := headOf(browser + "|traceparent: " + parentOn + "|baggage: a=1")
	in, buf := []byte(head), make([]byte, 0, 2048)
	if n := testing.AllocsPerRun(100, func() { buf = s.Append(buf[:0], in, lineEnd, hostEnd, 7) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkShape(b *testing.B) {
	for name, mirror := range map[string]string{"none": "", "five": fiveChanges, "usual": "credentials drop usual; client drop; trace child baggage"} {
		b.Run(name, func(b *testing.B) {
			s := shapeOf(b, "path /api/*", mirror)
			head, lineEnd, hostEnd := headOf(browser)
			in, buf := []byte(head), make([]byte, 0, 2048)
			b.ReportAllocs()
			for b.Loop() {
				buf = s.Append(buf[:0], in, lineEnd, hostEnd, 7)
			}
		})
	}
}

// FuzzShape holds that whatever the head, nothing of the user's credentials is in a copy, and that the
// lines stay lines.
func FuzzShape(f *testing.F) {
	f.Add("/a?token=s3cret&b", "Authorization", "s3cret", "a=s3cret; b=1")
	f.Add("/?&t%6fken=s3cret", "x-api-key", "s3cret", "b;b=;;=s3cret")
	s := shapeOf(f, "path /*", "copy-query regexp b c; copy-path regexp (a) $1$1; credentials drop usual; credentials keep-cookies b; trace child baggage; copy-header remove X; client drop")
	f.Fuzz(func(t *testing.T, target, name, value, cookies string) {
		if !isTargetText(target) || name == "" || !only(name, isTokenByte) || strings.Contains(name, "|") || !only(value+cookies, isValueByte) || containsFold(untouchable, name) {
			return
		}
		fields := "|" + name + ":" + strings.ReplaceAll(value, "|", "") + "|Cookie:" + strings.ReplaceAll(cookies, "|", "")
		head, lineEnd, hostEnd := headOf("GET " + strings.ReplaceAll(target, "|", "") + fields)
		got := string(s.Append(nil, []byte(head), lineEnd, hostEnd, 1))
		lines := strings.Split(strings.TrimSuffix(got, "\r\n"), "\r\n")
		if method, rest, _ := strings.Cut(lines[0], " "); method != "GET" || strings.Count(rest, " ") != 1 || !strings.HasSuffix(rest, " HTTP/1.1") {
			t.Fatalf("the request line of %q is %q", head, lines[0])
		}
		for _, line := range lines[1:] {
			field, kept, ok := strings.Cut(line, ":")
			if !ok || !only(field, isTokenByte) {
				t.Fatalf("%q becomes %q", head, got)
			}
			if containsFold(UsualHeaders, field) && !strings.EqualFold(field, "Cookie") {
				t.Fatalf("%q keeps %q", head, line)
			}
			if strings.EqualFold(field, "Cookie") {
				for pair := range strings.SplitSeq(kept, ";") {
					if name, _, _ := strings.Cut(strings.TrimSpace(pair), "="); strings.TrimSpace(name) != "b" {
						t.Fatalf("%q keeps the cookie %q", head, pair)
					}
				}
			}
		}
		_, query, _ := strings.Cut(strings.TrimSuffix(lines[0], " HTTP/1.1"), "?")
		for param := range Params(query) {
			if containsFold(UsualParams, param) {
				t.Fatalf("%q keeps %q", head, param)
			}
		}
	})
}

// isTargetText says whether a request may have the target.
func isTargetText(target string) bool {
	return strings.HasPrefix(target, "/") && only(target, func(c byte) bool { return c > ' ' && c < 0x7f })
}
