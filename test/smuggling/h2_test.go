package smuggling

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"tain.dev/tain/test/wire"
)

// stream is what a client sends on a stream of HTTP/2, whatever it is worth.
type stream struct {
	fields   []hpack.HeaderField
	body     string
	trailers []hpack.HeaderField
}

// parseStream reads lines "name: value", an empty line, the body, and trailers behind a line that says
// so. Names and values may have escapes of their own.
func parseStream(text string) stream {
	head, rest, _ := strings.Cut(text, "\n\n")
	body, trailers, _ := strings.Cut(rest, "= trailers\n")
	return stream{parseFields(head), wire.Unescape(body), parseFields(trailers)}
}

func parseFields(text string) (fields []hpack.HeaderField) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			name = strings.TrimSuffix(line, ":")
		}
		if line != "" {
			fields = append(fields, hpack.HeaderField{Name: wire.Unescape(name), Value: wire.Unescape(value)})
		}
	}
	return fields
}

// h2Client is a connection of HTTP/2, with nothing that keeps a client from sending nonsense.
type h2Client struct {
	conn    link
	out     *bufio.Writer
	framer  *http2.Framer
	split   bool // in small frames, each in a write of its own
	streams uint32
}

func (r *rig) dialH2(t *testing.T, split bool) *h2Client {
	t.Helper()
	conn := r.dial(t, "h2")
	c := &h2Client{conn: conn, out: bufio.NewWriter(conn), split: split}
	c.framer = http2.NewFramer(c.out, conn)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.out.WriteString(http2.ClientPreface)
	c.framer.WriteSettings()
	return c
}

// send opens a stream. Writing fails when tain has closed the connection; what it said counts.
func (c *h2Client) send(s stream) (id uint32) {
	id = 1 + 2*c.streams
	c.streams++
	hasTrailers := len(s.trailers) > 0
	c.sendFields(id, s.fields, s.body == "" && !hasTrailers)
	for rest := []byte(s.body); len(rest) > 0; {
		part := rest
		if c.split {
			part = part[:min(7, len(part))]
		}
		rest = rest[len(part):]
		c.framer.WriteData(id, len(rest) == 0 && !hasTrailers, part)
		c.next()
	}
	if hasTrailers {
		c.sendFields(id, s.trailers, true)
	}
	c.out.Flush()
	return id
}

// next ends a frame.
func (c *h2Client) next() {
	if c.split {
		c.out.Flush()
	}
}

func (c *h2Client) sendFields(id uint32, fields []hpack.HeaderField, end bool) {
	var text bytes.Buffer
	encoder := hpack.NewEncoder(&text)
	encoder.SetMaxDynamicTableSize(0) // an encoder for each block must not refer to others
	for _, f := range fields {
		encoder.WriteField(f)
	}
	block, part := text.Bytes(), text.Len()
	if c.split {
		part = 1 + text.Len()/8
	}
	for first := true; len(block) > 0; first = false {
		now := block[:min(part, len(block))]
		block = block[len(now):]
		if first {
			c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: now, EndStream: end, EndHeaders: len(block) == 0})
		} else {
			c.framer.WriteContinuation(id, len(block) == 0, now)
		}
		c.next()
	}
}

// answer is what came back on a stream.
type answer struct {
	status int // 0: none
	saw    string
	reset  bool
	broken error // the connection ended first
}

// wait reads frames until a stream has come to its end.
func (c *h2Client) wait(id uint32) (a answer) {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			a.broken = err
			return a
		}
		if settings, ok := frame.(*http2.SettingsFrame); ok && !settings.IsAck() {
			c.framer.WriteSettingsAck()
			c.out.Flush()
		}
		if frame.Header().StreamID != id {
			continue
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame:
			a.reset = true
			return a
		case *http2.MetaHeadersFrame:
			a.note(f)
		}
		if frame.Header().Flags.Has(http2.FlagDataEndStream) && a.status >= http.StatusOK { // HEADERS have it too
			return a
		}
	}
}

func (a *answer) note(f *http2.MetaHeadersFrame) {
	for _, field := range f.Fields {
		switch field.Name {
		case ":status":
			a.status, _ = strconv.Atoi(field.Value) // tain's own number
		case "saw":
			a.saw = field.Value
		}
	}
}

// check asserts that the answer is the one to o.
func (o outcome) check(t *testing.T, server string, a answer) {
	t.Helper()
	switch own := o.own[server]; {
	case o.reset || o.status != 0 || own != 0:
		if a.reset != o.reset || a.status != max(o.status, own) || a.saw != "" || a.broken != nil {
			t.Errorf("the answer is %+v, want status %d, or that the stream is reset: %v", a, max(o.status, own), o.reset)
		}
	case a.status != http.StatusOK || a.saw != o.method+" "+o.target:
		t.Errorf("the answer is %+v, want one to %s %s", a, o.method, o.target)
	}
}

// TestDowngrade tries every vector of HTTP/2 through tain with each server of HTTP/1.1 behind it, in one
// frame and in many. Another stream of the connection is not disturbed.
func TestDowngrade(t *testing.T) {
	eachRig(t, "testdata/h2/*.txtar", func(t *testing.T, r *rig, v vector) (requests int) {
		for _, split := range []bool{true, false} {
			if split && (v.want[0].whole || !r.split) {
				continue
			}
			c := r.dialH2(t, split)
			requests = r.try(t, v.want, func() []outcome {
				v.want[0].check(t, r.live.name, c.wait(c.send(parseStream(v.sent))))
				beside := outcome{method: "GET", target: "/beside", host: "beside"}
				beside.check(t, r.live.name, c.wait(c.send(beside.stream())))
				return []outcome{beside}
			})
			c.conn.Close()
		}
		return requests
	})
}

// stream is a well-formed request for o.
func (o outcome) stream() stream {
	field := func(name, value string) hpack.HeaderField { return hpack.HeaderField{Name: name, Value: value} }
	return stream{fields: []hpack.HeaderField{field(":method", o.method), field(":scheme", "http"), field(":authority", o.host), field(":path", o.target)}}
}

func TestParseStream(t *testing.T) {
	s := parseStream(":path: /a\nx-any:\n: \\x20b\n\nhello\\\n= trailers\nx\\x3a: y\\r\\n\n\n")
	want := stream{[]hpack.HeaderField{{Name: ":path", Value: "/a"}, {Name: "x-any"}, {Value: " b"}}, "hello", []hpack.HeaderField{{Name: "x:", Value: "y\r\n"}}}
	if !slices.Equal(s.fields, want.fields) || s.body != want.body || !slices.Equal(s.trailers, want.trailers) {
		t.Errorf("got %+v, want %+v", s, want)
	}
}
