package redact

import (
	"bytes"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Masked stands in place of every masked value.
const Masked = "[masked]"

// Mask knows the names whose values are secret. It never changes, and is safe for concurrent use.
type Mask struct {
	names map[string]bool // lower case
	list  [][]byte        // the same, to search for
}

// New returns a mask for names, besides the header fields that are always masked.
func New(names ...string) *Mask {
	m := &Mask{names: make(map[string]bool, len(names))}
	for _, name := range names {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !m.names[name] {
			m.names[name] = true
			m.list = append(m.list, []byte(name))
		}
	}
	return m
}

// Any reports whether names were given.
func (m *Mask) Any() bool { return len(m.list) > 0 }

// Field reports whether a JSON field, form field or query parameter of that name is secret.
func (m *Mask) Field(name []byte) bool {
	if len(m.list) == 0 {
		return false
	}
	var low [64]byte
	if len(name) > len(low) {
		return m.names[strings.ToLower(string(name))]
	}
	for i, c := range name {
		if c >= utf8.RuneSelf {
			return m.names[strings.ToLower(string(name))]
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	return m.names[string(low[:len(name)])]
}

// Header returns the value of a header or trailer field as it may be kept. Values that hold a URL or
// parameters, such as Location, lose the secret ones. In the base64 that fields of gRPC hold whose
// names end in -bin, a name could not be seen.
func (m *Mask) Header(name, value string) string {
	low := strings.ToLower(name)
	switch low {
	case "authorization", "proxy-authorization", "cookie", "set-cookie":
		return Masked
	}
	if m.Field([]byte(name)) || m.Any() && strings.HasSuffix(low, "-bin") {
		return Masked
	}
	if value = m.Target(value); m.assigns([]byte(value)) {
		return Masked
	}
	return value
}

// Target returns a URL or a request target as it may be kept, see [Mask.AppendTarget].
func (m *Mask) Target(target string) string {
	if !m.Any() || strings.IndexByte(target, '=') < 0 {
		return target
	}
	return string(m.AppendTarget(nil, []byte(target)))
}

// AppendTarget appends a URL or a request target to dst as it may be kept: with the values of secret
// parameters masked, wherever in it they stand. Apart from names of parameters that are long or not
// ASCII, it allocates nothing but room in dst, and so is for event loops too.
func (m *Mask) AppendTarget(dst, target []byte) []byte {
	if !m.Any() {
		return append(dst, target...)
	}
	for {
		end := bytes.IndexByte(target, '&')
		if end < 0 {
			return m.appendParameters(dst, target)
		}
		dst = append(m.appendParameters(dst, target[:end]), '&')
		target = target[end+1:]
	}
}

// appendParameters appends name=value pairs that are separated by anything but &. A secret value may
// hold such a separator itself, so that what follows a secret one goes with it.
func (m *Mask) appendParameters(dst, chunk []byte) []byte {
	for len(chunk) > 0 {
		pair := chunk
		if end := bytes.IndexAny(chunk, "?#;"); end >= 0 {
			pair = chunk[:end+1]
		}
		if i := bytes.IndexByte(pair, '='); i >= 0 && m.parameter(pair[:i]) {
			return append(append(dst, pair[:i+1]...), Masked...)
		}
		dst = append(dst, pair...)
		chunk = chunk[len(pair):]
	}
	return dst
}

// parameter reports whether a parameter's name, decoded, is secret or has a part that is, as in
// user[token] and user.token.
func (m *Mask) parameter(name []byte) bool {
	var room [128]byte
	name = unescaped(room[:0], name)
	if m.Field(bytes.TrimSpace(name)) {
		return true
	}
	for len(name) > 0 {
		part := name
		if end := bytes.IndexAny(name, "[]. <\"'"); end >= 0 {
			part = name[:end]
		}
		if m.Field(part) {
			return true
		}
		name = name[min(len(part)+1, len(name)):]
	}
	return false
}

// unescaped returns a name of a query as it is meant, in room if it fits. One that is escaped wrongly
// stands for itself.
func unescaped(room, name []byte) []byte {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; c {
		case '+':
			room = append(room, ' ')
		case '%':
			if i+2 >= len(name) {
				return name
			}
			n, err := hex.AppendDecode(room, name[i+1:i+3])
			if err != nil {
				return name
			}
			room, i = n, i+2
		default:
			room = append(room, c)
		}
	}
	return room
}

// Start returns a start line as it may be kept.
func (m *Mask) Start(line string) string {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || strings.HasPrefix(line, "HTTP/") {
		return line
	}
	target, version, _ := strings.Cut(rest, " ")
	return method + " " + m.Target(target) + " " + version
}

// Body returns the decoded body of a message as it may be kept. contentType may be empty; what
// looks like JSON is treated as JSON whatever it is called, except in gRPC. The result may share
// body's memory.
func (m *Mask) Body(contentType string, body []byte) []byte {
	if !m.Any() || len(body) == 0 {
		return body
	}
	if isGRPC(contentType) {
		return []byte(Masked)
	}
	form := isForm(contentType)
	if first := bytes.TrimLeft(body, "\xef\xbb\xbf \t\r\n"); len(first) > 0 && strings.IndexByte(`{["`, first[0]) >= 0 {
		body = m.json(body)
	} else if !form {
		return m.opaque(body)
	}
	if form {
		return m.form(body)
	}
	return body
}

// form masks the fields of a form. One that says a secret in another way goes whole.
func (m *Mask) form(body []byte) []byte {
	body = m.AppendTarget(nil, body)
	if m.assigns(body) || bytes.Contains(body, []byte(`\u`)) {
		return []byte(Masked)
	}
	return body
}

func isForm(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// isGRPC reports whether a body is made of the messages of gRPC: binary, compressed or in base64, so
// that a name could not be seen.
func isGRPC(contentType string) bool {
	const media = "application/grpc"
	return len(contentType) >= len(media) && strings.EqualFold(contentType[:len(media)], media)
}

// opaque keeps text that mentions no secret name, and nothing else: in binary data, in other
// encodings of text and behind escapes a name could not be seen.
func (m *Mask) opaque(body []byte) []byte {
	hidden := !utf8.Valid(trimRune(body)) || bytes.IndexByte(body, 0) >= 0 || bytes.Contains(body, []byte(`\u`))
	if hidden || m.mentions(body) {
		return []byte(Masked)
	}
	return body
}

// trimRune cuts a last rune that is incomplete, as a body that was cut off has.
func trimRune(b []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(b)); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// mentions reports whether text holds a secret name, in any case.
func (m *Mask) mentions(text []byte) bool {
	low := bytes.ToLower(text)
	for _, name := range m.list {
		if bytes.Contains(low, name) {
			return true
		}
	}
	return false
}

// assigns reports whether text gives a value to a secret name, as name=value, name: value or
// "name": "value", other than the mask.
func (m *Mask) assigns(text []byte) bool {
	low := bytes.ToLower(text)
	for _, name := range m.list {
		for rest := low; ; {
			i := bytes.Index(rest, name)
			if i < 0 {
				break
			}
			rest = rest[i+len(name):]
			after := bytes.TrimLeft(rest, " \t\r\n\\\"']")
			if len(after) > 0 && (after[0] == '=' || after[0] == ':') && !bytes.HasPrefix(after[1:], []byte(Masked)) {
				return true
			}
		}
	}
	return false
}
