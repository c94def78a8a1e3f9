package compare

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"strings"
	"testing"

	"tain.dev/tain/redact"
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
