package compare

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// rules are those of a careful operator.
func rules(t testing.TB) *redact.Redactor {
	t.Helper()
	r, err := redact.Compile([]redact.Rule{
		{Name: "token"}, {Name: "X-Key", Do: redact.Remove}, {Path: "$.user.card", Do: redact.KeepLast4},
		{Path: "$.list[0]"}, {Detect: redact.Email, Do: redact.Pseudonym},
	}, []byte("a key of the tests, 32 bytes long"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// veiled compares one pair of a mirror with rules, and says what was found and kept of it.
func veiled(t testing.TB, live, mirror string) (found string, tally Tally, kept *traffic.Record) {
	t.Helper()
	l := newLab(t, Config{Keep: func(build func() *traffic.Record) { kept = build() }})
	p := l.pair("new", "POST /?token=secret&x=secret@example.com HTTP/1.1\r\nContent-Type: application/json\r\nX-Key: secret\r\n\r\n"+`{"token":"secret","a":1}`, live, mirror)
	p.Redactor = rules(t)
	l.compare(p)
	var b strings.Builder
	for _, f := range l.c.Findings() {
		if n := l.c.Tallies()[0].Redacted; f.Redacted != n {
			t.Errorf("the finding says redacted %d, not %d", f.Redacted, n)
		}
		for _, g := range l.c.groups {
			d := g.sides[0].diffs[string(f.Kind)+" "+f.Path]
			fmt.Fprintf(&b, "%s: %s | %s\n", d.label, d.live, d.mirror)
		}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		noSecret(t, "the finding", string(text))
	}
	text, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, "the record", string(text))
	return b.String(), l.c.Tallies()[0], kept
}

func noSecret(t testing.TB, what, text string) {
	t.Helper()
	if strings.Contains(strings.ToLower(text), "secret") {
		t.Errorf("%s has a secret: %s", what, text)
	}
}

// TestVeil holds that differences in what rules redact are tolerated and counted, and that no other shows
// anything of it.
func TestVeil(t *testing.T) {
	f := func(what, live, mirror, want string, redacted uint64) {
		t.Helper()
		got, tally, _ := veiled(t, live, mirror)
		if got != want || tally.Redacted != redacted {
			t.Errorf("%s: redacted %d, want %d; found\n%s\nwant\n%s", what, tally.Redacted, redacted, got, want)
		}
	}
	body := func(live, mirror, want string, redacted uint64) {
		t.Helper()
		f(live+" and "+mirror, answer(200, "", live), answer(200, "", mirror), want, redacted)
	}
	body(`{"token":"secret"}`, `{"token":"secret"}`, "", 0)
	body(`{"token":"secret1"}`, `{"token":"secret2"}`, "", 1)
	body(`{"token":"secret","b":1}`, `{"b":1}`, "", 1)
	body(`{"b":1}`, `{"TOKEN":{"a":"secret"},"b":1}`, "", 1)
	body(`{"a":{"token":["secret",{"x":1}]}}`, `{"a":{"token":["secret",{"x":2}]}}`, "", 1)
	body(`{"token":"secret1","b":1}`, `{"token":"secret2","b":2}`, "value b: 1 | 2\n", 1)
	body(`{"user":{"card":"secret card"}}`, `{"user":{"card":"****card"}}`, "", 1)
	body(`{"card":"4111"}`, `{"card":"4112"}`, "value card: \"4111\" | \"4112\"\n", 0)
	body(`{"list":["secret",1]}`, `{"list":["secrets",2]}`, "value list[*]: 1 | 2\n", 1)
	body(`{"user":{"card":"secret"}}`, `{}`, "removed user: [masked] | (absent)\n", 0)
	body(`{}`, `{"new":[{"token":"secret"}]}`, "added new: (absent) | [masked]\n", 0)
	body(`{}`, `{"new":[{"x":1}]}`, "added new: (absent) | [{\"x\":1}]\n", 0)
	body(`{"list":["x","y"]}`, `{"list":["y","x"]}`, "order list: [masked] | [masked]\n", 0)
	// What the target was told instead of an address, it may tell again.
	told, _ := redacted(t, `"secret@example.com"`)
	body(`{"to":"secret@example.com"}`, `{"to":`+told+`}`, "", 1)
	other, _ := redacted(t, `"secret@example.org"`)
	body(`{"to":"secret@example.com"}`, `{"to":"secret@example.org"}`, fmt.Sprintf("value to: %s | %s\n", clip([]byte(told)), clip([]byte(other))), 0)
	body(`{"to":1}`, `{"to":"secret@example.org"}`, fmt.Sprintf("type to: 1 | %s\n", clip([]byte(other))), 0)

	fields := func(live, mirror, want string, redacted uint64) {
		t.Helper()
		f(live+" and "+mirror, answer(200, live, ""), answer(200, mirror, ""), want, redacted)
	}
	fields("X-Key: secret\r\n", "X-Key: secret2\r\n", "", 1)
	fields("X-Key: secret\r\n", "", "", 1)
	fields("Token: secret\r\n", "Token: x\r\n", "", 1)
	fields("Location: /?token=secret&a=1\r\n", "Location: /?token=x&a=1\r\n", "", 1)
	fields("Location: /?token=secret&a=1\r\n", "Location: /?token=x&a=2\r\n", "header Location: /?token=%5Bmasked%5D&a=1 | /?token=%5Bmasked%5D&a=2\n", 0)
	fields("Set-Cookie: token=secret\r\n", "", "", 1)
	fields("Set-Cookie: token=secret\r\nSet-Cookie: a=secret\r\n", "", "header Set-Cookie: [masked], [masked] | (absent)\n", 0)
	fields("X-User: secret@example.com\r\n", "X-User: none\r\n", "header X-User: "+clip([]byte(strings.Trim(told, `"`)))+" | none\n", 0)
}

// redacted is what the rules leave of a JSON value.
func redacted(t testing.TB, value string) (string, bool) {
	t.Helper()
	v := veil{rules: rules(t)}
	clean, whole := v.value(nil, []byte(value))
	return string(clean), whole
}

// TestVeiledRecord holds what is kept of a pair.
func TestVeiledRecord(t *testing.T) {
	f := func(kind, body, want string, truncated bool) {
		t.Helper()
		live := "HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\nToken: secret\r\nX-Key: secret\r\nX-A: b\r\n\r\n" + body
		_, _, r := veiled(t, live, strings.Replace(live, "X-A: b", "X-A: c", 1))
		if got := r.Live.Message; got.Body != want || got.Truncated != truncated || fmt.Sprint(got.Header) != fmt.Sprintf("[[Content-Type %s] [Token [masked]] [X-A b]]", kind) {
			t.Errorf("%s: kept %+v, want %q", kind, got, want)
		}
		if !strings.HasPrefix(r.Request.Start, "POST /?token=%5Bmasked%5D&x=") || !strings.HasSuffix(r.Request.Start, "%40pseudonym.invalid HTTP/1.1") || r.Request.Body != `{"token":"[masked]","a":1}` || len(r.Request.Header) != 1 {
			t.Errorf("of the request was kept %+v", r.Request)
		}
	}
	f("application/json", `{"token":"secret","a":1}`, `{"token":"[masked]","a":1}`, false)
	f("application/json", `{"token":"secret","a":[1,}`, `{"token":"[masked]","a":[1,`, true)
	f("application/json", `{"a":1,"token":"secret`, `{"a":1,"token":"[masked]"`, true)
	f("application/x-www-form-urlencoded", "token=secret&a=1", "token=%5Bmasked%5D&a=1", false)
	f("text/html", "<p>secret", redact.Masked, false)
	f("image/png", "pixels", "pixels", false)
}

// TestVeiledCompression looks into what is compressed, and keeps nothing that it can't look into.
func TestVeiledCompression(t *testing.T) {
	f := func(encoding, body, want string) {
		t.Helper()
		live := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: " + encoding + "\r\n\r\n" + body
		if _, _, r := veiled(t, live, strings.Replace(live, " OK", " Fine", 1)); r.Live.Message.Body != want {
			t.Errorf("%s: kept %q", encoding, r.Live.Message.Body)
		}
	}
	f("gzip", gzipped(`{"token":"secret"}`), `{"token":"[masked]"}`)
	f("br", "secret", redact.Masked)
}

// FuzzVeil compares bodies that have a secret wherever a rule looks, and looks for it in all that is said.
func FuzzVeil(f *testing.F) {
	f.Add([]byte(`{"token":"?","user":{"card":["?"]},"list":["?",2]}`), []byte(`{"token":{"x":"?"},"list":[{"a":"?"}]}`))
	f.Add([]byte(`{"a":[{"token":"?"},1]}`), []byte(`[]`))
	f.Add([]byte(`{"a":[1,{"TOKEN":"?"}]}`), []byte(`{"a":"? ?@example.com","b":{}}`))
	f.Fuzz(func(t *testing.T, live, mirror []byte) {
		v := veil{rules: rules(t)}
		for _, body := range []*[]byte{&live, &mirror} {
			// Only what the rules find may be secret.
			if clean, whole := v.body(nil, "application/json", *body, false); !whole || strings.Contains(string(clean), "?") {
				return
			}
			*body = []byte(strings.ReplaceAll(string(*body), "?", "secret"))
		}
		veiled(t, answer(200, "", string(live)), answer(200, "", string(mirror)))
	})
}
