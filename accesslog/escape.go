package accesslog

import (
	"encoding/binary"
	"unicode/utf8"
)

// escaping is how a value is written.
type escaping uint8

const (
	escapeNginx escaping = iota // as nginx does by default
	escapeJSON                  // as in a JSON string
)

const (
	upperHex = "0123456789ABCDEF"
	dots     = "..." // at the end of a value that was cut
)

// plain says which bytes stand for themselves: printable ASCII other than quotation mark and
// backslash. In JSON others may do so too, as parts of characters.
var plain [256]bool

func init() {
	for c := ' '; c <= '~'; c++ {
		plain[c] = c != '"' && c != '\\'
	}
}

// absent is what stands for a value that is not known.
func (x escaping) absent(v *variable) string {
	switch {
	case x == escapeJSON && v.kind == number:
		return "0"
	case v.zero != "":
		return v.zero
	case x == escapeNginx:
		return "-"
	}
	return ""
}

// most is how many bytes one byte can become.
func (x escaping) most() int {
	if x == escapeNginx {
		return len(`\xFF`)
	}
	return len(`\u00ff`)
}

// escape cuts and escapes the value that begins at start in dst. Most values are as they should be,
// and are only looked at.
func (l *line) escape(dst []byte, start int) []byte {
	cut := len(dst)-start > l.limit
	if cut {
		dst = dst[:start+l.limit]
	}
	if at := start + indexSpecial(dst[start:]); at < len(dst) {
		l.raw = append(l.raw[:0], dst[at:]...)
		if l.format.escape == escapeNginx {
			dst = appendNginx(dst[:at], l.raw)
		} else {
			dst = appendJSON(dst[:at], l.raw)
		}
	}
	if cut {
		dst = append(dst, dots...)
	}
	return dst
}

// indexSpecial returns the index of the first byte that is not plain, or len(value). It looks at
// eight bytes as one word: each of the terms sets the high bit of a byte that is not plain, and of
// others only above such a byte.
func indexSpecial(value []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(value); i += 8 {
		w := binary.LittleEndian.Uint64(value[i:])
		quote, backslash, del := w^'"'*ones, w^'\\'*ones, w^0x7f*ones
		if (w|(w-' '*ones)|(quote-ones)|(backslash-ones)|(del-ones))&highs != 0 {
			break
		}
	}
	for i < len(value) && plain[value[i]] {
		i++
	}
	return i
}

func appendNginx(dst, value []byte) []byte {
	for _, c := range value {
		if plain[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '\\', 'x', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// appendJSON keeps characters beyond ASCII, apart from control characters, and puts U+FFFD in place
// of what is not UTF-8.
func appendJSON(dst, value []byte) []byte {
	for len(value) > 0 {
		c := value[0]
		if c < utf8.RuneSelf {
			value = value[1:]
			switch {
			case plain[c]:
				dst = append(dst, c)
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			default:
				dst = appendU(dst, c)
			}
			continue
		}
		r, size := utf8.DecodeRune(value)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, "\ufffd"...)
		case r < 0xa0:
			dst = appendU(dst, byte(r))
		default:
			dst = append(dst, value[:size]...)
		}
		value = value[size:]
	}
	return dst
}

func appendU(dst []byte, c byte) []byte {
	return append(dst, '\\', 'u', '0', '0', upperHex[c>>4], upperHex[c&15])
}
