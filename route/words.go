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

func (e *wordError) Error() string { return e.text }

// Column is where the error is, in bytes from 1.
func (e *wordError) Column() int { return e.column }

// beginExpression says whether what follows the words is an expression.
func beginExpression(words []word) bool {
	switch len(words) {
	case 1:
		return words[0].text == "when"
	case 2:
		return words[0].text == "sample" && words[1].text == keyWords[KeyExpression]
	}
	return false
}

// splitWords cuts a line into its words, up to a comment. An expression is one word, which is only its
// beginning: its quotes are none.
func splitWords(line string) ([]word, *wordError) {
	var words []word
	rest := line
	for {
		rest = strings.TrimLeft(rest, " \t\r")
		expression := beginExpression(words)
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
