package route

import "bytes"

// The limits up to which the member that marks copies is added: those that the Baggage standard asks
// everybody to pass on.
const (
	maxBaggage        = 8192 // bytes
	maxBaggageMembers = 64
)

// The names of the fields that tell of a trace.
const (
	traceparent = "traceparent"
	tracestate  = "tracestate"
	baggage     = "baggage"
)

// tracer makes what a copy tells of a trace.
type tracer struct {
	Trace
	member []byte // of the baggage
	salt   uint64 // of the target, so that several copies have several ids
}

// held is what there is of trace fields in one request. Values are those of the first line.
type held struct {
	parents, states, bags   int // lines
	baggages, members, size int // values that are not empty, and what is in them
	parent                  []byte
}

// hold takes note of a field that is left out for now.
func (h *held) hold(name, value []byte) {
	switch {
	case equalFold(name, traceparent):
		if h.parents++; h.parents == 1 {
			h.parent = value
		}
	case equalFold(name, tracestate):
		h.states++
	default:
		if h.bags++; len(value) > 0 {
			h.baggages++
			h.size += len(value) + len(",")
			h.members += bytes.Count(value, []byte(",")) + 1
		}
	}
}

// append appends the trace fields of a copy. lines are all of the request's.
func (t *tracer) append(dst, lines []byte, h *held, seed uint64) []byte {
	parent, ok := parseTraceparent(h.parent)
	ok = ok && h.parents == 1
	switch {
	case !t.changes():
	case ok:
		dst = t.appendParent(dst, &parent, seed)
		dst = appendNamed(dst, lines, tracestate, h.states)
	case t.Start:
		dst = t.appendNew(dst, seed)
	default:
		dst = appendNamed(dst, lines, traceparent, h.parents)
		dst = appendNamed(dst, lines, tracestate, h.states)
	}
	if t.Baggage {
		dst = t.appendBaggage(dst, lines, h)
	}
	return dst
}

// parentField is a traceparent of version 00, without its names and signs.
type parentField struct {
	trace, parent []byte // in hexadecimal digits
	sampled       bool
}

// traceparentSize is the length of a traceparent of version 00, and the least of later versions.
const traceparentSize = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-00")

// parseTraceparent reads a traceparent. Of versions that are not known yet it reads what they share
// with version 00.
func parseTraceparent(value []byte) (p parentField, ok bool) {
	if len(value) < traceparentSize {
		return p, false
	}
	version, trace, parent, flags := value[:2], value[3:35], value[36:52], value[53:55]
	p = parentField{trace: trace, parent: parent, sampled: unhex(flags[1])&1 != 0}
	ok = isLowerHex(version) && isLowerHex(trace) && isLowerHex(parent) && isLowerHex(flags) &&
		value[2] == '-' && value[35] == '-' && value[52] == '-' &&
		string(version) != "ff" && !isZeros(trace) && !isZeros(parent)
	if len(value) > traceparentSize {
		ok = ok && string(version) != "00" && value[traceparentSize] == '-'
	}
	return p, ok
}

func isLowerHex(digits []byte) bool {
	for _, c := range digits {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

func isZeros(digits []byte) bool { return len(bytes.TrimLeft(digits, "0")) == 0 }

// appendParent appends a traceparent of the same trace.
func (t *tracer) appendParent(dst []byte, p *parentField, seed uint64) []byte {
	dst = append(dst, traceparent+": 00-"...)
	dst = append(dst, p.trace...)
	dst = append(dst, '-')
	if t.Child {
		var id uint64
		for _, c := range p.parent {
			id = id<<4 | uint64(unhex(c))
		}
		dst = appendID(dst, id^t.salt, seed)
	} else {
		dst = append(dst, p.parent...)
	}
	return t.appendFlags(dst, p.sampled)
}

// appendNew appends the traceparent of a trace that begins here.
func (t *tracer) appendNew(dst []byte, seed uint64) []byte {
	dst = append(dst, traceparent+": 00-"...)
	dst = appendID(dst, 1^t.salt, seed)
	dst = appendID(dst, 2^t.salt, seed)
	dst = append(dst, '-')
	dst = appendID(dst, 3^t.salt, seed)
	return t.appendFlags(dst, false)
}

func (t *tracer) appendFlags(dst []byte, sampled bool) []byte {
	if t.Sampled == SampledOn || t.Sampled == SampledInherit && sampled {
		return append(dst, "-01\r\n"...)
	}
	return append(dst, "-00\r\n"...)
}

// appendID appends the id that two numbers make, which is never 0, in 16 digits.
func appendID(dst []byte, a, b uint64) []byte {
	const digits = "0123456789abcdef"
	id := max(avalanche64(avalanche64(a)^b), 1)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[id>>shift&15])
	}
	return dst
}

// appendBaggage appends the request's baggage in one line, with the member that marks copies unless
// there is no room for it.
func (t *tracer) appendBaggage(dst, lines []byte, h *held) []byte {
	if h.size+len(t.member) > maxBaggage || h.members >= maxBaggageMembers {
		return appendNamed(dst, lines, baggage, h.bags)
	}
	dst = append(dst, baggage+": "...)
	for left := h.baggages; left > 0 && len(lines) > 0; {
		var name, value []byte
		name, value, _, lines = cutField(lines)
		if equalFold(name, baggage) && len(value) > 0 {
			dst = append(append(dst, value...), ',')
			left--
		}
	}
	return append(append(dst, t.member...), "\r\n"...)
}

// appendNamed appends the lines of one name as they are, of which there are so many.
func appendNamed(dst, lines []byte, wanted string, left int) []byte {
	for left > 0 && len(lines) > 0 {
		var name, line []byte
		name, _, line, lines = cutField(lines)
		if equalFold(name, wanted) {
			dst = append(dst, line...)
			left--
		}
	}
	return dst
}

// baggageMember is the member that marks the copies of a mirror, by whom they are made.
func baggageMember(by string) []byte {
	member := []byte(BaggageMember + "=")
	for i := range len(by) {
		if c := by[i]; c == '%' {
			member = append(member, "%25"...)
		} else {
			member = append(member, c)
		}
	}
	return member
}
