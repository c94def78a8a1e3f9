package compare

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// proto writes a message of protobuf from its fields: number:value, separated by spaces. A value is a
// varint 5, a fixed64 5.0, a fixed32 f5.0, text "abc", bytes x00ff, or a message {1:5}.
func proto(t testing.TB, text string) []byte {
	t.Helper()
	message, rest := protoFields(t, text)
	if rest != "" {
		t.Fatalf("%q is left over", rest)
	}
	return message
}

func protoFields(t testing.TB, text string) (message []byte, rest string) {
	t.Helper()
	for text = strings.TrimLeft(text, " "); text != "" && text[0] != '}'; text = strings.TrimLeft(text, " ") {
		number, value, _ := strings.Cut(text, ":")
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || value == "" {
			t.Fatalf("no field at %q", text)
		}
		var wire wireType
		var content []byte
		wire, content, text = protoValue(t, value)
		message = append(binary.AppendUvarint(message, n<<3|uint64(wire)), content...)
	}
	return message, text
}

func protoValue(t testing.TB, text string) (wire wireType, content []byte, rest string) {
	t.Helper()
	size := func(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
	if text[0] == '{' {
		inner, rest := protoFields(t, text[1:])
		return sized, size(inner), strings.TrimPrefix(rest, "}")
	}
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		plain, _ := strconv.Unquote(quoted)
		return sized, size([]byte(plain)), text[len(quoted):]
	}
	end := strings.IndexAny(text+" ", " }")
	word, rest := text[:end], text[end:]
	switch {
	case word[0] == 'x':
		data, err := hex.DecodeString(word[1:])
		if err != nil {
			t.Fatal(err)
		}
		return sized, size(data), rest
	case word[0] == 'f':
		x, _ := strconv.ParseFloat(word[1:], 32)
		return fixed32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(x))), rest
	case strings.Contains(word, "."):
		x, _ := strconv.ParseFloat(word, 64)
		return fixed64, binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)), rest
	}
	x, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return varint, binary.AppendUvarint(nil, uint64(x)), rest
}

func framed(flags byte, content string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(content)))) + content
}

// grpcBody makes a body of gRPC from lines: a line is a message, as proto reads it or in JSON, and
// packed if it begins with gzip. The trailer goes into it, or else is returned.
func grpcBody(t testing.TB, p protocol, text, trailer string) (body, rest string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		line, packed := strings.CutPrefix(line, "gzip ")
		if p.codec == protobuf {
			line = string(proto(t, line))
		}
		switch {
		case packed:
			body += framed(flagCompressed, gzipped(line))
		case text != "":
			body += framed(0, line)
		}
	}
	if p.web {
		body, trailer = body+framed(flagTrailer, trailer), ""
	}
	if p.text {
		body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	return body, trailer
}

func TestProtocol(t *testing.T) {
	f := func(contentType string, want protocol) {
		t.Helper()
		if got := readProtocol([]byte(contentType)); got != want {
			t.Errorf("%q is %+v, want %+v", contentType, got, want)
		}
	}
	f("", protocol{})
	f("application/json", protocol{})
	f("application/grpcx", protocol{})
	f("application/grpc-other", protocol{})
	f("application/grpc", protocol{grpc: true})
	f(" Application/GRPC ; charset=x", protocol{grpc: true})
	f("application/grpc+proto", protocol{grpc: true})
	f("application/grpc+json", protocol{grpc: true, codec: jsonText})
	f("application/grpc+thrift", protocol{grpc: true, codec: unknown})
	f("application/grpc-web", protocol{grpc: true, web: true})
	f("application/grpc-web+json", protocol{grpc: true, web: true, codec: jsonText})
	f("application/grpc-web-text", protocol{grpc: true, web: true, text: true})
	f("application/grpc-web-text+proto", protocol{grpc: true, web: true, text: true})
}

func TestCode(t *testing.T) {
	f := func(value, label, says string) {
		t.Helper()
		c := parseCode([]byte(value))
		if c.label() != label || c.String() != says {
			t.Errorf("%q is %s, %s; want %s, %s", value, c.label(), c, label, says)
		}
	}
	f("0", "OK", "OK")
	f(" 5", "NOT_FOUND", "NOT_FOUND (5)")
	f("16", "UNAUTHENTICATED", "UNAUTHENTICATED (16)")
	f("17", "code 17", "code 17")
	f("999", "code 999", "code 999")
	for _, odd := range []string{"", "1000", "-1", "OK", "1 2"} {
		f(odd, "malformed", "malformed")
	}
	if noCode.label() != "none" || noCode.String() != "missing" {
		t.Errorf("no code is %s, %s", noCode.label(), noCode)
	}
}

