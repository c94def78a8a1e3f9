package redact

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
