package route

import "strings"

// findCookie returns the value of the first cookie of that name in a Cookie header, as it was sent.
func findCookie(header, name string) (value string, ok bool) {
	for header != "" {
		var pair string
		pair, header, _ = strings.Cut(header, ";")
		key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if ok && key == name {
			return value, true
		}
	}
	return "", false
}
