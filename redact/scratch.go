package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"unicode/utf16"
	"unicode/utf8"
)

// A scratch is room for one value that is being redacted.
type scratch struct {
	mac    hash.Hash // nil without a key
	sum    []byte
	text   []byte  // decoded
	places []int32 // see decode
	out    []byte  // what stands in its place
}

func newScratch(key []byte) *scratch {
	sc := &scratch{text: make([]byte, 0, 256), out: make([]byte, 0, 64)}
	if len(key) > 0 {
		sc.mac = hmac.New(sha256.New, key)
	}
	return sc
}

// scratch borrows one; put it back to r.scratches.
func (r *Redactor) scratch() *scratch { return r.scratches.Get().(*scratch) }

// decodeEscape decodes the escape that raw begins with, or the two of a surrogate pair.
func decodeEscape(raw []byte) (r rune, n int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = hexRune(raw[2:])
	default: // a quote or slash
		return rune(c), 2
	}
	if utf16.IsSurrogate(r) && escapeLen(raw[6:]) == 6 {
		if pair := utf16.DecodeRune(r, hexRune(raw[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6 // half a pair becomes the replacement character
}

func hexRune(hex []byte) (r rune) {
	for _, c := range hex[:4] {
		r = r<<4 | rune(unhex(c))
	}
	return r
}

// appendJSON appends text as it stands between the quotes of a JSON string.
func appendJSON(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
