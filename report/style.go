package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tain.dev/tain/finding"
)

// Options say how text looks.
type Options struct {
	Width int  // columns; 0 means 80, and fewer than 40 are taken for 40
	Color bool // whether escape sequences for colours may be used
}

func (s Options) columns() int {
	if s.Width == 0 {
		return 80
	}
	return min(max(s.Width, 40), 80)
}

// The colours. Severities have one each; everything else is bold, dim or plain.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	yellow = "33"
	green  = "32"
	cyan   = "36"
)

func (s Options) paint(color, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (s Options) severity(level finding.Severity) string {
	color := map[finding.Severity]string{finding.High: red, finding.Medium: yellow, finding.Low: cyan}[level]
	return s.paint(color, fmt.Sprintf("%-6s", level))
}

// clean replaces what must not reach a terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) && r != utf8.RuneError {
			return r
		}
		return '·'
	}, text)
}

// fit cuts text to n columns, and pads it to them.
func fit(text string, n int) string {
	if length := utf8.RuneCountInString(text); length <= n {
		return text + strings.Repeat(" ", n-length)
	}
	return string([]rune(text)[:max(n-1, 0)]) + "…"
}

// wrap breaks text into lines of at most n columns. A word that is longer is cut.
func wrap(text string, n int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		for utf8.RuneCountInString(word) > n {
			head := string([]rune(word)[:n])
			word = word[len(head):]
			if line != "" {
				lines = append(lines, line)
				line = ""
			}
			lines = append(lines, head)
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= n:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// count writes n with commas.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes n and what it counts.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// brief writes a duration with about three digits, and nothing for none.
func brief(d time.Duration) string {
	switch {
	case d <= 0:
		return "–"
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
}

// span writes how long something went on.
func span(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	h, m, s := d/time.Hour, d/time.Minute%60, d/time.Second%60
	switch {
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case m > 0:
		return fmt.Sprintf("%d min %d s", m, s)
	}
	return fmt.Sprintf("%d s", s)
}

// rate writes a rate per second.
func rate(r float64) string {
	if r > 0 && r < 10 {
		return fmt.Sprintf("%.1f/s", r)
	}
	return count(uint64(max(r, 0)+0.5)) + "/s"
}

// percent writes n of total.
func percent(n, total uint64) string {
	if total == 0 {
		return "–"
	}
	p := 100 * float64(n) / float64(total)
	if p > 0 && p < 9.95 {
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
}
