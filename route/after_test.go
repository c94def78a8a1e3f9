package route

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// afterOf compiles conditions, separated by ";".
func afterOf(t testing.TB, conditions string) *After {
	t.Helper()
	text := "route a\nbackend http://b\nmirror m 100%\nafter\n" + strings.ReplaceAll(conditions, ";", "\n") + "\nend\nto http://t\n"
	return mustParse(t, text).Routes()[0].Mirrors[0].After
}

// exchanged reads words: a number is the status, a duration the latency, a host:port the backend, !word the
// fault, name=value a header of the answer, {…} or […] the body, size:n the size of another body, cut
// that the body was not captured whole, and /path the request's target.
func exchanged(t testing.TB, text string) *Exchanged {
	t.Helper()
	target, body, whole := "/", "", true
	headers := map[string]string{}
	x := &Exchanged{}
	for word := range strings.FieldsSeq(text) {
		d, err := time.ParseDuration(word)
		name, value, isHeader := strings.Cut(word, "=")
		switch {
		case word[0] == '/':
			target = word
		case word[0] == '!':
			x.Fault = word[1:]
		case word[0] == '{' || word[0] == '[' || word[0] == '"':
			body = word
			x.BodySize = int64(len(body))
		case word == "cut":
			whole = false
		case isHeader:
			headers[strings.ToLower(name)] = value
		case strings.HasPrefix(word, "size:"):
			_, err = fmt.Sscanf(word, "size:%d", &x.BodySize)
			if err != nil {
				t.Fatal(err)
			}
		case strings.Contains(word, ":"):
			x.Backend = word
		case err == nil && word != "0":
			x.Latency = d
		default:
			if _, err := fmt.Sscan(word, &x.Status); err != nil {
				t.Fatalf("BUG: %q", word)
			}
		}
	}
	x.Head = []byte("POST " + target + " HTTP/1.1\r\nHost: h.example:80\r\nX-A: 1\r\nx-a:  2 \r\nCookie: a=1\r\ncookie: b=2\r\n")
	x.Request = Request{Scheme: SchemeHTTPS, Client: func() netip.Addr { return netip.MustParseAddr("10.0.0.1") }}
	x.Body = func() ([]byte, bool) { return []byte(body), whole }
	x.Header = func(name string) (string, bool) {
		value, ok := headers[strings.ToLower(name)]
		return value, ok
	}
	return x
}

func TestAfterMatches(t *testing.T) {
	f := func(conditions, exchange string, want bool) {
		t.Helper()
		if got := afterOf(t, conditions).Matches(exchanged(t, exchange)); got != want {
			t.Errorf("%q on %q: %v", conditions, exchange, got)
		}
	}
	f("status 200-299", "204", true)
	f("status 200-299", "304", false)
	f("status 200-299 404", "404", true)
	f("status 200-299", "!client", false)
	f("status 100-599", "!client", false)
	f("not status 200-299", "!client", true)
	f("status 500-599", "503", true)

	f("response-header X-Cache = HIT", "200 x-cache=HIT", true)
	f("response-header X-Cache = HIT", "200", false)
	f("response-header X-Cache ^= H;response-header Y present", "200 x-cache=HIT y=", true)
	f("latency > 200ms", "200 201ms", true)
	f("latency > 200ms", "200 200ms", false)
	f("latency < 200ms;latency >= 100ms", "200 99ms", false)
	f("backend a:80 b:*", "200 b:81", true)
	f("backend a:80 b:*", "200 c:81", false)
	f("fault", "200", false)
	f("fault", "!timeout", true)
	f("not fault", "200", true)
	f("size > 100", "200 size:101", true)
	f("size <= 100", "200 size:101", false)

	f("method POST;host h.example;path /a;query b = 1;scheme https;source 10.0.0.0/8", "200 /a?b=1", true)
	f("method GET", "200 /a", false)
	f("path /a", "200 /b", false)
	f(`header X-A = "1, 2";cookie b = 2`, "200", true)
	f("any;status 500-599;or;path /a;fault;end", "200 /a !timeout", true)
	f("any;status 500-599;or;path /a;fault;end", "200 /a", false)
	f("any;status 500-599;or;path /a;fault;end", "500", true)
	f("not;status 200;latency < 1s;end", "200 2s", true)
	f("not;status 200;latency < 1s;end", "200 1ms", false)
	f("when timeout", "!timeout", true)
	f("when timeout;status 200", "!timeout", false)

	f("json $.a = 1", `200 {"a":1}`, true)
	f("json $.a = 1", `200 {"a":"1"}`, true)
	f("json $.a = 1", `200 {"a":1.0}`, false)
	f("json $.a = 1", `200 {"b":1}`, false)
	f("json $.a = 1", `200 {"a":1} cut`, false)
	f("json $.a = 1", `200 {"a":1} size:65537`, false)
	f("json $.a = 1;size > 65536", `200 {"a":1} size:65537`, false)
	f("json $.a = 1;json $.b ^= x", `200 {"a":1,"b":"xy"}`, true)
	f("json $.a = 1;json $.b ^= x", `200 {"a":1,"b":"y"}`, false)
	f("any;json $.a = 1;or;json $.b = 1;end;json $.c = 1", `200 {"b":1,"c":1}`, true)
	f("any;json $.a = 1;or;json $.b = 1;end;json $.c = 1", `200 {"b":1,"c":2}`, false)
	f("not json $.a present", "200", true)
}

