package http2

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// peer is the other side of a connection, which writes whatever frames a test likes.
type peer struct {
	testing.TB
	net.Conn
	block  bytes.Buffer
	coder  *hpack.Encoder
	reader *hpack.Decoder
	fields []string // decoded last
}

func newPeer(t testing.TB, c net.Conn) *peer {
	p := &peer{TB: t, Conn: c}
	p.coder = hpack.NewEncoder(&p.block)
	p.coder.SetMaxDynamicTableSize(0) // blocks need not be sent in the order in which they were made
	p.reader = hpack.NewDecoder(tableSize, func(f hpack.HeaderField) {
		p.fields = append(p.fields, f.Name+": "+f.Value)
	})
	return p
}

// connect is a client that has sent its preface and settings, and has read the server's.
func connect(t testing.TB, addr string, settings ...setting) *peer {
	t.Helper()
	p := newPeer(t, dial(t, addr))
	p.write([]byte(preface), appendSettings(nil, settings...), frame{kind: frameSettings, flags: flagAck}.append(nil))
	p.until(frameSettings)
	p.expect(frameWindow)
	p.expect(frameSettings) // the acknowledgement
	return p
}

func (p *peer) write(parts ...[]byte) {
	p.Helper()
	if _, err := p.Conn.Write(bytes.Join(parts, nil)); err != nil {
		p.Fatalf("writing frames: %v", err)
	}
}

// raw is a frame as bytes.
func raw(kind frameType, flags uint8, stream uint32, payload string) []byte {
	return append(frame{length: len(payload), kind: kind, flags: flags, stream: stream}.append(nil), payload...)
}

// encode makes a block of fields, each "name: value".
func (p *peer) encode(fields ...string) string {
	p.block.Reset()
	for _, f := range fields {
		i := strings.Index(f[1:], ": ") + 1
		p.coder.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+2:]})
	}
	return p.block.String()
}

var getFields = []string{":method: GET", ":scheme: http", ":authority: a", ":path: /"}
var postFields = []string{":method: POST", ":scheme: http", ":authority: a", ":path: /"}

// with appends to a copy.
func with(fields []string, more ...string) []string {
	return append(append([]string(nil), fields...), more...)
}

func (p *peer) headers(stream uint32, flags uint8, fields ...string) []byte {
	return raw(frameHeaders, flags|flagEndHeaders, stream, p.encode(fields...))
}

// get is a request without a body.
func (p *peer) get(stream uint32, more ...string) []byte {
	return p.headers(stream, flagEndStream, with(getFields, more...)...)
}

// next reads a frame.
func (p *peer) next() (f frame, payload []byte) {
	p.Helper()
	f, payload, err := p.tryNext()
	if err != nil {
		p.Fatalf("waiting for a frame: %v", err)
	}
	return f, payload
}

func (p *peer) tryNext() (f frame, payload []byte, err error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(p, header); err != nil {
		return f, nil, err
	}
	f = parseFrame(header)
	payload = make([]byte, f.length)
	if _, err := io.ReadFull(p, payload); err != nil {
		return f, nil, err
	}
	if f.kind == frameHeaders {
		p.fields = nil
		if _, err := p.reader.Write(payload); err != nil {
			p.Fatalf("decoding a head: %v", err)
		}
		p.reader.Close()
	}
	return f, payload, nil
}

// expect reads the next frame, which must be of that type.
func (p *peer) expect(kind frameType) (f frame, payload []byte) {
	p.Helper()
	f, payload = p.next()
	if f.kind != kind {
		p.Fatalf("got frame %+v %q, want type %d", f, payload, kind)
	}
	return f, payload
}

// until reads up to the first frame of that type.
func (p *peer) until(kind frameType) (f frame, payload []byte) {
	p.Helper()
	for {
		if f, payload = p.next(); f.kind == kind {
			return f, payload
		}
	}
}

// answered reads a whole answer: its fields, and its body.
func (p *peer) answered(stream uint32) string {
	p.Helper()
	f, _ := p.until(frameHeaders)
	text := strings.Join(p.fields, ", ") + "\n"
	for f.stream != stream || !f.has(flagEndStream) {
		var payload []byte
		f, payload = p.next()
		if f.kind == frameData {
			text += string(payload)
		}
	}
	return text
}

// expectReset reads up to RST_STREAM.
func (p *peer) expectReset(stream uint32, code ErrCode) {
	p.Helper()
	f, payload := p.until(frameReset)
	if got := ErrCode(binary.BigEndian.Uint32(payload)); f.stream != stream || got != code {
		p.Fatalf("stream %d was reset by %s, want %d by %s", f.stream, got, stream, code)
	}
}

// expectGoodbye reads up to GOAWAY and the clean end of the connection.
func (p *peer) expectGoodbye(code ErrCode) {
	p.Helper()
	_, payload := p.until(frameGoAway)
	if got := ErrCode(binary.BigEndian.Uint32(payload[4:])); got != code {
		p.Fatalf("goodbye by %s %q, want %s", got, payload[8:], code)
	}
	p.expectEnd()
}

// expectEnd reads the clean end of the connection.
func (p *peer) expectEnd() {
	p.Helper()
	for {
		if f, payload, err := p.tryNext(); err == io.EOF {
			return
		} else if err != nil {
			p.Fatalf("got %v, want the end", err)
		} else if f.kind == frameGoAway || f.kind == frameHeaders {
			p.Fatalf("got frame %+v %q, want the end", f, payload)
		}
	}
}

// alive holds that the connection still answers.
func (p *peer) alive() {
	p.Helper()
	p.write(appendPing(nil, []byte("are you?"), 0))
	for {
		f, payload := p.until(framePing)
		if f.has(flagAck) && string(payload) == "are you?" {
			return
		}
	}
}

// accept is a server's side, for a client under test: it has read the client's preface and
// settings, and sent its own.
func accept(t testing.TB, ln net.Listener, settings ...setting) *peer {
	t.Helper()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	p := newPeer(t, c)
	got := make([]byte, len(preface))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != preface {
		t.Fatalf("preface %q, %v", got, err)
	}
	p.expect(frameSettings)
	p.write(appendSettings(nil, settings...), frame{kind: frameSettings, flags: flagAck}.append(nil))
	return p
}

func (p *peer) String() string { return fmt.Sprint(p.LocalAddr()) }
