package compare

import (
	"bytes"
	"encoding/json"
)

// decimal is a number as digits·10^exp, without zeros at either end of the digits. It keeps every
// digit, which a float64 would not.
type decimal struct {
	negative bool
	whole    []byte // digits before the point
	part     []byte // digits after it
	exp      int64
	ok       bool // false: the exponent is too large to tell
}

// parseDecimal takes apart a valid JSON number.
func parseDecimal(raw []byte) decimal {
	d := decimal{ok: true}
	d.negative = raw[0] == '-'
	raw = bytes.TrimPrefix(raw, []byte("-"))
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		d.exp, d.ok = parseExp(raw[i+1:])
		raw = raw[:i]
	}
	d.whole, d.part, _ = bytes.Cut(raw, []byte("."))
	d.part = bytes.TrimRight(d.part, "0")
	d.exp -= int64(len(d.part))
	if len(d.part) == 0 {
		trimmed := bytes.TrimRight(d.whole, "0")
		d.exp += int64(len(d.whole) - len(trimmed))
		d.whole = trimmed
	}
	if d.whole = bytes.TrimLeft(d.whole, "0"); len(d.whole) == 0 {
		d.part = bytes.TrimLeft(d.part, "0")
	}
	if len(d.whole)+len(d.part) == 0 {
		return decimal{ok: true}
	}
	return d
}

func parseExp(raw []byte) (exp int64, ok bool) {
	negative := raw[0] == '-'
	raw = bytes.TrimLeft(raw, "+-")
	for _, c := range raw {
		if exp = exp*10 + int64(c-'0'); exp > 1<<40 {
			return 0, false
		}
	}
	if negative {
		exp = -exp
	}
	return exp, true
}

// digit returns the i-th digit.
func (d *decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.part[i-len(d.whole)]
}

// sameNumber reports whether two valid JSON numbers are the same number, in whatever notation: 1,
// 1.0 and 10e-1 are.
func sameNumber(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, y := parseDecimal(a), parseDecimal(b)
	n := len(x.whole) + len(x.part)
	if !x.ok || !y.ok || x.negative != y.negative || x.exp != y.exp || n != len(y.whole)+len(y.part) {
		return false
	}
	for i := range n {
		if x.digit(i) != y.digit(i) {
			return false
		}
	}
	return true
}

// plain returns what stands between the quotes of a string with its escapes decoded.
func plain(inner []byte, escaped bool) []byte {
	if !escaped {
		return inner
	}
	quoted := append(append(append(make([]byte, 0, len(inner)+2), '"'), inner...), '"')
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return inner
	}
	return []byte(text)
}

// content returns the string that node i is.
func (d *document) content(i int32) []byte {
	n := &d.nodes[i]
	return plain(d.text[n.start+1:n.end-1], n.escaped)
}

// name returns the key of node i.
func (d *document) name(i int32) []byte { return plain(d.key(i), d.nodes[i].keyEsc) }
