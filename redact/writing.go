package redact

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// A writing is how a place writes the characters of a value.
type writing uint8

const (
	asItIs   writing = iota // header fields
	inJSON                  // with backslashes
	inQuery                 // percent-encoded, with + for a space
	inCookie                // percent-encoded
)

// append appends text, written so.
func (w writing) append(dst, text []byte) []byte {
	switch w {
	case inJSON:
		return appendJSON(dst, text)
	case inQuery, inCookie:
		return appendPercent(dst, text)
	}
	for _, c := range text {
		if c < ' ' || c == 0x7f {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// escapes reports whether raw has characters that are not written as they are.
func (w writing) escapes(raw []byte) bool {
	switch w {
	case inJSON:
		return bytes.IndexByte(raw, '\\') >= 0
	case inQuery:
		return bytes.IndexByte(raw, '%') >= 0 || bytes.IndexByte(raw, '+') >= 0
	case inCookie:
		return bytes.IndexByte(raw, '%') >= 0
	}
	return false
}

// decode decodes raw to text, and says in places where in raw each byte of text came from, with one
// place more for the end of raw. Both are valid until the next call.
func (sc *scratch) decode(raw []byte, w writing) (text []byte, places []int32) {
	text, places = sc.text[:0], sc.places[:0]
	for i := 0; i < len(raw); {
		c, n := rune(raw[i]), 1
		switch {
		case c == '\\' && w == inJSON:
			c, n = decodeEscape(raw[i:])
			text = utf8.AppendRune(text, c)
		case c == '%' && w >= inQuery && i+2 < len(raw) && unhex(raw[i+1]) >= 0 && unhex(raw[i+2]) >= 0:
			text = append(text, byte(unhex(raw[i+1])<<4|unhex(raw[i+2])))
			n = 3
		case c == '+' && w == inQuery:
			text = append(text, ' ')
		default:
			text = append(text, raw[i])
		}
		for len(places) < len(text) {
			places = append(places, int32(i))
		}
		i += n
	}
	sc.text, sc.places = text, append(places, int32(len(raw)))
	return sc.text, sc.places
}

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

// appendPercent appends text as it stands in a query, a form or a cookie.
func appendPercent(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if isWord(c) || bytes.IndexByte([]byte("-.~*"), c) >= 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
