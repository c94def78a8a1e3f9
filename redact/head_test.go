package redact

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// checkHead gives a head with lines separated by |, and wants one back.
func checkHead(t *testing.T, r *Redactor, head, want string) {
	t.Helper()
	lines := strings.NewReplacer("|", "\r\n")
	got, err := r.Head([]byte("before"), []byte(lines.Replace(head)+"\r\n"))
	if err != nil || string(got) != "before"+lines.Replace(want)+"\r\n" {
		t.Errorf("%s\nbecomes %q, %v\nwant    %s", head, got, err, want)
	}
}

func TestHeadByName(t *testing.T) {
	r := compile(t,
		Rule{In: Query, Name: "token"}, Rule{In: Query, Name: "gone", Do: Remove}, Rule{In: Query, Name: "last", Do: KeepLast4},
		Rule{In: Header, Name: "Authorization"}, Rule{In: Header, Name: "X-Gone", Do: Remove},
		Rule{In: Header, Name: "X-User", Do: KeepLast4}, Rule{In: Cookie, Name: "session"}, Rule{In: Cookie, Name: "ads", Do: Remove})
	f := func(head, want string) { t.Helper(); checkHead(t, r, head, want) }
	f("GET / HTTP/1.1|Host: a", "GET / HTTP/1.1|Host: a")
	f("GET /a?b=c&token=x%20y&d HTTP/1.1", "GET /a?b=c&token=%5Bmasked%5D&d HTTP/1.1")
	f("GET /a?%74oken=x&TOKEN= HTTP/1.1", "GET /a?%74oken=%5Bmasked%5D&TOKEN=%5Bmasked%5D HTTP/1.1")
	f("GET /a?token=x;b=1&c=2 HTTP/1.1", "GET /a?token=%5Bmasked%5D&c=2 HTTP/1.1")
	f("GET /a?b=1;token=x?y&c=2 HTTP/1.1", "GET /a?b=1;token=%5Bmasked%5D&c=2 HTTP/1.1")
	f("GET /a?user[token]=x&a.token=y&tokens=z&token HTTP/1.1", "GET /a?user[token]=%5Bmasked%5D&a.token=%5Bmasked%5D&tokens=z&token HTTP/1.1")
	f("GET /a?gone=1 HTTP/1.1", "GET /a HTTP/1.1")
	f("GET /a?gone=1&b=2&gone=3;x HTTP/1.1", "GET /a?b=2 HTTP/1.1")
	f("GET /a?b=2;gone=3;c=4&d=5 HTTP/1.1", "GET /a?b=2&d=5 HTTP/1.1")
	f("GET /a?&& HTTP/1.1", "GET /a?&& HTTP/1.1")
	f("GET /a? HTTP/1.1", "GET /a? HTTP/1.1")
	f("GET /token=1/x HTTP/1.1", "GET /token=1/x HTTP/1.1")
	f("GET /?last=x+234567 HTTP/1.1", "GET /?last=****4567 HTTP/1.1")
	f("GET http://h/?token=1 HTTP/1.1", "GET http://h/?token=%5Bmasked%5D HTTP/1.1")
	// Header fields.
	f("GET / HTTP/1.1|authorization: Bearer abc|Accept: */*", "GET / HTTP/1.1|authorization: Bearer [masked]|Accept: */*")
	f("GET / HTTP/1.1|Authorization:my secret ", "GET / HTTP/1.1|Authorization:[masked]")
	f("GET / HTTP/1.1|X-GONE: 1|X-User: 0123456789|x-gone: 2|token: 1", "GET / HTTP/1.1|X-User: ****6789|token: 1")
	f("GET / HTTP/1.1|Referer: http://h/a?token=b,c&d=e#token=f", "GET / HTTP/1.1|Referer: http://h/a?token=%5Bmasked%5D&d=e#token=%5Bmasked%5D")
	f("HTTP/1.1 302 token=1|Location: /?token=a|Link: </x?token=a>; rel=next", "HTTP/1.1 302 token=1|Location: /?token=%5Bmasked%5D|Link: </x?token=%5Bmasked%5D>; rel=next")
	// Cookies.
	f("GET / HTTP/1.1|Cookie: a=b;  SESSION=c=d; ads=1;e", "GET / HTTP/1.1|Cookie: a=b; SESSION=%5Bmasked%5D; e")
	f("GET / HTTP/1.1|Cookie: ads=1; ads=2|A: b", "GET / HTTP/1.1|A: b")
	f("HTTP/1.1 200 OK|Set-Cookie: session=a; Path=/|Set-Cookie: ads=1|Set-Cookie: b=c; Secure", "HTTP/1.1 200 OK|Set-Cookie: session=%5Bmasked%5D; Path=/|Set-Cookie: b=c; Secure")
}

