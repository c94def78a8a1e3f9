package route

import (
	"strconv"
	"strings"
)

// wordError says what is wrong with the words of a line.
type wordError struct {
	column int
	text   string
}

// splitWords cuts a line into its words, up to a comment. The words after when are only an
// expression's beginning: their quotes are none.
func splitWords(line string) ([]word, *wordError) {
	var words []word
	rest := line
	for {
		rest = strings.TrimLeft(rest, " \t\r")
		expression := len(words) == 1 && words[0].text == "when"
		if rest == "" || rest[0] == '#' && !expression {
			return words, nil
		}
		w := word{column: len(line) - len(rest) + 1, raw: rest}
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, &wordError{w.column, "the quoted word does not end; double quotes stand around it, with Go's escapes"}
			}
			w.text, _ = strconv.Unquote(quoted)
			rest = rest[len(quoted):]
			if rest != "" && !strings.ContainsRune(" \t\r", rune(rest[0])) {
				return nil, &wordError{w.column, "a space is missing after the quoted word"}
			}
		} else {
			end := strings.IndexAny(rest, " \t\r")
			if end < 0 {
				end = len(rest)
			}
			w.text, rest = rest[:end], rest[end:]
		}
		words = append(words, w)
		if expression {
			if w.raw[0] == '"' && strings.TrimSpace(rest) != "" {
				return nil, &wordError{w.column, "an expression that begins with a double quote is quoted as a whole"}
			}
			return words, nil
		}
	}
}
