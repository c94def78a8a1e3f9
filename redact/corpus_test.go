package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// A corpus makes bodies with secrets in places that its rules cover, and remembers the secrets.
type corpus struct {
	*rand.Rand
	secrets []string
	serial  int
}

// corpusRules has rules of each kind and action.
func corpusRules() []Rule {
	return []Rule{
		{Name: "password"}, {Name: "Api-Key", Do: Remove}, {Name: "customer_id", Do: Pseudonym}, {Name: "kennwört"},
		{Path: "$.user.cards[*].number", Do: Pseudonym}, {Path: "$..private[0]", Do: Remove}, {Path: "$.list[1].x"},
		{Detect: Card, Do: Pseudonym}, {Detect: Email, Do: Pseudonym}, {Detect: IBAN}, {Detect: Phone, Do: Remove}, {Detect: JWT},
	}
}

// secret returns a text that occurs nowhere else.
func (c *corpus) secret() string {
	c.serial++
	s := fmt.Sprintf("zq%dseekrit%dqz", c.serial, c.Uint32())
	c.secrets = append(c.secrets, s)
	return s
}

// found returns a text that a detector finds.
func (c *corpus) found() string {
	var s string
	switch c.IntN(5) {
	case 0:
		s = c.card()
	case 1:
		s = fmt.Sprintf("user%d.x+y@mail%d.example", c.Uint32(), c.IntN(99))
	case 2:
		s = fmt.Sprintf("DE00%018d", c.Int64N(1e18))
		check := 98 - ibanRest([]byte(s))
		s = fmt.Sprintf("DE%02d%s", check, s[4:])
	case 3:
		s = fmt.Sprintf("+49 17%d %07d", c.IntN(10), c.IntN(1e7))
	default:
		s = fmt.Sprintf("eyJhbGciOiJIUzI1NiJ9.eyJ%dabc.sig-%d_x", c.Uint64(), c.Uint64())
	}
	c.secrets = append(c.secrets, s)
	return s
}

func (c *corpus) card() string {
	s := fmt.Sprintf("4%014d", c.Int64N(1e14))
	for d := range 10 {
		digits := []byte(s + strconv.Itoa(d))
		for i := range digits {
			digits[i] -= '0'
		}
		if luhn(digits) == 0 {
			return s + strconv.Itoa(d)
		}
	}
	panic("BUG: no check digit is right")
}

// text writes a JSON string, with an escape for some characters.
func (c *corpus) text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < 0x10000 && c.IntN(12) == 0:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plain returns a value that no rule covers.
func (c *corpus) plain() string {
	switch c.IntN(7) {
	case 0:
		return strconv.Itoa(c.IntN(1e9))
	case 1:
		return "-12345678901234567890.5e+3"
	case 2:
		return []string{"true", "false", "null", "{}", "[]"}[c.IntN(5)]
	case 3:
		return c.text("2026-11-21T14:50:39Z é 日本 \U0001f600 \"quoted\" back\\slash")
	}
	return c.text(strings.Repeat("plain text ", c.IntN(20)))
}

// value writes a value of JSON, with secrets.
func (c *corpus) value(depth int) string {
	switch k := c.IntN(12); {
	case k < 2 && depth < 5:
		return c.list(depth)
	case k < 5 && depth < 5:
		return c.object(depth)
	case k == 5:
		return c.text("say " + c.found() + ", and more")
	case k == 6:
		card := c.card()
		c.secrets = append(c.secrets, card)
		return card
	}
	return c.plain()
}

func (c *corpus) list(depth int) string {
	var parts []string
	for range c.IntN(5) {
		parts = append(parts, c.value(depth+1))
	}
	return "[" + strings.Join(parts, c.comma()) + "]"
}

