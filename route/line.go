package route

import (
	"bytes"
	"unsafe"
)

// CutLine returns the first line of b with its CRLF, and what follows.
func CutLine(b []byte) (line, rest []byte) {
	n := bytes.IndexByte(b, '\n') + 1
	return b[:n], b[n:]
}

// AppendWithout appends the field lines whose names are not dropped.
func AppendWithout(dst, lines []byte, drops func(name []byte) bool) []byte {
	for len(lines) > 0 {
		var line []byte
		line, lines = CutLine(lines)
		if name, _, _ := bytes.Cut(line, []byte(":")); !drops(name) {
			dst = append(dst, line...)
		}
	}
	return dst
}

// Apply appends field lines, each with its CRLF, with the edits made to them.
func (e *HeaderEdits) Apply(dst, lines []byte) []byte {
	if e.Empty() {
		return append(dst, lines...)
	}
	return e.AppendTo(AppendWithout(dst, lines, e.Drops))
}

// AppendLine appends a request line in origin-form, with its CRLF, whose path is rewritten as [PathRewrite.Append]
// does. Its query stays.
func (p *PathRewrite) AppendLine(dst, line []byte, m *Match) []byte {
	if p.Kind == RewriteNone {
		return append(dst, line...)
	}
	method, path, query, version := cutRequestLine(line)
	dst = append(dst, method...)
	dst = p.Append(dst, asString(path), m)
	dst = append(dst, query...)
	return append(dst, version...)
}

// cutRequestLine cuts a request line into the method with its space, the path, the query with its
// question mark, and the version with its space and CRLF.
func cutRequestLine(line []byte) (method, path, query, version []byte) {
	space := bytes.IndexByte(line, ' ') + 1
	method, rest := line[:space], line[space:]
	end := max(bytes.IndexByte(rest, ' '), 0)
	target, version := rest[:end], rest[end:]
	if mark := bytes.IndexByte(target, '?'); mark >= 0 {
		return method, target[:mark], target[mark:], version
	}
	return method, target, nil, version
}

// asString gives b as a string that is valid as long as b is not changed.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
