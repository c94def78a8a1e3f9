package route

import (
	"strings"
	"testing"
)

// TestCheckKeys checks keys that no text stands for.
func TestCheckKeys(t *testing.T) {
	f := func(k SampleKey, want string) {
		t.Helper()
		mirror := &Mirror{Name: "m", Sample: Sample{By: []SampleKey{k}}, Targets: []Target{{URL: "http://t"}}}
		_, errs := New([]*Route{{Name: "r", Backends: []Backend{{URL: "http://b", Weight: 1}}, Mirrors: []*Mirror{mirror}}})
		got := ""
		for _, err := range errs {
			got += err.Error()
		}
		if want != "" {
			want = `route "r": mirrors[0].sample.by[0]: ` + want
		}
		if got != want {
			t.Errorf("%+v: %s\nwant %s", k, got, want)
		}
	}
	text := func(*Request) (string, bool) { return "", false }
	f(SampleKey{Kind: KeyCookie, Name: "session"}, "")
	f(SampleKey{Kind: KeyExpression, Expression: "path", Func: text}, "")
	f(SampleKey{Kind: KeyExpression}, `the expression "" and its function must come together`)
	f(SampleKey{Kind: KeyExpression, Func: text}, `the expression "" and its function must come together`)
	f(SampleKey{Kind: KeyExpression, Expression: "path"}, `the expression "path" and its function must come together`)
	f(SampleKey{Kind: KeyExpression, Expression: "path", Func: text, Claim: "sub"}, "has more than belongs to it; write expression TEXT")
	f(SampleKey{Kind: KeyRandom, Name: "x"}, "has more than belongs to it; write random")
	f(SampleKey{Kind: KeyRandom, Bits: 64}, "has more than belongs to it; write random")
	f(SampleKey{Kind: KeyAddress, Expression: "path"}, "has more than belongs to it; write address, or address /64")
	f(SampleKey{Kind: KeyQuery, Name: "q", Func: text}, "has more than belongs to it; write query NAME, or query NAME claim CLAIM")
	f(SampleKey{Kind: KeyExpression + 1}, "there is no such kind of key")
	f(SampleKey{Kind: KeyHeader}, "has no name; write header NAME, or header NAME claim CLAIM")
	f(SampleKey{Kind: KeyQuery, Name: strings.Repeat("x", 254)}, "254 are too many; use up to 253")
}

func TestParseSampleKey(t *testing.T) {
	f := func(text string, column int, want string) {
		t.Helper()
		k, err := ParseSampleKey(text, headerIs)
		if err == nil {
			if k.String() != want || column != 0 {
				t.Errorf("%s: %s, want %s", text, &k, want)
			}
			return
		}
		if at := err.(interface{ Column() int }).Column(); at != column || err.Error() != want {
			t.Errorf("%s: %d: %v, want %d: %s", text, at, err, column, want)
		}
	}
	f("cookie  session # of the shop", 0, "cookie session")
	f(`query "the user" claim "a b"`, 0, `query "the user" claim "a b"`)
	f(" address /64", 0, "address /64")
	f("expression X-User ", 0, "expression X-User")
	f(`expression "X User"`, 0, "expression X User")

	f("", 1, "is missing; use one such as cookie session")
	f("# nothing", 1, "is missing; use one such as cookie session")
	f(`cookie "session`, 8, "the quoted word does not end; double quotes stand around it, with Go's escapes")
	f("  cooky", 3, `"cooky" is no key; use header, cookie, query, address, random or expression`)
	f("expression wrong", 18, "expression: this is wrong")
}
