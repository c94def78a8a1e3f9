package http2

import (
	"strings"
	"testing"

	"tain.dev/tain/http1"
)

// decode gives fields, each "name: value", to a headText.
func decode(kind blockKind, end bool, a asked, fields []string) *headText {
	var t headText
	t.begin(kind, 1<<16, 256)
	t.asked = a
	for _, f := range fields {
		i := strings.Index(f[1:], ": ") + 1
		if t.field(f[:i], f[i+2:]); t.fault != nil || t.tooLarge {
			break
		}
	}
	t.finish(end)
	return &t
}

func TestRequestText(t *testing.T) {
	f := func(end bool, fields, want string) {
		t.Helper()
		got := decode(blockRequest, end, asked{}, strings.Split(fields, "|"))
		want = strings.ReplaceAll(want, "|", "\r\n") + "\r\n\r\n"
		if string(got.text) != want || got.fault != nil {
			t.Errorf("%q, %v; want %q", got.text, got.fault, want)
		}
		var r http1.Request
		if err := r.Parse(got.text); err != nil {
			t.Errorf("%q: %v", got.text, err)
		}
	}
	const begin = ":method: GET|:scheme: http|:path: /a?b=c|:authority: x:80"
	f(true, begin, "GET /a?b=c HTTP/1.1|Host: x:80")
	f(true, begin+"|accept: */*|x-empty: ", "GET /a?b=c HTTP/1.1|Host: x:80|accept: */*|x-empty: ")
	f(false, begin, "GET /a?b=c HTTP/1.1|Host: x:80|Transfer-Encoding: chunked")
	f(false, begin+"|content-length: 5", "GET /a?b=c HTTP/1.1|Host: x:80|content-length: 5")
	f(true, begin+"|content-length: 0", "GET /a?b=c HTTP/1.1|Host: x:80|content-length: 0")
	f(true, begin+"|cookie: a=b|x: y|cookie: c=d", "GET /a?b=c HTTP/1.1|Host: x:80|x: y|cookie: a=b; c=d")
	f(true, begin+"|host: X:80", "GET /a?b=c HTTP/1.1|Host: x:80")
	f(true, begin+"|te: trailers", "GET /a?b=c HTTP/1.1|Host: x:80|te: trailers")
	f(true, ":path: /|:scheme: https|:method: HEAD|host: x", "HEAD / HTTP/1.1|Host: x")
	f(true, ":method: OPTIONS|:scheme: http|:path: *|:authority: x", "OPTIONS * HTTP/1.1|Host: x")
	for _, scheme := range []string{"https", "HTTP", "coap+tcp", "x-1.y"} {
		f(true, ":method: GET|:scheme: "+scheme+"|:path: /|:authority: x", "GET / HTTP/1.1|Host: x")
	}
	f(true, ":method: CONNECT|:authority: x:443", "CONNECT x:443 HTTP/1.1|Host: x:443")
	f(false, ":method: CONNECT|:protocol: websocket|:scheme: https|:path: /chat|:authority: x|sec-websocket-key: k|content-length: 3",
		"GET /chat HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: websocket|sec-websocket-key: k")
	f(false, ":method: CONNECT|:protocol: connect-udp|:scheme: https|:path: /u|:authority: x",
		"GET /u HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: connect-udp")
}

// TestKeyIsMadeUp holds that a WebSocket without a key, as HTTP/2 has it, gets one that HTTP/1.1
// servers take.
func TestKeyIsMadeUp(t *testing.T) {
	fields := []string{":method: CONNECT", ":protocol: websocket", ":scheme: https", ":path: /", ":authority: x"}
	var keys [2]string
	for i := range keys {
		var r http1.Request
		if err := r.Parse(decode(blockRequest, false, asked{}, fields).text); err != nil {
			t.Fatal(err)
		}
		key, _ := r.Lookup("Sec-WebSocket-Key")
		keys[i] = string(key)
	}
	if len(keys[0]) != 24 || keys[0] == keys[1] {
		t.Errorf("keys %q", keys)
	}
}