// rpc is an answer of gRPC with one message of one field.
func rpc(kind, message string) string {
	return "HTTP/1.1 200 \r\ncontent-type: " + kind + "\r\n\r\n" + message
}

const call = "POST /shop.Orders/Get HTTP/1.1\r\ncontent-type: application/grpc\r\n\r\n"

// pairEnding is a pair of answers of gRPC with these trailers.
func (l *lab) pairEnding(live, mirror string) *traffic.Pair {
	p := l.pair("new", call, rpc("application/grpc", framed(0, "\x08\x01")), rpc("application/grpc", framed(0, "\x08\x01")))
	p.Live.Response.Trailer, p.Mirror.Response.Trailer = lines(live), lines(mirror)
	return p
}

// TestStatusOfGRPC holds that the status behind the body is the status, so that nothing else of the
// two answers is compared where it differs, nor their latencies.
func TestStatusOfGRPC(t *testing.T) {
	f := func(live, mirror, path, text string, severity finding.Severity) {
		t.Helper()
		l := newLab(t, Config{})
		l.compare(l.pairEnding(live, mirror))
		found := l.c.Findings()
		if path == "" {
			if len(found) > 0 || l.c.groups["quick\x00shop\x00POST /shop.Orders/Get"].sides[0].live.Count() != 1 {
				t.Errorf("%q and %q: found %+v, or not timed", live, mirror, found)
			}
			return
		}
		if len(found) != 1 || found[0].Kind != finding.Status || found[0].Path != path || found[0].Severity != severity ||
			!strings.HasPrefix(found[0].Text, "The status is "+text+", in") {
			t.Errorf("%q and %q: found %+v", live, mirror, found)
		}
		if l.c.present.live.Count() != 0 {
			t.Errorf("%q and %q: answers of different status are timed", live, mirror)
		}
	}
	f("grpc-status: 0", "grpc-status: 0", "", "", "")
	f("grpc-status: 0", "Grpc-Status:0", "", "", "")
	f("grpc-status: 5\ngrpc-message: a", "x: y\ngrpc-status: 2\ngrpc-message: b", "NOT_FOUND→UNKNOWN", "UNKNOWN (2) where live has NOT_FOUND (5)", finding.Medium)
	f("grpc-status: 0", "grpc-status: 5\ngrpc-message: gone", "OK→NOT_FOUND", "NOT_FOUND (5) where live has OK", finding.High)
	f("grpc-status: 5", "grpc-status: 0", "NOT_FOUND→OK", "OK where live has NOT_FOUND (5)", finding.Medium)
	f("grpc-status: 17", "grpc-status: x", "code 17→malformed", "malformed where live has code 17", finding.Medium)
	f("grpc-status: 0", "x: y", "OK→none", "missing where live has OK", finding.High)
}

func TestUnknownMethodsShareAGroup(t *testing.T) {
	l := newLab(t, Config{})
	for _, method := range []string{"/a.A/B", "/c.C/D"} {
		p := l.pair("new", "POST "+method+" HTTP/1.1\r\n\r\n", rpc("application/grpc\r\ngrpc-status: 12", ""), rpc("application/grpc\r\ngrpc-status: 12", ""))
		l.compare(p)
	}
	if len(l.c.groups) != 1 || len(l.c.Findings()) > 0 {
		t.Errorf("%d groups for methods that live does not know, want 1; found %v", len(l.c.groups), l.c.Findings())
	}
}

// TestCutGRPC holds that an answer of gRPC-Web whose capture ends before its status is not taken for
// one without.
func TestCutGRPC(t *testing.T) {
	l := newLab(t, Config{})
	f := func(live, mirror, want string) {
		t.Helper()
		p := l.pair("new", call, rpc("application/grpc-web", ""), rpc("application/grpc-web", ""))
		for x, body := range map[*traffic.Exchange]string{p.Live: live, p.Mirror: mirror} {
			x.Response.Limit = 20
			x.Response.Append([]byte(body))
		}
		if why := l.c.Pair(p); why != traffic.Compared {
			t.Fatalf("not compared for the reason %d", why)
		}
		var got []string
		for _, d := range l.c.labels {
			got = append(got, d.label)
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%q and %q differ in %q, want %q", live, mirror, got, want)
		}
	}
	ok := framed(flagTrailer, "grpc-status:0\r\n")
	f(framed(0, "abc")+ok, framed(0, "abc")+ok, "")
	f(framed(0, "abc")+ok, framed(0, "abcd")+ok, "body ")
	f(ok, framed(0, "abc")+ok, "body ")
	f(ok, framed(flagTrailer, "grpc-status:5\r\n"), "status OK→NOT_FOUND")
	f(framed(0, "abc"), ok, "status none→OK")
}

