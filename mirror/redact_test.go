package mirror

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// redacting is all, with rules.
func redactingTable(rules string) string {
	return strings.Replace(all, "to http", rules+"\nto http", 1)
}

// TestWords holds that every word that a table knows means something.
func TestWords(t *testing.T) {
	for _, words := range []struct {
		known []string
		has   func(string) bool
		count int
	}{
		{route.RedactPlaces, func(w string) bool { return placeWords[w] != 0 }, len(placeWords)},
		{route.RedactDetectors, func(w string) bool { return detectorWords[w] != 0 }, len(detectorWords)},
		{route.RedactActions, func(w string) bool { _, ok := actionWords[w]; return ok }, len(actionWords)},
	} {
		for _, w := range words.known {
			if !words.has(w) {
				t.Errorf("%s means nothing", w)
			}
		}
		if len(words.known) != words.count {
			t.Errorf("%d of %d words are known", len(words.known), words.count)
		}
	}
	if actionWords[""] != actionWords[route.RedactActions[0]] {
		t.Error("the default is not the first action")
	}
}

// TestCheckRedaction holds what is told of rules, with its place in a file.
func TestCheckRedaction(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "short.txt"), []byte("too short"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(redact, want string) {
		t.Helper()
		file := filepath.Join(dir, "tain.yaml")
		text := "routes:\n- name: one\n  backends: http://b\n  mirrors:\n  - targets: http://t\n    copy:\n" + redact
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, errs := config.Load(file, CheckRedaction)
		var got strings.Builder
		for _, err := range append(errs, c.Warnings...) {
			got.WriteString(strings.ReplaceAll(err.Error(), dir+"/", "") + "\n")
		}
		if got.String() != want {
			t.Errorf("%s%s\nwant\n%s", redact, got.String(), want)
		}
		if len(c.Table.Routes()) != 1 {
			t.Errorf("%sthe route does not serve", redact)
		}
	}
	f("      pseudonymKey: short.txt\n", "")
	const after = "; until it is right, copies are dropped\n"
	f("      redact: [password, {path: \"$.a\"}]\n", "")
	f("      redact:\n      - a\n      - {path: \"a.b\"}\n",
		`tain.yaml:9:9: routes[0].mirrors[0].copy.redact[1]: path "a.b": does not begin with $`+after)
	f("      redact:\n      - {do: remove}\n", "tain.yaml:8:9: routes[0].mirrors[0].copy.redact[0]: must have one of name, path and detector"+after)
	f("      redact: {detect: card, do: pseudonym}\n",
		"tain.yaml:7:15: routes[0].mirrors[0].copy.redact[0]: pseudonyms need a key, and there is none; name its file with pseudonymKey"+after)
	f("      redact: {detect: card, do: pseudonym}\n      pseudonymKey: short.txt\n",
		"tain.yaml:8:21: routes[0].mirrors[0].copy.pseudonymKey: the key of pseudonyms in short.txt has 9 bytes; use 16 or more, such as openssl rand -hex 32 makes; until it can, copies are dropped\n")
	f("      redact: [a, {name: A, do: remove}]\n",
		"tain.yaml:7:19: routes[0].mirrors[0].copy.redact[1]: is never applied, because rules before it redact all that it finds; put it before them, or remove it\n")
}

// TestUnredacted sends what can't be redacted, or is of no meaning to the rules. None of it reaches the target.
func TestUnredacted(t *testing.T) {
	r := start(t, plain(), redactingTable("redact name token"))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, `{"token":"secret"}`)
	z.Close()
	for i, c := range []struct{ fields, body string }{
		{"Content-Type: application/json\r\n", `{"token":"secret`},
		{"Content-Type: application/json\r\n", `{"token":"secret"}}`},
		{"Content-Type: application/json\r\n", "\xff\xfe{"},
		{"Content-Type: text/plain\r\n", "token is secret"},
		{"", "token=secret"},
		{"Content-Type: application/json\r\nContent-Encoding: gzip\r\n", packed.String()},
		{"Content-Type: multipart/form-data; boundary=b\r\n", "--b\r\nContent-Disposition: form-data; name=token\r\n\r\nsecret\r\n--b--\r\n"},
		{"Content-Type: text/xml\r\n", "<token>secret</token>"},
		{"Content-Type: application/grpc\r\n", "\x00\x00\x00\x00\x00"},
		{"Content-Type: application/json; charset=utf-16\r\n", `{}`},
		{"Content-Type: image/png\r\nContent-Type: application/json\r\n", `{"token":"secret"}`},
		{"Content-Type: application/json\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\n", `{"token":"secret"}`},
		{"Content-Type: application/json\r\n", `{"token":"` + strings.Repeat(`\u0061`, 20<<10) + `","a` + strings.Repeat("a", 70<<10) + `":1}`},
	} {
		r.ask(t, fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s", i, c.fields, len(c.body), c.body))
		r.waitFor(t, "v2", fmt.Sprintf("seen %d\ndropped redaction %d\n", i+1, i+1))
	}
	r.target.AcceptsNone()
}

