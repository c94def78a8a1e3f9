package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzStream asks that the result does not depend on where a body is cut, that JSON stays JSON, and
// that no value behind a name of a rule comes through.
func FuzzStream(f *testing.F) {
	f.Add(`{"a": [1, {"token": {"b": 2}}], "tok\u0065n": "x", "gone": [1.5e3], "last":"x@y.example"}`, 1, false)
	f.Add(`[{"gone":1},"4111 1111 1111 1111",4111111111111111,"\u0034111111111111111"]`, 3, false)
	f.Add("a=1&token=2&gone=%20&last[token]=x%40y.example;gone=1", 5, true)
	f.Add(" \n[]&{", 1, true)
	r := compile(f, Rule{Name: "token"}, Rule{Name: "gone", Do: Remove}, Rule{Name: "last", Do: Pseudonym},
		Rule{Path: "$..a[1]", Do: Remove}, Rule{Path: "$[0][0]", Do: KeepLast4},
		Rule{Detect: Card, Do: Pseudonym}, Rule{Detect: Email}, Rule{Detect: IBAN, Do: KeepLast4}, Rule{Detect: Phone, Do: Remove}, Rule{Detect: JWT})
	names := compile(f, Rule{Name: "token"}, Rule{Name: "gone", Do: Remove}, Rule{Path: "$..a[1]", Do: Remove})
	f.Fuzz(func(t *testing.T, body string, size int, form bool) {
		kind := jsonType
		if form {
			kind = "application/x-www-form-urlencoded"
		}
		for _, r := range []*Redactor{r, names} {
			var s Stream
			whole, n, err := redacted(&s, r, kind, body, len(body)+1)
			cut, m, cutErr := redacted(&s, r, kind, body, max(size&0xff, 1))
			if !errors.Is(cutErr, err) || err == nil && (cut != whole || n != m) {
				t.Fatalf("%q becomes %q, %d, %v, and in pieces of %d %q, %d, %v", body, whole, n, err, size&0xff, cut, m, cutErr)
			}
			if err != nil || form {
				continue
			}
			if got, want := countValues(whole), countValues(body); got < 0 || got != want {
				t.Fatalf("%q becomes %q: %d values became %d", body, whole, want, got)
			}
			dec := json.NewDecoder(strings.NewReader(withoutMarks(whole)))
			for value := any(nil); dec.Decode(&value) == nil; value = nil {
				checkNames(t, value)
			}
		}
	})
}

// countValues counts the JSON values of a sequence, or returns -1 if it is none.
func countValues(body string) (n int) {
	dec := json.NewDecoder(strings.NewReader(withoutMarks(body)))
	for {
		var value json.RawMessage
		if err := dec.Decode(&value); err == io.EOF {
			return n
		} else if err != nil {
			return -1
		}
		n++
	}
}

// withoutMarks is a body without what Go's decoder does not take between values.
func withoutMarks(body string) string {
	return strings.ReplaceAll(strings.Replace(body, "\xef\xbb\xbf", "", 1), "\x1e", " ")
}

// checkNames wants the fields of FuzzStream's rules redacted.
func checkNames(t *testing.T, value any) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			checkNames(t, e)
		}
	case map[string]any:
		for name, e := range v {
			if strings.EqualFold(name, "gone") || strings.EqualFold(name, "token") && e != Masked {
				t.Errorf("%q is %v", name, e)
			}
			checkNames(t, e)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"$.a", "$..a[*].b", `$["a\"b"][3]`, "$.**.x", "$...", "$.a*", "$[01]", "$"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		steps, err := parsePath(path)
		if err != nil {
			return
		}
		if len(steps) == 0 || !strings.HasPrefix(path, "$") {
			t.Fatalf("%q has the steps %v", path, steps)
		}
		if r, err := Compile([]Rule{{Path: path}}, nil); err == nil && r.Trail().Covered() {
			t.Fatalf("%q covers the root", path)
		}
	})
}

// FuzzDetectors asks that what is found lies in the text in order, that a redacted text has no more
// of it, and that pseudonyms are of the same kind.
func FuzzDetectors(f *testing.F) {
	f.Add("4111-1111-1111-1111 a@b.cd DE89 3704 0044 0532 0130 00 +49 171 1234567 eyJhbGciOiJIUzI1NiJ9.e30.x")
	f.Add("(212) 555-0123 0049 (0)171 / 123 45 67 x@y@z.de 378282246310005")
	f.Fuzz(func(t *testing.T, text string) {
		sc := newScratch(testKey)
		for kind := noKind + 1; kind < kinds; kind++ {
			d := detectors{any: 1 << kind}
			find := finder{kinds: d.any, text: []byte(text)}
			for last := 0; find.next(); last = find.end {
				if find.begin < last || find.end <= find.begin || find.end > len(text) {
					t.Fatalf("%q: %d at %d to %d after %d", text, kind, find.begin, find.end, last)
				}
				value := []byte(text[find.begin:find.end])
				if !d.suspect([]byte(text)).has(kind) {
					t.Fatalf("%q: %q is found and not suspected", text, value)
				}
				if !d.suspect(value).has(kind) {
					t.Fatalf("%q is found and not suspected alone", value)
				}
				other := bytes.Clone(sc.instead(&rule{do: Pseudonym}, kind, value))
				if kind != JWT && kind != Phone && classify(other) != kind {
					t.Fatalf("%q of kind %d has the pseudonym %q, which is of kind %d", value, kind, other, classify(other))
				}
			}
		}
	})
}
