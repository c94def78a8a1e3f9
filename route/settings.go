package route

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is a named value of a line such as "check http path /health interval 5s". The same list of
// settings serves to write a line and to read it.
type setting struct {
	name string // as in the text form: server-name; in a configuration file it is serverName
	flag bool   // it has no value: its name alone says that it is so
	get  func() string
	set  func(text string) error
}

// stringOf makes a setting of a string.
func stringOf(name string, value *string) setting {
	return setting{
		name: name,
		get:  func() string { return *value },
		set:  func(text string) error { *value = text; return nil },
	}
}

// flagOf makes a setting that is written if it is true.
func flagOf(name string, value *bool) setting {
	return setting{
		name: name, flag: true,
		get: func() string { return strconv.FormatBool(*value) },
		set: func(string) error { *value = true; return nil },
	}
}

// numberOf makes a setting of a number that is not negative.
func numberOf[T ~int | ~uint8 | ~uint16 | ~uint32](name string, value *T) setting {
	return setting{
		name: name,
		get:  func() string { return strconv.FormatUint(uint64(*value), 10) },
		set: func(text string) error {
			n, err := strconv.ParseUint(text, 10, 62)
			if err != nil || uint64(T(n)) != n {
				return fmt.Errorf("%q is not a whole number, or too large", text)
			}
			*value = T(n)
			return nil
		},
	}
}

// durationOf makes a setting of a duration.
func durationOf(name string, value *time.Duration) setting {
	return setting{
		name: name,
		get:  func() string { return value.String() },
		set: func(text string) error {
			d, err := time.ParseDuration(text)
			if err != nil {
				return fmt.Errorf("%q is not a duration; use one such as 10s", text)
			}
			*value = d
			return nil
		},
	}
}

// listOf makes a setting of a list, written with commas.
func listOf[T any](name string, value *[]T, format func(T) string, parse func(string) (T, error)) setting {
	return setting{
		name: name,
		get: func() string {
			var items []string
			for _, item := range *value {
				items = append(items, format(item))
			}
			return strings.Join(items, ",")
		},
		set: func(text string) error {
			*value = nil
			for part := range strings.SplitSeq(text, ",") {
				item, err := parse(part)
				if err != nil {
					return err
				}
				*value = append(*value, item)
			}
			return nil
		},
	}
}

// stringsOf makes a setting of a list of strings.
func stringsOf(name string, value *[]string) setting {
	return listOf(name, value,
		func(s string) string { return s },
		func(s string) (string, error) { return s, nil })
}

// statusesOf makes a setting of a list of status codes.
func statusesOf(name string, value *[]int) setting {
	return listOf(name, value, strconv.Itoa, parseStatus)
}

func parseStatus(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is not a status; use one such as 503", text)
	}
	return int(n), nil
}

// settings writes a line of the keyword, the words, and the settings that are not as in defaults,
// the same list of another value.
func (p *printer) settings(keyword string, words []string, all, defaults []setting) {
	for i, s := range all {
		value := s.get()
		switch {
		case value == defaults[i].get():
		case s.flag:
			words = append(words, s.name)
		default:
			words = append(words, s.name, value)
		}
	}
	p.line(keyword, words...)
}

// parseSettings reads what [printer.settings] wrote after its words. The fields are below field.
func (p *parser) parseSettings(words []word, all []setting, field string) {
	for len(words) > 0 {
		name := words[0]
		i := slices.IndexFunc(all, func(s setting) bool { return s.name == name.text })
		if i < 0 {
			p.fail(name.column, "%q is unknown here; use one of %s", name.text, namesOf(all))
			return
		}
		words = words[1:]
		value := name
		if !all[i].flag {
			if len(words) == 0 {
				p.fail(name.column, "%s has no value", name.text)
				return
			}
			value, words = words[0], words[1:]
		}
		p.mark(field+"."+camel(name.text), value)
		if err := all[i].set(value.text); err != nil {
			p.fail(value.column, "%v", err)
		}
	}
}

func namesOf(all []setting) string {
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// camel is the name that a setting has in a configuration file: of max-age it is maxAge.
func camel(name string) string {
	var b strings.Builder
	for i, part := range strings.Split(name, "-") {
		if i > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}

// indexOf finds a word in a list whose order is that of a kind's values.
func indexOf(words []string, word, what string) (int, error) {
	i := slices.Index(words, word)
	if i < 0 || word == "" {
		return 0, fmt.Errorf("%q is no %s; use one of %s", word, what, strings.Join(words, ", "))
	}
	return i, nil
}

// wordOf is the word of a kind's value.
func wordOf[T ~uint8](words []string, value T) string {
	if int(value) >= len(words) {
		return strconv.Itoa(int(value))
	}
	return words[value]
}

// ParseStatusRange reads a status, or the first and the last with a - between them.
func ParseStatusRange(text string) (StatusRange, error) {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	from, err := parseStatus(first)
	to, toErr := parseStatus(last)
	if err != nil || toErr != nil {
		return StatusRange{}, fmt.Errorf("%q is not a status or a range; use one such as 200 or 200-399", text)
	}
	return StatusRange{from, to}, nil
}

func (s StatusRange) String() string {
	if s.From == s.To {
		return strconv.Itoa(s.From)
	}
	return strconv.Itoa(s.From) + "-" + strconv.Itoa(s.To)
}
