package redact

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The reference does to a decoded document what a Stream does to its bytes, as simply as can be: the
// way to each value is a text, and a path is a regular expression for it.

// A refRule redacts values by their way.
type refRule struct {
	way  *regexp.Regexp
	do   Action
	text string
}

// refRules translates rules of names and paths, without unusual characters in them.
func refRules(rules []Rule) (refs []refRule) {
	for _, r := range rules {
		pattern := "(?s).*/" + regexp.QuoteMeta(r.Name)
		if r.Path != "" {
			pattern = strings.NewReplacer(
				"$", "", "..*", `(?:/[^/]*)*/[^/]*`, ".*", "/[^/]*", "..[", `(?:/[^/]*)*/\[`, "..", `(?:/[^/]*)*/`, "[*]", "/[^/]*", "[", `/\[`, "]", `\]`, ".", "/",
			).Replace(r.Path)
		}
		text := r.Text
		if text == "" {
			text = Masked
		}
		refs = append(refs, refRule{regexp.MustCompile("(?i)^" + pattern + "$"), r.Do, text})
	}
	return refs
}

// A member of an object, which may have several of the same name.
type member struct {
	name  string
	value any
}

// refValue decodes the next value and redacts it. It returns false if it is to be removed.
func refValue(t *testing.T, dec *json.Decoder, refs []refRule, way string, covered *refRule) (any, bool) {
	for i := range refs {
		if covered == nil && refs[i].way.MatchString(way) {
			covered = &refs[i]
		}
	}
	tok, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch tok {
	case json.Delim('['):
		return refList(t, dec, refs, way, covered)
	case json.Delim('{'):
		return refObject(t, dec, refs, way, covered)
	}
	switch {
	case covered == nil:
		return tok, true
	case covered.do == Remove:
		return nil, false
	case covered.do == KeepLast4:
		if text := fmt.Sprint(tok); len([]rune(text)) >= 8 {
			if _, is := tok.(bool); !is {
				return "****" + string([]rune(text)[len([]rune(text))-4:]), true
			}
		}
		return Masked, true
	}
	return covered.text, true
}

func refList(t *testing.T, dec *json.Decoder, refs []refRule, way string, covered *refRule) (any, bool) {
	list := []any{}
	for i := 0; dec.More(); i++ {
		if value, keep := refValue(t, dec, refs, fmt.Sprintf("%s/[%d]", way, i), covered); keep {
			list = append(list, value)
		}
	}
	mustToken(t, dec)
	if covered != nil && covered.do != KeepLast4 {
		return covered.text, covered.do != Remove
	}
	return list, true
}

func refObject(t *testing.T, dec *json.Decoder, refs []refRule, way string, covered *refRule) (any, bool) {
	object := []member{}
	for dec.More() {
		name := mustToken(t, dec).(string)
		if value, keep := refValue(t, dec, refs, way+"/"+name, covered); keep {
			object = append(object, member{name, value})
		}
	}
	mustToken(t, dec)
	if covered != nil {
		return covered.text, covered.do != Remove
	}
	return object, true
}

func mustToken(t *testing.T, dec *json.Decoder) json.Token {
	tok, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func decoder(text string) *json.Decoder {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec
}

// TestReference compares a Stream with the reference on the documents of the corpus.
func TestReference(t *testing.T) {
	for _, rules := range [][]Rule{
		{{Name: "password"}, {Name: "api-key", Do: Remove}, {Name: "customer_id", Do: KeepLast4}, {Name: "private", Do: KeepLast4}, {Name: "kennwört", Text: `"\`}},
		{{Path: "$.user.cards[*].number", Do: KeepLast4}, {Path: "$..private[0]", Do: Remove}, {Path: "$.list[1].x"}, {Path: "$.rest..[2]", Do: Remove}},
		{{Path: "$.rest.*", Do: Remove}, {Path: "$.user..[1]", Do: KeepLast4}, {Path: "$..cards", Do: KeepLast4}, {Path: "$.list[0]", Do: Remove}},
		{{Path: "$.*"}}, {{Path: "$..*", Do: Remove}}, {{Path: "$.*.*[*]", Do: Remove}, {Name: "password", Do: Remove}},
	} {
		r, refs := compile(t, rules...), refRules(rules)
		c := &corpus{Rand: rand.New(rand.NewPCG(1, uint64(len(rules))))}
		var s Stream
		for range 500 {
			body := c.document()
			out, err := c.write(&s, r, jsonType, body)
			if err != nil {
				t.Fatalf("%q: %v", body, err)
			}
			want, _ := refValue(t, decoder(body), refs, "", nil)
			got, _ := refValue(t, decoder(string(out)), nil, "", nil)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%v\n%s becomes\n%s, which means\n%v, not\n%v", rules, body, out, got, want)
			}
		}
	}
}

// TestTrail compares what a Trail covers with the reference's ways.
func TestTrail(t *testing.T) {
	rules := []Rule{{Path: "$.a[*].b"}, {Path: "$..c[0]"}, {Name: "d"}}
	r := compile(t, rules...)
	refs := refRules(rules)
	var walk func(trail Trail, way string, covered bool)
	walk = func(trail Trail, way string, covered bool) {
		for _, ref := range refs {
			covered = covered || ref.way.MatchString(way)
		}
		if trail.Covered() != covered {
			t.Errorf("%s is covered: %v", way, trail.Covered())
		}
		if strings.Count(way, "/") == 4 {
			return
		}
		for _, name := range []string{"a", "B", "c", "d", "e"} {
			walk(trail.Field([]byte(name)), way+"/"+name, covered)
		}
		for i := range 2 {
			walk(trail.Element(i), fmt.Sprintf("%s/[%d]", way, i), covered)
		}
	}
	walk(r.Trail(), "", false)
}
