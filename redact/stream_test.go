package redact

import (
	"errors"
	"strings"
	"testing"
)

// compile is Compile with the tests' key, and can't fail.
func compile(t testing.TB, rules ...Rule) *Redactor {
	t.Helper()
	r, err := Compile(rules, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// redacted writes a body in pieces of a size and returns what came out, and how many values were
// redacted.
func redacted(s *Stream, r *Redactor, contentType, body string, size int) (string, int, error) {
	s.Begin(r, contentType)
	var out []byte
	for len(body) > 0 {
		n := min(size, len(body))
		var err error
		if out, err = s.Write(out, []byte(body[:n])); err != nil {
			return string(out), s.Redacted(), err
		}
		body = body[n:]
	}
	out, err := s.End(out)
	return string(out), s.Redacted(), err
}

// checkStream wants the same result however the body is cut.
func checkStream(t *testing.T, r *Redactor, contentType, body, want string, wantErr error) {
	t.Helper()
	var s Stream
	for _, size := range []int{1, 2, 3, 7, 64, len(body) + 1} {
		got, _, err := redacted(&s, r, contentType, body, size)
		if !errors.Is(err, wantErr) || err == nil && got != want || err != nil && !strings.HasPrefix(got, want) {
			t.Errorf("%s, in pieces of %d:\n got %s, %v\nwant %s, %v", body, size, got, err, want, wantErr)
			return
		}
	}
}

const jsonType = "application/json"

func TestJSONByName(t *testing.T) {
	r := compile(t, Rule{Name: "token"}, Rule{Name: "gone", Do: Remove}, Rule{Name: "last", Do: KeepLast4},
		Rule{Name: "zero", Text: "0"}, Rule{Name: "said", Text: `a "word"`})
	f := func(body, want string) {
		t.Helper()
		checkStream(t, r, jsonType, body, want, nil)
	}
	f(``, ``)
	f(`{}`, `{}`)
	f(` { "a" : [ 1 , -2.5e+7, "x" , null ] } `, ` { "a" : [ 1 , -2.5e+7, "x" , null ] } `)
	f(`{"token":"abc"}`, `{"token":"[masked]"}`)
	f(`{"ToKen" : {"a": [1, "x", {"b": "}"}]}, "c": 2}`, `{"ToKen" : "[masked]", "c": 2}`)
	f(`{"to\u212aen":[[]],"tok\u0065n":5}`, `{"to\u212aen":"[masked]","tok\u0065n":"[masked]"}`)
	f("{\"to\u212aen\":true}", "{\"to\u212aen\":\"[masked]\"}")
	f(`{"token":null,"token":"\"","token":"\\"}`, `{"token":"[masked]","token":"[masked]","token":"[masked]"}`)
	f(`{"a":"token","b":["token"]}`, `{"a":"token","b":["token"]}`)
	f(`{"zero":12.5,"a":1}`, `{"zero":0,"a":1}`)
	f(`{"zero":"x","said":"x"}`, `{"zero":"0","said":"a \"word\""}`)
	// Removal, with the right comma.
	f(`{"gone":1}`, `{}`)
	f(`{"gone":1,"a":2}`, `{"a":2}`)
	f(`{"a":2 , "gone" : {"x":[1]} }`, `{"a":2  }`)
	f(`{"a":2,"gone":"x","b":3}`, `{"a":2,"b":3}`)
	f(`{"gone":1,"gone":[],"a":2,"gone":{},"gone":"x"}`, `{"a":2}`)
	f(`[{"gone":1},{"gone":"x","b":{"gone":2,"c":3}}]`, `[{},{"b":{"c":3}}]`)
	f(`{"token":{"gone":1,"a":2},"b":{}}`, `{"token":"[masked]","b":{}}`)
	f(`{"gone":{"token":1,"gone":2},"b":[]}`, `{"b":[]}`)
	// The last four.
	f(`{"last":"1234567890","b":1}`, `{"last":"****7890","b":1}`)
	f(`{"last":12345678}`, `{"last":"****5678"}`)
	f(`{"last":"1234567"}`, `{"last":"[masked]"}`)
	f(`{"last":"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"}`, `{"last":"****éééé"}`)
	f(`{"last":["1234567890",{"a":"x"},["87654321"],true]}`, `{"last":["****7890","[masked]",["****4321"],"[masked]"]}`)
	// Sequences.
	f("{\"token\":1}\n{\"token\":2}\n", "{\"token\":\"[masked]\"}\n{\"token\":\"[masked]\"}\n")
	f("\x1e{\"token\":1}\n\x1e[2]\n", "\x1e{\"token\":\"[masked]\"}\n\x1e[2]\n")
	f("1 2\ntrue", "1 2\ntrue")
	f("\xef\xbb\xbf{\"token\":1}", "\xef\xbb\xbf{\"token\":\"[masked]\"}")
}

func TestJSONByPath(t *testing.T) {
	f := func(path, body, want string) {
		t.Helper()
		checkStream(t, compile(t, Rule{Path: path, Text: "0"}), jsonType, body, want, nil)
	}
	f("$.a.b", `{"a":{"b":1,"c":2},"b":3}`, `{"a":{"b":0,"c":2},"b":3}`)
	f("$.a.b", `{"a":[{"b":1}],"A":{"B":1}}`, `{"a":[{"b":1}],"A":{"B":0}}`)
	f("$.user.cards[*].number", `{"user":{"cards":[{"number":1},{"number":2,"x":3}]}}`, `{"user":{"cards":[{"number":0},{"number":0,"x":3}]}}`)
	f("$[1]", `[1,[2],3]`, `[1,"0",3]`)
	f("$[*].a", `[{"a":1},{"b":2},[{"a":3}]]`, `[{"a":0},{"b":2},[{"a":3}]]`)
	f("$.*", `{"a":1,"b":2}`, `{"a":0,"b":0}`)
	f("$..a", `{"a":1,"b":[{"a":{"a":2}},{"c":{"a":3}}]}`, `{"a":0,"b":[{"a":"0"},{"c":{"a":0}}]}`)
	f("$.x..a", `{"a":1,"x":{"a":2,"b":{"a":3}}}`, `{"a":1,"x":{"a":0,"b":{"a":0}}}`)
	f("$.x.**.a", `{"a":1,"x":{"a":2,"b":{"a":3}}}`, `{"a":1,"x":{"a":0,"b":{"a":0}}}`)
	f("$..[1]", `[[1,2],3]`, `[[1,0],0]`)
	f(`$["a.b"].c`, `{"a.b":{"c":1}}`, `{"a.b":{"c":0}}`)
	r := compile(t, Rule{Path: "$[0]", Do: Remove}, Rule{Path: "$[2]", Do: Remove}, Rule{Path: "$[3].x[*]", Do: Remove})
	checkStream(t, r, jsonType, `[1, 2, [3], {"x":[1,{},3]}, 4]`, `[ 2, {"x":[]}, 4]`, nil)
	first := compile(t, Rule{Path: "$.a", Text: "1"}, Rule{Name: "a", Text: "2"})
	checkStream(t, first, jsonType, `{"a":9,"b":{"a":9}}`, `{"a":1,"b":{"a":2}}`, nil)
}

func TestJSONMalformed(t *testing.T) {
	r := compile(t, Rule{Name: "token"}, Rule{Name: "gone", Do: Remove})
	f := func(body, want string, wantErr error) {
		t.Helper()
		checkStream(t, r, jsonType, body, want, wantErr)
		checkStream(t, compile(t, Rule{Name: "token"}, Rule{Name: "gone", Do: Remove}, Rule{Detect: JWT}), jsonType, body, "", wantErr)
	}
	f(`{"a":1,"token":"ab`, `{"a":1,"token":"[masked]"`, ErrTruncated)
	f(`{"a":1,"token":`, `{"a":1,"token":`, ErrTruncated)
	f(`{"a":1,"tok`, `{"a":1`, ErrTruncated)
	f(`{"a":"x\u12`, `{"a":"x`, ErrTruncated)
	f(`[1,2`, `[1,`, ErrTruncated)
	f(`[tru`, `[`, ErrTruncated)
	f(`tru`, ``, ErrUnparseable)
	f(`[`, `[`, ErrTruncated)
	f("\xef\xbb", ``, ErrTruncated)
	for _, body := range []string{
		`{a:1}`, `{'a':1}`, `{"a" 1}`, `{"a":1,}`, `[1,]`, `[1 2]`, `[1}`, `{"a":1]`, `{,}`, `]`, `[01]`, `[1.]`, `[+1]`, `[1e]`,
		`[.5]`, `[nul]`, `[True]`, `[NaN]`, `["\x"]`, `["\u12g4"]`, "[\"a\nb\"]", "[\"a\x00\"]", `/**/[]`, `{"a":1}}`, `,`, `{"a"}`,
		"{\"\xff\":1}", "{\"\\u0061\xff\":1}", "\xfe\xff\x00{", "\xef\xbb\xbe{}", "[1,\x1e2]", `{"a":,"b":1}`, `[-]`, `[- 1]`,
	} {
		f(body, "", ErrUnparseable)
	}
	f(strings.Repeat("[", 513), "", ErrTooLong)
	checkStream(t, r, jsonType, strings.Repeat(`{"a":`, 512)+"1"+strings.Repeat("}", 512), strings.Repeat(`{"a":`, 512)+"1"+strings.Repeat("}", 512), nil)
}
