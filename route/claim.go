package route

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxPayload bounds what is read of a token: a text of base64, of which 3 in 4 bytes are JSON.
const maxPayload = 8 << 10 // bytes

// findClaim appends to dst a claim of the JSON web token that a value ends with, behind a scheme such
// as Bearer or alone. The first member counts that has all of the claim as its name, or the
// beginning before a dot and leads to the rest, and that is a string or a number. A token that is
// broken behind it is not noticed.
func findClaim(dst []byte, value, claim string) (found []byte, ok bool) {
	token := value[strings.LastIndexByte(value, ' ')+1:]
	_, token, _ = strings.Cut(token, ".")
	payload, _, ok := strings.Cut(token, ".")
	if !ok || len(payload) > maxPayload {
		return dst, false
	}
	s := claims{payload: payload}
	s.next()
	s.space()
	if !s.find(claim) {
		return dst, false
	}
	return s.scalar(dst)
}

// claims reads JSON out of base64url, a byte at a time and up to what is wanted: neither is ever in
// memory as a whole.
type claims struct {
	payload string // what was not decoded yet
	bits    uint32 // what was decoded and is not a byte yet, in its low bits
	n       uint8  // how many bits that are
	c       byte   // where the reader is; 0 is the end, or something that is no base64
}

// base64Digits are the values of the bytes of base64url.
var base64Digits = func() (values [256]uint8) {
	for i := range values {
		values[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		values[c] = uint8(i)
	}
	return values
}()

func (s *claims) next() {
	for s.n < 8 {
		if s.payload == "" {
			s.c = 0
			return
		}
		digit := base64Digits[s.payload[0]]
		if digit == 0xff {
			s.payload, s.c = "", 0
			return
		}
		s.payload = s.payload[1:]
		s.bits = s.bits<<6 | uint32(digit)
		s.n += 6
	}
	s.n -= 8
	s.c = byte(s.bits >> s.n)
}

func (s *claims) space() {
	for s.c == ' ' || s.c == '\n' || s.c == '\r' || s.c == '\t' {
		s.next()
	}
}

// find looks for a path in the object that begins here. It reads up to the value, a string or a
// number, or else to the object's end.
func (s *claims) find(path string) bool {
	if s.c != '{' {
		return false
	}
	for s.next(); ; s.next() {
		s.space()
		if s.c != '"' {
			break
		}
		var room [keyRoom]byte
		name, _ := s.text(room[:0], len(path)+1)
		s.space()
		if s.c != ':' {
			return false
		}
		s.next()
		s.space()
		if len(name) > len(path) || string(name) != path[:len(name)] {
			s.skip()
		} else if s.follow(path[len(name):]) {
			return true
		}
		s.space()
		if s.c != ',' {
			break
		}
	}
	if s.c == '}' {
		s.next()
	}
	return false
}

// follow is find for the value of a member whose name is the beginning of the path, up to rest.
func (s *claims) follow(rest string) bool {
	switch {
	case rest == "" && (s.c == '"' || s.c == '-' || '0' <= s.c && s.c <= '9'):
		return true
	case rest != "" && rest[0] == '.' && s.c == '{':
		return s.find(rest[1:])
	}
	s.skip()
	return false
}

// scalar appends the string or number that begins here.
func (s *claims) scalar(dst []byte) (value []byte, ok bool) {
	if s.c == '"' {
		return s.text(dst, maxPayload)
	}
	return s.number(dst), true
}

func (s *claims) number(dst []byte) []byte {
	for s.c == '-' || s.c == '+' || s.c == '.' || s.c|0x20 == 'e' || '0' <= s.c && s.c <= '9' {
		dst = append(dst, s.c)
		s.next()
	}
	return dst
}

// skip reads to the end of a value.
func (s *claims) skip() {
	for depth := 0; s.c != 0; {
		switch s.c {
		case '"':
			s.text(nil, 0)
			if depth == 0 {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.next()
				return
			}
			if depth < 0 {
				return // the end of a number or a word, which the object around ends too
			}
		case ',':
			if depth == 0 {
				return
			}
		}
		s.next()
	}
}

// text appends the string that begins here, decoded, and reads to behind it. It drops what comes
// after limit bytes.
func (s *claims) text(dst []byte, limit int) (decoded []byte, ended bool) {
	start := len(dst)
	for s.next(); s.c != '"'; s.next() {
		var room [utf8.UTFMax]byte
		char := room[:1]
		switch room[0] = s.c; s.c {
		case 0:
			return dst[:start], false
		case '\\':
			s.next()
			char = s.escape(room[:0])
		}
		if len(dst)-start < limit {
			dst = append(dst, char...)
		}
	}
	s.next()
	return dst, true
}

// escape appends the character that is escaped here, and reads to its last byte.
func (s *claims) escape(dst []byte) []byte {
	switch s.c {
	case 'b':
		return append(dst, '\b')
	case 'f':
		return append(dst, '\f')
	case 'n':
		return append(dst, '\n')
	case 'r':
		return append(dst, '\r')
	case 't':
		return append(dst, '\t')
	case 'u':
		char := s.hex4()
		if utf16.IsSurrogate(char) {
			char = s.pair(char)
		}
		return utf8.AppendRune(dst, char)
	}
	return append(dst, s.c)
}

// pair is the character of a surrogate with the one that follows, if one follows that fits.
func (s *claims) pair(first rune) rune {
	ahead := *s
	if ahead.next(); ahead.c != '\\' {
		return utf8.RuneError
	}
	if ahead.next(); ahead.c != 'u' {
		return utf8.RuneError
	}
	char := utf16.DecodeRune(first, ahead.hex4())
	if char != utf8.RuneError {
		*s = ahead
	}
	return char
}

func (s *claims) hex4() rune {
	var char rune
	for range 4 {
		if s.next(); isHex(s.c) {
			char = char<<4 | rune(unhex(s.c))
		}
	}
	return char
}
