package config

import "fmt"

// complaints are what is wrong with a part of a configuration, each an [*Error] whose Setting is the
// name in that part.
type complaints []error

func (c *complaints) fail(setting, format string, args ...any) {
	*c = append(*c, &Error{Setting: setting, Text: fmt.Sprintf(format, args...)})
}

// failText complains about a text, with the place in it that err may point to.
func (c *complaints) failText(setting, text string, err error) {
	*c = append(*c, errorIn(text, setting, err))
}

// below takes over the complaints about a part of this part.
func (c *complaints) below(setting string, errs []error) { *c = append(*c, prefixed(setting, errs)...) }

// read reads a text that may be left out.
func read[T any](c *complaints, setting, text string, parse func(string) (T, error)) T {
	var value T
	if text == "" {
		return value
	}
	value, err := parse(text)
	if err != nil {
		c.fail(setting, "%v", err)
	}
	return value
}

// readAll reads a list of texts. One that is wrong makes it an empty one.
func readAll[T any](c *complaints, setting string, list []string, parse func(string) (T, error)) []T {
	var all []T
	before := len(*c)
	for i, text := range list {
		value, err := parse(text)
		if err != nil {
			c.fail(fmt.Sprintf("%s[%d]", setting, i), "%v", err)
		}
		all = append(all, value)
	}
	if len(*c) > before {
		return nil
	}
	return all
}

// fit makes a number one of a smaller type.
func fit[T uint8 | uint16 | uint32](c *complaints, setting string, n int, most T) T {
	if n < 0 || uint64(n) > uint64(most) {
		c.fail(setting, "%d is out of range; use 0 to %d", n, most)
		return 0
	}
	return T(n)
}
