package compare

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"strings"
	"testing"

	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// tenFields is a head of ten fields as a service sends them.
const tenFields = "Date: Thu, 01 Jan 2026 00:00:0%\r\nServer: shop/%\r\nContent-Length: 200\r\n" +
	"Cache-Control: max-age=60\r\nETag: \"abc%\"\r\nVary: Accept-Encoding\r\nX-Request-Id: 000000000%\r\n" +
	"Strict-Transport-Security: max-age=31536000\r\nX-Frame-Options: DENY\r\n"

func fields(n string) string { return strings.ReplaceAll(tenFields, "%", n) }

var smallBody = `{"items":[` + strings.TrimSuffix(strings.Repeat(`{"id":1,"price":12.5},`, 10), ",") + `]}`

func TestEqualPairAllocatesNothing(t *testing.T) {
	l := newLab(t, Config{})
	p := l.pair("new", get, answer(200, fields("1"), smallBody), answer(200, fields("2"), smallBody))
	l.c.Pair(p)
	if n := testing.AllocsPerRun(100, func() { l.c.Pair(p) }); n != 0 {
		t.Errorf("an equal pair allocates %v times, want 0", n)
	}
	if tally := l.c.Tallies()[0]; tally.Differing != 0 {
		t.Errorf("%d pairs differ, want 0", tally.Differing)
	}
}

// rpcPair is a pair of answers of gRPC with this field more.
func (l *lab) rpcPair(live, mirror string) *traffic.Pair {
	message := func(field string) string {
		return framed(0, string(proto(l.t, `1:"order-17" 2:1250 3:{1:"CHF" 2:12.5} `+field)))
	}
	p := l.pair("new", call, rpc("application/grpc", message(live)), rpc("application/grpc", message(mirror)))
	p.Live.Response.Trailer, p.Mirror.Response.Trailer = lines("grpc-status: 0"), lines("grpc-status: 0")
	return p
}

// TestEqualRPCAllocatesNothing asks it of gRPC with its trailer behind the body, in it, and in the head.
func TestEqualRPCAllocatesNothing(t *testing.T) {
	f := func(name string, pair func(l *lab) *traffic.Pair) {
		t.Helper()
		l := newLab(t, Config{})
		p := pair(l)
		l.c.Pair(p)
		if n := testing.AllocsPerRun(100, func() { l.c.Pair(p) }); n != 0 {
			t.Errorf("%s: an equal pair allocates %v times, want 0", name, n)
		}
		if tally := l.c.Tallies()[0]; tally.Differing != 0 {
			t.Errorf("%s: %d pairs differ, want 0", name, tally.Differing)
		}
	}
	f("behind the body", func(l *lab) *traffic.Pair { return l.rpcPair("4:1", "4:1") })
	f("in the body", func(l *lab) *traffic.Pair {
		text := rpc("application/grpc-web", framed(flagTrailer, "grpc-status:0\r\n"))
		return l.pair("new", call, text, text)
	})
	f("in the head", func(l *lab) *traffic.Pair {
		text := rpc("application/grpc\r\ngrpc-status: 5\r\ngrpc-message: gone", "")
		return l.pair("new", call, text, text)
	})
}

func TestDifferingRPCAllocatesNothingTwice(t *testing.T) {
	l := newLab(t, Config{})
	p := l.rpcPair(`4:1 5:{1:2} 5:{1:3}`, `4:2 5:{1:3} 5:{1:4}`)
	l.c.Pair(p)
	if n := testing.AllocsPerRun(100, func() { l.c.Pair(p) }); n > 1 {
		t.Errorf("a pair that differs as others did allocates %v times, want 1 at most", n)
	}
}

func TestDifferingPairAllocatesNothingTwice(t *testing.T) {
	l := newLab(t, Config{Mask: redact.New("token")})
	other := strings.Replace(strings.Replace(smallBody, "12.5", "12.6", 1), `"id":1`, `"id":7`, 3)
	p := l.pair("new", get, answer(200, fields("1"), smallBody), answer(200, "X-New: 1\r\n", other))
	l.c.Pair(p)
	if n := testing.AllocsPerRun(100, func() { l.c.Pair(p) }); n > 1 {
		t.Errorf("a pair that differs as others did allocates %v times, want 1 at most", n)
	}
}

func BenchmarkEqualPair(b *testing.B) {
	l := newLab(b, Config{})
	p := l.pair("new", get, answer(200, fields("1"), smallBody), answer(200, fields("2"), smallBody))
	b.ReportAllocs()
	for b.Loop() {
		l.c.Pair(p)
	}
}

func BenchmarkDifferingPair(b *testing.B) {
	l := newLab(b, Config{})
	other := strings.Replace(smallBody, "12.5", "12.6", 1)
	p := l.pair("new", get, answer(200, fields("1"), smallBody), answer(200, fields("2"), other))
	b.ReportAllocs()
	for b.Loop() {
		l.c.Pair(p)
	}
}

func BenchmarkEqualRPC(b *testing.B) {
	l := newLab(b, Config{})
	p := l.rpcPair("4:1", "4:1")
	b.ReportAllocs()
	for b.Loop() {
		l.c.Pair(p)
	}
}

func BenchmarkDifferingRPC(b *testing.B) {
	l := newLab(b, Config{})
	p := l.rpcPair("4:1", "4:2")
	b.ReportAllocs()
	for b.Loop() {
		l.c.Pair(p)
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}
