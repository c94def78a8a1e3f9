package proxy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

const (
	typicalGet = "GET /items/7?fields=name HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0\r\n" +
		"Accept: application/json\r\nAccept-Encoding: gzip\r\nCookie: session=0f4c1a6d9e\r\nConnection: keep-alive\r\n\r\n"
	typicalJSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n" + `{"id":7,"name":"green tea","ok":true}`
)

func noOffer(int, *route.Route, *route.Request, *traffic.Arrival) *traffic.Exchange { return nil }

// startTypical starts a proxy as it is by default, before a backend that gives the same answer to every
// such request.
func startTypical(t testing.TB, request, answer string) *rig {
	cfg := config.Defaults()
	end := "\r\n\r\n"
	if strings.Contains(request, "chunked") {
		end = "0\r\n\r\n"
	}
	backend := wire.Answerer(t, end, answer)
	return start(t, &cfg, "route shop\nhost shop.example *.shop.example\npath /items/*\nbackend http://"+backend+"\n", noOffer)
}

// TestAllocatesNothing holds that a steady request costs no allocation.
func TestAllocatesNothing(t *testing.T) {
	const requests = 10_000
	f := func(what, request, answer, want string) {
		t.Helper()
		r := startTypical(t, request, answer)
		user := wire.NewAsker(t, r.addr, request, want)
		if n := user.AllocsPerAsk(requests); n >= 0.1 {
			t.Errorf("%s: %.2f allocations per request, want 0", what, n)
		}
		user.Close()
	}
	f("a length", typicalGet, typicalJSON, typicalJSON)
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	f("chunks", typicalGet, chunked, chunked)
	large := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 40<<10, strings.Repeat(".", 40<<10))
	f("a large answer", typicalGet, large, large)
	hinted := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + typicalJSON
	f("early hints", typicalGet, hinted, hinted)
	post := strings.Replace(typicalGet, "GET", "POST", 1)
	f("a body with its head", strings.Replace(post, "Connection: keep-alive\r\n", "Content-Length: 5\r\n", 1)+"hello", typicalJSON, typicalJSON)
	f("an upload", strings.Replace(post, "Connection: keep-alive\r\n", "Transfer-Encoding: chunked\r\n", 1)+"5\r\nhello\r\n0\r\n\r\n", typicalJSON, typicalJSON)
}

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

// TestRulesAllocateNothing holds the same with all that may be asked of a route, and with an access log.
func TestRulesAllocateNothing(t *testing.T) {
	const requests = 10_000
	cfg := config.Defaults()
	configure(t, &cfg, map[string]string{"log": "$remote_addr $request $status $upstream_addr $http_user_agent"})
	backend := wire.Answerer(t, "\r\n\r\n", typicalJSON)
	r := start(t, &cfg, "route shop\nretry 2\nrequest-timeout 1m\nsession cookie session\nrequest set X-A b\nrewrite-path prefix /v2\n"+
		"response remove X-B\ncors origins *\nbackend http://"+backend+"\nbalance maglev address\nrequest add X-C d\nresponse add X-E f\n", noOffer)
	b := binding{r.token(0), time.Now().Unix(), time.Now().Unix()}
	request := strings.Replace(typicalGet, "session=0f4c1a6d9e", "session="+string(b.appendTo(nil)), 1)
	head, body, _ := strings.Cut(typicalJSON, "\r\n\r\n")
	user := wire.NewAsker(t, r.addr, request, head+"\r\nX-E: f\r\nAccess-Control-Allow-Origin: *\r\n\r\n"+body)
	if n := user.AllocsPerAsk(requests); n >= 0.1 {
		t.Errorf("%.2f allocations per request, want 0", n)
	}
	user.Close()
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

// BenchmarkProxy carries one request after the other over one connection.
func BenchmarkProxy(b *testing.B) {
	r := startTypical(b, typicalGet, typicalJSON)
	user := wire.NewAsker(b, r.addr, typicalGet, typicalJSON)
	user.Ask()
	b.ReportAllocs()
	for b.Loop() {
		user.Ask()
	}
	user.Close()
}
