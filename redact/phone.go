package redact

import "bytes"

// The least and the most digits of a telephone number, with the country's and the prefix 00.
const (
	minPhone = 8
	maxPhone = 17
)

// findPhone finds a telephone number in one of these forms:
//
//	+49 171 1234567   + and the country, 8 to 15 digits in all
//	0049 171 1234567  the same with 00, with separators or alone in its text
//	0171 1234567      a national one that begins with one 0, with a separator, 9 to 12 digits
//	(212) 555-0123    North America's, with or without a 1 before, in groups of three, three and four
//
// Separators are spaces, hyphens, dots, slashes and parentheses.
func findPhone(text []byte, from int) span {
	for i := from; i < len(text); i++ {
		c := text[i]
		if !isDigit(c) && c != '+' && c != '(' {
			continue
		}
		if i > 0 && (isWord(text[i-1]) || bytes.IndexByte([]byte("+-./:,"), text[i-1]) >= 0) {
			if isDigit(c) {
				i = digitsEnd(text, i) - 1
			}
			continue
		}
		n := parsePhone(text[i:])
		if n.isPhone(text, i) {
			return span{i, i + n.length}
		}
		if isDigit(c) {
			i = digitsEnd(text, i) - 1
		}
	}
	return span{len(text), len(text)}
}

// digitsEnd returns where the digits end that pos lies in.
func digitsEnd(text []byte, pos int) int {
	for pos < len(text) && isDigit(text[pos]) {
		pos++
	}
	return pos
}

// A phone is what may be a telephone number: digits in groups, with separators.
type phone struct {
	length int // in bytes, from the first character to the last digit
	plus   bool
	digits [maxPhone]byte
	n      int      // digits, of which no more are counted than fit, with one more
	groups [6]uint8 // the digits of each group
	ngroup int      // groups, as n is counted
}

// parsePhone reads digits and separators as far as they go: at most two separators together, such as
// a parenthesis and a space.
func parsePhone(text []byte) (p phone) {
	i := 0
	if text[0] == '+' {
		p.plus = true
		i++
	}
	for between := 0; i < len(text) && between <= 2; i++ {
		if !isDigit(text[i]) {
			if bytes.IndexByte([]byte(" -./()"), text[i]) < 0 {
				break
			}
			between++
			continue
		}
		if p.n == len(p.digits) {
			p.n++
			return p
		}
		if between > 0 && p.n > 0 || p.n == 0 {
			p.ngroup++
		}
		if p.ngroup <= len(p.groups) {
			p.groups[p.ngroup-1]++
		}
		between = 0
		p.digits[p.n] = text[i]
		p.n++
		p.length = i + 1
	}
	return p
}

// isPhone reports whether what was read at a place is a telephone number.
func (p *phone) isPhone(text []byte, at int) bool {
	end := at + p.length
	if p.n < minPhone || p.n > maxPhone || !endsWord(text, end) || end < len(text) && text[end] == ':' {
		return false
	}
	first, second := p.digits[0], p.digits[1]
	switch {
	case p.plus:
		return first != '0' && p.n <= 15
	case first == '0' && second == '0':
		return p.digits[2] != '0' && p.n >= 10 && (p.ngroup > 1 || p.length == len(text))
	case first == '0':
		return p.ngroup > 1 && p.n >= 9 && p.n <= 12
	}
	return p.american()
}

// american holds the groups of North America, and that neither area nor exchange begin with 0 or 1.
func (p *phone) american() bool {
	groups, digits := p.groups[:min(p.ngroup, len(p.groups))], p.digits[:p.n]
	if len(groups) == 4 && groups[0] == 1 && digits[0] == '1' {
		groups, digits = groups[1:], digits[1:]
	}
	return len(groups) == 3 && p.ngroup <= 4 && groups[0] == 3 && groups[1] == 3 && groups[2] == 4 &&
		digits[0] >= '2' && digits[3] >= '2'
}
