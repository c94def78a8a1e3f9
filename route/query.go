package route

import (
	"iter"
	"strings"
)

// rawParams yields the parameters as they stand in the query.
func rawParams(query string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for query != "" {
			var pair string
			pair, query, _ = strings.Cut(query, "&")
			name, value, _ := strings.Cut(pair, "=")
			if pair != "" && !yield(name, value) {
				return
			}
		}
	}
}

// Param returns the first value of a parameter as it stands in the query, percent-encoding kept.
func Param(query, name string) (raw string, ok bool) { return findParam(query, name) }

// findParam returns the first value of a parameter as it stands in the query.
func findParam(query, name string) (raw string, ok bool) {
	for key, value := range rawParams(query) {
		if rest, ok := cutDecoded(key, name); ok && rest == "" {
			return value, true
		}
	}
	return "", false
}

// cutDecoded cuts from raw what decodes to prefix, without allocating.
func cutDecoded(raw, prefix string) (rest string, ok bool) {
	for i := range len(prefix) {
		if raw == "" {
			return "", false
		}
		c, size := decodeByte(raw)
		if c != prefix[i] {
			return "", false
		}
		raw = raw[size:]
	}
	return raw, true
}

func decode(raw string) string {
	if !strings.ContainsAny(raw, "%+") {
		return raw
	}
	return string(appendDecoded(make([]byte, 0, len(raw)), raw))
}

func appendDecoded(dst []byte, raw string) []byte {
	for raw != "" {
		c, size := decodeByte(raw)
		dst = append(dst, c)
		raw = raw[size:]
	}
	return dst
}

// decodeByte decodes the first character of raw, and says how long it was.
func decodeByte(raw string) (c byte, size int) {
	switch {
	case raw[0] == '+':
		return ' ', 1
	case raw[0] == '%' && len(raw) > 2 && isHex(raw[1]) && isHex(raw[2]):
		return unhex(raw[1])<<4 | unhex(raw[2]), 3
	}
	return raw[0], 1
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
