package http2

// The classes of a byte, by its place in a field or pseudo-header field.
const (
	className   = 1 << iota // token characters without upper case
	classToken              // token characters
	classText               // what may stand in a value
	classURI                // visible ASCII
	classScheme             // what may stand in a scheme
	classLetter
)

var class = func() (class [256]uint8) {
	const letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	for _, c := range []byte(letters + digits + "!#$%&'*+-.^_`|~") {
		class[c] |= className | classToken
	}
	for c := 'A'; c <= 'Z'; c++ {
		class[c] |= classToken | classScheme | classLetter
	}
	for _, c := range []byte(letters) {
		class[c] |= classScheme | classLetter
	}
	for _, c := range []byte(digits + "+-.") {
		class[c] |= classScheme
	}
	for c := range 256 {
		if c >= ' ' && c != 0x7f || c == '\t' {
			class[c] |= classText
		}
		if c > ' ' && c < 0x7f {
			class[c] |= classURI
		}
	}
	return class
}()

// all says whether every byte of s is of the class.
func all(s string, c uint8) bool {
	for i := range len(s) {
		if class[s[i]]&c == 0 {
			return false
		}
	}
	return true
}

func validName(s string) bool { return s != "" && all(s, className) }

func validToken(s string) bool { return s != "" && all(s, classToken) }

// validScheme accepts what RFC 3986, section 3.1, calls a scheme.
func validScheme(s string) bool {
	return s != "" && class[s[0]]&classLetter != 0 && all(s, classScheme)
}

// validValue accepts what HTTP/1.1 would: no control characters, and no white space at the ends.
func validValue(s string) bool {
	if s == "" {
		return true
	}
	first, last := s[0], s[len(s)-1]
	return first != ' ' && first != '\t' && last != ' ' && last != '\t' && all(s, classText)
}

// validTarget accepts what can stand between the spaces of a request line.
func validTarget(s string) bool { return s != "" && all(s, classURI) }

// validAuthority accepts visible characters, but for those that would end an authority, or its user.
func validAuthority(s string) bool {
	for i := range len(s) {
		if c := s[i]; class[c]&classURI == 0 || c == '@' || c == '/' || c == '?' || c == '#' || c == '\\' {
			return false
		}
	}
	return s != ""
}
