package redact

// maxToken bounds what is held back of a name, a value or a pair that writes cut apart, in bytes.
const maxToken = 64 << 10

// A Stream redacts one body after another, each of them written in pieces that may be cut anywhere.
// What Write returned is clean for ever, whatever comes after. The zero value is ready for Begin.
// A Stream holds at most about 64 KiB of a body, and allocates nothing once it has grown to its
// needs. It is not safe for concurrent use.
type Stream struct {
	r        *Redactor
	kind     bodyKind
	err      error // what ended the body
	redacted int

	// buf holds the bytes that were written and not yet understood. They begin with a token, or with
	// the comma before one.
	buf     []byte
	at      int // where in buf to go on
	scanned int // how much of the token at that place is known not to end it

	json jsonScan
	form formScan
}

// Begin starts a body of a type that r.Body has said to need redaction.
func (s *Stream) Begin(r *Redactor, contentType string) {
	s.r, s.kind, s.err, s.redacted = r, kindOf(contentType), nil, 0
	s.buf, s.at, s.scanned = s.buf[:0], 0, 0
	s.json.begin()
	s.form.begin()
	if s.kind != jsonBody && s.kind != formBody && s.kind != textBody {
		s.err = ErrUnsupported
	}
}

// Redacted is how many values of the body were redacted so far.
func (s *Stream) Redacted() int { return s.redacted }

// Write takes the next piece of the body and appends to dst what is clean. After an error, which is
// ErrUnparseable, ErrTooLong or ErrUnsupported, the rest of the body can't be redacted; what was
// appended is clean still.
func (s *Stream) Write(dst, p []byte) ([]byte, error) {
	for len(p) > 0 && len(s.buf) > 0 && s.err == nil {
		held := len(s.buf)
		n := min(len(p), 512) // mostly enough to end what is held
		s.buf = append(s.buf, p[:n]...)
		var used int
		dst, used = s.run(dst, s.buf, held)
		if used >= held {
			s.buf, p = s.buf[:0], p[used-held:]
			break
		}
		s.buf, p = s.buf[:copy(s.buf, s.buf[used:])], p[n:]
		s.limit()
	}
	if len(p) > 0 && s.err == nil {
		var used int
		dst, used = s.run(dst, p, len(p))
		s.buf = append(s.buf, p[used:]...)
		s.limit()
	}
	return dst, s.err
}

// limit ends a body that would have too much held back.
func (s *Stream) limit() {
	if len(s.buf) > maxToken && s.err == nil {
		s.err = ErrTooLong
	}
}

// End says that the body is complete and appends what was held back to dst. The error is one of
// Write's, or ErrTruncated.
func (s *Stream) End(dst []byte) ([]byte, error) {
	if s.err != nil {
		return dst, s.err
	}
	if s.kind == formBody {
		return s.endForm(dst), s.err
	}
	return s.endJSON(dst)
}

// run works on in, of which the part before stop must be dealt with. It returns how much of in it has
// done with. The rest is to be held.
func (s *Stream) run(dst, in []byte, stop int) ([]byte, int) {
	if s.kind == formBody {
		return s.runForm(dst, in, stop)
	}
	return s.runJSON(dst, in, stop)
}
