package smuggling

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

// vector is what a client sends, and what becomes of it.
type vector struct {
	class, name string
	sent        string
	want        []outcome
}

// outcome is what becomes of one request. A request without a method is not forwarded.
type outcome struct {
	method, target, host, body string
	cut                        bool           // the server gets no more than the beginning
	status                     int            // tain's own answer, 0 if it gives none
	own                        map[string]int // status of a server that does not answer 200, by its name
}

// vectors reads the corpus, by class and in the order of the files.
func vectors(t *testing.T, pattern string) []vector {
	t.Helper()
	var all []vector
	archives := wire.Files(t, pattern)
	for _, class := range slices.Sorted(maps.Keys(archives)) {
		for _, file := range archives[class].Files {
			name, text, _ := strings.Cut(file.Name, ": ")
			want, err := parseOutcomes(text)
			if err != nil {
				t.Fatalf("%s: vector %q: %v", class, file.Name, err)
			}
			all = append(all, vector{class, name, string(file.Data), want})
		}
	}
	return all
}

// parseOutcomes reads a list such as
//
//	POST /a "body" host=b, GET /b nginx=405, 400
func parseOutcomes(text string) ([]outcome, error) {
	if text == "nothing" {
		return nil, nil
	}
	var all []outcome
	for more := true; more; {
		var words []string
		words, text, more = cutItem(text)
		o, err := parseOutcome(words)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// cutItem takes the words up to the first that a comma follows. more says that there was one.
func cutItem(text string) (words []string, rest string, more bool) {
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		if text[0] == ',' {
			return words, text[1:], true
		}
		word, err := strconv.QuotedPrefix(text)
		if err != nil {
			word, _, _ = strings.Cut(text, " ")
			word = strings.TrimSuffix(word, ",")
		}
		words, text = append(words, word), text[len(word):]
	}
	return words, "", false
}

func parseOutcome(words []string) (o outcome, err error) {
	if len(words) == 1 {
		if o.status, err = strconv.Atoi(words[0]); err == nil {
			return o, nil
		}
	}
	if len(words) < 2 {
		return o, fmt.Errorf("%q is neither a status nor a method and a target", words)
	}
	o.method, o.target, o.own = words[0], words[1], make(map[string]int)
	for _, word := range words[2:] {
		if err := o.option(word); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *outcome) option(word string) (err error) {
	name, value, ok := strings.Cut(word, "=")
	switch {
	case word[0] == '"':
		o.body, err = strconv.Unquote(word)
	case word == "cut":
		o.cut = true
	case !ok:
		o.status, err = strconv.Atoi(word)
	case name == "host":
		o.host = value
	default:
		o.own[name], err = strconv.Atoi(value)
	}
	return err
}

// forwarded is how many requests of the list begin to reach the server, and whole how many reach it
// whole.
func forwarded(want []outcome) (all, whole int) {
	for _, o := range want {
		if o.method != "" {
			all++
			if !o.cut {
				whole++
			}
		}
	}
	return all, whole
}

// says is what tain does with a vector, for people.
func says(want []outcome) string {
	all, whole := forwarded(want)
	text := fmt.Sprintf("forwards %d", whole)
	switch last := len(want) - 1; {
	case last < 0:
		return "hangs up"
	case all > whole:
		text += ", cuts 1"
	case want[last].method == "":
		text = strings.TrimPrefix(text, "forwards 0") + fmt.Sprintf(" refuses with %d", want[last].status)
	}
	return strings.TrimLeft(text, " ")
}

func TestParseOutcomes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := parseOutcomes(text)
		if s := fmt.Sprintf("%v %v", got, err); s != want {
			t.Errorf("%s: got\n%s, want\n%s", text, s, want)
		}
	}
	f("nothing", "[] <nil>")
	f("400", "[{    false 400 map[]}] <nil>")
	f(`GET /a host=b, POST /c "d, e" cut 400, 501`, "[{GET /a b  false 0 map[]} {POST /c  d, e true 400 map[]} {    false 501 map[]}] <nil>")
	f("OPTIONS * nginx=400 node=200", "[{OPTIONS *   false 0 map[nginx:400 node:200]}] <nil>")
	f("GET", `[] ["GET"] is neither a status nor a method and a target`)
	f("GET /a odd", `[] strconv.Atoi: parsing "odd": invalid syntax`)
}
