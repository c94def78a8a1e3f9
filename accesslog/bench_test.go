package accesslog

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"
)

// typical is a request as browsers make them.
func typical() *Entry {
	return &Entry{
		Time:   time.Date(2026, 11, 21, 11, 39, 1, 250e6, time.UTC).UnixNano(),
		Client: netip.MustParseAddrPort("192.0.2.1:56324"),
		Method: []byte("GET"), Target: []byte("/orders/4711?page=2&size=50"), Host: []byte("shop.example"), Proto: "HTTP/1.1",
		Referer:   []byte("https://shop.example/orders"),
		UserAgent: []byte("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"),
		RequestID: []byte("0b2f7c1e"),
		Status:    200, BytesIn: 0, BytesOut: 5120,
		Duration: 1250 * time.Microsecond, FirstByte: 1100 * time.Microsecond, UpstreamTime: 900 * time.Microsecond,
		Route: "orders", Backend: "10.0.0.7:8080", Mirrored: true,
	}
}

func benchmarkAdd(b *testing.B, format string) {
	l, err := New(Config{Path: filepath.Join(b.TempDir(), "log"), Format: format, Lanes: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer l.out.close()
	e, n := typical(), l.lanes[0]
	b.ReportAllocs()
	for b.Loop() {
		l.Add(0, e)
		n.taken.Store(n.put.Load())
		e.Time += 1e6
	}
}

func BenchmarkCombined(b *testing.B) { benchmarkAdd(b, "combined") }
func BenchmarkJSON(b *testing.B)     { benchmarkAdd(b, "json") }
