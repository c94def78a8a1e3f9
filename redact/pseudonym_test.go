package redact

import (
	"fmt"
	"strings"
	"testing"
)

// pseudonymOf redacts one JSON value by name.
func pseudonymOf(t *testing.T, key, value string) string {
	t.Helper()
	r, err := Compile([]Rule{{Name: "x", Do: Pseudonym}}, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	var s Stream
	out, _, err := redacted(&s, r, jsonType, `{"x":`+value+`}`, 5)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(out, `{"x":`), "}")
}

func TestPseudonyms(t *testing.T) {
	const key = "0123456789abcdef"
	shape := strings.NewReplacer("1", "0", "2", "0", "3", "0", "4", "0", "5", "0", "6", "0", "7", "0", "8", "0", "9", "0")
	// Digits in want stand for any digit.
	f := func(value, want string) {
		t.Helper()
		got := pseudonymOf(t, key, value)
		if want != "" && shape.Replace(got) != shape.Replace(want) || got == value {
			t.Errorf("%s has the pseudonym %s, want %s", value, got, want)
		}
		if again := pseudonymOf(t, key, value); again != got {
			t.Errorf("%s has the pseudonyms %s and %s", value, got, again)
		}
		if other := pseudonymOf(t, "another key 0123", value); other == got && want != `"[masked]"` {
			t.Errorf("%s has the pseudonym %s with two keys", value, got)
		}
	}
	f(`"4111 1111 1111 1111"`, `"4111 1111 1111 1111"`)
	f(`4111111111111111`, `4111111111111111`)
	f(`"+49 (0)171 / 1234567"`, `"+49 (0)171 / 1234567"`)
	f(`"0123456789"`, `"0123456789"`)
	f(`1234567890123`, `1234567890123`)
	f(`-1234567.625e3`, `-1234567.625`)
	f(`"some text"`, "")
	f(`true`, `"[masked]"`)
	f(`null`, `"[masked]"`)
	f(`{"a":1}`, `"[masked]"`)
	f(`"\u00e9\ud83d\ude00"`, "")
}

// TestPseudonymsJoin holds that the same value has the same pseudonym in each place and writing, and
// different values have different ones.
func TestPseudonymsJoin(t *testing.T) {
	r := compile(t, Rule{Name: "x", Do: Pseudonym}, Rule{Detect: Email, Do: Pseudonym}, Rule{Detect: Card, Do: Pseudonym})
	var s Stream
	out, n, err := redacted(&s, r, jsonType, `["a@b.example","say a@b.example","A@B.example",{"x":"a@b.exampl\u0065"}]`, 9)
	one := strings.Split(out, `"`)[1]
	if err != nil || n != 4 || strings.Count(out, one) != 4 || !strings.HasSuffix(one, "@pseudonym.invalid") || len(one) != 32+18 {
		t.Errorf("e-mail: %s, %d, %v", out, n, err)
	}
	form, _, err := redacted(&s, r, formType, "x=a@b.example&y=a%40b.example", 9)
	encoded := strings.Replace(one, "@", "%40", 1)
	if err != nil || form != "x="+encoded+"&y="+encoded {
		t.Errorf("form: %s, %v; want %s", form, err, encoded)
	}
	if head, err := r.Head(nil, []byte("GET /?x=a@b.example HTTP/1.1\r\nX: a@b.example\r\nFrom: <a@b.example>\r\n")); err != nil ||
		string(head) != "GET /?x="+encoded+" HTTP/1.1\r\nX: "+one+"\r\nFrom: <"+one+">\r\n" {
		t.Errorf("head: %q, %v", head, err)
	}
	out, _, err = redacted(&s, r, jsonType, `["4111 1111 1111 1111",4111111111111111,{"x":["4111111111111111",4111111111111111]}]`, 9)
	card := strings.ReplaceAll(strings.Split(out, `"`)[1], " ", "")
	if err != nil || strings.Count(out, card) != 3 || classify([]byte(card)) != Card || card[0] != '4' {
		t.Errorf("cards: %s, %v", out, err)
	}
	seen := map[string]bool{}
	for i := range 1000 {
		out, _, _ := redacted(&s, r, jsonType, fmt.Sprintf(`{"x":"value %d"}`, i), 99)
		seen[out] = true
	}
	if len(seen) != 1000 {
		t.Errorf("1000 values have %d pseudonyms", len(seen))
	}
}

// TestPseudonymsAreOfTheirKind holds that check digits are right.
func TestPseudonymsAreOfTheirKind(t *testing.T) {
	sc := newScratch(testKey)
	for _, value := range []string{
		"4111111111111111", "3782 822463 10005", "2223003122003222", "6011-1111-1111-1117", "30569309025904",
		"DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "fr1420041010050500013m02606", "a@b.example", "+491711234567", "(212) 555-0123",
	} {
		kind := classify([]byte(value))
		got := string(sc.instead(&rule{do: Pseudonym}, kind, []byte(value)))
		if kind == noKind || got == value || kind != Phone && classify([]byte(got)) != kind {
			t.Errorf("%s, of kind %d, has the pseudonym %s", value, kind, got)
		}
	}
}