func TestMalformedRequests(t *testing.T) {
	f := func(fields string, want *fault) {
		t.Helper()
		if got := decode(blockRequest, true, asked{}, strings.Split(fields, "|")); got.fault != want {
			t.Errorf("%s: %v, want %v", fields, got.fault, want)
		}
	}
	const begin = ":method: GET|:scheme: http|:path: /|:authority: x"
	f(":scheme: http|:path: /|:authority: x", errPseudo)
	f(":method: GET|:path: /|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:path: |:authority: x", errPseudo)
	f(":method: |:scheme: http|:path: /|:authority: x", errPseudo)
	for _, scheme := range []string{"", "1http", "+http", "http:", "http://", "ht tp", "http/x", "ht_tp", "http\r\nInjected: y", "h\u00e9"} {
		f(":method: GET|:scheme: "+scheme+"|:path: /|:authority: x", errPseudo)
		f(":method: CONNECT|:protocol: websocket|:scheme: "+scheme+"|:path: /|:authority: x", errPseudo)
	}
	f(":method: GET|:scheme: http|:path: x|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:path: *|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:path: http://y/|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:path: / HTTP/1.1\r\nHost: y\r\n\r\nGET /|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:path: /a b|:authority: x", errPseudo)
	f(":method: GET / HTTP/1.1\r\nx|:scheme: http|:path: /|:authority: x", errPseudo)
	f(":method: GET|:scheme: http|:path: /|:authority: x\r\nInjected: y", errPseudo)
	f(":method: GET|:scheme: http|:path: /|:authority: u@x", errPseudo)
	f(":method: GET|:scheme: http|:path: /|:authority: x/y", errPseudo)
	f(":method: GET|:scheme: http|:path: /|:authority: ", errPseudo)
	f(":method: GET|:scheme: http|:path: /", errAuthority)
	f(begin+"|host: y", errAuthority)
	f(begin+"|host: x|host: x", errAuthority)
	f(":method: GET|:scheme: http|:path: /|host: u@x", errAuthority)
	f(":method: GET|:scheme: http|:path: /|host: ", errAuthority)
	f(begin+"|:path: /", errPseudo)
	f(begin+"|:status: 200", errPseudo)
	f(begin+"|:unknown: x", errPseudo)
	f(":method: GET|accept: x|:scheme: http|:path: /|:authority: x", errPseudo)
	f(begin+"|accept: x|:protocol: websocket", errPseudo)
	f(begin+"|:protocol: websocket", errPseudo) // without CONNECT
	f(":method: CONNECT|:protocol: a b|:scheme: http|:path: /|:authority: x", errPseudo)
	f(":method: CONNECT|:protocol: websocket|:authority: x", errPseudo)
	f(":method: CONNECT|:authority: x|:path: /", errPseudo)
	f(":method: CONNECT", errPseudo)
	f(begin+"|Accept: x", errFieldName)
	f(begin+"|a b: x", errFieldName)
	f(begin+"|a\r\nb: x", errFieldName)
	f(begin+"|a:b: x", errFieldName)
	f(begin+"|ä: x", errFieldName)
	f(begin+"|a: x\r\nInjected: y", errFieldValue)
	f(begin+"|a: x\ny", errFieldValue)
	f(begin+"|a: x\ry", errFieldValue)
	f(begin+"|a: x\x00", errFieldValue)
	f(begin+"|a: x\x7f", errFieldValue)
	f(begin+"|a:  x", errFieldValue)
	f(begin+"|a: x ", errFieldValue)
	f(begin+"|a: x\t", errFieldValue)
	f(begin+"|cookie: a\r\nb", errFieldValue)
	for _, name := range []string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"} {
		f(begin+"|"+name+": x", errConnSpecific)
	}
	f(begin+"|te: gzip", errConnSpecific)
	f(begin+"|te: trailers, gzip", errConnSpecific)
	for _, length := range []string{"", "-1", "+1", "1,1", "0x1", "9223372036854775808", "99999999999999999999"} {
		f(begin+"|content-length: "+length, errLengthField)
	}
	f(begin+"|content-length: 0|content-length: 0", errLengthField)
	f(begin+"|content-length: 1", errLength)
}

