package route

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested in a body that is searched.
const maxDepth = 128

// walker goes through a JSON text (RFC 8259) once, makes sure that it is one, and finds the fields that
// hold. It allocates only for a text with escapes that is compared with something.
type walker struct {
	text   string
	at     int
	fields []jsonField
	held   uint32 // a bit for each field
}

// document reads the whole text. wanted has the bits of the fields to be found.
func (w *walker) document(wanted uint32) bool {
	ok := w.value(wanted, 0)
	w.space()
	return ok && w.at == len(w.text)
}

// value reads a value that so many steps led to, for the wanted fields.
func (w *walker) value(wanted uint32, depth int) bool {
	if w.space(); w.at == len(w.text) || depth > maxDepth {
		return false
	}
	start := w.at
	switch c := w.text[w.at]; c {
	case '{':
		w.found(wanted, depth, "", true)
		return w.object(wanted, depth)
	case '[':
		w.found(wanted, depth, "", true)
		return w.array(wanted, depth)
	case '"':
		raw, escaped, ok := w.quoted()
		if ok && wanted != 0 {
			w.found(wanted, depth, decoded(raw, escaped), false)
		}
		return ok
	case 't', 'f', 'n':
		word := map[byte]string{'t': "true", 'f': "false", 'n': "null"}[c]
		if !strings.HasPrefix(w.text[w.at:], word) {
			return false
		}
		w.at += len(word)
	default:
		if !w.number() {
			return false
		}
	}
	w.found(wanted, depth, w.text[start:w.at], false)
	return true
}

// found notes the wanted fields that end here, and hold for a text. An object or array only is there.
func (w *walker) found(wanted uint32, depth int, text string, container bool) {
	for i := range w.fields {
		f := &w.fields[i]
		if wanted>>i&1 == 0 || len(f.steps) != depth {
			continue
		}
		if f.condition.Op == OpPresent || !container && f.condition.holds(text) {
			w.held |= 1 << i
		}
	}
}

func (w *walker) object(wanted uint32, depth int) bool {
	w.at++
	if w.space(); w.skip('}') {
		return true
	}
	for {
		w.space()
		name, escaped, ok := w.quoted()
		if w.space(); !ok || !w.skip(':') {
			return false
		}
		inner := uint32(0)
		if wanted != 0 {
			inner = w.next(wanted, depth, decoded(name, escaped), noElement)
		}
		if !w.value(inner, depth+1) {
			return false
		}
		if w.space(); !w.skip(',') {
			return w.skip('}')
		}
	}
}

func (w *walker) array(wanted uint32, depth int) bool {
	w.at++
	if w.space(); w.skip(']') {
		return true
	}
	for i := 0; ; i++ {
		inner := uint32(0)
		if wanted != 0 {
			inner = w.next(wanted, depth, "", i)
		}
		if !w.value(inner, depth+1) {
			return false
		}
		if w.space(); !w.skip(',') {
			return w.skip(']')
		}
	}
}

// noElement is the index of a member of an object.
const noElement = -2

// next are the wanted fields that go on with a member of that name, or with an element.
func (w *walker) next(wanted uint32, depth int, name string, index int) (inner uint32) {
	for i := range w.fields {
		steps := w.fields[i].steps
		if wanted>>i&1 == 0 || len(steps) <= depth {
			continue
		}
		s := steps[depth]
		if s.name != "" && s.name == name || s.name == "" && index != noElement && (s.index == index || s.index == allElements) {
			inner |= 1 << i
		}
	}
	return inner
}

func (w *walker) space() {
	for w.at < len(w.text) && (w.text[w.at] == ' ' || w.text[w.at] == '\n' || w.text[w.at] == '\r' || w.text[w.at] == '\t') {
		w.at++
	}
}

func (w *walker) skip(c byte) bool {
	if w.at < len(w.text) && w.text[w.at] == c {
		w.at++
		return true
	}
	return false
}

// quoted reads a string, and returns what is between the quotes.
func (w *walker) quoted() (raw string, escaped, ok bool) {
	if !w.skip('"') {
		return "", false, false
	}
	for start := w.at; w.at < len(w.text); {
		c := w.text[w.at]
		w.at++
		switch {
		case c == '"':
			return w.text[start : w.at-1], escaped, true
		case c < ' ':
			return "", false, false
		case c == '\\':
			escaped = true
			if !w.escape() {
				return "", false, false
			}
		}
	}
	return "", false, false
}

// escape reads what follows a backslash.
func (w *walker) escape() bool {
	if w.at == len(w.text) {
		return false
	}
	c := w.text[w.at]
	w.at++
	if c != 'u' {
		return strings.IndexByte(`"\/bfnrt`, c) >= 0
	}
	if len(w.text)-w.at < 4 || !only(w.text[w.at:w.at+4], isHex) {
		return false
	}
	w.at += 4
	return true
}

// number reads a number as JSON writes it.
func (w *walker) number() bool {
	w.skip('-')
	if !w.skip('0') && !w.digits() {
		return false
	}
	if w.skip('.') && !w.digits() {
		return false
	}
	if w.skip('e') || w.skip('E') {
		_ = w.skip('+') || w.skip('-')
		return w.digits()
	}
	return true
}

func (w *walker) digits() bool {
	start := w.at
	for w.at < len(w.text) && isDigit(w.text[w.at]) {
		w.at++
	}
	return w.at > start
}

// decoded is the text of a string that was read.
func decoded(raw string, escaped bool) string {
	if !escaped {
		return raw
	}
	var out []byte
	for raw != "" {
		if raw[0] != '\\' {
			out = append(out, raw[0])
			raw = raw[1:]
			continue
		}
		if raw[1] != 'u' {
			out = append(out, plainEscape(raw[1]))
			raw = raw[2:]
			continue
		}
		r := codeUnit(raw)
		raw = raw[6:]
		if utf16.IsSurrogate(r) {
			pair := utf8.RuneError
			if strings.HasPrefix(raw, `\u`) {
				pair = utf16.DecodeRune(r, codeUnit(raw))
			}
			if r = pair; r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// plainEscape is what a backslash and c stand for.
func plainEscape(c byte) byte {
	if i := strings.IndexByte("bfnrt", c); i >= 0 {
		return "\b\f\n\r\t"[i]
	}
	return c
}

// codeUnit reads \uXXXX.
func codeUnit(text string) rune {
	n, _ := strconv.ParseUint(text[2:6], 16, 32)
	return rune(n)
}
