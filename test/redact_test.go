package test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/test/wire"
)

var secretBodies = flag.Int("bodies", 1000, "how many bodies with secrets to send; 10000 is the corpus of the issue")

// redactingFile is a configuration that redacts what a corpus has.
const redactingFile = `listen: $listen
admin: $admin
data: {dir: "%s"}
log: {level: debug}
accessLog: {path: "%s"}
mask: [password, session]
mirror: {memory: 256MiB, queue: 16384, queueTimeout: 30s}
routes:
- name: all
  backends: http://%s
  mirrors:
  - name: v2
    writes: true
    copy:
      redact:
      - password
      - {name: session, in: [cookie, query], do: remove}
      - {name: X-Token, in: header, do: pseudonym}
      - {path: "$.user.cards[*].number", do: pseudonym}
      - {path: "$..notes[0]", do: remove}
      - {detect: email, do: pseudonym}
      - {detect: card, do: last4}
      pseudonymKey: %s
    targets: %s://%s
`

// TestNoSecretLeaves sends bodies with secrets where the rules of a mirror look. None of them is found at the
// target, nor in what tain keeps, logs and tells. Live gets and answers them all. What can't be redacted is
// not sent.
func TestNoSecretLeaves(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		t.Run(scheme, func(t *testing.T) { noSecretLeaves(t, scheme, *secretBodies/2) })
	}
}

// noSecretLeaves sends n bodies.
func noSecretLeaves(t *testing.T, scheme string, n int) {
	var told watch
	live := wire.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) { echo(w, r, "1") })
	target := wire.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		told.look(t, "the copy", dump)
		echo(w, r, "2")
	})
	dir := t.TempDir()
	data, log, key := filepath.Join(dir, "data"), filepath.Join(dir, "access.log"), filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("a key of the tests, 32 bytes long"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := wire.StartFile(t, fmt.Sprintf(redactingFile, data, log, live, key, scheme, target))
	broken := sendSecrets(t, p, n)
	b := p.Settled(t)
	if b["dropped/redaction"] != broken || b["dropped"] != broken || b["compared"] != n-broken {
		t.Errorf("%d bodies, of which %d can't be redacted: the books say %v", n, broken, b)
	}
	for _, path := range []string{"pairs?limit=1000", "findings", "status", "routes", "mirrors"} {
		status, text := p.Get("/api/v1/" + path)
		if status != http.StatusOK || path == "pairs?limit=1000" && !strings.Contains(text, "[masked]") {
			t.Errorf("%s: status %d: %.1000s", path, status, text)
		}
		told.look(t, path, []byte(text))
	}
	told.look(t, "the metrics", []byte(p.Metrics(t)))
	report := p.Stop(t)
	if !strings.Contains(report, "differ in what the mirror redacts") {
		t.Errorf("the report does not say that answers differ in what is redacted:\n%s", report)
	}
	told.look(t, "the report", []byte(report))
	told.look(t, "the log", []byte(p.Log.String()))
	told.lookInFolder(t, dir)
	if told.bytes < n*500 {
		t.Errorf("only %d bytes were looked at", told.bytes)
	}
}

// echo answers with what was asked, and a header that differs, so that pairs are kept.
func echo(w http.ResponseWriter, r *http.Request, version string) {
	for _, name := range []string{"Content-Type", "Content-Encoding", "X-Token"} {
		for _, value := range r.Header[name] {
			w.Header().Add(name, value)
		}
	}
	w.Header().Set("X-Version", version)
	body, _ := io.ReadAll(r.Body) // before the answer begins, or the server would not read on
	_, _ = w.Write(body)          // who has left has left
}

// sendSecrets sends n bodies of a corpus, some at a time, and says how many of them can't be redacted.
func sendSecrets(t *testing.T, p *wire.Tain, n int) (broken int) {
	t.Helper()
	const senders = 4
	var counts [senders]int
	var all sync.WaitGroup
	for first := range senders {
		all.Go(func() {
			for i := first; i < n; i += senders {
				c := corpus{Rand: rand.New(rand.NewPCG(7, uint64(i)))}
				m := c.message()
				if m.broken {
					counts[first]++
				}
				header := http.Header{
					"Content-Type": {m.kind}, "Cookie": {"a=b; session=" + c.secret()}, "X-Token": {c.secret()},
					"Referer": {"https://shop/?password=" + c.secret()}, "From": {"Ann <" + c.secret() + "@mail.example>"},
				}
				if m.encoding != "" {
					header.Set("Content-Encoding", m.encoding)
				}
				got := ask(t, "POST", p.URL+"/a?x=1&session="+c.secret()+"&password="+c.secret(), m.body, header)
				if got.status != http.StatusOK || !bytes.Equal(got.body, m.body) {
					t.Errorf("live did not answer body %d as usual: status %d: %q", i, got.status, got.body)
				}
			}
		})
	}
	all.Wait()
	for _, n := range counts {
		broken += n
	}
	return broken
}

