package http2

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

// FuzzServer sends anything to a server and closes. However it goes, the server closes too, nothing
// of the streams is left behind, and no handler panics.
func FuzzServer(f *testing.F) {
	r := newRig(f)
	conns := make(chan *Conn, 1)
	set := Settings{StreamWindow: 1 << 12, MaxHead: 1 << 12, MaxStreams: 4, Refused: r.hear}
	addr := r.listen(func(nc *netloop.Conn) {
		nc.Fill()
		c := newConn(nc, &set, true)
		c.handle = echo
		conns <- c
		c.read(nc)
	})
	p := newPeer(f, nil)
	seeds := [][]byte{
		appendSettings(nil, setting{settingWindow, 3}),
		p.get(1),
		slices.Concat(p.headers(1, 0, postFields...), raw(frameData, flagPadded, 1, "\x02ab\x00\x00"), p.headers(1, flagEndStream, "a: b")),
		slices.Concat(raw(frameHeaders, flagEndStream, 1, "\x82\x86"), raw(frameContinuation, flagEndHeaders, 1, "\x84\x41\x01a")),
		slices.Concat(p.get(1), appendReset(nil, 1, Cancel), appendWindow(nil, 1, 5), appendWindow(nil, 0, 5)),
		slices.Concat(appendPing(nil, []byte("12345678"), 0), appendGoAway(nil, 0, NoError, "bye"), raw(framePriority, 0, 1, "\x00\x00\x00\x03\x00")),
		p.headers(1, 0, ":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: a", ":path: /"),
		raw(frameHeaders, flagEndHeaders|flagEndStream|flagPriority|flagPadded, 1, "\x01\x00\x00\x00\x03\x00\x82\x86\x84\x41\x01a\x00"),
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, frames []byte) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Skip(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		go func() {
			nc.Write(slices.Concat([]byte(preface), appendSettings(nil), frames))
			nc.(*net.TCPConn).CloseWrite()
		}()
		c := <-conns
		if _, err := io.Copy(io.Discard, nc); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatalf("the server does not close: %v", err)
		}
		left := -1
		for end := time.Now().Add(patience); left != 0 && time.Now().Before(end); {
			done := make(chan struct{})
			r.Submit(func() { left = c.lent + len(c.byID) + len(c.senders); close(done) })
			<-done
		}
		if left != 0 {
			t.Fatalf("%d streams are left", left)
		}
		r.sound(t)
	})
}

// FuzzClient is the same of a client with a request under way, whose server sends anything.
func FuzzClient(f *testing.F) {
	r := newRig(f)
	p := newPeer(f, nil)
	for _, s := range [][]byte{
		p.headers(1, flagEndStream, ":status: 204"),
		slices.Concat(p.headers(1, 0, ":status: 100"), p.headers(1, 0, ":status: 200", "content-length: 2"), raw(frameData, flagEndStream, 1, "ab")),
		slices.Concat(p.headers(1, 0, ":status: 200"), raw(frameData, 0, 1, "ab"), p.headers(1, flagEndStream, "grpc-status: 0")),
		slices.Concat(appendReset(nil, 1, RefusedStream), appendGoAway(nil, 1, NoError, "bye")),
	} {
		f.Add(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer ln.Close()
	f.Fuzz(func(t *testing.T, frames []byte) {
		left := -1
		done := r.begin(func() {
			nc, err := r.Dial(netloop.Addr{AddrPort: ln.Addr().(*net.TCPAddr).AddrPort()}, patience)
			if err != nil {
				return
			}
			c := NewClient(nc, &Settings{MaxHead: 1 << 12})
			s := c.Open()
			s.SetDeadline(patience)
			if s.WriteRequest([]byte(get), "http", true) == nil {
				readAnswer(s)
			}
			s.Close()
			c.Close()
			left = c.lent + len(c.byID) + len(c.senders)
		})
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, nc)
		nc.Write(append(appendSettings(nil), frames...))
		nc.(*net.TCPConn).CloseWrite()
		wire.Await(t, done, "the client")
		nc.Close()
		if left != 0 {
			t.Fatalf("%d streams are left", left)
		}
		r.sound(t)
	})
}

// FuzzHeadText makes text of any fields. Whatever is accepted consists of the lines that the fields
// stand for, and no others.
func FuzzHeadText(f *testing.F) {
	add := func(kind blockKind, end bool, fields ...string) {
		f.Add(uint8(kind), end, strings.Join(fields, "\x1e"))
	}
	add(blockRequest, true, with(getFields, "a: b", "cookie: c", "cookie: d")...)
	add(blockRequest, false, with(postFields, "content-length: 5", "te: trailers")...)
	add(blockRequest, true, ":method: GET", ":scheme: http", ":path: /", "host: a", "x: \r\nInjected: y")
	add(blockRequest, false, ":method: GET", ":scheme: http", ":path: /", "host: a", "trailer: Host,X-Sum, Te")
	add(blockRequest, false, ":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: a", ":path: /")
	add(blockAnswer, false, ":status: 200", "content-length: 5")
	add(blockAnswer, true, ":status: 304", "set-cookie: a")
	add(blockTrailer, true, "grpc-status: 0", "host: a")
	f.Fuzz(func(t *testing.T, kind uint8, end bool, joined string) {
		var fields []string
		for _, field := range strings.Split(joined, "\x1e") {
			if len(field) > 2 && strings.Contains(field[1:], ": ") {
				fields = append(fields, field)
			}
		}
		got := decode(blockRequest+blockKind(kind%3), end, asked{}, fields)
		if got.fault != nil || got.tooLarge {
			return
		}
		checkLines(t, got, fields)
		switch got.kind {
		case blockRequest:
			var r http1.Request
			checkParsed(t, got, r.Parse(got.text), &r.Head)
		case blockAnswer:
			var r http1.Response
			checkParsed(t, got, r.Parse(got.text, nil), &r.Head)
		}
	})
}

// checkLines holds that every line is a field that came, or one that this package adds.
func checkLines(t *testing.T, got *headText, fields []string) {
	t.Helper()
	text := string(got.text)
	if got.kind != blockTrailer {
		var ok bool
		if text, ok = strings.CutSuffix(text, "\r\n\r\n"); !ok || strings.Contains(text, "\r\n\r\n") {
			t.Fatalf("%q has not one empty line, at its end", got.text)
		}
		text += "\r\n"
		_, text, _ = strings.Cut(text, "\r\n")
	}
	var cookies []string
	for _, field := range fields {
		if value, ok := strings.CutPrefix(field, "cookie: "); ok {
			cookies = append(cookies, value)
		}
	}
	added := []string{"Transfer-Encoding: chunked", "Connection: Upgrade", "cookie: " + strings.Join(cookies, "; ")}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && text == "":
		case slices.Contains(added, line), slices.Contains(fields, line), name == "Sec-WebSocket-Key":
		case name == "Host" && (slices.Contains(fields, ":authority: "+value) || slices.Contains(fields, "host: "+value)):
		case name == "Upgrade" && slices.Contains(fields, ":protocol: "+value):
		case name == "trailer" && slices.ContainsFunc(fields, func(f string) bool { return announces(f, value) }):
		default:
			t.Fatalf("%q has a line %q that no field of %q stands for", got.text, line, fields)
		}
	}
}

