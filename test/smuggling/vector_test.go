package smuggling

import (
	"fmt"
	"maps"
	"net/http"
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

// before is the vector as it goes with that server behind tain. What the server doesn't take, tain answers with
// 502, and closes the connection.
func (v vector) before(server string) vector {
	refused := func(o outcome) bool { return o.own[server] == http.StatusBadGateway }
	if i := slices.IndexFunc(v.want, refused); i >= 0 {
		v.want = v.want[:i+1]
	}
	return v
}

// outcome is what becomes of one request. One without a method is not forwarded.
type outcome struct {
	method, target, host, body string
	cut                        bool           // the server gets no more than the beginning
	whole                      bool           // what becomes of it depends on time, unless it comes in one piece
	status                     int            // tain's own answer, 0 if it gives none
	early                      bool           // tain gives none when it sees what is wrong too early
	reset                      bool           // tain resets the stream
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
	switch text := strings.Join(words, " "); {
	case text == "nothing":
		return o, nil
	case text == "reset" || text == "reset whole":
		o.reset, o.whole = true, text != "reset"
		return o, nil
	case len(words) == 1 || len(words) == 2 && words[1] == "early":
		o.early = len(words) == 2
		o.status, err = strconv.Atoi(words[0])
		return o, err
	case len(words) == 0:
		return o, fmt.Errorf("%q says nothing", text)
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
	case word == "reset":
		o.reset = true
	case !ok:
		o.status, err = strconv.Atoi(word)
	case name == "host":
		o.host = value
	default:
		o.own[name], err = strconv.Atoi(value)
	}
	return err
}

// forwarded is how many requests of the list reach the server whole, and begin to reach it. What a stream
// of HTTP/2 is reset for may be noticed before anything is forwarded.
func forwarded(want []outcome) (whole, least, most int) {
	for _, o := range want {
		if o.method == "" {
			continue
		}
		most++
		if !o.reset {
			least++
		}
		if !o.cut {
			whole++
		}
	}
	return whole, least, most
}

// says is what tain does with a vector, for people.
func says(want []outcome) string {
	whole, _, most := forwarded(want)
	var does []string
	if whole > 0 {
		does = append(does, fmt.Sprintf("forwards %d", whole))
	}
	switch last := want[len(want)-1]; {
	case most > whole:
		does = append(does, "cuts 1")
	case last.reset:
		does = append(does, "resets")
	case last.status != 0:
		does = append(does, fmt.Sprintf("refuses with %d", last.status))
	case last.method == "":
		does = append(does, "hangs up")
	}
	return strings.Join(does, ", ")
}

// String is the outcome as it is written, with the body last.
func (o outcome) String() string {
	var words []string
	add := func(word string, say bool) {
		if say {
			words = append(words, word)
		}
	}
	add(o.method+" "+o.target, o.method != "")
	add("host="+o.host, o.host != "")
	for _, server := range slices.Sorted(maps.Keys(o.own)) {
		add(fmt.Sprintf("%s=%d", server, o.own[server]), true)
	}
	add("cut", o.cut)
	add("reset", o.reset)
	add("whole", o.whole)
	add(strconv.Itoa(o.status), o.status != 0)
	add("early", o.early)
	add(strconv.Quote(o.body), o.body != "")
	add("nothing", len(words) == 0)
	return strings.Join(words, " ")
}

func TestParseOutcomes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := parseOutcomes(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var all []string
		for _, o := range got {
			all = append(all, o.String())
		}
		if s := strings.Join(all, ", "); s != want {
			t.Errorf("%s: got %s, want %s", text, s, want)
		}
	}
	f("nothing", "nothing")
	f("400", "400")
	f("501 early", "501 early")
	f("reset", "reset")
	f(`GET /a host=b, POST /c "d, e" cut 400, 501`, `GET /a host=b, POST /c cut 400 "d, e", 501`)
	f("reset whole", "reset whole")
	f("OPTIONS * nginx=400 node=200, POST /a", "OPTIONS * nginx=400 node=200, POST /a")
	f(`GET /a "b" cut reset`, `GET /a cut reset "b"`)

	bad := func(text string) {
		t.Helper()
		if got, err := parseOutcomes(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
	bad("")
	bad("GET")
	bad("GET /a odd")
	bad("GET /a,")
}
