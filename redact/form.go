package redact

import "bytes"

// A formScan is a form, as far as it was read.
type formScan struct {
	begun bool // it is known to be no JSON
	wrote bool // a pair was kept, so that & comes before the next
}

func (f *formScan) begin() { *f = formScan{} }

// runForm is run for forms. Clients that name no type for their JSON often call it a form.
func (s *Stream) runForm(dst, in []byte, stop int) ([]byte, int) {
	pos := 0
	if !s.form.begun {
		first := s.at
		for first < len(in) && bytes.IndexByte([]byte(" \t\r\n"), in[first]) >= 0 {
			first++
		}
		if s.at = first; first == len(in) {
			return dst, 0
		}
		s.at = 0
		s.form.begun = true
		if c := in[first]; s.r.places&JSON != 0 && (c == '{' || c == '[' || c == 0xef) {
			s.kind = jsonBody
			return s.runJSON(dst, in, stop)
		}
	}
	for pos < stop {
		end := bytes.IndexByte(in[pos+s.scanned:], '&')
		if end < 0 {
			s.scanned = len(in) - pos
			break
		}
		end += pos + s.scanned
		s.scanned = 0
		dst = s.pair(dst, in[pos:end])
		pos = end + 1
	}
	return dst, pos
}

// endForm is End for forms.
func (s *Stream) endForm(dst []byte) []byte {
	if s.form.begun || len(s.buf) > 0 {
		dst = s.pair(dst, s.buf)
	}
	s.buf = s.buf[:0]
	return dst
}

// pair appends a name and value of a form.
func (s *Stream) pair(dst, pair []byte) []byte {
	var n int
	dst, s.form.wrote, n = s.r.appendPair(dst, pair, placeForm, s.form.wrote)
	s.redacted += n
	return dst
}

// appendPair appends one of the pairs that & separates, with & before it if some were written already,
// and says whether some are now, and how many values it redacted. Some servers take ; for a separator
// too, and queries have URLs in them.
func (r *Redactor) appendPair(dst, pair []byte, place int, wrote bool) (out []byte, nowWrote bool, redacted int) {
	begin := len(dst)
	if wrote {
		dst = append(dst, '&')
	}
	for part := pair; ; {
		end := bytes.IndexAny(part, ";?#")
		if end < 0 {
			end = len(part)
		}
		name, value, valued := bytes.Cut(part[:end], []byte{'='})
		if number := r.parameterRule(name, place); number != none {
			rule := &r.rules[number]
			if rule.do == Remove && len(part) == len(pair) {
				return dst[:begin], wrote, redacted + 1
			}
			if rule.do == Remove {
				return dst[:len(dst)-1], true, redacted + 1 // with the separator before it
			}
			dst = append(dst, name...)
			if valued { // it may hold a separator itself, so that what follows goes with it
				dst = r.redactValue(append(dst, '='), part[len(name)+1:], rule, inQuery)
				redacted++
			}
			return dst, true, redacted
		}
		var n, m int
		dst, n = r.appendFound(dst, name, place, inQuery)
		if valued {
			dst, m = r.appendFound(append(dst, '='), value, place, inQuery)
		}
		redacted += n + m
		if end == len(part) {
			return dst, true, redacted
		}
		dst = append(dst, part[end])
		part = part[end+1:]
	}
}

// appendFound appends raw, with what detectors find in it redacted.
func (r *Redactor) appendFound(dst, raw []byte, place int, w writing) (out []byte, found int) {
	if dst, found = r.redactFound(dst, raw, place, w); found == 0 {
		dst = append(dst, raw...)
	}
	return dst, found
}

// parameterRule returns the rule for a parameter or form field. One of name and parts of it, as in
// user[token] and user.token, is enough.
func (r *Redactor) parameterRule(name []byte, place int) int {
	if r.names.count == 0 {
		return none
	}
	if inQuery.escapes(name) {
		sc := r.scratch()
		defer r.scratches.Put(sc)
		name, _ = sc.decode(name, inQuery)
	}
	name = bytes.Trim(name, " \t\r\n")
	number := r.ruleFor(place, name)
	for begin := 0; begin < len(name); {
		end := bytes.IndexAny(name[begin:], "[]. \"'")
		if end < 0 {
			end = len(name) - begin
		}
		if part := name[begin : begin+end]; len(part) < len(name) {
			number = firstRule(number, r.ruleFor(place, part))
		}
		begin += end + 1
	}
	return number
}
