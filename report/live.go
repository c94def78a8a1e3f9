package report

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// The escape sequences of a live display. All terminals since the VT100 know them.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	noWrap     = "\x1b[?7l" // a line that is too long is cut, not broken
	wrapAgain  = "\x1b[?7h"
	clearRight = "\x1b[K"
	clearBelow = "\x1b[J"
)

// Live redraws lines in place at the lower end of a terminal. It is an [io.Writer] too: what is
// written to it, a log for example, scrolls by above the lines. It is safe for concurrent use.
type Live struct {
	mu    sync.Mutex
	w     io.Writer
	lines []string // as drawn
	open  bool     // the terminal's modes are changed
}

// NewLive returns a display on the terminal w. It draws nothing yet.
func NewLive(w io.Writer) *Live { return &Live{w: w} }

// Draw replaces the lines that were drawn before. height is the number of rows of the terminal;
// what does not fit is left out.
func (l *Live) Draw(lines []string, height int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b bytes.Buffer
	l.rewind(&b)
	if !l.open {
		b.WriteString(hideCursor + noWrap)
		l.open = true
	}
	l.lines = append(l.lines[:0], lines[:min(len(lines), max(height-1, 0))]...)
	l.put(&b)
	_, err := l.w.Write(b.Bytes())
	return err
}

// Write writes p above the lines. p should end a line.
func (l *Live) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b bytes.Buffer
	l.rewind(&b)
	b.WriteString(clearBelow)
	if l.open { // a log's end, where the reason stands, is not to be cut
		b.WriteString(wrapAgain)
		b.Write(p)
		b.WriteString(noWrap)
	} else {
		b.Write(p)
	}
	l.put(&b)
	if _, err := l.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close takes the lines away and leaves the terminal as it was. Nothing is drawn afterwards unless
// Draw is called again.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return nil
	}
	var b bytes.Buffer
	l.rewind(&b)
	b.WriteString(clearBelow + wrapAgain + showCursor)
	l.lines, l.open = nil, false
	_, err := l.w.Write(b.Bytes())
	return err
}

// rewind moves the cursor to where the first line begins.
func (l *Live) rewind(b *bytes.Buffer) {
	if len(l.lines) > 0 {
		fmt.Fprintf(b, "\r\x1b[%dA", len(l.lines))
	}
}

// put writes the lines from the cursor on, and clears what was below them. A row is cleared before
// it is written: behind a line that fills the row, the cursor stands on its last character.
func (l *Live) put(b *bytes.Buffer) {
	for _, line := range l.lines {
		b.WriteString(clearRight + line + "\n")
	}
	b.WriteString(clearBelow)
}