func TestAnswerText(t *testing.T) {
	f := func(a asked, end bool, fields, want string) {
		t.Helper()
		got := decode(blockAnswer, end, a, strings.Split(fields, "|"))
		want = strings.ReplaceAll(want, "|", "\r\n") + "\r\n\r\n"
		if string(got.text) != want || got.fault != nil {
			t.Errorf("%q, %v; want %q", got.text, got.fault, want)
		}
		var r http1.Response
		if err := r.Parse(got.text, nil); err != nil {
			t.Errorf("%q: %v", got.text, err)
		}
	}
	f(asked{}, false, ":status: 200", "HTTP/1.1 200 |Transfer-Encoding: chunked")
	f(asked{}, true, ":status: 200", "HTTP/1.1 200 ")
	f(asked{}, false, ":status: 200|content-length: 3|server: x", "HTTP/1.1 200 |content-length: 3|server: x")
	f(asked{}, false, ":status: 100", "HTTP/1.1 100 ")
	f(asked{}, false, ":status: 103|link: </x>", "HTTP/1.1 103 |link: </x>")
	f(asked{}, true, ":status: 204", "HTTP/1.1 204 ")
	f(asked{}, false, ":status: 204", "HTTP/1.1 204 ")
	f(asked{}, true, ":status: 304|content-length: 9", "HTTP/1.1 304 |content-length: 9")
	f(asked{isHead: true}, true, ":status: 200|content-length: 9", "HTTP/1.1 200 |content-length: 9")
	f(asked{}, true, ":status: 401|set-cookie: a|set-cookie: b", "HTTP/1.1 401 |set-cookie: a|set-cookie: b")
	// The example of RFC 6455, section 1.3.
	a := asked{tunnel: true, protocol: "websocket", key: "dGhlIHNhbXBsZSBub25jZQ=="}
	f(a, false, ":status: 200|sec-websocket-protocol: chat|sec-websocket-accept: no",
		"HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|sec-websocket-protocol: chat")
	f(a, false, ":status: 403|content-length: 1", "HTTP/1.1 403 |content-length: 1")
	f(asked{tunnel: true, protocol: "x"}, false, ":status: 200", "HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: x")
}

func TestMalformedAnswers(t *testing.T) {
	f := func(end bool, fields string, want *fault) {
		t.Helper()
		if got := decode(blockAnswer, end, asked{}, strings.Split(fields, "|")); got.fault != want {
			t.Errorf("%s: %v, want %v", fields, got.fault, want)
		}
	}
	f(false, "server: x", errStatus)
	f(false, ":status: 99", errStatus)
	f(false, ":status: 099", errStatus)
	f(false, ":status: 1000", errStatus)
	f(false, ":status: 2x0", errStatus)
	f(false, ":status: 101", errStatus)
	f(true, ":status: 100", errStatus)
	f(false, ":status: 200|:status: 200", errPseudo)
	f(false, ":status: 200|:path: /", errPseudo)
	f(false, ":status: 200|te: trailers", errConnSpecific)
	f(false, ":status: 200|transfer-encoding: chunked", errConnSpecific)
	f(true, ":status: 200|content-length: 1", errLength)
}

func TestLargeHeads(t *testing.T) {
	f := func(limit, most int, fields, want string) {
		t.Helper()
		var text headText
		text.begin(blockRequest, limit, most)
		for _, field := range strings.Split(fields, "|") {
			i := strings.Index(field[1:], ": ") + 1
			if text.field(field[:i], field[i+2:]); text.tooLarge {
				break
			}
		}
		text.finish(true)
		if !text.tooLarge || text.fault != nil || string(text.text) != want {
			t.Errorf("too large %v, %v, %q; want %q", text.tooLarge, text.fault, text.text, want)
		}
	}
	const begin = ":method: GET|:scheme: http|:path: /|:authority: x"
	f(200, 256, begin+"|a: b|c: "+strings.Repeat("d", 100), "GET / HTTP/1.1\r\n")
	f(200, 256, begin+"|c: "+strings.Repeat("d", 100), "GET / HTTP/1.1\r\n")
	f(200, 256, ":method: GET|:scheme: http|:path: /"+strings.Repeat("d", 200), "")
	f(1<<16, 6, begin+"|a: b|c: d|e: f", "GET / HTTP/1.1\r\n")
}
