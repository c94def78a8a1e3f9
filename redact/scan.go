package redact

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at in one word. Each of these finds the bytes that have a property, and
// sets their highest bits.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special finds quotes, backslashes and control characters. Above the first that it finds there may
// be false ones.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
}

// scanText looks for the end of a JSON string, from a place inside of it. It returns where the
// closing quote is and found, or where to go on when there is more, which is before an escape that
// is cut off. bad says that the string is malformed. escaped says that it met an escape.
func scanText(in []byte, pos int) (end int, found, escaped, bad bool) {
	for {
		for pos+8 <= len(in) {
			if m := special(binary.LittleEndian.Uint64(in[pos:])); m != 0 {
				pos += bits.TrailingZeros64(m) >> 3
				break
			}
			pos += 8
		}
		if pos >= len(in) {
			return pos, false, escaped, false
		}
		switch c := in[pos]; {
		case c == '"':
			return pos, true, escaped, false
		case c == '\\':
			n := escapeLen(in[pos:])
			if n <= 0 {
				return pos, false, escaped, n < 0
			}
			escaped = true
			pos += n
		case c < 0x20:
			return pos, false, escaped, true
		default:
			pos++
		}
	}
}

// escapeLen is the length of the escape that text begins with, 0 if it is cut off, and -1 if there is
// none of that kind.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for i := 2; i < 6; i++ {
			if i == len(text) {
				return 0
			}
			if unhex(text[i]) < 0 {
				return -1
			}
		}
		return 6
	}
	return -1
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// numberLike is true for the characters of numbers, true, false and null.
var numberLike = func() (table [256]bool) {
	for c := range table {
		table[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '+' || c == '-' || c == '.'
	}
	return table
}()

// scanScalar returns where a number, true, false or null ends that pos lies in.
func scanScalar(in []byte, pos int) int {
	for pos < len(in) && numberLike[in[pos]] {
		pos++
	}
	return pos
}

// isNumber holds the grammar of RFC 8259.
func isNumber(text []byte) bool {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	whole := i
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	if i == whole || text[whole] == '0' && i > whole+1 {
		return false
	}
	if i < len(text) && text[i] == '.' {
		fraction := i + 1
		for i++; i < len(text) && isDigit(text[i]); i++ {
		}
		if i == fraction {
			return false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if i == exponent {
			return false
		}
	}
	return i == len(text)
}

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }
