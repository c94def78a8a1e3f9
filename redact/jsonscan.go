package redact

import (
	"bytes"
	"unicode/utf8"
)

// A jsonState says what may come next in a body of JSON.
type jsonState uint8

const (
	atStart     jsonState = iota // a byte order mark, or what atTop takes
	atTop                        // a value, or the body's end
	atValue                      // the value of a member
	atElement                    // an element
	atFirst                      // an element, or ]
	atFirstName                  // a name, or }
	atName                       // a name
	atColon                      // :
	afterValue                   // a comma, or the end of the object or array
	inText                       // the rest of a string that is not held back
)

// A frame is an object or array that the scan is in.
type frame struct {
	trail  Trail
	index  int // of the last element
	object bool
	kept   bool // a member or element was not removed
}

// A jsonScan is a body of JSON, as far as it was read. The fields of the first part hold within one
// run alone.
type jsonScan struct {
	dst    []byte
	in     []byte
	pos    int
	copied int // in up to here is in dst, or left out
	final  bool

	state  jsonState
	frames []frame
	next   Trail // of the value that comes next
	comma  int   // where in in the comma is that goes if what follows it is removed; none

	// While muted nothing is copied, until the value ends that is in so many frames.
	muted      bool
	muteFrames int
}

func (j *jsonScan) begin() {
	*j = jsonScan{frames: j.frames[:0], comma: none}
}

// runJSON is run for JSON. A number at the end of in is complete if the scan is final.
func (s *Stream) runJSON(dst, in []byte, stop int) ([]byte, int) {
	j := &s.json
	j.dst, j.in, j.pos, j.copied = dst, in, s.at, 0
	s.at = 0
	for (j.pos < stop || j.comma >= 0) && j.pos < len(in) {
		c := in[j.pos]
		if (c == ' ' || c == '\n' || c == '\r' || c == '\t') && j.state != inText {
			j.pos++
			continue
		}
		if !s.token(c) {
			break
		}
	}
	begin := j.pos
	if j.comma >= 0 {
		begin = j.comma
		j.comma = 0
	}
	j.flush(begin)
	s.at = j.pos - begin
	dst, j.dst, j.in = j.dst, nil, nil
	return dst, begin
}

// endJSON is End for JSON.
func (s *Stream) endJSON(dst []byte) ([]byte, error) {
	j := &s.json
	j.final = true
	dst, used := s.runJSON(dst, s.buf, len(s.buf))
	if s.err == nil && (used < len(s.buf) || j.state > atTop) {
		s.err = ErrTruncated
	}
	s.buf = s.buf[:0]
	return dst, s.err
}

// flush copies in up to a place, if that is not what is being left out.
func (j *jsonScan) flush(upTo int) {
	if !j.muted && upTo > j.copied {
		j.dst = append(j.dst, j.in[j.copied:upTo]...)
	}
	j.copied = upTo
}

// mute leaves out everything up to the end of the value that comes next, from the place before
// which all was copied.
func (j *jsonScan) mute() {
	j.muted, j.muteFrames = true, len(j.frames)
}

// token passes the token at pos, which begins with c. It reports false when the rest of the token is
// still to come, or at an error.
func (s *Stream) token(c byte) bool {
	j := &s.json
	switch j.state {
	case afterValue:
		return s.after(c)
	case atColon:
		if c != ':' {
			return s.fail(ErrUnparseable)
		}
		j.pos++
		j.state = atValue
		return true
	case atName, atFirstName:
		if c == '"' {
			return s.name()
		}
		if c == '}' && j.state == atFirstName {
			return s.close()
		}
		return s.fail(ErrUnparseable)
	case inText:
		return s.restOfText()
	case atStart:
		return s.mark(c)
	case atTop:
		if c == 0x1e { // the separator of RFC 7464
			j.pos++
			return true
		}
		j.next = s.r.Trail()
	case atFirst:
		if c == ']' {
			return s.close()
		}
		s.element()
	case atElement:
		s.element()
	}
	return s.value(c)
}

// mark passes a byte order mark.
func (s *Stream) mark(c byte) bool {
	const bom = "\xef\xbb\xbf"
	j := &s.json
	if c == bom[0] {
		if len(j.in)-j.pos < len(bom) {
			return false
		}
		if string(j.in[j.pos:j.pos+len(bom)]) != bom {
			return s.fail(ErrUnparseable)
		}
		j.pos += len(bom)
	}
	j.state = atTop
	return true
}

func (s *Stream) fail(err error) bool {
	s.err = err
	return false
}

// element finds out what applies to the next element of the innermost array.
func (s *Stream) element() {
	j := &s.json
	f := &j.frames[len(j.frames)-1]
	j.next = f.trail.Element(f.index + 1)
}

// after passes what comes after a value: a comma, or the end of an object or array.
func (s *Stream) after(c byte) bool {
	j := &s.json
	f := &j.frames[len(j.frames)-1]
	if c == ',' {
		switch {
		case !f.kept && !j.muted: // all before it is removed
			j.flush(j.pos)
			j.copied = j.pos + 1
		case s.r.removes && !j.muted:
			j.comma = j.pos
		}
		j.state = atElement
		if f.object {
			j.state = atName
		}
		j.pos++
		return true
	}
	if c == '}' && f.object || c == ']' && !f.object {
		return s.close()
	}
	return s.fail(ErrUnparseable)
}

