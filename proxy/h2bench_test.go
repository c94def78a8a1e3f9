//go:build !race

package proxy

// The race detector has pools forget at random, so that what they save can't be told.

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// asker2 asks the same over one connection of HTTP/2, and allocates nothing.
type asker2 struct {
	t       testing.TB
	conn    net.Conn
	request []byte // its frames
	body    int    // where the second one begins, if there is one
	stream  uint32
	buf     [64 << 10]byte
	unread  []byte
	owed    uint32 // what came of bodies since the window was opened
}

// newAsker2 connects to addr. A body ends the request; without one its head does.
func newAsker2(t testing.TB, addr string, fields []hpack.HeaderField, body string) *asker2 {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var block, request bytes.Buffer
	coder := hpack.NewEncoder(&block)
	coder.SetMaxDynamicTableSize(0) // each head is to be like the others
	for _, field := range fields {
		coder.WriteField(field)
	}
	frames := http2.NewFramer(&request, nil)
	frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: body == ""})
	a := &asker2{t: t, conn: conn, stream: 1}
	if body != "" {
		a.body = request.Len()
		frames.WriteData(1, true, []byte(body))
	}
	a.request = request.Bytes()
	io.WriteString(conn, http2.ClientPreface)
	http2.NewFramer(conn, nil).WriteSettings()
	return a
}

// ask sends a request and reads its answer.
func (a *asker2) ask() {
	binary.BigEndian.PutUint32(a.request[5:], a.stream)
	binary.BigEndian.PutUint32(a.request[a.body+5:], a.stream)
	if _, err := a.conn.Write(a.request); err != nil {
		a.t.Fatal(err)
	}
	for !a.frame() {
	}
	if a.stream += 2; a.owed > 16<<10 { // of a window of 64 KiB
		update := [13]byte{2: 4, 3: byte(http2.FrameWindowUpdate)}
		binary.BigEndian.PutUint32(update[9:], a.owed)
		a.owed = 0
		a.conn.Write(update[:])
	}
}

// frame reads one frame, and says whether it ends the answer.
func (a *asker2) frame() (end bool) {
	const header = 9
	for len(a.unread) < header || len(a.unread) < header+a.length() {
		have := copy(a.buf[:], a.unread)
		n, err := a.conn.Read(a.buf[have:])
		if err != nil {
			a.t.Fatal(err)
		}
		a.unread = a.buf[:have+n]
	}
	kind, flags := http2.FrameType(a.unread[3]), http2.Flags(a.unread[4])
	if kind == http2.FrameData {
		a.owed += uint32(a.length())
	}
	end = (kind == http2.FrameData || kind == http2.FrameHeaders) && flags.Has(http2.FlagDataEndStream)
	a.unread = a.unread[header+a.length():]
	return end
}

func (a *asker2) length() int {
	return int(a.unread[0])<<16 | int(a.unread[1])<<8 | int(a.unread[2])
}

var typicalFields = []hpack.HeaderField{
	{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "shop.example"},
	{Name: ":path", Value: "/items/7?fields=name"}, {Name: "user-agent", Value: "Mozilla/5.0"}, {Name: "accept", Value: "application/json"},
	{Name: "accept-encoding", Value: "gzip"}, {Name: "cookie", Value: "session=0f4c1a6d9e"},
}

// TestAllocationsOverHTTP2 holds how many a request costs: hpack makes a string of each value, and of
// each name that is not in its table, which are six here; one is for the status of the answer.
func TestAllocationsOverHTTP2(t *testing.T) {
	const requests = 10_000
	f := func(what, body string, most float64) {
		t.Helper()
		fields := slices.Clone(typicalFields)
		if body != "" {
			fields[0].Value = "POST"
		}
		r := startTypical(t, typicalGet, typicalJSON)
		user := newAsker2(t, r.addr, fields, body)
		for range requests / 4 {
			user.ask()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range requests {
			user.ask()
		}
		runtime.ReadMemStats(&after)
		if n := float64(after.Mallocs-before.Mallocs) / requests; n > most {
			t.Errorf("%s: %.2f allocations per request, want at most %v", what, n, most)
		}
		user.conn.Close()
	}
	const most = 7.1
	f("a request", "", most)
	f("a body", "hello", most)
}

// BenchmarkHTTP2 carries one request after the other over one connection of HTTP/2.
func BenchmarkHTTP2(b *testing.B) {
	r := startTypical(b, typicalGet, typicalJSON)
	user := newAsker2(b, r.addr, typicalFields, "")
	user.ask()
	b.ReportAllocs()
	for b.Loop() {
		user.ask()
	}
	user.conn.Close()
}