// object writes an object in which some names are secret, and any of them may come twice.
func (c *corpus) object(depth int) string {
	var parts []string
	member := func(name, value string) { parts = append(parts, c.text(name)+c.space()+":"+c.space()+value) }
	for range c.IntN(6) {
		switch c.IntN(9) {
		case 0:
			member("PassWord", c.text(c.secret()))
		case 1:
			member("password", `{"deep":[`+c.text(c.secret())+`,{"x":`+c.text(c.secret())+`}]}`)
		case 2:
			member("api-key", "["+c.text(c.secret())+"]")
		case 3:
			member("customer_id", c.text(c.secret()))
		case 4:
			member("KENNWÖRT", c.text(c.secret()))
		case 5:
			member("private", "["+c.text(c.secret())+","+c.plain()+"]")
		default:
			member(fmt.Sprintf("field%d", c.IntN(1000)), c.value(depth+1))
		}
	}
	return "{" + c.space() + strings.Join(parts, c.comma()) + c.space() + "}"
}

func (c *corpus) space() string { return []string{"", "", "", " ", "\n\t"}[c.IntN(5)] }
func (c *corpus) comma() string { return c.space() + "," + c.space() }

// document writes a body of JSON, with what the paths of the rules lead to.
func (c *corpus) document() string {
	return fmt.Sprintf(`{"user":{"cards":[{"number":%s},{"a":1,"number":%s}]},"list":[%s,{"x":%s}],"rest":%s}`,
		c.text(c.secret()), c.text(c.secret()), c.value(0), c.text(c.secret()), c.object(0))
}

// formBody writes a form, with names and values percent-encoded in part.
func (c *corpus) formBody() string {
	var parts []string
	for range c.IntN(8) + 1 {
		switch c.IntN(6) {
		case 0:
			parts = append(parts, "pass%77ord="+c.secret())
		case 1:
			parts = append(parts, "user%5BAPI-Key%5D="+c.secret()+";"+c.secret())
		case 2:
			parts = append(parts, "customer_id="+url.QueryEscape(c.secret()))
		case 3:
			parts = append(parts, "note="+url.QueryEscape("say "+c.found()))
		default:
			parts = append(parts, fmt.Sprintf("field%d=plain+text%%21", c.IntN(100)))
		}
	}
	return strings.Join(parts, "&")
}

// body writes a body of some type.
func (c *corpus) body() (contentType, body string) {
	c.secrets = c.secrets[:0]
	switch c.IntN(5) {
	case 0:
		return "application/x-www-form-urlencoded", c.formBody()
	case 1:
		var lines []string
		for range c.IntN(5) + 1 {
			lines = append(lines, c.document())
		}
		return "application/x-ndjson", strings.Join(lines, "\n")
	}
	return jsonType, c.document()
}

// TestCorpus writes 10,000 bodies in random pieces, a third of them broken off. No secret comes out,
// in any writing, and JSON without secrets is the same as before.
func TestCorpus(t *testing.T) {
	r := compile(t, corpusRules()...)
	c := &corpus{Rand: rand.New(rand.NewPCG(5, 2026))}
	var s Stream
	for i := range 10_000 {
		contentType, body := c.body()
		whole := body
		if i%3 == 0 {
			body = body[:c.IntN(len(body)+1)]
		}
		out, err := c.write(&s, r, contentType, body)
		if err != nil && body == whole {
			t.Fatalf("body %d: %q: %v", i, body, err)
		}
		decoded, _ := newScratch(nil).decode(out, inJSON)
		percent, _ := newScratch(nil).decode(out, inQuery)
		for _, secret := range append(c.secrets, "seekrit") {
			for _, text := range [][]byte{out, decoded, percent} {
				if bytes.Contains(text, []byte(secret)) {
					t.Fatalf("body %d: %q\nleaks %q as %q", i, body, secret, out)
				}
			}
		}
		if contentType == jsonType && body == whole && !json.Valid(out) {
			t.Fatalf("body %d: %q\nis no JSON any more: %q", i, body, out)
		}
	}
}

// write writes a body in random pieces.
func (c *corpus) write(s *Stream, r *Redactor, contentType, body string) (out []byte, err error) {
	s.Begin(r, contentType)
	for len(body) > 0 {
		n := min(c.IntN(1<<c.IntN(10))+1, len(body))
		if out, err = s.Write(out, []byte(body[:n])); err != nil {
			return out, err
		}
		body = body[n:]
	}
	return s.End(out)
}
