package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// oneByte is what a backslash and one more character stand for.
var oneByte = map[byte]string{'\n': "", 'r': "\r", 'n': "\n", 't': "\t", '0': "\x00", '\\': `\`}

// Unescape is what the content of a case file is on the wire, as the package comment says: lines end
// with CRLF, and a backslash begins what can't be written otherwise. It panics where a backslash begins
// nothing that is known.
func Unescape(content string) string {
	var out strings.Builder
	for len(content) > 0 {
		i := strings.IndexAny(content, "\n\\")
		if i < 0 {
			out.WriteString(content)
			break
		}
		out.WriteString(content[:i])
		if content[i] == '\n' {
			out.WriteString("\r\n")
			content = content[i+1:]
			continue
		}
		text, length := escape(content[i:])
		out.WriteString(text)
		content = content[i+length:]
	}
	return out.String()
}

// escape returns what the escape at the beginning of content stands for, and its length.
func escape(content string) (text string, length int) {
	if len(content) > 1 {
		if text, ok := oneByte[content[1]]; ok {
			return text, 2
		}
		if content[1] == 'x' && len(content) >= 4 {
			if value, err := strconv.ParseUint(content[2:4], 16, 8); err == nil {
				return string([]byte{byte(value)}), 4
			}
		}
	}
	panic(fmt.Sprintf("BUG: a case file has the unknown escape %.4q", content))
}
