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
//	0171 1234567      a national one that begins with one 0, 9 to 12 digits in groups, the first of two or more
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
		if end := phoneEnd(text, i); end > 0 {
			return span{i, end}
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

// phoneEnd returns where the longest telephone number ends that begins at a place, or 0. At most
// three separators may stand together, such as a slash between spaces.
func phoneEnd(text []byte, begin int) (end int) {
	var p phone
	i := begin
	if text[i] == '+' {
		p.plus = true
		i++
	}
	for between := 0; i < len(text); i++ {
		if !isDigit(text[i]) {
			if between++; between > 3 || bytes.IndexByte([]byte(" -./()"), text[i]) < 0 {
				break
			}
			continue
		}
		if p.n == len(p.digits) {
			break
		}
		if p.add(text[i], between > 0 || p.n == 0); p.hopeless() {
			break
		}
		between = 0
		if i+1 == len(text) || !isDigit(text[i+1]) && !isWord(text[i+1]) && text[i+1] != ':' {
			if p.isPhone(i+1 == len(text)) {
				end = i + 1
			}
		}
	}
	return end
}

// A phone is what may be a telephone number: digits in groups.
type phone struct {
	plus   bool
	digits [maxPhone]byte
	n      int
	groups [maxPhone]uint8 // how many digits each has
	ngroup int
}

// add takes the next digit, which may begin a group.
func (p *phone) add(digit byte, begins bool) {
	if begins {
		p.ngroup++
	}
	p.groups[p.ngroup-1]++
	p.digits[p.n] = digit
	p.n++
}

// hopeless reports whether no more digits can make a telephone number of these.
func (p *phone) hopeless() bool {
	switch first := p.digits[0]; {
	case p.plus:
		return first == '0'
	case p.n < 2:
		return false
	case first == '0' && p.digits[1] == '0':
		return p.n == 3 && p.digits[2] == '0'
	case first == '0':
		return p.ngroup > 1 && p.groups[0] < 2 || p.n > 12
	}
	return p.ngroup > 4 || p.groups[0] > 3
}

// isPhone reports whether the digits are a telephone number. One without any separators must end its
// text.
func (p *phone) isPhone(last bool) bool {
	if p.n < minPhone {
		return false
	}
	first, second := p.digits[0], p.digits[1]
	switch {
	case p.plus:
		return first != '0' && p.n <= 15
	case first == '0' && second == '0':
		return p.digits[2] != '0' && p.n >= 10 && (p.ngroup > 1 || last)
	case first == '0':
		return p.ngroup > 1 && p.groups[0] >= 2 && p.n >= 9 && p.n <= 12
	}
	return p.american()
}

// american holds the groups of North America, and that neither area nor exchange begin with 0 or 1.
func (p *phone) american() bool {
	groups, digits := p.groups[:p.ngroup], p.digits[:p.n]
	if len(groups) == 4 && groups[0] == 1 && digits[0] == '1' {
		groups, digits = groups[1:], digits[1:]
	}
	return len(groups) == 3 && groups[0] == 3 && groups[1] == 3 && groups[2] == 4 && digits[0] >= '2' && digits[3] >= '2'
}
