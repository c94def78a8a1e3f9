package compare

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

func TestParseBounds(t *testing.T) {
	var d document
	f := func(name, text string, want bool) {
		t.Helper()
		if got := d.parse([]byte(text)); got != want {
			t.Errorf("%s: parsed = %v, want %v", name, got, want)
		}
	}
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	f("deep", nested(maxDepth+1), true)
	f("too deep", nested(maxDepth+2), false)
	f("many", "["+strings.Repeat("1,", maxNodes-2)+"1]", true)
	f("too many", "["+strings.Repeat("1,", maxNodes-1)+"1]", false)
}

// FuzzParse asks that exactly what encoding/json takes for valid is.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a": [1, -0.5e+7, "\u00e4\n"], "b": {}}`, `[]`, ` "x" `, `tru`, `01`, `{"a" 1}`, "\"\x01\"", `1.`, `-`, `[1,]`, "\"\\u000\x14\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d document
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth {
			return
		}
		if got, want := d.parse(text), json.Valid(text); got != want {
			t.Fatalf("%q: parsed = %v, want %v", text, got, want)
		}
	})
}

// FuzzDiffer asks that two documents have no difference exactly if they are equal, and that the
// difference is found from both sides.
func FuzzDiffer(f *testing.F) {
	f.Add([]byte(`{"a": [1, 2, {"id": 1}], "b": "x"}`), []byte(`{"b": "x", "a": [2, 1, {"id": 2}]}`))
	f.Add([]byte(`[1.0, "\u0061"]`), []byte(`[10e-1, "a"]`))
	f.Add([]byte(`[[1], [2], {"id": 5}, {"id": 6}]`), []byte(`[[2], {"id": 6}, [1], {"id": "5"}]`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, okX := decodeExact(a)
		y, okY := decodeExact(b)
		if !okX || !okY {
			return
		}
		there, back := countDiffs(a, b), countDiffs(b, a)
		if equal := reflect.DeepEqual(x, y); equal != (there == 0) || (there == 0) != (back == 0) {
			t.Fatalf("%s and %s: equal = %v, %d differences there, %d back", a, b, equal, there, back)
		}
		if countDiffs(a, a) != 0 {
			t.Fatalf("%s differs from itself", a)
		}
	})
}

func countDiffs(a, b []byte) (n int) {
	d := differ{veil: new(veil), now: math.MinInt64, mask: redact.New(), note: func(finding.Kind, []byte) *diff { n++; return nil }}
	if !d.json(a, b) {
		return -1
	}
	return n
}

// decodeExact decodes a document without repeated names, numbers exactly. ok is false for documents
// that the comparer and encoding/json rightly see differently.
func decodeExact(text []byte) (value any, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var d document
	if !json.Valid(text) || dec.Decode(&value) != nil || !d.parse(text) || !bytes.Equal(bytes.ToValidUTF8(text, nil), text) {
		return nil, false
	}
	if bytes.Contains(text, []byte(`\u`)) {
		return nil, false // lone surrogates decode to the same replacement
	}
	for i := range d.nodes {
		if d.nodes[i].kind != '{' {
			continue
		}
		seen := make(map[string]bool)
		for c := int32(i) + 1; c < d.nodes[i].next; c = d.nodes[c].next {
			name := string(d.name(c))
			if seen[name] {
				return nil, false
			}
			seen[name] = true
		}
	}
	return asFraction(value)
}

// asFraction replaces every number by a fraction.
func asFraction(value any) (any, bool) {
	switch v := value.(type) {
	case json.Number:
		if strings.ContainsAny(string(v), "eE") && len(v) > 5 {
			return nil, false // too large to compute with
		}
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			return nil, false
		}
		return "number " + r.String(), true
	case string:
		return "string " + v, true
	case []any:
		for i := range v {
			var ok bool
			if v[i], ok = asFraction(v[i]); !ok {
				return nil, false
			}
		}
	case map[string]any:
		for name := range v {
			var ok bool
			if v[name], ok = asFraction(v[name]); !ok {
				return nil, false
			}
		}
	}
	return value, true
}

func TestSameNumber(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if got := sameNumber([]byte(a), []byte(b)); got != want {
			t.Errorf("%s and %s: same = %v, want %v", a, b, got, want)
		}
	}
	f("1", "1", true)
	f("1", "1.0", true)
	f("1", "10e-1", true)
	f("100", "1E+2", true)
	f("0", "-0.000e7", true)
	f("0.5", "5e-1", true)
	f("0.05", "0.5", false)
	f("12.5", "1.25e1", true)
	f("1", "-1", false)
	f("9007199254740993", "9007199254740992", false)
	f("0.1", "0.10000000000000000001", false)
	f("1e99999999999999999999", "1e99999999999999999999", true)
	f("1e99999999999999999999", "1e99999999999999999998", false)
	f("10", "1", false)
}

func TestEndpoint(t *testing.T) {
	f := func(start, want string) {
		t.Helper()
		if got := string(appendEndpoint(nil, []byte(start))); got != want {
			t.Errorf("%s is %q, want %q", start, got, want)
		}
	}
	f("GET / HTTP/1.1", "GET /")
	f("GET /orders/17?x=/1 HTTP/1.1", "GET /orders/{id}")
	f("POST /v2/orders/17/items/ HTTP/1.1", "POST /v2/orders/{id}/items/")
	f("GET /u/6ba7b810-9dad-11d1-80b4-00c04fd430c8 HTTP/1.1", "GET /u/{id}")
	f("GET /c/deadbeef01 HTTP/1.1", "GET /c/{id}")
	f("GET /c/facade HTTP/1.1", "GET /c/facade")
	f("GET /o/order-17 HTTP/1.1", "GET /o/{id}")
	f("GET /t/eyJhbGciOiJIUzI1NiIsInR5cCI6 HTTP/1.1", "GET /t/{id}")
	f("GET /api-v2/http2-push/a-b HTTP/1.1", "GET /api-v2/http2-push/a-b")
	f("OPTIONS * HTTP/1.1", "OPTIONS *")
	f("GET", "GET *")
}

func TestDecode(t *testing.T) {
	var d decoder
	f := func(encoding, body, want string, wantOK bool) {
		t.Helper()
		if got, ok := d.decode([]byte(encoding), []byte(body)); ok != wantOK || ok && string(got) != want {
			t.Errorf("%s: %.20q, %v; want %.20q, %v", encoding, got, ok, want, wantOK)
		}
	}
	f("", "abc", "abc", true)
	f(" GZIP ", gzipped("abc"), "abc", true)
	f("gzip", gzipped("abcd"), "abcd", true)
	f("deflate", deflated("abc"), "abc", true)
	f("gzip", "abc", "", false)
	f("gzip", gzipped("abc")[:15], "", false)
	f("br", "abc", "", false)
	f("gzip", gzipped(strings.Repeat("\x00", maxDecoded)), strings.Repeat("\x00", maxDecoded), true)
	f("gzip", gzipped(strings.Repeat("\x00", maxDecoded+1)), "", false)
}

func TestCompressedBodies(t *testing.T) {
	l := newLab(t, Config{})
	const header = "Content-Encoding: gzip\r\n"
	l.compare(l.pair("new", get, answer(200, header, gzipped(`{"a":1}`)), answer(200, header, gzipped(`{"a":2}`))))
	l.compare(l.pair("new", get, answer(200, header, gzipped(`{"a":1}`)), answer(200, "", `{"a":1}`)))
	var got []string
	for _, f := range l.c.Findings() {
		got = append(got, string(f.Kind)+" "+f.Path)
	}
	if want := []string{"header Content-Encoding", "value a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
