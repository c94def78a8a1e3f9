package http2

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"tain.dev/tain/http1"
)

// fieldsOf decodes a block with the library's decoder.
func fieldsOf(t testing.TB, block []byte) string {
	t.Helper()
	fields, err := hpack.NewDecoder(0, nil).DecodeFull(block)
	if err != nil {
		t.Fatalf("%q: %v", block, err)
	}
	var all []string
	for _, f := range fields {
		line := f.Name + ": " + f.Value
		if f.Sensitive {
			line += " (secret)"
		}
		all = append(all, line)
	}
	return strings.Join(all, "|")
}

func TestWriteRequest(t *testing.T) {
	f := func(head, scheme, want string, wantAsked asked) {
		t.Helper()
		w := takeWriter()
		defer giveWriter(w)
		got, err := w.request([]byte(strings.ReplaceAll(head, "|", "\r\n")+"\r\n"), scheme)
		if err != nil || got != wantAsked {
			t.Errorf("%s: %+v, %v", head, got, err)
		}
		if fields := fieldsOf(t, w.block); fields != want+"|te: trailers" {
			t.Errorf("%s, want %s", fields, want)
		}
	}
	f("GET / HTTP/1.1|Host: x", "http", ":method: GET|:scheme: http|:authority: x|:path: /", asked{})
	f("GET / HTTP/1.1|Host: x|", "http", ":method: GET|:scheme: http|:authority: x|:path: /", asked{})
	f("HEAD /a?b HTTP/1.1|Host: x:1", "https", ":method: HEAD|:scheme: https|:authority: x:1|:path: /a?b", asked{isHead: true})
	f("OPTIONS * HTTP/1.1|Host: x", "http", ":method: OPTIONS|:scheme: http|:authority: x|:path: *", asked{})
	f("GET http://y/p?q HTTP/1.1|Host: x", "http", ":method: GET|:scheme: http|:authority: y|:path: /p?q", asked{})
	f("GET http://y?q HTTP/1.1|Host: x", "http", ":method: GET|:scheme: http|:authority: y|:path: /?q", asked{})
	f("GET http://y HTTP/1.1|Host: x", "http", ":method: GET|:scheme: http|:authority: y|:path: /", asked{})
	// Values of the static table that are of another name.
	f("http /404 HTTP/1.1|Host: 404", "GET", ":method: http|:scheme: GET|:authority: 404|:path: /404", asked{})
	f("POST / HTTP/1.1|Host: x|Connection: close, X-Hop|X-Hop: 1|Keep-Alive: 5|Transfer-Encoding: chunked|TE: gzip|Upgrade: h2c|Proxy-Connection: a|Trailer: T",
		"http", ":method: POST|:scheme: http|:authority: x|:path: /|trailer: T", asked{})
	f("GET / HTTP/1.1|Host: x|User-Agent: u|X-Request-Id: 1|COOKIE: c|Authorization: secret", "http",
		":method: GET|:scheme: http|:authority: x|:path: /|user-agent: u|x-request-id: 1|cookie: c (secret)|authorization: secret (secret)", asked{})
	f("GET /chat HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Key: k|Sec-WebSocket-Version: 13", "http",
		":method: CONNECT|:protocol: websocket|:scheme: http|:authority: x|:path: /chat|sec-websocket-version: 13",
		asked{tunnel: true, protocol: "websocket", key: "k"})
	f("POST / HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: websocket", "http", ":method: POST|:scheme: http|:authority: x|:path: /", asked{})
	f("GET / HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: a, b", "http", ":method: GET|:scheme: http|:authority: x|:path: /", asked{})
	f("GET / HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: h2c", "http", ":method: GET|:scheme: http|:authority: x|:path: /", asked{})
}