// ask sends a request as a user of its own, which live answers.
func (r *rig) ask(t testing.TB, request string) {
	t.Helper()
	user := wire.Dial(t, "user", r.addr)
	user.Sends(request)
	live := r.live.Accepts()
	live.Gets(request)
	live.Sends("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	user.Gets("HTTP/1.1 204 No Content\r\n\r\n")
	user.Closes()
}

// TestWrongRules holds that nothing leaves while rules are wrong, or their key can't be read, and that the
// key is read anew with the table.
func TestWrongRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	table := redactingTable("redact name token do pseudonym\npseudonym-key " + file)
	r := start(t, plain(), table)
	const request = "GET /?token=1234 HTTP/1.1\r\nHost: a\r\n\r\n"
	r.ask(t, request)
	r.waitFor(t, "v2", "seen 1\ndropped redaction 1\n")
	r.setTable(t, redactingTable("redact path a.b"))
	r.ask(t, request)
	r.waitFor(t, "v2", "seen 2\ndropped redaction 2\n")
	if err := os.WriteFile(file, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.setTable(t, table)
	r.ask(t, request)
	target := r.target.Accepts()
	target.Gets("GET /?token=" + pseudonym(t, "0123456789abcdef", "1234") + " HTTP/1.1\r\nHost: a\r\nX-Tain-Mirror: test/v2\r\n\r\n")
	target.Sends("HTTP/1.1 204 No Content\r\n\r\n")
	r.waitFor(t, "v2", "seen 3\ndropped redaction 2\nsent 1\nanswered 1\ncompared 1\n")
}

// pseudonym is what the rules make of a query parameter.
func pseudonym(t testing.TB, key, value string) string {
	t.Helper()
	red, err := redact.Compile([]redact.Rule{{Name: "token", Do: redact.Pseudonym}}, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	head, err := red.Head(nil, []byte("GET ?token="+value+" HTTP/1.1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(head), "=")
	after, _, _ = strings.Cut(after, " ")
	return after
}

// large is a request with a JSON body of many pieces.
func large() (request, body string) {
	body = `{"token":"secret","list":[` + strings.Repeat(`{"token":"secret","x":"y"},`, 32_000) + `0]}`
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body), body
}

// TestRedactsInPieces sends a large body, while another request is served.
func TestRedactsInPieces(t *testing.T) {
	cfg := plain()
	cfg.Mirror.Memory = 8 << 20
	r := start(t, cfg, redactingTable("redact name token text ?"))
	request, body := large()
	want := strings.ReplaceAll(body, "secret", "?")
	r.ask(t, request)
	target := r.target.Accepts()
	target.Gets(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Tain-Mirror: test/v2\r\nContent-Length: %d\r\n\r\n%s", len(want), want))
	target.Sends("HTTP/1.1 204 No Content\r\n\r\n")
	r.waitFor(t, "v2", "seen 1\nsent 1\nanswered 1\ncompared 1\n")
}

// TestRedactionWithoutMemory holds that a copy for which there is no room is dropped as any other.
func TestRedactionWithoutMemory(t *testing.T) {
	cfg := plain()
	request, body := large()
	cfg.Mirror.Memory = int64(len(body)) * 3 / 2
	r := start(t, cfg, redactingTable("redact name token"))
	r.ask(t, request)
	r.waitFor(t, "v2", "seen 1\ndropped memory 1\n")
}

// TestPausedWhileRedacting holds that a mirror that is paused stops in the middle of a body.
func TestPausedWhileRedacting(t *testing.T) {
	cfg := plain()
	cfg.Mirror.Memory = 8 << 20
	r := start(t, cfg, redactingTable("redact name token\nredact detect email"))
	request, _ := large()
	caught := make(chan bool)
	go func() { caught <- r.pauseWhileRedacting() }()
	r.ask(t, request)
	if !<-caught {
		t.Fatalf("the copy was not caught: %s", r.books("v2"))
	}
	r.waitFor(t, "v2", "seen 1\ndropped paused 1\n")
}

// pauseWhileRedacting pauses v2 when a worker is at a copy, and reports whether there was one before the first
// was sent.
func (r *rig) pauseWhileRedacting() bool {
	state := make(chan bool)
	for r.Books()[0].Sent == 0 {
		r.loop.Submit(func() {
			busy := false
			if all := r.lanes[0].senders; len(all) > 0 && all[0] != nil && len(all[0].running) > 0 {
				if busy = redactingNow(all[0]); busy {
					r.policies["v2"].paused.Store(true)
					all[0].purge()
				}
			}
			state <- busy
		})
		if <-state {
			return true
		}
	}
	return false
}

// redactingNow says that a worker of s is at a copy that is neither queued nor held nor sent.
func redactingNow(s *sender) bool {
	return s.length == 0 && len(s.held) == 0 && s.counts.sent.Load() == 0
}

// TestPairBearsItsRules holds that whoever gets a pair knows what may be kept of it.
func TestPairBearsItsRules(t *testing.T) {
	f := func(table string, want bool) {
		t.Helper()
		r := start(t, plain(), table)
		bears := make(chan bool, 1)
		r.onLoop(func() {
			r.watch = func(p *traffic.Pair) {
				red, _ := p.Redactor.(*redact.Redactor)
				bears <- red != nil && red.Covers(redact.Header, []byte("token"))
			}
		})
		r.ask(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		target := r.target.Accepts()
		target.Gets("GET / HTTP/1.1\r\nHost: a\r\nX-Tain-Mirror: test/v2\r\n\r\n")
		target.Sends("HTTP/1.1 204 No Content\r\n\r\n")
		if got := <-bears; got != want {
			t.Errorf("%s: %v", table, got)
		}
	}
	f(all, false)
	f(redactingTable("redact name token"), true)
}

// TestRedactorsAreShared holds that rules are made ready once for all routes that have them.
func TestRedactorsAreShared(t *testing.T) {
	all := redactors{}
	of := func(name string) redactor {
		return all.of(&route.Redaction{Rules: []route.RedactRule{{Name: name, In: []string{"query"}}}})
	}
	a := of("a")
	if a.err != nil || a.Redactor == nil || of("a") != a || of("b") == a {
		t.Errorf("rules of a, the same and others are %v, %v and %v", a, of("a"), of("b"))
	}
	if none := all.of(&route.Redaction{KeyFile: "/nowhere"}); none != (redactor{}) {
		t.Errorf("without rules there is %v", none)
	}
	if wrong := all.of(&route.Redaction{Rules: []route.RedactRule{{Name: "a"}}, KeyFile: "/nowhere"}); wrong.err == nil || wrong.Redactor != nil {
		t.Errorf("without the key there is %v", wrong)
	}
}

// TestRedactsWithoutAllocating holds that a steady copy costs no allocation with rules either.
func TestRedactsWithoutAllocating(t *testing.T) {
	const requests = 5000
	live, target := wire.Answerer(t, "}", typicalJSON), wire.Answerer(t, "}", typicalJSON)
	cfg := config.Defaults()
	r := start(t, &cfg, "route shop\nbackend http://"+live+"\nmirror v2 100%\nwrites\nredact name token\nredact detect card do last4\nto http://"+target+" v2\n")
	r.onLoop(func() { r.silent = true })
	body := `{"token":"secret","card":"4111 1111 1111 1111","n":[1,2,3]}`
	user := wire.NewAsker(t, r.addr, fmt.Sprintf("POST /?token=secret HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nCookie: token=secret\r\nContent-Length: %d\r\n\r\n%s", len(body), body), typicalJSON)
	if n := user.AllocsPerAsk(requests); n >= 0.1 && !wire.Race { // with it, pools forget now and then
		t.Errorf("%.2f allocations per request, want 0", n)
	}
	user.Close()
	r.settled(t)
	if n := r.total("compared"); n < requests {
		t.Errorf("only %d copies of %d were compared:\n%s", n, requests, r.books("v2"))
	}
}