// announces says whether a Trailer field names all that is in list.
func announces(field, list string) bool {
	all, ok := strings.CutPrefix(field, "trailer: ")
	for name := range strings.SplitSeq(list, ",") {
		came := func(n string) bool { return strings.Trim(n, " \t") == name }
		ok = ok && name != "" && slices.ContainsFunc(strings.Split(all, ","), came)
	}
	return ok
}

// refusals are what http1 may have against a text: that the message makes no sense, never that it
// can't be told where a line or the head ends.
var refusals = []string{"bad_target", "bad_host", "unknown_method", "too_many_fields"}

func checkParsed(t *testing.T, got *headText, err error, h *http1.Head) {
	t.Helper()
	if err != nil {
		if e := err.(*http1.Error); !slices.Contains(refusals, e.Code) {
			t.Fatalf("%q: %v", got.text, err)
		}
		return
	}
	if lines := strings.Count(string(got.text), "\r\n") - 2; len(h.Fields) != lines {
		t.Fatalf("%q has %d fields, want %d", got.text, len(h.Fields), lines)
	}
	if got.kind == blockRequest && (h.Body == http1.BodyLength) != (got.length >= 0) {
		t.Fatalf("%q: body %v, length %d", got.text, h.Body, got.length)
	}
}

// FuzzWriteRequest sends any head that http1 accepts and compares what arrives.
func FuzzWriteRequest(f *testing.F) {
	f.Add([]byte("GET /a?b HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 5\r\n\r\n"))
	f.Add([]byte("POST http://b/ HTTP/1.1\r\nHost: a\r\nConnection: x\r\nX: y\r\nCookie: z\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Add([]byte("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add([]byte(upgrade + "\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		var sent, arrived http1.Request
		if sent.Parse(head) != nil {
			return
		}
		w := takeWriter()
		defer giveWriter(w)
		ask, err := w.request(head, "http")
		if err != nil || len(sent.Authority) == 0 {
			return
		}
		var text headText
		text.begin(blockRequest, 1<<20, 2*http1.MaxFields)
		d := hpack.NewDecoder(0, func(f hpack.HeaderField) {
			if text.fault == nil {
				text.field(f.Name, f.Value)
			}
		})
		if _, err := d.Write(w.block); err != nil || d.Close() != nil {
			t.Fatalf("%q: decoding: %v", head, err)
		}
		text.finish(sent.Body == http1.BodyNone)
		if text.fault != nil {
			if ask.tunnel || sent.Length > 0 || strings.Contains(string(head), "@") {
				return // such a thing has no form in HTTP/2, and whoever gets it says so
			}
			t.Fatalf("%q arrives as malformed: %v", head, text.fault)
		}
		if err := arrived.Parse(text.text); err != nil {
			t.Fatalf("%q arrives as %q: %v", head, text.text, err)
		}
		if a, b := essence(&sent), essence(&arrived); a != b {
			t.Fatalf("sent %s, arrived %s", a, b)
		}
	})
}

// essence is what of a request has to arrive.
func essence(r *http1.Request) string {
	method := string(r.Method)
	text := fmt.Sprintf("%s %s %s?%s", method, r.Authority, r.Path, r.Query)
	var fields, cookies []string
	for _, f := range r.Fields {
		switch {
		case f.Hop, f.ID == http1.Host, http1.EqualFold(f.Name, "sec-websocket-key"):
		case f.ID == http1.Cookie:
			cookies = append(cookies, string(f.Value))
		default:
			if f.ID == http1.ContentLength && r.Upgrade && r.Length == 0 {
				continue
			}
			fields = append(fields, strings.ToLower(string(f.Name))+": "+string(f.Value))
		}
	}
	return fmt.Sprint(text, fields, strings.Join(cookies, "; "))
}
