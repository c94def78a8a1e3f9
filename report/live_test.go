package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// columns is the width of a screen.
const columns = 8

// screen is as much of a terminal as Live needs: lines, a cursor, and two modes.
type screen struct {
	t              *testing.T
	lines          []string
	row, column    int
	hidden, noWrap bool
}

func (s *screen) Write(p []byte) (int, error) {
	for text := string(p); text != ""; {
		text = s.step(text)
	}
	return len(p), nil
}

// step carries out the first command or line of text and returns what follows.
func (s *screen) step(text string) string {
	switch {
	case text[0] == '\n':
		s.row, s.column = s.row+1, 0
		return text[1:]
	case text[0] == '\r':
		s.column = 0
		return text[1:]
	case text[0] != '\x1b':
		end := strings.IndexAny(text, "\n\x1b")
		if end < 0 {
			end = len(text)
		}
		if s.row == len(s.lines) {
			s.lines = append(s.lines, "")
		}
		if end > columns && !s.noWrap {
			s.lines[s.row] = text[:columns]
			s.row, s.column = s.row+1, 0
			return text[columns:]
		}
		s.lines[s.row] = text[:end]
		s.column = min(end, columns-1) // the cursor never leaves the row
		return text[end:]
	}
	end := strings.IndexAny(text, "hlKJA") + 1
	switch command := text[:end]; command {
	case hideCursor, showCursor:
		s.hidden = command == hideCursor
	case noWrap, wrapAgain:
		s.noWrap = command == noWrap
	case clearRight:
		if s.row < len(s.lines) {
			s.lines[s.row] = s.lines[s.row][:min(s.column, len(s.lines[s.row]))]
		}
	case clearBelow:
		s.lines = s.lines[:min(s.row, len(s.lines))]
	default:
		var up int
		if _, err := fmt.Sscanf(command, "\x1b[%dA", &up); err != nil || up > s.row {
			s.t.Fatalf("unknown command %q in row %d", command, s.row)
		}
		s.row -= up
	}
	return text[end:]
}

func TestLive(t *testing.T) {
	s := &screen{t: t}
	l := NewLive(s)
	shows := func(want ...string) {
		t.Helper()
		if got := strings.Join(s.lines, "|"); got != strings.Join(want, "|") {
			t.Errorf("the screen shows %q, want %q", s.lines, want)
		}
	}
	l.Write([]byte("log 0\n"))
	shows("log 0")
	l.Draw([]string{"a", "b", "c"}, 25)
	shows("log 0", "a", "b", "c")
	l.Draw([]string{"a", "fullrow.", "c"}, 25)
	shows("log 0", "a", "fullrow.", "c")
	if !s.hidden || !s.noWrap {
		t.Error("the cursor is shown, or lines wrap, while drawing")
	}
	l.Draw([]string{"d", "e"}, 25)
	shows("log 0", "d", "e")
	l.Write([]byte("log 1\nlog 2\n"))
	shows("log 0", "log 1", "log 2", "d", "e")
	l.Draw([]string{"f", "g", "h", "i"}, 3)
	shows("log 0", "log 1", "log 2", "f", "g")
	l.Write([]byte("a longer line\n"))
	shows("log 0", "log 1", "log 2", "a longer", " line", "f", "g")
	if !s.noWrap {
		t.Error("lines wrap behind a log")
	}
	l.Close()
	shows("log 0", "log 1", "log 2", "a longer", " line")
	if s.hidden || s.noWrap {
		t.Error("the terminal is not as it was")
	}
	l.Close()
	l.Write([]byte("report\n"))
	shows("log 0", "log 1", "log 2", "a longer", " line", "report")
}

func TestLiveUntouched(t *testing.T) {
	var b bytes.Buffer
	if err := NewLive(&b).Close(); err != nil || b.Len() > 0 {
		t.Errorf("closing what never drew wrote %q (%v)", &b, err)
	}
	l := NewLive(full{})
	if err := l.Draw([]string{"a"}, 25); err == nil {
		t.Error("a terminal that is gone is no error")
	}
	if _, err := l.Write([]byte("a")); err == nil {
		t.Error("a terminal that is gone is no error")
	}
}