func TestWriteResponse(t *testing.T) {
	f := func(head string, tunnel bool, want string, wantErr error) {
		t.Helper()
		w := takeWriter()
		defer giveWriter(w)
		_, err := w.response([]byte(strings.ReplaceAll(head, "|", "\r\n")+"\r\n"), tunnel)
		if err != wantErr {
			t.Errorf("%s: %v", head, err)
		}
		if err == nil && fieldsOf(t, w.block) != want {
			t.Errorf("%s, want %s", fieldsOf(t, w.block), want)
		}
	}
	f("HTTP/1.1 200 OK|Content-Length: 5|Date: d|Connection: keep-alive", false, ":status: 200|content-length: 5|date: d", nil)
	f("HTTP/1.1 418 ", false, ":status: 418", nil)
	f("HTTP/1.1 103 Early Hints|Link: x", false, ":status: 103|link: x", nil)
	f("HTTP/1.1 200 OK|Set-Cookie: a|Set-Cookie: b|Transfer-Encoding: chunked", false, ":status: 200|set-cookie: a (secret)|set-cookie: b (secret)", nil)
	const switched = "HTTP/1.1 101 S|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Accept: a|Sec-WebSocket-Protocol: p"
	f(switched, true, ":status: 200|sec-websocket-protocol: p", nil)
	f(switched, false, "", ErrNotSwitched)
	f("HTTP/1.1 200 OK", true, "", ErrNotSwitched)
	f("HTTP/1.1 404 No", true, ":status: 404", nil)
}

func TestWriteRefusesWhatIsNotAHead(t *testing.T) {
	f := func(err error) {
		t.Helper()
		var e *http1.Error
		if !errors.As(err, &e) {
			t.Errorf("%v", err)
		}
	}
	w := takeWriter()
	_, err := w.request([]byte("GET / HTTP/1.1\r\nHost: x\r\nA: b\nc\r\n"), "http")
	f(err)
	_, err = w.request([]byte("GET /\r\n"), "http")
	f(err)
	_, err = w.response([]byte("HTTP/1.1 200 OK\r\nA b\r\n"), false)
	f(err)
	f(w.trailer([]byte("A: b\r\n\r\nC: d\r\n")))
	if _, err := w.request([]byte("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n"), "http"); err != errPlainConnect {
		t.Errorf("%v", err)
	}
}

func TestWriteTrailer(t *testing.T) {
	w := takeWriter()
	defer giveWriter(w)
	if err := w.trailer([]byte("Grpc-Status: 0\r\nGrpc-Message: fine\r\n")); err != nil {
		t.Fatal(err)
	}
	if got := fieldsOf(t, w.block); got != "grpc-status: 0|grpc-message: fine" {
		t.Error(got)
	}
}

// TestStaticTable compares our places in the static table with the library's.
func TestStaticTable(t *testing.T) {
	for name, index := range nameIndex {
		if got := fieldsOf(t, appendString(appendInt(nil, literal, 4, int(index)), "v")); got != name+": v" {
			t.Errorf("%d is %s, want %s", index, got, name)
		}
	}
	for value, at := range staticValues {
		got := fieldsOf(t, []byte{indexed | at.index})
		name := fieldsOf(t, appendString([]byte{literal | at.name}, value))
		if got != name {
			t.Errorf("%d is %s, want %s", at.index, got, name)
		}
	}
	if len(nameIndex) != 47 || len(staticValues) != 13 {
		t.Errorf("%d names and %d values", len(nameIndex), len(staticValues))
	}
}

func TestAppendString(t *testing.T) {
	for _, n := range []int{0, 1, 126, 127, 128, 254, 255, 256, 16383, 16384, 100_000} {
		value := strings.Repeat("x", n)
		block := appendString(appendString([]byte{literal}, "n"), value)
		if got := fieldsOf(t, block); got != "n: "+value {
			t.Errorf("a string of %d bytes came back with %d", n, len(got)-3)
		}
	}
}

// TestNothingIsKept holds that an encoded head has no reference to the text that it came from.
func TestNothingIsKept(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n")
	w := takeWriter()
	defer giveWriter(w)
	if _, err := w.request(head, "http"); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("%q", w.block)
	clear(head)
	clear(w.text)
	if after := fmt.Sprintf("%q", w.block); after != before {
		t.Errorf("%s, was %s", after, before)
	}
}

// TestWritingAnswersAllocatesNothing holds it for statuses in HPACK's table and others.
func TestWritingAnswersAllocatesNothing(t *testing.T) {
	w := takeWriter()
	defer giveWriter(w)
	for _, status := range []string{"200", "404", "418", "503"} {
		head := []byte("HTTP/1.1 " + status + " \r\nContent-Length: 0\r\nX-Long: " + strings.Repeat("x", 100) + "\r\n\r\n")
		write := func() {
			if got, err := w.response(head, false); err != nil || got == 0 {
				t.Fatal(got, err)
			}
		}
		if n := testing.AllocsPerRun(100, write); n > 0 {
			t.Errorf("%s: %g allocations", status, n)
		}
	}
}
