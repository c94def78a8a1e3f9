package http1

import (
	"encoding/binary"
	"math/bits"
)

// The classes of a byte, by its place in the grammar.
const (
	classToken  = 1 << iota // tchar: methods and field names
	classText               // field-vchar, SP and HTAB: field values and reasons
	classTarget             // what may stand in a request target: visible ASCII without '#'
	classHost               // reg-name without percent-encoding, which no host on the wire needs
)

var (
	class [256]uint8
	lower [256]uint8 // ASCII lower case
	unhex [256]uint8 // value of a hexadecimal digit, or notHex
)

const notHex = 0xff

func init() {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const digits = "0123456789"
	mark := func(c uint8, chars string) {
		for i := range len(chars) {
			class[chars[i]] |= c
		}
	}
	mark(classToken, letters+digits+"!#$%&'*+-.^_`|~")
	mark(classHost, letters+digits+"-._~!$&'()*+,;=")
	mark(classText, "\t")
	for b := range 256 {
		c := uint8(b)
		if b >= ' ' && b != 0x7f {
			class[b] |= classText
		}
		if b > ' ' && b < 0x7f && b != '#' {
			class[b] |= classTarget
		}
		lower[b], unhex[b] = c, notHex
		switch {
		case '0' <= c && c <= '9':
			unhex[b] = c - '0'
		case 'a' <= c && c <= 'f':
			unhex[b] = c - 'a' + 10
		case 'A' <= c && c <= 'F':
			unhex[b] = c - 'A' + 10
		}
		if 'A' <= c && c <= 'Z' {
			lower[b] = c + 'a' - 'A'
		}
	}
}

// Eight bytes are looked at as one word. The tests below set the high bit of a byte where they are
// true; a borrow can set it falsely, but only above a byte where it is true, so the lowest set bit
// can be relied on.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanText returns the index from i on of the first byte that may not stand in a field value, or
// len(b).
func scanText(b []byte, i int) int {
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		del := w ^ 0x7f*ones
		control := ((w-0x20*ones)&^w | (del-ones)&^del) & highs
		if control == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(control) / 8
		if b[i] != '\t' {
			return i
		}
		i++
	}
	return scan(b, i, classText)
}

// scan returns the index from i on of the first byte that is not in the class c, or len(b).
func scan(b []byte, i int, c uint8) int {
	for i < len(b) && class[b[i]]&c != 0 {
		i++
	}
	return i
}

// EqualFold compares names without regard to ASCII case, and to no other.
func EqualFold[A, B string | []byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower[a[i]] != lower[b[i]] {
			return false
		}
	}
	return true
}

// trim drops white space from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// lineEnd checks that the text of a line, which stops at i, is followed by CRLF, and returns the
// index behind it.
func lineEnd(b []byte, i int) (next int, err *Error) {
	if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
		return i + 2, nil
	}
	switch {
	case i == len(b):
		return 0, errIncomplete
	case b[i] == '\r':
		return 0, errBareCR
	case b[i] == '\n':
		return 0, errBareLF
	}
	return 0, errControl
}
