package compare

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

func TestFieldsOfProtobuf(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		message, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			message = proto(t, text)
		}
		var got []string
		fields, ok := appendFields(nil, message, 10)
		for _, f := range fields {
			got = append(got, fmt.Sprintf("%d %s %s", f.number, f.wire, f.text()))
		}
		if !ok {
			got = []string{"none"}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q is %s; want %s", text, s, want)
		}
	}
	f("", "")
	f("1:150", "1 varint 150")
	f("1:-1", "1 varint -1")
	f("536870911:0", "536870911 varint 0")
	f("1:12.5 2:f0.1 3:0.0", "1 fixed64 12.5, 2 fixed32 0.1, 3 fixed64 0")
	f(`1:"ab\n" 2:"" 3:x00ff 4:"a\x01"`, `1 bytes "ab`+"\n"+`", 2 bytes "", 3 bytes 2 bytes that are no text, 4 bytes 2 bytes that are no text`)
	f(`2:1 1:2 2:3 1:4`, "1 varint 2, 1 varint 4, 2 varint 1, 2 varint 3")
	f("09 1100000000000000", "1 fixed64 17")
	f("0d 11000000", "1 fixed32 17")
	f("09 000000000000f87f", "1 fixed64 9221120237041090560")
	f("0d ffffffff", "1 fixed32 -1")
	f("08 9600", "1 varint 22")  // not the shortest form
	f("08 9601", "1 varint 150") // the examples of protobuf.dev/programming-guides/encoding
	f("12 07 74657374696e67", `2 bytes "testing"`)
	f("1a 03 089601", "3 bytes 3 bytes that are no text")
	// Not messages.
	f("08", "none")
	f("08 ff", "none")
	f("00 01", "none")
	f("0a 05 61", "none")
	f("09 00", "none")
	f("0d 0000", "none")
	f("0b 0c", "none") // a group
	f("0e", "none")
	f("0a ffffffffffffffffff01", "none")
	f("80808080 10 00", "none") // field 2^29
	f("08 ffffffffffffffffffff01", "none")
	f(strings.Repeat("0801", 10), strings.TrimSuffix(strings.Repeat("1 varint 1, ", 10), ", "))
	f(strings.Repeat("0801", 11), "none")
}

// wireDiffs compares two lists of messages and lists what differs.
func wireDiffs(mask *redact.Mask, typed bool, live, mirror [][]byte) (all []string) {
	var found []*diff
	w := wireDiffer{veil: new(veil), mask: mask, now: math.MinInt64}
	w.note = func(kind finding.Kind, path []byte) *diff {
		found = append(found, &diff{label: string(kind) + " " + string(path)})
		return found[len(found)-1]
	}
	w.messages(live, mirror, typed)
	for _, d := range found {
		all = append(all, d.label+": "+d.mirror+", live "+d.live)
	}
	return all
}

func protos(t *testing.T, texts string) (all [][]byte) {
	for text := range strings.SplitSeq(texts, "\n") {
		all = append(all, proto(t, text))
	}
	return all
}

