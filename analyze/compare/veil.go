package compare

import (
	"bytes"
	"slices"

	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// veil is what the rules of redaction of a pair's mirror mean here. A difference in what they redact is
// tolerated, and counted: the target was asked without it, or with something in its place. What is shown
// and kept is redacted. Without rules a veil lets everything through.
type veil struct {
	rules     *redact.Redactor // of the pair at hand; nil without any
	tolerated bool             // such a difference was found in it

	stream       redact.Stream
	live, mirror []byte
}

// turn turns to a pair.
func (v *veil) turn(p *traffic.Pair) {
	v.rules, _ = p.Redactor.(*redact.Redactor)
	v.tolerated = false
}

// trail is where the body of an answer begins.
func (v *veil) trail() (at redact.Trail) {
	if v.rules != nil {
		at = v.rules.Trail()
	}
	return at
}

// field and element follow a trail, as far as there are rules.
func (v *veil) field(at redact.Trail, name []byte) redact.Trail {
	if v.rules == nil {
		return at
	}
	return at.Field(name)
}

func (v *veil) element(at redact.Trail, index int32) redact.Trail {
	if v.rules == nil || index == none {
		return at
	}
	return at.Element(int(index))
}

// hides reports whether nobody is to see how two values differ.
func (v *veil) hides(live, mirror redact.Trail) bool {
	if v.rules == nil || !live.Covered() && !mirror.Covered() {
		return false
	}
	v.tolerated = true
	return true
}

// echoes reports whether two JSON values differ by what was redacted in the request: the target answers
// with what it was told.
func (v *veil) echoes(live, mirror []byte) bool {
	if v.rules == nil {
		return false
	}
	var known, same bool
	if v.live, known = v.value(v.live[:0], live); !known {
		return false
	}
	if same = bytes.Equal(v.live, mirror); !same {
		v.mirror, known = v.value(v.mirror[:0], mirror)
		same = known && bytes.Equal(v.live, v.mirror)
	}
	v.tolerated = v.tolerated || same
	return same
}

// value appends a JSON value, redacted as one that no rule of name or path covers, and reports whether it
// could.
func (v *veil) value(dst, raw []byte) ([]byte, bool) {
	return v.body(dst, "application/json", raw, false)
}

// body appends what may be seen of a body, and reports whether that is all of it. Without rules it returns
// the body itself.
func (v *veil) body(dst []byte, contentType string, body []byte, truncated bool) (clean []byte, whole bool) {
	if v.rules == nil {
		return body, true
	}
	needed, err := v.rules.Body(contentType, "")
	switch {
	case err != nil:
		return append(dst, redact.Masked...), true
	case !needed:
		return append(dst, body...), true
	}
	v.stream.Begin(v.rules, contentType)
	if dst, err = v.stream.Write(dst, body); err != nil || truncated {
		return dst, false // what is held back may be the beginning of anything
	}
	dst, err = v.stream.End(dst)
	return dst, err == nil
}

// hidesFields is hides for the fields of one name, or echoes.
func (v *veil) hidesFields(live, mirror []field) bool {
	if v.rules == nil {
		return false
	}
	present := live
	if len(live) == 0 {
		present = mirror
	}
	name := present[0].name
	switch {
	case v.rules.Covers(redact.Header, name):
	case weightOf(name) == cookie:
		covered := func(f field) bool { return v.rules.Covers(redact.Cookie, f.part) }
		if !slices.EqualFunc(without(live, covered), without(mirror, covered), samePart) {
			return false
		}
	default:
		x, y := v.values(live), v.values(mirror)
		raw := func(a string, f field) bool { return a == string(f.value) }
		if !slices.Equal(x, y) && !slices.EqualFunc(x, mirror, raw) {
			return false
		}
	}
	v.tolerated = true
	return true
}

func samePart(a, b field) bool { return bytes.Equal(a.part, b.part) }

func without(list []field, left func(field) bool) (rest []field) {
	for _, f := range list {
		if !left(f) {
			rest = append(rest, f)
		}
	}
	return rest
}

// values are what may be seen of the values of fields.
func (v *veil) values(fields []field) (all []string) {
	for _, f := range fields {
		if value, kept := v.header(f.name, f.value); kept {
			all = append(all, string(value))
		}
	}
	return all
}

// header returns what may be seen of a field's value, and whether the field is left at all. It is valid
// until the next call.
func (v *veil) header(name, value []byte) (clean []byte, kept bool) {
	if v.rules == nil {
		return value, true
	}
	line := append(append(append(append(v.mirror[:0], name...), ": "...), value...), "\r\n"...)
	v.mirror = line
	var err error
	if v.live, err = v.rules.Fields(v.live[:0], line); err != nil {
		return []byte(redact.Masked), true
	}
	_, clean, kept = bytes.Cut(bytes.TrimSuffix(v.live, []byte("\r\n")), []byte(": "))
	return clean, kept
}

// start returns what may be seen of a start line.
func (v *veil) start(line []byte) []byte {
	if v.rules == nil {
		return line
	}
	var err error
	if v.live, err = v.rules.Head(v.live[:0], append(append(v.mirror[:0], line...), "\r\n"...)); err != nil {
		return []byte(redact.Masked)
	}
	return bytes.TrimSuffix(v.live, []byte("\r\n"))
}

// hidesWithin reports whether a rule of name or path covers something in a value.
func (v *veil) hidesWithin(d *document, node int32, at redact.Trail) bool {
	switch {
	case v.rules == nil:
		return false
	case at.Covered():
		return true
	}
	n := &d.nodes[node]
	index := int32(0)
	for c := node + 1; c < n.next; c = d.nodes[c].next {
		inner := at
		if n.kind == '{' {
			inner = at.Field(d.name(c))
		} else {
			inner = at.Element(int(index))
		}
		if v.hidesWithin(d, c, inner) {
			return true
		}
		index++
	}
	return false
}
