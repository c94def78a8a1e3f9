package proxy

import (
	"fmt"
	"testing"

	"tain.dev/tain/test/wire"
)

// TestWatch holds what is told of live's answers, and that what depends on users is not.
func TestWatch(t *testing.T) {
	r := start(t, plain(), allToLive, nil)
	seen, set := make(chan string, 8), make(chan bool)
	r.loop.Submit(func() {
		r.Proxy.Watch(func(lane int, took int64, failed bool) { seen <- fmt.Sprint(lane, took >= 0, failed) })
		close(set)
	})
	<-set
	user := wire.Dial(t, "user", r.addr)
	user.Sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	live := r.live.Accepts()
	live.Gets("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	answers := func(status, want string) {
		t.Helper()
		live.Sends("HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n")
		user.Gets("HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n")
		got := ""
		if want != "" {
			got = wire.Await(t, seen, "an answer to be seen")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
	asks := func() {
		user.Sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		live.Gets("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	answers("200", "0 true false")
	asks()
	answers("404", "0 true false")
	asks()
	answers("501", "0 true false")
	asks()
	answers("503", "0 true true")
	upload := func(status, want string) {
		t.Helper()
		user.Sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
		live.Gets("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
		user.Sends("b")
		live.Gets("b")
		answers(status, want)
	}
	upload("200", "")
	upload("500", "0 true true")
	asks()
	live.Sends("nonsense\r\n\r\n")
	user.GetsUntil("the backend's answer is malformed\n")
	if got := wire.Await(t, seen, "the failure to be seen"); got != "0 true true" {
		t.Errorf("no answer: %s", got)
	}
	user.Closes()
	if len(seen) > 0 {
		t.Errorf("and %s besides", <-seen)
	}
}