func TestWireDiffer(t *testing.T) {
	f := func(live, mirror string, want ...string) {
		t.Helper()
		if got := wireDiffs(redact.New(), true, protos(t, live), protos(t, mirror)); !slices.Equal(got, want) {
			t.Errorf("%s and %s:\n%s\nwant\n%s", live, mirror, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f(`1:1 2:"a"`, `2:"a" 1:1`)
	f("1:5", "1:6", "value message[*].1: 6, live 5")
	f("1:5", "", "value message[*].1: (absent), live 5")
	f("", "1:5", "value message[*].1: 5, live (absent)")
	f("1:5", "1:5.0", "type message[*].1: fixed64 5, live varint 5")
	f("1:5", `1:"5"`, `type message[*].1: bytes "5", live varint 5`)
	f(`1:"a" 2:x0001`, `1:"b" 2:x0002`, `value message[*].1: "b", live "a"`, "value message[*].2: 2 bytes that are no text, live 2 bytes that are no text")
	f(`3:{1:"x" 2:5}`, `3:{1:"x" 2:6}`, "value message[*].3.2: 6, live 5")
	f(`3:{1:{2:{7:f1.5}}}`, `3:{1:{2:{7:f2.5}}}`, "value message[*].3.1.2.7: 2.5, live 1.5")
	// Text is no message, although it could be read as one.
	f(`3:"(5"`, `3:"(6"`, `value message[*].3: "(6", live "(5"`)
	// What has no field in common is no message, either.
	f(`3:{1:5}`, `3:{2:5}`, "value message[*].3: 2 bytes that are no text, live 2 bytes that are no text")
	f(`3:{1:5}`, `3:{1:5.5}`, "value message[*].3: 9 bytes that are no text, live 2 bytes that are no text")
	// Lists: equal elements wherever they stand, then those of one key, then in order.
	f(`2:"a" 2:"b" 2:"c"`, `2:"c" 2:"a" 2:"b"`, "order message[*].2: (absent), live (absent)")
	f(`2:{1:"k" 2:1} 2:{1:"l" 2:2}`, `2:{1:"l" 2:3} 2:{1:"k" 2:1}`, "order message[*].2: (absent), live (absent)", "value message[*].2.2: 3, live 2")
	f(`2:1 2:2`, `2:1 2:3`, "value message[*].2: 3, live 2")
	f(`2:"a"`, `2:"a" 2:"b"`, `added message[*].2: "b", live (absent)`)
	f(`2:"a" 2:"b"`, `2:"b"`, `removed message[*].2: (absent), live "a"`)
	// Messages.
	f("1:1\n1:2", "1:2\n1:1", "order message: (absent), live (absent)")
	f("1:1", "1:1\n1:2", "added message[*]: 2 bytes that are no text, live (absent)")
	f("1:1\n1:2 2:7\n1:3", "1:1\n1:2 2:8\n1:3", "value message[*].2: 8, live 7")
}

func TestWireDifferBounds(t *testing.T) {
	f := func(name string, typed bool, live, mirror []byte, want ...string) {
		t.Helper()
		if got := wireDiffs(redact.New("token"), typed, [][]byte{live}, [][]byte{mirror}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	const whole, masked = "value message[*]: ", "[masked], live [masked]"
	f("masked", true, proto(t, "1:5"), proto(t, "1:6"), "value message[*].1: "+masked)
	f("no protobuf", true, []byte("a"), []byte("b"), whole+masked)
	f("no protobuf on one side", true, proto(t, "1:5"), []byte("b"), whole+masked)
	f("another codec", false, proto(t, "1:5"), proto(t, "1:6"), whole+masked)
	deep := func(leaf string) []byte {
		return proto(t, strings.Repeat("1:{", maxWireDepth+5)+leaf+strings.Repeat("}", maxWireDepth+5))
	}
	f("deep", true, deep("1:1"), deep("1:2"), "value message[*]"+strings.Repeat(".1", maxWireDepth)+": "+masked)
	many := func(last byte) []byte { return append(bytes.Repeat([]byte{8, 1}, maxWireFields), 8, last) }
	f("many", true, many(1), many(2), whole+masked)
}

// TestChanceMessages holds that random bytes, as ids and hashes are, are hardly ever taken apart.
func TestChanceMessages(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rounds = 20_000
	for _, size := range []int{4, 8, 16, 32} {
		taken := 0
		for range rounds {
			x, y := make([]byte, size), make([]byte, size)
			for i := range size {
				x[i], y[i] = byte(rng.Uint32()), byte(rng.Uint32())
			}
			live, mirror := proto(t, "9:x"+hex.EncodeToString(x)), proto(t, "9:x"+hex.EncodeToString(y))
			if got := wireDiffs(redact.New(), true, [][]byte{live}, [][]byte{mirror}); !strings.HasPrefix(got[0], "value message[*].9:") {
				taken++
			}
		}
		t.Logf("%d bytes: %d of %d", size, taken, rounds)
		if taken*1000 > rounds {
			t.Errorf("of %d pairs of %d random bytes %d were taken apart", rounds, size, taken)
		}
	}
}

// FuzzWire asks that two messages have a difference from both sides or from none, and that none
// differs from itself.
func FuzzWire(f *testing.F) {
	f.Add(proto(f, `1:5 2:"a" 3:{1:1.5}`), proto(f, `1:5 2:"b" 3:{1:2.5} 3:{2:f1.0}`))
	f.Add(proto(f, `2:{1:"k" 2:1} 2:{1:"l" 2:2}`), proto(f, `2:{1:"l" 2:3} 2:{1:"k" 2:1}`))
	f.Add([]byte("\x0b\x0c"), []byte{})
	f.Fuzz(func(t *testing.T, x, y []byte) {
		mask := redact.New()
		there, back := wireDiffs(mask, true, [][]byte{x}, [][]byte{y}), wireDiffs(mask, true, [][]byte{y}, [][]byte{x})
		if (len(there) == 0) != (len(back) == 0) {
			t.Fatalf("%x and %x: %q there, %q back", x, y, there, back)
		}
		if itself := wireDiffs(mask, true, [][]byte{x, y}, [][]byte{x, y}); len(itself) > 0 {
			t.Fatalf("%x and %x differ from themselves in %q", x, y, itself)
		}
		fieldsX, okX := appendFields(nil, x, maxWireFields)
		fieldsY, okY := appendFields(nil, y, maxWireFields)
		same := okX && okY && slices.EqualFunc(fieldsX, fieldsY, func(f, g wireField) bool { return f.number == g.number && f.same(&g) })
		if same && len(there) > 0 {
			t.Fatalf("%x and %x have the same fields, and differ in %q", x, y, there)
		}
	})
}
