package compare

import "bytes"

// appendEndpoint adds method and path template of a request's start line to b: /orders/17?x=1
// becomes /orders/{id}. A target that is no path becomes *.
func appendEndpoint(b, start []byte) []byte {
	method, rest, _ := bytes.Cut(start, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	if i := bytes.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	b = append(append(b, method...), ' ')
	if len(target) == 0 || target[0] != '/' {
		return append(b, '*')
	}
	for len(target) > 0 {
		target = target[1:]
		segment := target
		if i := bytes.IndexByte(target, '/'); i >= 0 {
			segment = target[:i]
		}
		target = target[len(segment):]
		b = append(b, '/')
		if isID(segment) {
			b = append(b, "{id}"...)
		} else {
			b = append(b, segment[:min(len(segment), longName)]...)
		}
	}
	return b
}

// isID reports whether a segment of a path, or the name of a field, names one thing of many: it is
// a number, a UUID or other hexadecimal of at least 8 digits, a word with a number behind a dash
// (order-17), or long and with several digits, as tokens and hashes are.
func isID(s []byte) bool {
	digits, hex := 0, 0
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'f', 'A' <= c && c <= 'F', c == '-':
			hex++
		}
	}
	switch {
	case digits == 0:
		return false
	case digits == len(s), digits+hex == len(s) && len(s) >= 8:
		return true
	case len(s) >= 20 && digits >= 3:
		return true
	}
	i := bytes.LastIndexAny(s, "-_")
	return i > 0 && i < len(s)-1 && len(bytes.Trim(s[i+1:], "0123456789")) == 0
}
