package redact

import (
	"bytes"
	"unicode/utf8"
)

// The longest local part and domain of RFC 5321.
const (
	maxLocal  = 64
	maxDomain = 255
)

// localChars are the characters of a local part beside words, where they stand unquoted. Those that
// also separate parameters, as in ?mail=a@b.example, are left out.
const localChars = ".!$%'*+-^`{|}~"

// findEmail finds an e-mail address.
func findEmail(text []byte, from int) span {
	for i := from; ; i++ {
		at := bytes.IndexByte(text[min(i, len(text)):], '@')
		if at < 0 {
			return span{len(text), len(text)}
		}
		i += at
		begin := i
		for begin > from && i-begin < maxLocal && isLocal(text[begin-1]) {
			begin--
		}
		for begin < i && text[begin] == '.' {
			begin++
		}
		if begin == i {
			continue
		}
		if end := domainEnd(text, i+1); end > 0 {
			return span{begin, end}
		}
	}
}

func isLocal(c byte) bool {
	return isWord(c) || c >= utf8.RuneSelf || bytes.IndexByte([]byte(localChars), c) >= 0
}

// domainEnd returns where the domain of at least two labels ends that begins at a place, or 0. The
// last label is no number.
func domainEnd(text []byte, begin int) (end int) {
	label := begin // where the current label begins
	for i := begin; i <= len(text) && i-begin <= maxDomain; i++ {
		if i < len(text) && (isDigit(text[i]) || isLetter(text[i]) || text[i] >= utf8.RuneSelf || text[i] == '-' && i > label) {
			continue
		}
		if i-label >= 2 && label > begin && !isDigit(text[i-1]) {
			end = i
		}
		if i == len(text) || text[i] != '.' || i == label {
			break
		}
		label = i + 1
	}
	return end
}