// close passes the end of an object or array.
func (s *Stream) close() bool {
	j := &s.json
	j.frames = j.frames[:len(j.frames)-1]
	j.pos++
	s.ended()
	return true
}

// ended goes on behind a value that ends at pos.
func (s *Stream) ended() {
	j := &s.json
	if j.muted && j.muteFrames == len(j.frames) {
		j.muted = false
		j.copied = j.pos
	}
	j.state = afterValue
	if len(j.frames) == 0 {
		j.state = atTop
	} else if f := &j.frames[len(j.frames)-1]; !f.object {
		f.index++
	}
}

// name passes the name of a member.
func (s *Stream) name() bool {
	j := &s.json
	end, found, escaped := s.text()
	if !found {
		return false
	}
	raw := j.in[j.pos+1 : end]
	f := &j.frames[len(j.frames)-1]
	if !j.muted {
		if !s.follow(f, raw, escaped) {
			return s.fail(ErrUnparseable)
		}
		if rule := j.next.rule(); rule != none && s.r.rules[rule].do == Remove {
			s.remove()
		} else {
			f.kept, j.comma = true, none
			s.detect(j.pos+1, end, escaped)
		}
	}
	j.pos = end + 1
	j.state = atColon
	if j.pos < len(j.in) && j.in[j.pos] == ':' { // as nearly always
		j.pos++
		j.state = atValue
	}
	return true
}

// follow finds out what applies to the member whose name is raw. It reports false if the name can't be
// decoded.
func (s *Stream) follow(f *frame, raw []byte, escaped bool) bool {
	name := raw
	if escaped || !isASCII(raw) {
		sc := s.r.scratch()
		defer s.r.scratches.Put(sc)
		if name, _ = sc.decode(raw, inJSON); !utf8.Valid(name) {
			return false // another parser might read it as something else
		}
	}
	s.json.next = f.trail.Field(name)
	return true
}

// remove leaves out what is before pos since the comma, if there is one, and the value at pos, or the
// member whose name is there.
func (s *Stream) remove() {
	j := &s.json
	begin := j.pos
	if j.comma >= 0 {
		begin = j.comma
	}
	j.flush(begin)
	j.comma = none
	j.mute()
	s.redacted++
}

// text finds the end of the string at pos, as far as it is there.
func (s *Stream) text() (end int, found, escaped bool) {
	j := &s.json
	end, found, escaped, bad := scanText(j.in, j.pos+1+s.scanned)
	if bad {
		s.fail(ErrUnparseable)
		return 0, false, false
	}
	if !found {
		s.scanned = end - j.pos - 1
		return end, false, false
	}
	escaped = escaped || s.scanned > 0 && bytes.IndexByte(j.in[j.pos+1:end], '\\') >= 0
	s.scanned = 0
	return end, true, escaped
}

// value passes the value at pos, or its beginning.
func (s *Stream) value(c byte) bool {
	j := &s.json
	if j.muted {
		return s.plain(c)
	}
	rule := j.next.rule()
	if rule != none && s.r.rules[rule].do == Remove { // an element; a member went with its name
		s.remove()
		return s.plain(c)
	}
	if n := len(j.frames); n > 0 {
		j.frames[n-1].kept = true
	}
	j.comma = none
	if rule != none {
		return s.covered(c, &s.r.rules[rule])
	}
	return s.plain(c)
}

// plain passes a value that no rule of name or path redacts.
func (s *Stream) plain(c byte) bool {
	switch c {
	case '{':
		return s.open(true)
	case '[':
		return s.open(false)
	case '"':
		return s.plainText()
	}
	return s.scalar(nil)
}

// maxNesting bounds how deep objects and arrays may nest.
const maxNesting = 512

// open passes the beginning of an object or array.
func (s *Stream) open(object bool) bool {
	j := &s.json
	if len(j.frames) == maxNesting {
		return s.fail(ErrTooLong)
	}
	j.frames = append(j.frames, frame{trail: j.next, index: -1, object: object})
	j.state = atFirst
	if object {
		j.state = atFirstName
	}
	j.pos++
	return true
}

// plainText passes a string that only detectors may redact. It is held back for them until it is
// complete.
func (s *Stream) plainText() bool {
	j := &s.json
	end, found, escaped := s.text()
	switch {
	case found:
		if !j.muted {
			s.detect(j.pos+1, end, escaped)
		}
		j.pos = end + 1
		s.ended()
		return true
	case s.err != nil:
		return false
	case j.muted || s.r.detect[placeJSON].any == 0:
		j.pos, j.state, s.scanned = end, inText, 0
	}
	return false
}

// restOfText passes the rest of a string that is not held back.
func (s *Stream) restOfText() bool {
	j := &s.json
	end, found, _, bad := scanText(j.in, j.pos)
	if bad {
		return s.fail(ErrUnparseable)
	}
	j.pos = end
	if found {
		j.pos++
		s.ended()
	}
	return found
}
