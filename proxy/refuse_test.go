package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/http1"
)

// refused is what a user gets whose request goes nowhere.
func refused(status int, reason string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\ntain: %s\n",
		status, http.StatusText(status), len(reason)+len("tain: \n"), reason)
}

// TestRefused sends what one parser may read otherwise than the next. Live never hears of it, and
// the connection ends.
func TestRefused(t *testing.T) {
	cfg := plain()
	cfg.Proxy.MaxBody = 10
	r := start(t, cfg, allToLive, nil)
	f := func(status int, text string) {
		t.Helper()
		text = strings.ReplaceAll(text, "\n", "\r\n")
		text = strings.NewReplacer("{lf}", "\n", "{cr}", "\r", "{nul}", "\x00").Replace(text)
		user := r.user(t)
		user.Sends(text)
		user.Ends()
		got := user.GetsRest()
		want := fmt.Sprintf("HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
		if !strings.HasPrefix(got, want) || strings.Count(got, "\r\n\r\n") != 1 || !strings.Contains(got, "\r\nConnection: close\r\n") {
			t.Errorf("%.80q is answered by %q; want %q and Connection: close", text, got, want)
		}
		r.live.AcceptsNone()
	}
	// closed is for what does not look like HTTP/1 at all: it gets no answer.
	closed := func(text string) {
		t.Helper()
		user := r.user(t)
		user.Sends(strings.ReplaceAll(text, "\n", "\r\n"))
		user.SeesBreak()
		r.live.AcceptsNone()
	}
	const smuggled = "GET /smuggled HTTP/1.1\nHost: a\n\n"
	post := func(fields string) string { return "POST / HTTP/1.1\nHost: a\n" + fields + "\n" }

	// Two framings, or one that can be read in two ways.
	f(400, post("Content-Length: 4\nContent-Length: 5\n")+"abcd"+smuggled)
	f(400, post("Content-Length: 4\nContent-Length: 4\n")+"abcd"+smuggled)
	f(400, post("Content-Length: 4, 4\n")+"abcd"+smuggled)
	f(400, post("Content-Length: 4\nTransfer-Encoding: chunked\n")+"0\n\n"+smuggled)
	f(400, post("Transfer-Encoding: chunked\nContent-Length: 4\n")+"0\n\n"+smuggled)
	f(400, post("Transfer-Encoding: chunked\nTransfer-Encoding: identity\n")+"0\n\n"+smuggled)
	f(400, post("Transfer-Encoding: chunked, identity\n")+"0\n\n"+smuggled)
	f(400, post("Transfer-Encoding: xchunked\n")+smuggled)
	f(501, post("Transfer-Encoding: gzip\n")+smuggled)
	f(400, post("Transfer-Encoding: {cr}chunked\n")+smuggled)
	f(400, post("Transfer-Encoding : chunked\n")+"0\n\n"+smuggled)
	f(400, post("Transfer-Encoding{nul}: chunked\n")+"0\n\n"+smuggled)
	f(400, post(" Transfer-Encoding: chunked\n")+"0\n\n"+smuggled)
	f(400, post("X: a\n Content-Length: 4\n")+"abcd"+smuggled)
	f(400, "POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n"+smuggled)
	for _, n := range []string{"+4", "-4", "0x4", "4 4", "4,", "", "4.0", "99999999999999999999", "9223372036854775808"} {
		f(400, post("Content-Length: "+n+"\n")+"abcd"+smuggled)
	}
	f(400, post("Connection: Content-Length\nContent-Length: 4\n")+"abcd"+smuggled)

	// Lines that may end in two places.
	f(400, "GET / HTTP/1.1{lf}Host: a{lf}{lf}"+smuggled)
	f(400, post("X: a{lf}Y: b\n")+smuggled)
	f(400, post("X: a{cr}Y: b\n")+smuggled)
	f(400, post("X: a{nul}b\n")+smuggled)
	f(400, post("X\n")+smuggled)
	f(400, post(": a\n")+smuggled)

	// Requests for two hosts, or none.
	f(400, "GET / HTTP/1.1\n\n"+smuggled)
	f(400, "GET / HTTP/1.1\nHost: a\nHost: b\n\n"+smuggled)
	f(400, "GET / HTTP/1.1\nHost: a b\n\n"+smuggled)
	f(400, "GET / HTTP/1.1\nHost: a@b\n\n"+smuggled)
	f(400, "GET / HTTP/1.1\nConnection: Host\nHost: a\n\n"+smuggled)

	// What is no request.
	f(400, "GET  / HTTP/1.1\nHost: a\n\n"+smuggled)
	closed("GET / HTTP/1.1 \nHost: a\n\n" + smuggled)
	closed("GET /\n\n" + smuggled)
	f(400, "GET a HTTP/1.1\nHost: a\n\n"+smuggled)
	f(400, "GET /a b HTTP/1.1\nHost: a\n\n"+smuggled)
	closed("GET / HTTP/2.0\nHost: a\n\n" + smuggled)
	closed("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	closed(strings.Repeat("A", 100))

	// What is not for here.
	f(501, "CONNECT a:443 HTTP/1.1\nHost: a:443\n\n"+smuggled)
	f(413, post("Content-Length: 11\n")+"abcdefghijk")
	f(431, "GET / HTTP/1.1\nHost: a\nX: "+strings.Repeat("a", 70<<10)+"\n\n")
	f(431, "GET / HTTP/1.1\nHost: a\n"+strings.Repeat("X: a\n", 300)+"\n")
}

// A body that turns out wrong while it streams has begun to go to live. Live's connection breaks.
func TestRefusedInBody(t *testing.T) {
	cfg := plain()
	cfg.Proxy.MaxBody = 10
	r := start(t, cfg, allToLive, nil)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	f := func(body string, status int, reason string) {
		t.Helper()
		user := r.user(t)
		user.Sends(head + "1\r\na\r\n")
		live := r.live.Accepts()
		live.Gets(head + "1\r\na\r\n")
		user.Sends(body + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
		user.Ends()
		if got, want := user.GetsRest(), refused(status, reason); got != want {
			t.Errorf("%q is answered by\n%q, want\n%q", body, got, want)
		}
		live.SeesReset()
		r.live.AcceptsNone()
	}
	const size, end = "a chunk size is not a plain hexadecimal number below 2^63", "the data of a chunk is not followed by CRLF"
	f("x\r\n", 400, size)
	f("0x1\r\n", 400, size)
	f("-1\r\n", 400, size)
	f("1 \r\n", 400, size)
	f("10000000000000000\r\n", 400, size)
	f("1\r\nab\r\n", 400, end)
	f("1\r\na\n", 400, end)
	f("0\r\nX : y\r\n\r\n", 400, "a field name is empty, not a token, or followed by white space")
	f("a\r\nabcdefghij\r\n0\r\n\r\n", 413, errLargeBody.Reason)
}

func TestSlowHead(t *testing.T) {
	cfg := plain()
	cfg.Proxy.HeadTimeout = 150 * time.Millisecond
	r := start(t, cfg, allToLive, nil)
	user := r.user(t)
	user.Sends("GET / HTTP/1.1\r\nHost")
	user.Gets(refused(408, "the head of the request took too long"))
	user.SeesEnd()
	user.Closes()

	// On a connection that was used before, and after pieces that keep coming.
	user = r.user(t)
	user.Sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	live := r.live.Accepts()
	live.Gets("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	live.Sends("HTTP/1.1 204 No Content\r\n\r\n")
	user.Gets("HTTP/1.1 204 No Content\r\n\r\n")
	for _, piece := range []string{"GET", " / HT", "TP/1"} {
		user.Sends(piece)
		user.GetsNothing()
	}
	user.Gets(refused(408, "the head of the request took too long"))
	user.Closes()
	r.live.AcceptsNone()
}

// Every refusal has a status of its own and a word that fits a metric label.
func TestRefusals(t *testing.T) {
	for _, err := range []*http1.Error{errSlowHead, errLargeHead, errSlowBody, errLargeBody, errConnect, errLoop, errNoRoute} {
		if http.StatusText(err.Status) == "" || strings.Trim(err.Code, "abcdefghijklmnopqrstuvwxyz_") != "" || err.Reason == "" {
			t.Errorf("%+v is not complete", *err)
		}
	}
}
