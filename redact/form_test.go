package redact

import (
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

const formType = "application/x-www-form-urlencoded"

func TestForm(t *testing.T) {
	r := compile(t, Rule{Name: "token"}, Rule{Name: "pass word", Do: Remove}, Rule{Name: "id", Do: KeepLast4}, Rule{In: JSON, Name: "other"},
		Rule{Detect: Email}, Rule{Detect: Card, Do: KeepLast4})
	f := func(body, want string) {
		t.Helper()
		checkStream(t, r, formType, body, want, nil)
	}
	f("", "")
	f("a=1&b=2", "a=1&b=2")
	f("a=1&&b&=&", "a=1&&b&=&")
	f("token=abc&b=2", "token=%5Bmasked%5D&b=2")
	f("b=2&TOKEN=abc", "b=2&TOKEN=%5Bmasked%5D")
	f("b=2&user%5btoken%5D[]=a%26bc", "b=2&user%5btoken%5D[]=%5Bmasked%5D")
	f("pass+word=x&b=2&pass%20word=y&pass word=z", "b=2")
	f("pass+word=x", "")
	f("id=123456%37%38&other=x", "id=****5678&other=x")
	f("note=mail+bob%40shop.example,+now%21&n=4111+1111-11111111", "note=mail+%5Bmasked%5D,+now%21&n=****1111")
	f("%zz=%z&token=%", "%zz=%z&token=%5Bmasked%5D")
	// JSON that is called a form, as some clients do.
	f(" \n {\"token\":\"a&b=c\",\"other\":1}", " \n {\"token\":\"[masked]\",\"other\":\"[masked]\"}")
	f("[1]", "[1]")
	f(" \n ", " \n ")
	checkStream(t, r, formType, "{&token=1", "", ErrUnparseable)
	checkStream(t, compile(t, Rule{In: Form, Name: "token"}), formType, "{&token=1", "{&token=%5Bmasked%5D", nil)
}

func TestLongTokens(t *testing.T) {
	names, detector := compile(t, Rule{Name: "token"}, Rule{Name: "id", Do: Pseudonym}), compile(t, Rule{Detect: JWT})
	long := strings.Repeat("long ", 40_000)
	f := func(r *Redactor, kind, body string, wantErr error) {
		t.Helper()
		var s Stream
		if got, _, err := redacted(&s, r, kind, body, 1000); err != wantErr || err == nil && len(got) > len(body)+8 {
			t.Errorf("%.30q…: %d bytes, %v, want %v", body, len(got), err, wantErr)
		}
		if cap(s.buf) > 2*maxToken {
			t.Errorf("%.30q…: %d bytes are held", body, cap(s.buf))
		}
	}
	f(names, jsonType, `{"a":"`+long+`"}`, nil)
	f(names, jsonType, `{"token":"`+long+`"}`, nil)
	f(names, jsonType, `{"id":"`+long+`"}`, ErrTooLong)
	f(names, jsonType, `{"`+long+`":1}`, ErrTooLong)
	f(names, jsonType, `[1`+strings.Repeat("0", 2*maxToken)+`]`, ErrTooLong)
	f(names, jsonType, `[1,`+strings.Repeat(" ", 2*maxToken)+`2]`, nil)
	f(compile(t, Rule{Name: "a", Do: Remove}), jsonType, `[1,`+strings.Repeat(" ", 2*maxToken)+`2]`, ErrTooLong)
	f(detector, jsonType, `{"a":"`+long+`"}`, ErrTooLong)
	f(names, formType, "a="+long, ErrTooLong)
}

// TestStreamEnds holds that a Stream which failed stays so until it begins again.
func TestStreamEnds(t *testing.T) {
	r := compile(t, Rule{Name: "token"})
	var s Stream
	if got, n, err := redacted(&s, r, jsonType, `[{"token":1},{"a":1,"b"`, 4); err != ErrTruncated || n != 1 {
		t.Errorf("got %q, %d, %v", got, n, err)
	}
	if got, err := s.Write(nil, []byte(`:2}]`)); err != ErrTruncated || len(got) > 0 {
		t.Errorf("after an error: %q, %v", got, err)
	}
	if got, err := s.End(nil); err != ErrTruncated || len(got) > 0 {
		t.Errorf("after an error: %q, %v", got, err)
	}
	if got, n, err := redacted(&s, r, jsonType, `{"token":1,"a":{"TOKEN":1}}`, 4); err != nil || n != 2 {
		t.Errorf("after a new beginning: %q, %d, %v", got, n, err)
	}
	if _, _, err := redacted(&s, r, "multipart/form-data", "x", 1); err != ErrUnsupported {
		t.Errorf("multipart: %v", err)
	}
}

// TestNoAllocations holds that a Stream allocates nothing once it has grown.
func TestNoAllocations(t *testing.T) {
	if wire.Race {
		t.Skip("with the race detector, pools forget")
	}
	r := compile(t, twentyRules()...)
	head := []byte("GET /a?token=1&b=x%40y.example HTTP/1.1\r\nCookie: session=a\r\nFrom: a@b.example\r\n")
	var s Stream
	var dst []byte
	body, form := order(4<<10), []byte("token=1&mail=x%40y.example&pin=12345678")
	write := func(kind string, body []byte) {
		s.Begin(r, kind)
		dst = dst[:0]
		for i := 0; i < len(body); i += 100 {
			var err error
			if dst, err = s.Write(dst, body[i:min(len(body), i+100)]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.End(dst); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		write(jsonType, body)
		write(formType, form)
		dst, _ = r.Head(dst[:0], head)
	}); n >= 1 {
		t.Errorf("%v allocations for three bodies", n)
	}
}
