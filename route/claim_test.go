package route

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// token is an unsigned token with that payload.
func token(payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signed"))
}

func TestFindClaim(t *testing.T) {
	f := func(payload, claim, want string) {
		t.Helper()
		got, ok := findClaim(nil, "Bearer "+token(payload), claim)
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s of %s: %q %v, want %q", claim, payload, got, ok, want)
		}
	}
	f(`{"sub":"user-42","iat":1516239022}`, "sub", "user-42")
	f(`{"sub":"user-42","iat":1516239022}`, "iat", "1516239022")
	f(`{"a":-1.50e+3}`, "a", "-1.50e+3")
	f(" {\n\t\"a\" : {\"sub\":\"x\"} ,\r \"sub\" : \"user\" } ", "sub", "user")
	f(`{"aud":["sub",{"sub":"x"}],"t":true,"n":null,"s":"\"}","sub":"u"}`, "sub", "u")
	f(`{"sub":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"}`, "sub", "a\"\\/\b\f\n\r\té😀z")
	f(`{"sub":"\ud83dx\ude00\ud83d\ud83d\ude00"}`, "sub", "\ufffdx\ufffd\ufffd😀")
	f(`{"\u0073ub":"u"}`, "sub", "u")
	f(`{"sub":"ü😀"}`, "sub", "ü😀")

	f(`{"realm":{"user":{"id":7}}}`, "realm.user.id", "7")
	f(`{"https://example.com/id":"u"}`, "https://example.com/id", "u")
	f(`{"a.b":{"c":1},"a":{"b.c":2}}`, "a.b.c", "1")
	f(`{"a":{"x":1},"a.b":{"d":1},"a":{"b":{"c":3}}}`, "a.b.c", "3")
	f(`{"a":{"b":[]},"a.b":4}`, "a.b", "4")
	f(`{"sub":{},"sub":"second","sub":"third"}`, "sub", "second")

	f(`{}`, "sub", "")
	f(`{"a":{}}`, "a.b", "")
	f(`{"sub€":"x","subs":"y","su":"z","":"e"}`, "sub", "")
	f(`{"sub":["x"]}`, "sub", "")
	f(`{"sub":true}`, "sub", "")
	f(`{"sub":null}`, "sub", "")
	f(`["sub","x"]`, "sub", "")
	f(`"sub"`, "sub", "")
	f(`{"a":{"b":1`, "a.c", "")
	f(`{"sub":"without an end`, "sub", "")
	f(`{"sub" "x"}`, "sub", "")
	f(`{"a":1 "sub":"x"}`, "sub", "")
	f(`{sub:1}`, "sub", "")
}

func TestFindClaimInTokens(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got, _ := findClaim(nil, value, "sub"); string(got) != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	good := token(`{"sub":"u"}`)
	f(good, "u")
	f("Bearer "+good, "u")
	f("DPoP  "+good, "u")
	f(strings.TrimSuffix(good, "c2lnbmVk"), "u") // without a signature
	f("", "")
	f("Bearer ", "")
	f("Basic dXNlcjpwYXNz", "")
	f(good[:strings.LastIndexByte(good, '.')], "")
	f("..", "")
	f("a.****.c", "")
	f(token(`{"a":"`+strings.Repeat("x", 6000)+`","sub":"u"}`), "u")
	f(token(`{"a":"`+strings.Repeat("x", 6200)+`","sub":"u"}`), "")
}

// claimOf finds the claim among the tokens of a decoder, up to which the object was opened.
func claimOf(d *json.Decoder, path string) (string, bool) {
	for d.More() {
		name, _ := d.Token()
		rest, begins := strings.CutPrefix(path, name.(string))
		switch value, _ := d.Token(); {
		case value == json.Delim('{') && begins && strings.HasPrefix(rest, "."):
			if found, ok := claimOf(d, rest[1:]); ok {
				return found, true
			}
		case value == json.Delim('{') || value == json.Delim('['):
			for depth := 1; depth > 0; {
				switch inner, _ := d.Token(); inner {
				case json.Delim('{'), json.Delim('['):
					depth++
				case json.Delim('}'), json.Delim(']'):
					depth--
				}
			}
		case begins && rest == "":
			switch value := value.(type) {
			case string:
				return value, true
			case json.Number:
				return value.String(), true
			}
		}
	}
	d.Token()
	return "", false
}

// FuzzClaim compares with package json, where it takes the payload.
func FuzzClaim(f *testing.F) {
	f.Add(`{"sub":"user-42","a":{"b":[1,{"c":"\ud83d\ude00"}]}}`, "sub")
	f.Add(`{"a":{"b":1,"c":{}},"a.b":{"c":-1e9}}`, "a.b.c")
	f.Add(`{"\u0000":"\u0000","":{"":""}}`, ".")
	f.Add(`{"a":[}`, "b")
	f.Fuzz(func(t *testing.T, payload, claim string) {
		got, found := findClaim(nil, token(payload), claim)
		if !json.Valid([]byte(payload)) || !utf8.ValidString(payload) || len(payload) > maxPayload/4*3 {
			return
		}
		want, ok := "", false
		d := json.NewDecoder(strings.NewReader(payload))
		d.UseNumber()
		if open, _ := d.Token(); open == json.Delim('{') {
			want, ok = claimOf(d, claim)
		}
		if string(got) != want || found != ok {
			t.Fatalf("%q of %s: %q %v, want %q %v", claim, payload, got, found, want, ok)
		}
	})
}
