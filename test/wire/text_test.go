package wire

import "testing"

func TestUnescape(t *testing.T) {
	f := func(content, want string) {
		t.Helper()
		if got := Unescape(content); got != want {
			t.Errorf("%q is %q, want %q", content, got, want)
		}
	}
	f("", "")
	f("GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	f("five\\\n", "five")
	f(`\r\n\t\0\\`, "\r\n\t\x00\\")
	f(`\x00\x0a\xFF.`, "\x00\n\xff.")
	f(`\\x41`, `\x41`)
}
