package route

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Redaction says what must not leave with the copies of a mirror, nor be kept or shown of their pairs.
// The zero value lets everything pass. A table holds the rules as they are written: it knows the words
// of the lists below, and whoever applies the rules knows what paths mean.
type Redaction struct {
	Rules []RedactRule
	// KeyFile has the key of pseudonyms, which nobody sees who sees the table. "" is none.
	KeyFile string
}

// RedactRule says what is redacted, and what stands in its place. One of Name, Path and Detect is given.
type RedactRule struct {
	In     []string // of [RedactPlaces]; none is everywhere
	Name   string   // of a header, cookie, parameter or field
	Path   string   // from the root of a JSON body, such as $.user.cards[*].number
	Detect string   // one of [RedactDetectors]
	Do     string   // one of [RedactActions]; "" is the first
	Text   string   // instead of the usual mask
}

// The words of rules. Nobody changes them.
var (
	RedactPlaces    = []string{"header", "cookie", "query", "json", "form"}
	RedactDetectors = []string{"card", "email", "iban", "phone", "jwt"}
	RedactActions   = []string{"mask", "last4", "remove", "pseudonym"}
)

// maxRedactRules bounds the rules of a mirror.
const maxRedactRules = 256

// minKey is the least number of bytes of a key: with fewer, pseudonyms could be undone by trying.
const minKey = 16

// Key reads the key of pseudonyms, nil without a file. It blocks as reading a file does. Errors name the
// file and quote nothing of it.
func (r *Redaction) Key() ([]byte, error) {
	if r.KeyFile == "" {
		return nil, nil
	}
	key, err := readSecret("key of pseudonyms", r.KeyFile)
	if err == nil && len(key) < minKey {
		err = fmt.Errorf("the key of pseudonyms in %s has %d bytes; use %d or more, such as openssl rand -hex 32 makes", r.KeyFile, len(key), minKey)
	}
	return key, err
}

func (c *checker) checkRedaction(field string, r *Redaction) {
	c.checkCount(field+"redact", len(r.Rules), maxRedactRules)
	for i := range r.Rules {
		rule, field := &r.Rules[i], at(field+"redact", i)
		for j, place := range rule.In {
			c.checkWord(at(field+".in", j), place, "place", RedactPlaces)
		}
		if rule.Detect != "" {
			c.checkWord(field+".detect", rule.Detect, "detector", RedactDetectors)
		}
		if rule.Do != "" {
			c.checkWord(field+".do", rule.Do, "action", RedactActions)
		}
		for _, text := range []struct{ name, value string }{{".name", rule.Name}, {".path", rule.Path}, {".text", rule.Text}} {
			if len(text.value) > maxValue {
				c.fail(CodeLimit, field+text.name, "is longer than %d bytes; make it shorter", maxValue)
			}
		}
	}
	if f := r.KeyFile; f != "" && (!filepath.IsAbs(f) || len(f) > maxValue || strings.ContainsRune(f, 0)) {
		c.fail(CodeCopy, field+"pseudonymKey", "%q is not the absolute path of a file", f)
	}
}

func (c *checker) checkWord(field, word, what string, words []string) {
	if !slices.Contains(words, word) {
		c.fail(CodeCopy, field, "%q is no %s; use one of %s", word, what, strings.Join(words, ", "))
	}
}

// settings are those of the text form.
func (r *RedactRule) settings() []setting {
	return []setting{
		stringOf("name", &r.Name), stringOf("path", &r.Path), stringOf("detect", &r.Detect),
		stringsOf("in", &r.In), stringOf("do", &r.Do), stringOf("text", &r.Text),
	}
}

func (p *printer) redaction(indent string, r *Redaction) {
	for i := range r.Rules {
		p.settings(indent+"redact", nil, r.Rules[i].settings(), new(RedactRule).settings())
	}
	if r.KeyFile != "" {
		p.line(indent+"pseudonym-key", r.KeyFile)
	}
}

// parseRedaction reads a line of it. It reports whether there is such a line.
func (p *parser) parseRedaction(keyword word, r *Redaction) bool {
	switch keyword.text {
	case "redact":
		field := at("copy.redact", len(r.Rules))
		p.mark(field, keyword)
		r.Rules = append(r.Rules, RedactRule{})
		p.parseSettings(p.words, r.Rules[len(r.Rules)-1].settings(), field)
	case "pseudonym-key":
		if p.need(keyword, 1, 1, "pseudonym-key /path/of/a/file") {
			p.mark("copy.pseudonymKey", p.words[0])
			r.KeyFile = p.words[0].text
		}
	default:
		return false
	}
	return true
}
