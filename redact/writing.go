package redact

import (
	"bytes"
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

// redactFound appends raw with what the detectors of a place find in it redacted, and says how often
// they did. If they find nothing it appends nothing.
func (r *Redactor) redactFound(dst, raw []byte, place int, w writing) (out []byte, found int) {
	d := &r.detect[place]
	if d.any == 0 || len(raw) < shortest {
		return dst, 0
	}
	escapes := w.escapes(raw)
	find := finder{text: raw}
	if !escapes {
		if find.kinds = d.suspect(raw); find.kinds == 0 {
			return dst, 0
		}
	}
	sc := r.scratch()
	defer r.scratches.Put(sc)
	var places []int32 // nil if they are the same
	if escapes {
		find.text, places = sc.decode(raw, w)
		find.kinds = d.suspect(find.text)
	}
	copied := 0
	for ; find.next(); found++ {
		from, to := find.begin, find.end
		if places != nil {
			from, to = int(places[from]), int(places[to])
		}
		dst = append(dst, raw[copied:from]...)
		dst = w.append(dst, sc.instead(&r.rules[d.rule[find.kind]], find.kind, find.text[find.begin:find.end]))
		copied = to
	}
	if found > 0 {
		dst = append(dst, raw[copied:]...)
	}
	return dst, found
}

// redactValue appends what a rule of name or path puts in the place of the value raw.
func (r *Redactor) redactValue(dst, raw []byte, rule *rule, w writing) []byte {
	sc := r.scratch()
	defer r.scratches.Put(sc)
	value := raw
	if w.escapes(raw) {
		value, _ = sc.decode(raw, w)
	}
	return w.append(dst, sc.instead(rule, classify(value), value))
}