func TestRecordOfGRPC(t *testing.T) {
	f := func(name string, cfg Config, kind, body, trailer string, want ...string) {
		t.Helper()
		l := newLab(t, cfg)
		p := l.pair("new", call, rpc(kind, body), "HTTP/1.1 500 X\r\n\r\n")
		p.Live.Response.Trailer = lines(trailer)
		p.Live.Request.Trailer = lines("x-checksum: 17")
		l.compare(p)
		record := l.c.Findings()[0].Example
		if record.Answer.GRPC != "" || record.Request.Trailer[0] != [2]string{"x-checksum", "17"} {
			t.Errorf("%s: an answer that is not gRPC has its status %q; request %+v", name, record.Answer.GRPC, record.Request)
		}
		text, err := json.Marshal(record.Live)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s: the record lacks %s:\n%s", name, part, text)
			}
		}
	}
	message := framed(0, "\x08\x05")
	f("plain", Config{}, "application/grpc", message, "grpc-status: 5\ngrpc-message: no%20such \u00e4%21",
		`"grpc_status":"NOT_FOUND (5)"`, `"trailer":[["grpc-status","5"],["grpc-message","no such ä!"]]`, `"body_size":7`)
	f("all head", Config{}, "application/grpc\r\ngrpc-status: 0", "", "", `"grpc_status":"OK"`, `["grpc-status","0"]`)
	f("no status", Config{}, "application/grpc", message, "", `"grpc_status":"missing"`)
	f("web", Config{}, "application/grpc-web", message+framed(flagTrailer, "grpc-status:7\r\nx:y\r\n"), "",
		`"grpc_status":"PERMISSION_DENIED (7)"`, `"trailer":[["grpc-status","7"],["x","y"]]`)
	f("text", Config{}, "application/grpc-web-text", base64.StdEncoding.EncodeToString([]byte(framed(flagTrailer, "grpc-status:7\r\n"))), "",
		`"grpc_status":"PERMISSION_DENIED (7)"`)
	secret := Config{Mask: redact.New("token")}
	f("masked", secret, "application/grpc", message, "token: abc\ngrpc-message: token%3Dabc\nx-bin: abcd",
		`["token","[masked]"],["grpc-message","token=[masked]"],["x-bin","[masked]"]`, `"body":"[masked]"`)
	f("long", Config{}, "application/grpc", message, "grpc-status: 0\nx: "+strings.Repeat("y", maxTrailer), `"trailer":[["grpc-status","0"]]`)
}

// TestNoiseInMessages has messages with an id, a random order and a moment, and a target that loses a
// field in one of twenty and fails in as many. Nothing else may be reported.
func TestNoiseInMessages(t *testing.T) {
	s := newStream(t, 3)
	message := func(change string) string {
		entries := []string{`3:{1:"a" 2:1}`, `3:{1:"b" 2:2}`, `3:{1:"c" 2:3}`}
		s.rng.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		at := epoch.UnixNano()/1e9 + int64(s.ids/100) + s.rng.Int64N(2)
		text := fmt.Sprintf(`1:"%x" 2:{1:%d 2:%d} %s`, s.rng.Uint64(), at, s.rng.IntN(1e9), strings.Join(entries, " "))
		return framed(0, string(proto(t, text+change)))
	}
	offer := func(target, change, status string) {
		p := s.pair(target, call, rpc("application/grpc", message(" 4:7")), rpc("application/grpc", message(change)))
		p.Live.Response.Trailer, p.Mirror.Response.Trailer = lines("grpc-status: 0"), lines("grpc-status: "+status)
		s.compare(p)
	}
	for i := range 1500 {
		change, status := " 4:7", "0"
		switch i % 20 {
		case 0:
			change = ""
		case 10:
			status = "14"
		}
		offer("new", change, status)
		offer("base", " 4:7", "0")
	}
	var got []string
	for _, f := range s.c.Findings() {
		got = append(got, string(f.Kind)+" "+f.Path)
	}
	if want := "status OK→UNAVAILABLE,value message[*].4"; strings.Join(got, ",") != want {
		t.Errorf("found %q, want %s", got, want)
	}
}
