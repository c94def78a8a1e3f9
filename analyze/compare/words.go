package compare

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

// says says what a difference is, with the values of the first pair that showed it.
func says(d *diff) string {
	switch d.kind {
	case finding.Status:
		return fmt.Sprintf("The status is %s where live has %s", d.mirror, d.live)
	case finding.Header:
		return "The header " + instead(d)
	case finding.Trailer:
		return "The trailer " + instead(d)
	case finding.Removed:
		return fmt.Sprintf("%s is missing; live has %s", d.path, d.live)
	case finding.Added:
		return fmt.Sprintf("%s is new: %s", d.path, d.mirror)
	case finding.Type:
		if d.live == redact.Masked {
			return d.path + " has another type than live's"
		}
		if live, mirror := typeName(d.live), typeName(d.mirror); live != "" && mirror != "" {
			return fmt.Sprintf("%s is %s where live has %s: %s, live %s", d.path, mirror, live, d.mirror, d.live)
		}
	case finding.Order:
		return fmt.Sprintf("%s has the same elements in another order", d.path)
	case finding.Body:
		return fmt.Sprintf("The body differs: %s, live %s", d.mirror, d.live)
	}
	return instead(d)
}

func instead(d *diff) string {
	switch {
	case d.mirror == absent:
		return fmt.Sprintf("%s is missing; live has %s", d.path, d.live)
	case d.live == absent:
		return fmt.Sprintf("%s is new: %s", d.path, d.mirror)
	}
	return fmt.Sprintf("%s is %s where live has %s", d.path, d.mirror, d.live)
}

// typeName names the type of a JSON value by its first byte, and nothing else.
func typeName(value string) string {
	switch {
	case strings.HasPrefix(value, "{"):
		return "an object"
	case strings.HasPrefix(value, `"`):
		return "a string"
	case value == "true", value == "false":
		return "a boolean"
	case value == "null":
		return "null"
	case strings.HasPrefix(value, "["):
		return "an array"
	case value != "" && strings.Contains("-0123456789", value[:1]):
		return "a number"
	}
	return ""
}

// baselineSays says how often the baseline shows the same.
func baselineSays(f *finding.Finding, controlled bool) string {
	switch {
	case !controlled:
		return "; without a baseline this may be noise"
	case f.BaselineCount == 0:
		return "; the baseline in none of " + number(f.BaselinePairs, "")
	}
	return "; the baseline in " + share(f.BaselineCount, f.BaselinePairs, "")
}

// share says n of total, and in percent.
func share(n, total uint64, what string) string {
	percent := 100 * float64(n) / float64(max(total, 1))
	digits := 0
	if percent < 10 {
		digits = 1
	}
	return fmt.Sprintf("%s of %s (%.*f %%)", number(n, ""), number(total, what), digits, percent)
}

// number writes n with commas, and what it counts.
func number(n uint64, what string) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if what != "" {
		s += " " + what
	}
	return s
}

// brief writes a duration with three digits at most.
func brief(d time.Duration) string {
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
