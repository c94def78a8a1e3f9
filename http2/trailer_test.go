package http2

import (
	"strings"
	"testing"

	"tain.dev/tain/http1"
)

func TestTrailerText(t *testing.T) {
	f := func(end bool, fields, want string, wantFault *fault) {
		t.Helper()
		got := decode(blockTrailer, end, asked{}, strings.Split(fields, "|"))
		if got.fault != wantFault || wantFault == nil && string(got.text) != want {
			t.Errorf("%q, %v; want %q, %v", got.text, got.fault, want, wantFault)
		}
	}
	f(true, "grpc-status: 0|grpc-message: ", "grpc-status: 0\r\ngrpc-message: \r\n", nil)
	f(true, "content-length: 5|host: x|authorization: y|a: b|set-cookie: c", "a: b\r\n", nil)
	f(false, "a: b", "", errTrailerEnd)
	f(true, ":status: 200", "", errPseudo)
	f(true, "connection: close", "", errConnSpecific)
	f(true, "A: b", "", errFieldName)
	f(true, "a: b\r\nc", "", errFieldValue)
}

// TestAnnouncedTrailers holds that the names of a Trailer field are those that may come.
func TestAnnouncedTrailers(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		got := decode(blockAnswer, false, asked{}, []string{":status: 200", "trailer: " + value})
		if want != "" {
			want = "trailer: " + want + "\r\n"
		}
		if want = "HTTP/1.1 200 \r\n" + want + "Transfer-Encoding: chunked\r\n\r\n"; string(got.text) != want || got.fault != nil {
			t.Errorf("%q: %q, %v; want %q", value, got.text, got.fault, want)
		}
	}
	f("grpc-status", "grpc-status")
	f("X-Sum,\tgrpc-status", "X-Sum,grpc-status")
	f("Content-Length, X-Sum, TRANSFER-ENCODING", "X-Sum")
	f("host", "")
	f("Connection, proxy-authorization ,trailer", "")
	f("", "")
	f(", ,", "")
	long := strings.Repeat("X", 100)
	f(long+",Date", long)
}

// TestNamesThatTrail holds that what is announced and what is taken is decided alike, for every name that
// is known, and some that look like them.
func TestNamesThatTrail(t *testing.T) {
	for id := http1.Host; id <= http1.IfRange; id++ {
		name := id.String()
		for _, n := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if mayTrail(n) {
				t.Errorf("%s may be announced", n)
			}
		}
		if n := name + "X"; !mayTrail(n) {
			t.Errorf("%s may not be announced", n)
		}
	}
	head := decode(blockAnswer, false, asked{}, []string{":status: 200"})
	announce := func() {
		head.text = head.text[:0]
		head.addAnnounced("X-Sum, Content-Length")
	}
	if n := testing.AllocsPerRun(100, announce); n > 0 {
		t.Errorf("%g allocations for an announcement", n)
	}
}
