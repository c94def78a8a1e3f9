package http2

import (
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

// holder serves streams that stay until they are let go.
type holder struct {
	*rig
	streams chan *Stream
	conn    *Conn
	leave   uint32 // the stream that may end; all may when it is 1<<31
}

func (h *holder) handle(s *Stream) {
	h.streams <- s
	h.conn = s.conn
	for h.leave != s.id && h.leave != 1<<31 && !s.Broken() {
		s.conn.loop.Current().Wait()
	}
	answer(s, "200", "fine")
}

// letGo ends a stream, or all.
func (h *holder) letGo(id uint32) {
	h.Helper()
	h.on(func() {
		h.leave = id
		for s := h.conn.first; s != nil; s = s.next {
			s.task.Wake()
		}
	})
}

func newHolder(t *testing.T) (*holder, *peer) {
	h := &holder{rig: newRig(t), streams: make(chan *Stream, 256)}
	return h, connect(t, h.serve(nil, h.handle))
}

// bomb is a request that is far larger than what is sent of it: a field that is in the peer's table,
// over and over.
func (p *peer) bomb(id uint32) (frame []byte, size int) {
	const length, times = 3900, 15
	block := p.encode(getFields...) + "\x40\x01a" + string(appendInt(nil, 0, 7, length)) + strings.Repeat("x", length)
	block += strings.Repeat("\xbe", times-1)
	size = len("GET / HTTP/1.1\r\nHost: a\r\n") + times*(len("a: \r\n")+length) + len("\r\n")
	return raw(frameHeaders, flagEndHeaders|flagEndStream, id, block), size
}

// TestHeadMemory holds that the heads of a connection have a ceiling together, that streams beyond it are
// refused without harm to the others, and that the room comes back.
func TestHeadMemory(t *testing.T) {
	h, p := newHolder(t)
	const room = 1 << 20
	_, size := p.bomb(1)
	fit := room / size
	for i := range fit + 3 {
		frame, _ := p.bomb(uint32(2*i + 1))
		p.write(frame)
	}
	id := uint32(2*fit + 1)
	for range 3 {
		p.expectReset(id, RefusedStream)
		id += 2
	}
	if heard := h.heard(); heard != "head_memory head_memory head_memory" {
		t.Errorf("refused %q", heard)
	}
	for range fit {
		wire.Await(t, h.streams, "a stream")
	}
	h.on(func() {
		if h.conn.heads != fit*size || h.conn.lent != fit {
			t.Errorf("%d streams hold %d bytes, want %d and %d", h.conn.lent, h.conn.heads, fit, fit*size)
		}
	})
	h.letGo(1)
	p.answered(1)
	frame, _ := p.bomb(id)
	p.write(frame)
	if s := wire.Await(t, h.streams, "a stream where one has left"); s.id != id {
		t.Errorf("stream %d has a handler, want %d", s.id, id)
	}
	h.letGo(1 << 31)
	h.until("the streams to leave", func() bool { return h.conn.lent == 0 })
	h.on(func() {
		if h.conn.heads != 0 {
			t.Errorf("%d bytes of heads count for no stream", h.conn.heads)
		}
	})
	p.alive()
}

// TestTrailerMemory holds that trailer sections count with the heads.
func TestTrailerMemory(t *testing.T) {
	h, p := newHolder(t)
	const posts, length = 8, 12_000
	id := func(i int) uint32 { return uint32(2*i + 1) }
	for i := range posts {
		p.write(p.headers(id(i), 0, postFields...))
		wire.Await(t, h.streams, "a stream")
	}
	_, size := p.bomb(1)
	h.on(func() {
		for h.conn.hold(size) {
		}
	})
	var room int
	h.on(func() { room = h.conn.headRoom() - h.conn.heads })
	fit := room / (length + len("a: \r\n"))
	if fit == 0 || fit >= posts {
		t.Fatalf("the test fills the room badly: %d trailer sections fit", fit)
	}
	for i := range fit + 1 {
		p.write(p.headers(id(i), flagEndStream, "a: "+strings.Repeat("x", length)))
	}
	p.expectReset(id(fit), EnhanceYourCalm)
	if heard := h.heard(); heard != "head_memory" {
		t.Errorf("refused %q", heard)
	}
	h.letGo(1 << 31)
	h.until("the streams to leave", func() bool { return h.conn.lent == 0 })
}

// TestUsualHeads holds that as many streams as there may be are never refused for heads as large as most
// servers take.
func TestUsualHeads(t *testing.T) {
	h, p := newHolder(t)
	text := len("GET / HTTP/1.1\r\nHost: a\r\na: \r\n\r\n")
	for i := range 128 {
		p.write(p.get(uint32(2*i+1), "a: "+strings.Repeat("x", keptHead-text)))
		wire.Await(t, h.streams, "a stream")
	}
	if heard := h.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
	h.letGo(1 << 31)
	h.until("the streams to leave", func() bool { return h.conn.lent == 0 })
}
