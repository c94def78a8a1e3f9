package route

import (
	"regexp"
	"strings"
)

// Op says how a [Condition] compares.
type Op uint8

// The operators of conditions.
const (
	OpEqual   Op = iota // the same value
	OpPrefix            // the value begins so
	OpRegexp            // a regular expression (RE2) matches the whole value
	OpPresent           // there is a value, whichever
)

// Condition is about one header, or about one parameter of the query, of which the first of that
// name counts, decoded. Without a value it doesn't hold.
type Condition struct {
	Name  string // of a header: case-insensitive; of a query parameter: decoded, case-sensitive
	Op    Op
	Value string // "" for [OpPresent]

	re *pattern
}

func (c *Condition) holds(value string) bool {
	switch c.Op {
	case OpEqual:
		return value == c.Value
	case OpPrefix:
		return strings.HasPrefix(value, c.Value)
	case OpRegexp:
		return c.re.matches(value)
	}
	return true
}

// holdsEncoded is holds for a value as it stands in a query.
func (c *Condition) holdsEncoded(raw string) bool {
	switch c.Op {
	case OpEqual:
		rest, ok := cutDecoded(raw, c.Value)
		return ok && rest == ""
	case OpPrefix:
		_, ok := cutDecoded(raw, c.Value)
		return ok
	case OpRegexp:
		return c.re.matches(decode(raw))
	}
	return true
}

// pattern is a regular expression that matches whole strings.
type pattern struct {
	literal string // what every match begins with: most strings are told apart by it
	re      *regexp.Regexp
}

func compilePattern(text string) (*pattern, error) {
	free, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	whole, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, err
	}
	literal, _ := free.LiteralPrefix()
	return &pattern{literal, whole}, nil
}

func (p *pattern) matches(s string) bool {
	return strings.HasPrefix(s, p.literal) && p.re.MatchString(s)
}

// globMatches says whether a pattern is s, or stands for it. The first asterisk in a pattern stands for
// any bytes, none included.
func globMatches[T string | []byte](pattern string, s T) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == string(s)
	}
	cut := len(s) - len(after)
	return cut >= len(before) && string(s[:len(before)]) == before && string(s[cut:]) == after
}
