package redact

import (
	"bytes"
	"encoding/json"
	"errors"
)

// maxDepth bounds how deep objects and arrays may nest. Deeper text is taken for malformed.
const maxDepth = 512

// errSyntax says that the text is malformed, or broke off, at scanner.pos.
var errSyntax = errors.New("malformed JSON")

// scanner reads JSON and copies it without secret values. It needs no complete text.
type scanner struct {
	mask   *Mask
	in     []byte
	pos    int
	out    []byte
	copied int  // in up to here is in out already, masked
	secret bool // pos lies in a secret value
}

// json masks a sequence of JSON values.
func (m *Mask) json(body []byte) []byte {
	s := scanner{mask: m, in: body}
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
		s.pos = 3
	}
	for s.space(); s.pos < len(s.in); s.space() {
		if s.value(0) != nil {
			return s.rest()
		}
	}
	return append(s.out, s.in[s.copied:]...)
}

// rest ends the copy at an error, before what can't be understood.
func (s *scanner) rest() []byte {
	if s.secret {
		return s.out
	}
	s.out = append(s.out, s.in[s.copied:s.pos]...)
	return append(s.out, s.mask.opaque(s.in[s.pos:])...)
}

func (s *scanner) space() {
	for s.pos < len(s.in) && bytes.IndexByte([]byte(" \t\r\n"), s.in[s.pos]) >= 0 {
		s.pos++
	}
}

// next skips white space, and c if it comes then.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.pos < len(s.in) && s.in[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// value passes one value, and masks what is secret in it.
func (s *scanner) value(depth int) error {
	switch s.space(); {
	case s.pos == len(s.in) || depth > maxDepth:
		return errSyntax
	case s.in[s.pos] == '{':
		return s.object(depth)
	case s.in[s.pos] == '[':
		return s.array(depth)
	case s.in[s.pos] == '"':
		return s.text()
	}
	return s.scalar()
}

func (s *scanner) object(depth int) error {
	s.pos++
	if s.next('}') {
		return nil
	}
	for {
		s.space()
		key, err := s.str()
		if err != nil || !s.next(':') {
			return errSyntax
		}
		if err := s.member(key, depth); err != nil {
			return err
		}
		if s.next('}') {
			return nil
		}
		if !s.next(',') {
			return errSyntax
		}
	}
}

// member passes the value of the field key, and masks it whole if the field is secret.
func (s *scanner) member(key []byte, depth int) error {
	if s.secret || !s.mask.secretKey(key) {
		return s.value(depth + 1)
	}
	s.space()
	s.drop()
	s.secret = true
	if err := s.value(depth + 1); err != nil {
		return err
	}
	s.secret = false
	s.copied = s.pos
	return nil
}

// drop copies up to pos, and puts the mask in place of the value that begins there.
func (s *scanner) drop() {
	s.out = append(s.out, s.in[s.copied:s.pos]...)
	s.out = append(s.out, `"`+Masked+`"`...)
	s.copied = s.pos
}

func (s *scanner) array(depth int) error {
	s.pos++
	if s.next(']') {
		return nil
	}
	for {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if s.next(']') {
			return nil
		}
		if !s.next(',') {
			return errSyntax
		}
	}
}

// text passes a string value. One that gives a value to a secret name, such as a query of GraphQL
// or a URL, is masked whole.
func (s *scanner) text() error {
	start := s.pos
	raw, err := s.str()
	if err != nil {
		return err
	}
	if end := s.pos; !s.secret && s.mask.assigns(unescape(raw)) {
		s.pos = start
		s.drop()
		s.pos, s.copied = end, end
	}
	return nil
}

// str passes a string and returns what stands between its quotes. When it breaks off, pos stays at
// its beginning.
func (s *scanner) str() ([]byte, error) {
	if s.pos == len(s.in) || s.in[s.pos] != '"' {
		return nil, errSyntax
	}
	for i := s.pos + 1; i < len(s.in); i++ {
		switch s.in[i] {
		case '\\':
			i++
		case '"':
			raw := s.in[s.pos+1 : i]
			s.pos = i + 1
			return raw, nil
		}
	}
	return nil, errSyntax
}

// scalar passes a number, true, false or null. It need not be a valid one: it can't hold a field.
func (s *scanner) scalar() error {
	start := s.pos
	for s.pos < len(s.in) && bytes.IndexByte([]byte(" \t\r\n,]}"), s.in[s.pos]) < 0 {
		c := s.in[s.pos]
		if c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != 'E' {
			s.pos = start
			return errSyntax
		}
		s.pos++
	}
	if s.pos == start {
		return errSyntax
	}
	return nil
}

// secretKey reports whether a field is secret, given what stands between the quotes of its name. A
// name that can't be decoded is.
func (m *Mask) secretKey(raw []byte) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return m.Field(raw)
	}
	name := unescape(raw)
	return name == nil || m.Field(name)
}

// unescape decodes what stands between the quotes of a string, or returns nil.
func unescape(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var text string
	if json.Unmarshal([]byte(`"`+string(raw)+`"`), &text) != nil {
		return nil
	}
	return []byte(text)
}
