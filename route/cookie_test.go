package route

import (
	"strings"
	"testing"
)

func TestFindCookie(t *testing.T) {
	f := func(header, want string, ok bool) {
		t.Helper()
		if got, found := findCookie(header, "user"); got != want || found != ok {
			t.Errorf("%q: %q %v, want %q %v", header, got, found, want, ok)
		}
	}
	f("user=42", "42", true)
	f("a=1; user=42; b=2", "42", true)
	f("a=1;user=42;", "42", true)
	f("a=1;\tuser=a=b ", "a=b", true)
	f("user=1; user=2", "1", true)
	f(`user="4 2"`, `"4 2"`, true)
	f("user=", "", true)
	f("", "", false)
	f("user", "", false)
	f("User=42; superuser=1; users=2; a=user=3", "", false)
	f(";;=;", "", false)
}

// FuzzCookie compares with all the cookies of the header, split first.
func FuzzCookie(f *testing.F) {
	f.Add("a=1; user=42;b", "user")
	f.Add("; =;\t= ;a=", "")
	f.Fuzz(func(t *testing.T, header, name string) {
		want, ok := "", false
		for _, pair := range strings.Split(header, ";") {
			pair = strings.Trim(pair, " \t")
			if i := strings.IndexByte(pair, '='); i >= 0 && pair[:i] == name && !ok {
				want, ok = pair[i+1:], true
			}
		}
		if got, found := findCookie(header, name); got != want || found != ok {
			t.Fatalf("%q in %q: %q %v, want %q %v", name, header, got, found, want, ok)
		}
	})
}
