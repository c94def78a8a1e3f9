package redact

// covered passes the value at pos, which a rule of name or path redacts but does not remove. Elements
// of an array are redacted one by one if what is in their place depends on what they are.
func (s *Stream) covered(c byte, rule *rule) bool {
	j := &s.json
	switch {
	case c == '[' && rule.do != Replace:
		return s.open(false)
	case c == '{' || c == '[' || c == '"' && rule.do == Replace:
		s.put(rule)
		j.mute()
		return s.plain(c)
	case c == '"':
		return s.coveredText(rule)
	}
	return s.scalar(rule)
}

// put copies up to pos, and puts a rule's text in the place of the value there.
func (s *Stream) put(rule *rule) {
	j := &s.json
	j.flush(j.pos)
	j.dst = append(append(append(j.dst, '"'), rule.json...), '"')
	s.redacted++
}

// coveredText redacts the string at pos in a way that depends on what it says.
func (s *Stream) coveredText(rule *rule) bool {
	j := &s.json
	end, found, _ := s.text()
	if !found {
		return false
	}
	j.flush(j.pos + 1)
	j.dst = s.r.redactValue(j.dst, j.in[j.pos+1:end], rule, inJSON)
	s.redacted++
	j.pos, j.copied = end+1, end
	s.ended()
	return true
}

// scalar passes the number, true, false or null at pos. A rule redacts it, if there is one, or else a
// detector may.
func (s *Stream) scalar(rule *rule) bool {
	j := &s.json
	end := scanScalar(j.in, j.pos+s.scanned)
	if end == len(j.in) && !(j.final && len(j.frames) == 0) { // in an object it goes on, or breaks off
		s.scanned = end - j.pos
		return false
	}
	s.scanned = 0
	raw := j.in[j.pos:end]
	number := len(raw) > 0 && (raw[0] == '-' || isDigit(raw[0]))
	switch {
	case number && !isNumber(raw):
		return s.fail(ErrUnparseable)
	case !number && string(raw) != "true" && string(raw) != "false" && string(raw) != "null":
		return s.fail(ErrUnparseable)
	case j.muted:
	case rule != nil:
		s.putScalar(rule, raw, number)
	case number && len(raw) >= minCard && s.r.detect[placeJSON].has(Card) && classify(raw) == Card:
		s.putScalar(&s.r.rules[s.r.detect[placeJSON].rule[Card]], raw, true)
	}
	j.pos = end
	s.ended()
	return true
}

// putScalar puts what a rule says in the place of the number or literal raw, which begins at pos. A
// number stays one where the rule allows it.
func (s *Stream) putScalar(rule *rule, raw []byte, number bool) {
	j := &s.json
	switch {
	case rule.do == Remove: // of what a detector found; the field stays
		j.flush(j.pos)
		j.dst = append(j.dst, "null"...)
		s.redacted++
	case !number || rule.do == Replace && !rule.number:
		s.put(rule)
	case rule.do == Replace:
		j.flush(j.pos)
		j.dst = append(j.dst, rule.text...)
		s.redacted++
	default:
		s.putNumber(rule, raw)
	}
	j.copied = j.pos + len(raw)
}

// putNumber puts the last digits of a number, as a string, or its pseudonym, which is a number, in its
// place.
func (s *Stream) putNumber(rule *rule, raw []byte) {
	j := &s.json
	sc := s.r.scratch()
	defer s.r.scratches.Put(sc)
	j.flush(j.pos)
	s.redacted++
	if rule.do == Pseudonym {
		j.dst = sc.appendNumber(j.dst, raw)
		return
	}
	j.dst = append(j.dst, '"')
	j.dst = append(j.dst, sc.instead(rule, noKind, raw)...)
	j.dst = append(j.dst, '"')
}

// detect redacts what detectors find in the string or name between two places of in.
func (s *Stream) detect(begin, end int, escaped bool) {
	j := &s.json
	text, d := j.in[begin:end], &s.r.detect[placeJSON]
	if d.any == 0 || len(text) < shortest || !escaped && d.suspect(text) == 0 {
		return
	}
	j.flush(begin)
	var found int
	if j.dst, found = s.r.redactFound(j.dst, text, placeJSON, inJSON); found > 0 {
		j.copied = end
		s.redacted += found
	}
}
