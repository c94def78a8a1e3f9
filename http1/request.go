package http1

import "bytes"

// maxMethod is longer than any registered method.
const maxMethod = 32

// Request is the head of a request. The zero value is ready; it is meant to be reused, by one
// goroutine at a time.
type Request struct {
	Head
	Method []byte // a token; methods are case-sensitive
	Target []byte // as received
	// Authority is whom the request is for, host with or without port: the target's in
	// absolute-form and CONNECT, whatever Host says (RFC 9112, section 3.2.2), else the value of
	// Host. It is valid, or empty when Host is empty, or missing in HTTP/1.0.
	Authority []byte
	// Path and Query are of origin-form and absolute-form, as received: Path begins with '/'
	// (an empty one of absolute-form is given as "/"), Query has no '?', and is nil where there is
	// none. Path is "*" for asterisk-form, and both are empty for CONNECT.
	Path, Query []byte
	Expect      bool // an HTTP/1.1 client waits for 100 (Continue) before it sends the body
}

// Early returns an error, an [*Error], when buf is the beginning of what can never become a valid
// head: the hello of TLS, the preface of HTTP/2, HTTP/0.9, garbage. The client can then be answered
// at once. It looks at the request line only, and overwrites r.
func (r *Request) Early(buf []byte) error {
	if len(buf) == 1 && buf[0] == '\r' {
		return nil // may become an empty line, see [SkipEmpty]
	}
	if bytes.IndexByte(buf, '\n') >= 0 {
		if _, err := r.parseLine(buf); err != nil {
			return err
		}
		return nil
	}
	end := scan(buf[:min(len(buf), maxMethod+1)], 0, classToken)
	switch {
	case end > maxMethod:
		return errMethodLength
	case end < len(buf) && (end == 0 || buf[end] != ' '):
		return errMethod
	}
	return nil
}

// Parse parses a whole head, buf[:[HeadEnd]]. Its error is an [*Error], after which r holds nothing
// of use. r points into head.
func (r *Request) Parse(head []byte) error {
	if err := r.parse(head); err != nil {
		return err
	}
	return nil
}

func (r *Request) parse(head []byte) *Error {
	i, err := r.parseLine(head)
	if err != nil {
		return err
	}
	if err := r.parseRest(head, i); err != nil {
		return err
	}
	if r.tabbedLength() {
		return errLength
	}
	if r.Has(Expect) && r.Minor == 1 {
		value, _ := r.Get(Expect)
		r.Expect = EqualFold(value, "100-continue")
	}
	return r.checkHost()
}

// tabbedLength says whether tabs stand around the Content-Length. They may, but nginx and Node take only
// spaces there, and the line goes on as it was received.
func (r *Request) tabbedLength() bool {
	if !r.Has(ContentLength) {
		return false
	}
	for i := range r.Fields {
		if f := &r.Fields[i]; f.ID == ContentLength {
			return bytes.IndexByte(f.Line, '\t') >= 0
		}
	}
	return false
}

// checkHost decides the authority of a target that has none.
func (r *Request) checkHost() *Error {
	if !r.Has(Host) {
		if r.Minor == 1 {
			return errNoHost
		}
		return nil
	}
	if len(r.host) > 0 && !validAuthority(r.host) {
		return errHost
	}
	if r.Authority == nil {
		r.Authority = r.host
	}
	return nil
}

// parseLine resets r, parses the request line and returns the index behind it.
func (r *Request) parseLine(b []byte) (next int, err *Error) {
	*r = Request{Head: Head{Fields: r.Fields[:0]}}
	sp := scan(b, 0, classToken)
	switch {
	case sp == 0 || sp == len(b) || b[sp] != ' ':
		return 0, errMethod
	case sp > maxMethod:
		return 0, errMethodLength
	}
	r.Method = b[:sp:sp]
	start := sp + 1
	end := scan(b, start, classTarget)
	if end == start || end == len(b) {
		return 0, errTarget
	}
	r.Target = b[start:end:end]
	if b[end] != ' ' {
		return 0, targetError(b, end)
	}
	r.Minor, next, err = parseVersion(b, end+1)
	if err != nil {
		return 0, err
	}
	next, err = lineEnd(b, next)
	if err == errControl {
		err = errVersionSyntax
	}
	if err != nil {
		return 0, err
	}
	if !r.splitTarget() {
		return 0, errTarget
	}
	return next, nil
}

// targetError says what is wrong with a request line whose target stops at b[end] without a space.
func targetError(b []byte, end int) *Error {
	if b[end] != '\r' && b[end] != '\n' {
		return errTarget
	}
	if _, err := lineEnd(b, end); err != nil {
		return err
	}
	return errVersionSyntax // HTTP/0.9
}

// parseVersion parses the version at b[i:] and returns the index behind it.
func parseVersion(b []byte, i int) (minor uint8, next int, err *Error) {
	const form = "HTTP/1.1"
	next = i + len(form)
	if next > len(b) || string(b[i:i+5]) != form[:5] || b[i+6] != '.' {
		return 0, 0, errVersionSyntax
	}
	major, minor := b[i+5]-'0', b[i+7]-'0'
	switch {
	case major > 9 || minor > 9:
		return 0, 0, errVersionSyntax
	case major != 1 || minor > 1:
		return 0, 0, errVersion
	}
	return minor, next, nil
}
