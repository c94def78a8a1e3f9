package route

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTemplate compares templates with the regular expressions that say the same.
func FuzzTemplate(f *testing.F) {
	f.Add("/orders/{id}/items/{item}", "/orders/1/items/2")
	f.Add("/a/{b}/**", "/a/b/")
	f.Add("/{a}/{b...}", "/a//b")
	f.Fuzz(func(t *testing.T, text, path string) {
		tmpl, err := parseTemplate(text)
		if err != nil || !utf8.ValidString(text) {
			return // no regular expression says the same of bytes that are no text
		}
		var same strings.Builder
		for element := range strings.SplitSeq(text[1:], "/") {
			switch {
			case element == "**" || strings.HasSuffix(element, "...}"):
				same.WriteString("/(?s:.*)")
			case strings.HasPrefix(element, "{"):
				same.WriteString("/[^/]+")
			default:
				same.WriteString("/" + regexp.QuoteMeta(element))
			}
		}
		if want := regexp.MustCompile(`\A` + same.String() + `\z`).MatchString(path); tmpl.matches(path) != want {
			t.Errorf("%q on %q: want %v", text, path, want)
		}
	})
}
