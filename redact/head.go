package redact

import "bytes"

// framingFields say what the message is, where it goes and how it is read, or are compared as they
// are. They are never redacted.
var framingFields = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding", "Connection", "Upgrade",
	"Expect", "TE", "Trailer", "Range", "Content-Range", "If-Range", "Date", "ETag", "If-Match", "If-None-Match",
	"Grpc-Status", "Grpc-Encoding", "Grpc-Timeout", "Traceparent", "Sec-WebSocket-Key", "Sec-WebSocket-Accept",
}

// framing reports whether a header field is never redacted.
func framing(name []byte) bool {
	for _, f := range framingFields {
		if equalASCII(name, f) {
			return true
		}
	}
	return false
}

// equalASCII compares without case.
func equalASCII(name []byte, text string) bool {
	if len(name) != len(text) {
		return false
	}
	for i, c := range name {
		if foldASCII[c] != foldASCII[text[i]] {
			return false
		}
	}
	return true
}

// Head appends to dst a redacted head: a start line and header fields, each ending in CRLF, without
// the empty line. The error is ErrUnparseable, and then nothing was appended.
//
// In the request's target only the query is looked at, never the path: a copy with another path would
// be another request. Content-Length and digests of the body stay as they are: if the body is redacted,
// which changes its length, they are the caller's to correct.
func (r *Redactor) Head(dst, head []byte) ([]byte, error) {
	line, fields, ok := bytes.Cut(head, crlf)
	if !ok {
		return dst, ErrUnparseable
	}
	begin := len(dst)
	if bytes.HasPrefix(line, []byte("HTTP/")) {
		dst = append(dst, line...)
	} else {
		method, rest, ok := bytes.Cut(line, []byte{' '})
		last := bytes.LastIndexByte(rest, ' ')
		if !ok || last < 0 {
			return dst, ErrUnparseable
		}
		dst = append(append(dst, method...), ' ')
		dst = r.appendURL(dst, rest[:last])
		dst = append(dst, rest[last:]...)
	}
	out, err := r.Fields(append(dst, crlf...), fields)
	if err != nil {
		return dst[:begin], err
	}
	return out, nil
}

var crlf = []byte("\r\n")

// Fields is Head for header or trailer fields without a start line.
func (r *Redactor) Fields(dst, fields []byte) ([]byte, error) {
	begin := len(dst)
	for len(fields) > 0 {
		line, rest, ok := bytes.Cut(fields, crlf)
		name, value, colon := bytes.Cut(line, []byte{':'})
		if !ok || !colon || len(name) == 0 {
			return dst[:begin], ErrUnparseable
		}
		fields = rest
		dst = r.appendLine(dst, name, value)
	}
	return dst, nil
}

// appendLine appends a header field, with its line's end, or nothing if it is removed.
func (r *Redactor) appendLine(dst, name, value []byte) []byte {
	begin := len(dst)
	dst = append(append(dst, name...), ':')
	space := len(value) - len(bytes.TrimLeft(value, " \t"))
	dst = append(dst, value[:space]...)
	value = bytes.TrimRight(value[space:], " \t")
	kept := true
	switch number := r.ruleFor(placeHeader, name); {
	case framing(name):
		dst = append(dst, value...)
	case number != none && r.rules[number].do == Remove:
		return dst[:begin]
	case number != none:
		if equalASCII(name, "Authorization") || equalASCII(name, "Proxy-Authorization") {
			scheme := schemeLen(value)
			dst = append(dst, value[:scheme]...)
			value = value[scheme:]
		}
		dst = r.redactValue(dst, value, &r.rules[number], asItIs)
	case equalASCII(name, "Cookie"):
		dst, kept = r.appendCookies(dst, value)
	case equalASCII(name, "Set-Cookie"):
		dst, kept = r.appendSetCookie(dst, value)
	default:
		dst = r.appendPlain(dst, value)
	}
	if !kept {
		return dst[:begin]
	}
	return append(dst, crlf...)
}

// schemeLen is the length of the scheme that credentials begin with, and the space behind it. What is
// no scheme may be secret.
func schemeLen(value []byte) int {
	for _, scheme := range []string{"Basic", "Bearer", "Digest", "Negotiate", "DPoP", "Token", "AWS4-HMAC-SHA256"} {
		if n := len(scheme); len(value) > n && value[n] == ' ' && equalASCII(value[:n], scheme) {
			return n + 1
		}
	}
	return 0
}

// appendPlain appends a value that no rule of name redacts: URLs in it without secret parameters, and
// then what detectors leave of it.
func (r *Redactor) appendPlain(dst, value []byte) []byte {
	begin := len(dst)
	if r.places&Query == 0 || bytes.IndexByte(value, '=') < 0 {
		dst, _ = r.appendFound(dst, value, placeHeader, asItIs)
		return dst
	}
	for len(value) > 0 {
		end := bytes.IndexAny(value, " \t\"<>")
		if end < 0 {
			end = len(value)
		}
		dst = r.appendURL(dst, value[:end])
		if end < len(value) {
			dst = append(dst, value[end])
			end++
		}
		value = value[end:]
	}
	if out, found := r.redactFound(dst, dst[begin:], placeHeader, asItIs); found > 0 {
		return out[:begin+copy(out[begin:], out[len(dst):])]
	}
	return dst
}

// appendURL appends a URL or the target of a request with its parameters redacted, in query and
// fragment.
func (r *Redactor) appendURL(dst, url []byte) []byte {
	at := bytes.IndexAny(url, "?#")
	if at < 0 || r.places&Query == 0 {
		return append(dst, url...)
	}
	dst = append(dst, url[:at+1]...)
	begin := len(dst)
	wrote := false
	for rest, more := url[at+1:], true; more; {
		var pair []byte
		pair, rest, more = bytes.Cut(rest, []byte{'&'})
		dst, wrote, _ = r.appendPair(dst, pair, placeQuery, wrote)
	}
	if !wrote && len(dst) == begin && at+1 < len(url) {
		return dst[:begin-1] // without the question mark of a query that is no more
	}
	return dst
}

// appendCookies appends the value of Cookie, and reports whether any are left.
func (r *Redactor) appendCookies(dst, value []byte) (out []byte, kept bool) {
	for more := true; more; {
		var one []byte
		one, value, more = bytes.Cut(value, []byte{';'})
		one = bytes.Trim(one, " \t")
		before := len(dst)
		if kept {
			dst = append(dst, "; "...)
		}
		var keep bool
		if dst, keep = r.appendCookie(dst, one); !keep {
			dst = dst[:before]
		}
		kept = kept || keep
	}
	return dst, kept
}

// appendSetCookie appends the value of Set-Cookie, and reports whether the cookie is left.
func (r *Redactor) appendSetCookie(dst, value []byte) (out []byte, kept bool) {
	cookie, _, _ := bytes.Cut(value, []byte{';'})
	dst, kept = r.appendCookie(dst, cookie)
	return append(dst, value[len(cookie):]...), kept
}

// appendCookie appends a cookie's name and value, unless a rule removes it.
func (r *Redactor) appendCookie(dst, cookie []byte) (out []byte, kept bool) {
	name, value, valued := bytes.Cut(cookie, []byte{'='})
	number := r.ruleFor(placeCookie, bytes.Trim(name, " \t"))
	switch {
	case number != none && r.rules[number].do == Remove:
		return dst, false
	case number == none || !valued:
		dst, _ = r.appendFound(dst, cookie, placeCookie, inCookie)
		return dst, true
	}
	dst = append(append(dst, name...), '=')
	return r.redactValue(dst, value, &r.rules[number], inCookie), true
}