// A corpus makes bodies with secrets that a watch knows when it sees them.
type corpus struct{ *rand.Rand }

// secret is a text that stands for one.
func (c *corpus) secret() string {
	return fmt.Sprintf("zq%08xseekrit%04xqz", c.Uint32(), c.IntN(1<<16))
}

// card is a number that is found by its check digit.
func (c *corpus) card() string {
	number := fmt.Sprintf("4999%011d", c.Int64N(1e11))
	sum := 0
	for i, digit := range number { // of 15 digits, the first is doubled
		n := int(digit - '0')
		if i%2 == 0 {
			n = n*2/10 + n*2%10
		}
		sum += n
	}
	return number + strconv.Itoa((10-sum%10)%10)
}

var (
	written = regexp.MustCompile(`\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}`)
	secrets = regexp.MustCompile(`(?i)seekrit|4999\d{12}|77123\d{10}`)
)

// A watch looks for secrets.
type watch struct {
	mu    sync.Mutex
	bytes int
}

func (w *watch) look(t *testing.T, where string, text []byte) {
	t.Helper()
	w.mu.Lock()
	w.bytes += len(text)
	w.mu.Unlock()
	plain := written.ReplaceAllFunc(text, func(escape []byte) []byte {
		n, _ := strconv.ParseUint(strings.TrimLeft(string(escape), `\u%`), 16, 16)
		return []byte(string(rune(n)))
	})
	if at := secrets.FindIndex(plain); at != nil {
		t.Errorf("%s has a secret: %q", where, plain[max(at[0]-200, 0):min(at[1]+50, len(plain))])
	}
}

// lookInFolder looks into every file, and expects a recording and a log among them.
func (w *watch) lookInFolder(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if len(text) > 0 && (strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".log")) {
			files++
		}
		w.look(t, name, text)
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("looked into %d files: %v", files, err)
	}
}

// A message is a body with secrets in it.
type message struct {
	kind, encoding string
	body           []byte
	broken         bool // it can't be redacted
}

func (c *corpus) message() message {
	switch n := c.IntN(40); n {
	case 0:
		return message{kind: "application/json", body: []byte(c.document()[1:]), broken: true}
	case 1:
		text := c.document()
		return message{kind: "application/json", body: []byte(text[:len(text)-1-c.IntN(8)]), broken: true}
	case 2:
		return message{kind: "text/xml", body: []byte("<password>" + c.secret() + "</password>"), broken: true}
	case 3:
		body := "--b\r\nContent-Disposition: form-data; name=password\r\n\r\n" + c.secret() + "\r\n--b--\r\n"
		return message{kind: "multipart/form-data; boundary=b", body: []byte(body), broken: true}
	case 4:
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		fmt.Fprint(z, c.document())
		z.Close()
		return message{kind: "application/json", encoding: "gzip", body: packed.Bytes(), broken: true}
	case 5, 6, 7, 8:
		form := url.Values{"password": {c.secret()}, "user[password]": {c.secret()}, "a": {"b c"}, "mail": {c.secret() + "@mail.example"}, "card": {c.card()}}
		return message{kind: "application/x-www-form-urlencoded", body: []byte(form.Encode())}
	case 9:
		return message{kind: "application/x-ndjson", body: []byte(c.document() + "\n" + c.document() + "\n")}
	}
	return message{kind: "application/json; charset=utf-8", body: []byte(c.document())}
}

// document is an object with a secret in some places, and more objects around it.
func (c *corpus) document() string {
	fields := []string{
		`"user":{"name":"Ann","cards":[{"number":` + c.text(c.secret()) + `},{"number":` + c.text(c.secret()) + `}]}`,
		c.text("Password") + `:` + c.text(c.secret()),
		`"list":[` + c.value(0) + `,` + c.value(0) + `]`,
		`"notes":[` + c.text(c.secret()) + `,"open"]`,
		`"text":` + c.text("write to "+c.secret()+"@mail.example, or pay by "+c.card()),
		`"pay":` + c.card(),
		`"n":` + strconv.Itoa(c.IntN(1e6)),
	}
	c.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return "{" + strings.Join(fields, ", ") + "}"
}

// value is a JSON value that may have secrets.
func (c *corpus) value(depth int) string {
	switch n := c.IntN(8); {
	case n < 3 && depth < 6:
		return `{"a":` + c.value(depth+1) + `,"b":[` + c.value(depth+1) + `,1]}`
	case n == 3:
		return `{"password":` + fmt.Sprintf("77123%010d", c.Int64N(1e10)) + `,"x":null}`
	case n == 4:
		return `{"password":{"is":[` + c.text(c.secret()) + `]}}`
	case n == 5:
		return c.text(c.secret() + "@mail.example")
	case n == 6:
		return "[]"
	}
	return `"plain"`
}

// text writes a JSON string, with an escape for some characters.
func (c *corpus) text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if c.IntN(20) == 0 {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
