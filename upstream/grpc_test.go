package upstream

import (
	"strings"
	"testing"
)

func TestHealthRequest(t *testing.T) {
	f := func(service, want string) {
		t.Helper()
		if got := string(appendHealthRequest(nil, service)); got != want {
			t.Errorf("%q: %q, want %q", service, got, want)
		}
	}
	f("", "\x00\x00\x00\x00\x00")
	f("shop.Cart", "\x00\x00\x00\x00\x0b\x0a\x09shop.Cart")
	long := strings.Repeat("x", 300)
	f(long, "\x00\x00\x00\x01\x2f\x0a\xac\x02"+long)
}

func TestHealthResponse(t *testing.T) {
	f := func(message string, want uint64) {
		t.Helper()
		framed := "\x00\x00\x00\x00" + string(rune(len(message))) + message
		if got, err := parseHealth([]byte(framed)); got != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", message, got, err, want)
		}
	}
	f("", 0)
	f("\x08\x01", 1)
	f("\x08\x02\x08\x01", 1) // the last one counts
	f("\x08\x81\x00", 1)
	f("\x12\x03abc\x08\x01\x1d1234\x2112345678", 1)
	f("\x0a\x02\x08\x02\x08\x01", 1) // a field of that number, but of another type

	bad := func(framed string) {
		t.Helper()
		if got, err := parseHealth([]byte(framed)); err == nil {
			t.Errorf("%q: %d", framed, got)
		}
	}
	bad("")
	bad("\x00\x00\x00\x00")
	bad("\x01\x00\x00\x00\x02\x08\x01")     // compressed
	bad("\x00\x00\x00\x00\x03\x08\x01")     // shorter than it says
	bad("\x00\x00\x00\x00\x01\x08\x01")     // longer
	bad("\x00\x00\x00\x00\x01\x08")         // no value
	bad("\x00\x00\x00\x00\x02\x08\x80")     // half a value
	bad("\x00\x00\x00\x00\x03\x12\x05a")    // a field longer than the message
	bad("\x00\x00\x00\x00\x02\x0b\x0c")     // groups
	bad("\x00\x00\x00\x00\x03\x1d12")       // four bytes of which two are there
	bad("\x00\x00\x00\x00\x02\x80\x80")     // half a tag
	bad("\xff\xff\xff\xff\xff\x08\x01\x08") // all wrong
}

func FuzzHealthResponse(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02\x08\x01"))
	f.Add([]byte("\x00\x00\x00\x00\x0f\x12\x03abc\x1d1234\x2112345678"))
	f.Add([]byte("\x00\x00\x00\x00\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) { parseHealth(b) })
}
