package demo

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Message is a request as one side of a network had it.
type Message struct {
	Line   string // method and target, such as "GET /cart/17?token=a"
	Header http.Header
	Body   string
}

// lines are those of the message as text, the header in the order of its names.
func (m *Message) lines() []string {
	lines := []string{m.Line}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		for _, value := range m.Header[name] {
			lines = append(lines, name+": "+value)
		}
	}
	if m.Body == "" {
		return lines
	}
	lines = append(lines, "")
	return append(lines, strings.Split(strings.TrimSuffix(m.Body, "\n"), "\n")...)
}

// text is the whole message.
func (m *Message) text() string { return strings.Join(m.lines(), "\n") }

// Change is a line of two messages that are laid beside each other: '-' before it says that only the
// first has it, '+' that only the second has it, ' ' that both have it.
type Change struct {
	Mark byte
	Line string
}

// Beside lays the copy of a request beside the request, line by line in the order of the text.
func Beside(sent, got *Message) (changes []Change) {
	a, b := sent.lines(), got.lines()
	longest := commonLines(a, b)
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			changes = append(changes, Change{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || longest[i+1][j] >= longest[i][j+1]):
			changes = append(changes, Change{'-', a[i]})
			i++
		default:
			changes = append(changes, Change{'+', b[j]})
			j++
		}
	}
	return changes
}

// commonLines returns how many lines, in the same order, what follows line i of a and line j of b has in
// common at most.
func commonLines(a, b []string) [][]int {
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	return longest
}
