package redact

import (
	"strings"
	"testing"
)

// checkFound wants what a detector finds in a text, each find between < and >, given the marked text.
func checkFound(t *testing.T, kind Detector, marked string) {
	t.Helper()
	text := strings.NewReplacer("<", "", ">", "").Replace(marked)
	d := detectors{}
	d.add(kind, 0)
	find := finder{kinds: d.suspect([]byte(text)), text: []byte(text)}
	var got strings.Builder
	copied := 0
	for find.next() {
		got.WriteString(text[copied:find.begin] + "<" + text[find.begin:find.end] + ">")
		copied = find.end
	}
	if got.WriteString(text[copied:]); got.String() != marked {
		t.Errorf("%d found: %s\nwant:     %s", kind, got.String(), marked)
	}
}

func TestCard(t *testing.T) {
	f := func(marked string) { t.Helper(); checkFound(t, Card, marked) }
	f("<4111111111111111>") // Visa
	f("card <4111 1111 1111 1111> and <4111-1111-1111-1111>.")
	f("<4222222222222>")     // Visa of 13
	f("<5555555555554444>")  // Mastercard
	f("<2223003122003222>")  // Mastercard
	f("<3782 822463 10005>") // American Express
	f("<6011111111111117>")  // Discover
	f("<30569309025904>")    // Diners Club
	f("<3530111333300000>")  // JCB
	f("<6200000000000005>")  // UnionPay
	f("<2200000000000004>")  // Mir
	f("<6759649826438453>")  // Maestro
	f(`{"n":<4111111111111111>}`)
	f("7 <4111111111111111> 9")
	f("no. 4111111111111112, wrong check digit")
	f("1111111111111117, no issuer")
	f("41111111111111110000000, too long")
	f("x4111111111111111, 4111111111111111x, _4111111111111111")
	f("0.4111111111111111")
	f("4111  1111 1111 1111")
	f("1732200000000, 2026-11-21 14:50:39.123456")
}

func TestEmail(t *testing.T) {
	f := func(marked string) { t.Helper(); checkFound(t, Email, marked) }
	f("<a@b.cd>")
	f("mail <Bob.O'Neil+x@mail-1.shop.example>, or <x@y.example>.")
	f("mailto:<bob@shop.example>?subject=x")
	f("https://h.example/?mail=<bob@shop.example>&b=c")
	f("<jürgen@bücher.example> <用户@例子.测试>")
	f("(<a@b.example>;<c@d.example>)")
	f("..<a@b.example>.. <c@d.e1.fg>")
	f("bob@localhost, @x.example, a@.example, a@b..c, a@1.2.3.4, a@b.c")
	f("git@@<x@y.example>")
}

func TestIBAN(t *testing.T) {
	f := func(marked string) { t.Helper(); checkFound(t, IBAN, marked) }
	f("<DE89370400440532013000>")
	f("to <GB29 NWBK 6016 1331 9268 19>, now")
	f("<NO9386011117947> <MT84MALT011000012345MTLCAST001S>")
	f("<fr1420041010050500013m02606>")
	f("DE88370400440532013000, wrong check digits")
	f("DE8937040044053201300, too short; DE893704004405320130000, too long")
	f("ZZ89370400440532013000, no country")
	f("xDE89370400440532013000")
	f("DE89  3704 0044 0532 0130 00")
	f("550e8400-e29b-41d4-a716-446655440000")
}

func TestPhone(t *testing.T) {
	f := func(marked string) { t.Helper(); checkFound(t, Phone, marked) }
	f("<+491711234567>")
	f("call <+49 (0)171 / 123-45-67>, now")
	f("<+1 212-555-0123> or <1-212-555-0123> or <(212) 555-0123> or <212.555.0123>")
	f("<0049 171 1234567>")
	f("<00491711234567>")
	f("<0171/1234567> <030 12345678>")
	f("<01 23 45 67 89> <020 7946 0958>")
	f("tel=<+33123456789>")
	f("+0123456789, +12345, +1234567890123456")
	f("0012345678901 as an id")
	f("2026-11-21, 2026-11-21 14:50:39, 21.11.2026, 01-02-2024 10:15")
	f("1732200000000, 12345678901, 01234567890")
	f("550e8400-e29b-41d4-a716-446655440000, 10.0.19045.5131, 0.12345678901")
	f("112-555-0123, 212-155-0123, x212-555-0123, 212-555-0123x")
	f("00000000-0000-0000-0000-000000000000")
}

func TestJWT(t *testing.T) {
	const signed = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
	f := func(marked string) { t.Helper(); checkFound(t, JWT, marked) }
	f("<" + signed + ">")
	f("Bearer <" + signed + ">, and <eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.>")
	f("<eyJhbGciOiJSU0EifQ.a2V5.aXY.dGV4dA.dGFn>")
	f("?token=<" + signed + ">&b=c")
	f("x" + signed + ", eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0, eyJ..eyJzdWIiOiIxIn0xxxxx")
	f("eyJeyJeyJeyJeyJeyJeyJ")
}

// TestDetectorsTogether holds that what begins first is found first, and the longer of two.
func TestDetectorsTogether(t *testing.T) {
	r := compile(t, Rule{Detect: Phone, Text: "phone"}, Rule{Detect: Card, Text: "card"}, Rule{Detect: Email, Text: "mail"}, Rule{Detect: IBAN, Text: "iban"},
		Rule{Detect: Card, Text: "later"})
	f := func(body, want string) {
		t.Helper()
		checkStream(t, r, jsonType, body, want, nil)
	}
	f(`"4111111111111111 a@b.cd +49 171 1234567 DE89370400440532013000 4111111111111111"`, `"card mail phone iban card"`)
	f(`{"a@b.cd":["x","\u0061@b.cd","say \"\u0061@b.cd\" \ud83d\ude00 \ud83d"]}`, `{"mail":["x","mail","say \"mail\" \ud83d\ude00 \ud83d"]}`)
	f(`[4111111111111111,4111111111111112,-4111111111111111,4111111111111111.0]`, `["card",4111111111111112,-4111111111111111,4111111111111111.0]`)
	f(`"\u0034111111111111111"`, `"card"`)
	removed := compile(t, Rule{Detect: Card, Do: Remove})
	checkStream(t, removed, jsonType, `{"a":4111111111111111,"b":"x 4111111111111111 y"}`, `{"a":null,"b":"x  y"}`, nil)
}

// TestDetectorsAreLinear holds texts against the detectors that make them look at many places. In the
// square of their length, they would take minutes.
func TestDetectorsAreLinear(t *testing.T) {
	r := compile(t, Rule{Detect: Card}, Rule{Detect: Email}, Rule{Detect: IBAN}, Rule{Detect: Phone}, Rule{Detect: JWT})
	for _, piece := range []string{"4 ", "(", "0 ", "a@", "@", "eyJ", "eyJ.", "eyJa.a.", "DE89 ", "+", "4", "a.b@", "212-555-"} {
		text := "12345678901 " + strings.Repeat(piece, 1<<20/len(piece))
		if _, found := r.redactFound(nil, []byte(text), placeHeader, asItIs); found > 1<<20 {
			t.Errorf("%q: found %d", piece, found)
		}
	}
}