func TestFields(t *testing.T) {
	f := func(condition, body string, want bool) {
		t.Helper()
		x := exchanged(t, "200")
		x.Body = func() ([]byte, bool) { return []byte(body), true }
		if got := afterOf(t, "json "+condition).Matches(x); got != want {
			t.Errorf("%s on %s: %v", condition, body, got)
		}
	}
	f("$ = x", `"x"`, true)
	f("$ present", ` [ ] `, true)
	f("$ present", ``, false)
	f("$.user.country = CH", `{"user": {"name": "a", "country": "CH"}}`, true)
	f("$.user.country = CH", `{"user": {"name": {"country": "CH"}}}`, false)
	f("$.user.country = CH", `{"country": "CH", "user": "CH"}`, false)
	f("$.a[1] = 2", `{"a": [1, 2, 3]}`, true)
	f("$.a[1] = 2", `{"a": [2, 1]}`, false)
	f("$.a[1] = 2", `{"a": {"1": 2}}`, false)
	f("$.a[0] = 2", `{"a": {"": 2}}`, false)
	f("$.a[*].id = 7", `{"a": [{"id": 5}, {"id": 7}]}`, true)
	f("$.a[*].id = 7", `{"a": [{"id": 5}, 7]}`, false)
	f("$[*][*] = 7", `[[1], [2, 7]]`, true)
	f(`"$[\"a.b\"]" = 1`, `{"a.b": 1}`, true)
	f("$.a = true", `{"a": true}`, true)
	f("$.a = null", `{"a": null}`, true)
	f("$.a = -1.5e+3", `{"a": -1.5e+3}`, true)
	f("$.a ~ [0-9]+", `{"a": 12}`, true)
	f("$.a ~ [0-9]+", `{"a": [12]}`, false)
	f("$.a present", `{"a": {"b": 1}}`, true)
	f("$.a = 2", `{"a": 1, "a": 2}`, true)
	f("$.ä = ö", `{"\u00e4": "\u00F6"}`, true)
	f(`$.a = "\"\\/\b\f\n\r\t"`, `{"a": "\"\\\/\b\f\n\r\t"}`, true)
	f("$.a = 😀", `{"a": "\ud83d\ude00"}`, true)
	f("$.a = �x", `{"a": "\ud83dx"}`, true)
	f("$.a = �A", `{"a": "\ud83d\u0041"}`, true)
	f("$.a present", `{"a": `+strings.Repeat("[", maxDepth+1)+strings.Repeat("]", maxDepth+1)+`}`, false)
	f("$.a present", `{"a": `+strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth)+`}`, true)
	for _, wrong := range []string{
		`{"a": 1`, `{"a": 1}}`, `{"a": 1,}`, `{"a": 1 "b": 2}`, `{"a" 1}`, `{a: 1}`, `{"a": [1,]}`, `{"a": [1 2]}`, `{"a": 01}`, `{"a": 1.}`,
		`{"a": 1e}`, `{"a": -}`, `{"a": nul}`, "{\"a\": \"\n\"}", `{"a": "\x"}`, `{"a": "\u12g4"}`, `{"a": "\u12`, `{"a": "\`, `{"a": "`, `{"a":`, `{"a"`, `{"`,
	} {
		f("$.a present", wrong, false)
	}
}

func TestStage(t *testing.T) {
	f := func(conditions string, want Stage) {
		t.Helper()
		if got := afterOf(t, conditions).Stage(); got != want {
			t.Errorf("%q: %d", conditions, got)
		}
	}
	f("json $.a = 1;size > 10;method GET", StageBody)
	f("any;json $.a = 1;or;not size > 10;end", StageBody)
	f("status 200", StageAnswer)
	f("fault", StageAnswer)
	f("latency > 1s", StageAnswer)
	f("backend a", StageAnswer)
	f("response-header A present", StageAnswer)
	f("when x", StageAnswer)
	f("any;json $.a = 1;or;not;any;path /a;or;status 200;end;end;end", StageAnswer)
}

func TestAfterAllocatesNothing(t *testing.T) {
	a := afterOf(t, "status 200-299;latency < 1s;response-header X-Cache = HIT;json $.user.country = CH;not json $.user.roles[*] = admin;size < 10000")
	x := exchanged(t, `200 1ms x-cache=HIT {"user":{"country":"CH","roles":["a","b"]}}`)
	body, _ := x.Body()
	x.Body = func() ([]byte, bool) { return body, true }
	header := func(string) (string, bool) { return "HIT", true }
	x.Header = header
	if n := testing.AllocsPerRun(100, func() {
		if !a.Matches(x) {
			t.Fatal("no match")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzWalk checks that the walker takes the texts that encoding/json takes, and no others.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(`{"a": [1, -2.5e3, "x\u00e4\n", true, false, null, {}]}`))
	f.Add([]byte(`[[],{"":""}]`))
	after := afterOf(f, "json $.a[*].b ~ x+;json $[0] present;json $.c = 1")
	f.Fuzz(func(t *testing.T, text []byte) {
		w := walker{text: string(text), fields: after.fields.fields}
		got := w.document(7)
		deep := bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth
		if want := json.Valid(text); got != want && !deep {
			t.Errorf("%q: %v, encoding/json says %v", text, got, want)
		}
	})
}

// FuzzFieldPath checks that a path that can be read finds what it leads to.
func FuzzFieldPath(f *testing.F) {
	f.Add("$.user.roles[0]")
	f.Add(`$["a.b"][*]`)
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parseFieldPath(text)
		if err != nil {
			return
		}
		var value any = "found"
		for i := range steps {
			if s := steps[len(steps)-1-i]; s.name != "" {
				value = map[string]any{s.name: value}
			} else {
				if s.index > 100 {
					return
				}
				value = append(make([]any, max(s.index, 0)), value)
			}
		}
		body, err := json.Marshal(value)
		if err != nil || strings.ContainsRune(text, '\uFFFD') || strings.ToValidUTF8(text, "") != text || strings.Contains(text, `\x`) {
			return // no JSON has such a name
		}
		set := fieldSet{[]jsonField{{steps, &Condition{Op: OpEqual, Value: "found"}}}}
		if set.search(&Exchanged{Body: func() ([]byte, bool) { return body, true }}) != 1 {
			t.Errorf("%q finds nothing in %s", text, body)
		}
	})
}
