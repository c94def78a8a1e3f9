package redact

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const secret = "s3cr3tvalue"

// FuzzBody puts a secret behind a secret name into a document, cuts the document anywhere, and
// asks that the secret does not come through. around must not itself bring it.
func FuzzBody(f *testing.F) {
	f.Add("a", `{"b": [1, {`, `}], "c": 2}`, "application/json", 1000)
	f.Add(`\u0061`, "{", "}", "", 20)
	f.Add("é", "x=1&", "&y=2", "application/x-www-form-urlencoded", 30)
	f.Add("0", "{\"b;\\", "}],", "", 1000)
	f.Add("0", "{", "\x18X=2", "application/x-www-form-urlencoded", 30)
	f.Fuzz(func(t *testing.T, key, before, after, kind string, cut int) {
		if strings.Contains(key+before+after, secret) || strings.Contains(secret, key) {
			return
		}
		m := New("token")
		for _, field := range []string{
			`"token":"` + secret + `"`, `"Tok\u0065n" : {"x": ["` + secret + `"]}`,
			`"token":["` + secret, "&token=" + secret, "&%74oken=" + secret + "&",
		} {
			body := before + field + after
			if strings.HasPrefix(field, "&") {
				kind = "application/x-www-form-urlencoded"
			}
			if cut >= 0 && cut < len(body) {
				body = body[:cut]
			}
			if !strings.HasPrefix(field, "&") && !startsField(before) {
				continue
			}
			if got := m.Body(kind, []byte(body)); bytes.Contains(got, []byte(secret)) {
				t.Fatalf("%q leaks as %q", body, got)
			}
		}
	})
}

// startsField reports whether a JSON field may follow before, so that what follows is a field and
// not, say, a part of a string or of a name.
func startsField(before string) bool {
	dec := json.NewDecoder(strings.NewReader(before + `"token":"x"`))
	var name, value json.Token
	for {
		tok, err := dec.Token()
		if err != nil {
			return name == "token" && value == "x"
		}
		name, value = value, tok
	}
}

// FuzzJSON asks that masked JSON is JSON, with every secret field masked and the others as before.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, {"token": {"b": 2}}], "tok\u0065n": "x", "c": 1.5e3}`))
	f.Add([]byte(`[[], {}, "token=1", null]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var before, after any
		if json.Unmarshal(body, &before) != nil || body[0] == '-' || body[0] >= '0' && body[0] <= '9' {
			return
		}
		m := New("token")
		got := m.json(body)
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q becomes %q, which is no JSON: %v", body, got, err)
		}
		checkMasked(t, m, before, after, 0)
	})
}

func checkMasked(t *testing.T, m *Mask, before, after any, depth int) {
	switch b := before.(type) {
	case map[string]any:
		a, ok := after.(map[string]any)
		if !ok || len(a) != len(b) {
			t.Fatalf("%v became %v", before, after)
		}
		for name, value := range b {
			if m.Field([]byte(name)) {
				if a[name] != Masked {
					t.Fatalf("%q is kept as %v", name, a[name])
				}
				continue
			}
			checkMasked(t, m, value, a[name], depth+1)
		}
	case []any:
		a, ok := after.([]any)
		if !ok || len(a) != len(b) {
			t.Fatalf("%v became %v", before, after)
		}
		for i := range b {
			checkMasked(t, m, b[i], a[i], depth+1)
		}
	default:
		if before != after && after != Masked {
			t.Fatalf("%v became %v", before, after)
		}
	}
}

func FuzzTarget(f *testing.F) {
	f.Add("/a?b=c", "&d=e")
	f.Add("/a#", ";x?y")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, secret) || strings.ContainsAny(before, " ") {
			return
		}
		for _, param := range []string{"?token=", "&TOKEN=", "#t%6Fken=", ";a[token]="} {
			target := before + param + secret + after
			if got := New("token").Target(target); strings.Contains(got, secret) {
				t.Fatalf("%q leaks as %q", target, got)
			}
		}
	})
}