func TestHeadByDetector(t *testing.T) {
	r := compile(t, Rule{Detect: Email}, Rule{Detect: Card, Do: KeepLast4}, Rule{Detect: JWT, Do: Remove}, Rule{Detect: Phone})
	f := func(head, want string) { t.Helper(); checkHead(t, r, "GET / HTTP/1.1|"+head, "GET / HTTP/1.1|"+want) }
	f("From: Bob <bob@shop.example>, x@y.example", "From: Bob <[masked]>, [masked]")
	f("X-Card: 4111 1111 1111 1111", "X-Card: ****1111")
	f("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "Authorization: Bearer ")
	f("Cookie: mail=bob%40shop.example; n=1", "Cookie: mail=%5Bmasked%5D; n=1")
	f("Referer: /?mail=bob%40shop.example&q=x+y", "Referer: /?mail=%5Bmasked%5D&q=x+y")
	f("Content-Length: 4111111111111111", "Content-Length: 4111111111111111")
	f("Range: bytes=00-1234567890", "Range: bytes=00-1234567890")
	checkHead(t, r, "GET /bob@shop.example?a+bob@shop.example=1&bob%40shop.example HTTP/1.1", "GET /bob@shop.example?a+%5Bmasked%5D=1&%5Bmasked%5D HTTP/1.1")
}

func TestHeadMalformed(t *testing.T) {
	r := compile(t, Rule{Name: "token"})
	for _, head := range []string{"", "GET / HTTP/1.1", "GET\r\n", "GET /\r\n", "GET / HTTP/1.1\r\nno colon\r\n", "GET / HTTP/1.1\r\n: x\r\n", "GET / HTTP/1.1\r\nA: b"} {
		if got, err := r.Head([]byte("before"), []byte(head)); err != ErrUnparseable || string(got) != "before" {
			t.Errorf("%q becomes %q, %v", head, got, err)
		}
	}
	if got, err := r.Fields(nil, []byte("Token: a\r\nB: c\r\n")); err != nil || string(got) != "Token: [masked]\r\nB: c\r\n" {
		t.Errorf("trailer fields become %q, %v", got, err)
	}
}

func TestCovers(t *testing.T) {
	r := compile(t, Rule{Name: "Host"}, Rule{In: Header, Name: "X-Token"}, Rule{In: Cookie, Name: "session"}, Rule{Detect: Card})
	f := func(in Place, name string, want bool) {
		t.Helper()
		if got := r.Covers(in, []byte(name)); got != want {
			t.Errorf("%s in %d is covered: %v", name, in, got)
		}
	}
	f(Header, "x-TOKEN", true)
	f(Header, "Host", false)
	f(Query, "host", true)
	f(Form, "x-token", false)
	f(Form, "x%5BHOST%5d", true)
	f(Cookie, "session", true)
	f(Header, "session", false)
	f(Header, "other", false)
}

// headRules are those of FuzzHead and TestRandomHeads.
func headRules(t testing.TB) *Redactor {
	return compile(t, Rule{Name: "token"}, Rule{Name: "gone", Do: Remove}, Rule{Name: "Authorization", Do: Pseudonym},
		Rule{Detect: Card, Do: Pseudonym}, Rule{Detect: Email}, Rule{Detect: Phone, Do: KeepLast4})
}

// FuzzHead asks that a redacted head is one, with the same start line but for its query, and that
// values of names do not come through, in a form neither.
func FuzzHead(f *testing.F) {
	f.Add("/a?token=1&b=2", "Cookie", "token=1; b=2")
	f.Add("/;?#&=", "Referer", "x?y?token=1#&token=%zz;token")
	f.Add("/?gone&gone=%20;", "Authorization", "Basic x")
	r := headRules(f)
	f.Fuzz(func(t *testing.T, target, name, value string) {
		if !strings.ContainsAny(target, " \r\n") && name != "" && !strings.ContainsAny(name, ":\r\n") && !strings.ContainsAny(value, "\r\n") {
			checkRandomHead(t, r, target, name, value)
		}
	})
}

// TestRandomHeads is FuzzHead for texts of what matters.
func TestRandomHeads(t *testing.T) {
	r := headRules(t)
	rng := rand.New(rand.NewPCG(3, 4))
	text := func(pieces []string) string {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		return b.String()
	}
	pieces := strings.Split("token|gone|=|=|&|&|;|?|?|#|%|%74|+|[|]|.|a|/|a@b.example|4111111111111111|\xff|é|%zz|\"|<|>|,|{|+49171", "|")
	for range 10_000 {
		name := []string{"Cookie", "Set-Cookie", "Referer", "X", "Authorization", "Gone"}[rng.IntN(6)]
		checkRandomHead(t, r, "/"+text(pieces), name, text(append(pieces, " ", "\t")))
	}
}

func checkRandomHead(t *testing.T, r *Redactor, target, name, value string) {
	t.Helper()
	pair := "&token=" + secret
	head := "GET " + target + "?" + pair + " HTTP/1.1\r\nA: ?token=" + secret + "\r\n" + name + ": " + value + "\r\n" +
		"Cookie: " + strings.ReplaceAll(value, "\"", "") + "; token=" + secret + "\r\nToken: " + secret + "\r\n"
	got, err := r.Head(nil, []byte(head))
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	path, _, _ := strings.Cut(strings.ReplaceAll(target, "#", "?"), "?")
	if !strings.HasPrefix(string(got), "GET "+path) || strings.Count(string(got), "\r\n") < 4 || strings.Contains(string(got), secret) {
		t.Fatalf("%q becomes %q", head, got)
	}
	if again, err := r.Head(nil, got); err != nil {
		t.Fatalf("%q becomes %q, which becomes %q, %v", head, got, again, err)
	}
	var s Stream
	if form, _, err := redacted(&s, r, formType, value+pair, 3); strings.Contains(form, secret) || err != nil && err != ErrUnparseable && err != ErrTruncated {
		t.Fatalf("%q becomes %q, %v", value+pair, form, err)
	}
}
