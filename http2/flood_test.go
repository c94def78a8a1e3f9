package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestFloods sends too much of what is cheap for a client, and sees the connection end and the
// other go on.
func TestFloods(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, func(s *Stream) {
		for s.Fill() == nil {
			s.Consume(len(s.Buffered()))
		}
		answer(s, "200", "fine")
	})
	other := connect(t, addr)
	f := func(reason string, times int, begin func(p *peer) []byte, frames func(i int, p *peer) []byte) {
		t.Helper()
		t.Run(reason, func(t *testing.T) {
			p := connect(t, addr)
			var all bytes.Buffer
			if begin != nil {
				all.Write(begin(p))
			}
			for i := range times {
				all.Write(frames(i, p))
			}
			p.write(all.Bytes())
			p.expectGoodbye(EnhanceYourCalm)
			if heard := strings.Fields(r.heard()); len(heard) == 0 || heard[len(heard)-1] != reason {
				t.Errorf("refused %q, want %q", heard, reason)
			}
			other.TB = t
			other.alive()
		})
	}
	fixed := func(b []byte) func(int, *peer) []byte { return func(int, *peer) []byte { return b } }
	post := func(p *peer) []byte { return p.headers(1, 0, postFields...) }
	id := func(i int) uint32 { return uint32(2*i + 1) }

	f("settings_flood", 30, nil, fixed(appendSettings(nil, setting{settingWindow, 5})))
	f("settings_flood", 30, nil, fixed(raw(frameSettings, flagAck, 0, "")))
	f("ping_flood", 600, nil, fixed(appendPing(nil, []byte("12345678"), 0)))
	f("ping_flood", 600, nil, fixed(appendPing(nil, []byte("12345678"), flagAck)))
	f("empty_flood", 200, post, fixed(raw(frameData, 0, 1, "")))
	f("priority_flood", 300, nil, fixed(raw(framePriority, 0, 1, "\x00\x00\x00\x03\x00")))
	f("priority_flood", 300, nil, fixed(raw(77, 0, 1, "extension")))
	f("priority_flood", 300, nil, fixed(appendGoAway(nil, 0, NoError, "")))
	f("window_flood", 600, nil, fixed(appendWindow(nil, 0, 1)))
	f("window_flood", 600, post, fixed(appendWindow(nil, 1, 1)))
	f("continuation_flood", maxContinuations+1, func(*peer) []byte { return raw(frameHeaders, 0, 1, "\x82") },
		fixed(raw(frameContinuation, 0, 1, "\x84")))
	f("continuation_flood", maxContinuations+1, func(*peer) []byte { return raw(frameHeaders, 0, 1, "") },
		fixed(raw(frameContinuation, 0, 1, "")))
	f("continuation_flood", 9, func(*peer) []byte { return raw(frameHeaders, 0, 1, "\x82") },
		fixed(raw(frameContinuation, 0, 1, strings.Repeat("\x84", maxFrame))))
	f("large_field", 1, nil, fixed(raw(frameHeaders, 0, 1, string(appendInt([]byte("\x00\x01a"), 0x80, 7, 200_000)))))
	f("rapid_reset", 300, nil, func(i int, p *peer) []byte { return append(p.get(id(i)), appendReset(nil, id(i), Cancel)...) })
	f("rapid_reset", 300, nil, func(i int, p *peer) []byte { // the server resets, since it is made to
		return append(p.headers(id(i), 0, postFields...), appendWindow(nil, id(i), 0)...)
	})
	f("rapid_reset", 300, nil, func(i int, p *peer) []byte { return p.get(id(i), "Malformed: x") })
	f("rapid_reset", 400, nil, func(i int, p *peer) []byte { return p.headers(id(i), 0, postFields...) }) // too many at a time
}

// TestSlowRapidReset stays below what is allowed in a second, but resets more than half of its
// streams for a long time.
func TestSlowRapidReset(t *testing.T) {
	r := newRig(t)
	c := Conn{loop: r.Loop, set: (*Settings)(nil).withDefaults()}
	f := func(of, resets int) (n int) {
		r.on(func() {
			c.flood = flood{}
			for n = 0; n < 10_000; n++ {
				c.opened()
				c.flood.counts[glitchReset] = 0 // a second has passed
				if n%of < resets && c.meter(glitchReset) != nil {
					break
				}
			}
		})
		return n
	}
	if n := f(10, 4); n != 10_000 {
		t.Errorf("4 of 10 are too many after %d streams", n)
	}
	if n := f(10, 7); n > 2000 {
		t.Errorf("7 of 10 are noticed after %d streams", n)
	}
}

// TestAllowanceComesBack holds that what is counted is forgotten after a second, and that what was
// earned is not.
func TestAllowanceComesBack(t *testing.T) {
	r := newRig(t)
	c := Conn{loop: r.Loop, set: (*Settings)(nil).withDefaults()}
	spend := func() (n int) {
		for c.meter(glitchPing) == nil {
			n++
		}
		return n
	}
	r.on(func() {
		if n := spend(); n != 500 {
			t.Errorf("%d at first", n)
		}
		c.flood.began -= int64(time.Second)
		if n := spend(); n != 500 {
			t.Errorf("%d a second later", n)
		}
		c.flood.began -= int64(time.Second)
		c.meter(glitchSettings) // begins a new second
		c.earn(glitchPing, 100)
		c.flood.began -= int64(time.Second)
		if n := spend(); n != 600 {
			t.Errorf("%d with 100 earned", n)
		}
		for range 2 * maxSaved {
			c.earn(glitchPing, 1)
		}
		if n := spend(); n > maxSaved+1000 {
			t.Errorf("%d after earning without end", n)
		}
	})
}

// TestHonestWindows holds that a client which widens its windows for every frame is not taken for
// an attacker, however much it is sent.
func TestHonestWindows(t *testing.T) {
	r := newRig(t)
	const size = 20 << 20
	p := connect(t, r.serve(nil, produce(size)))
	p.write(p.get(1))
	for got := 0; got < size; {
		_, payload := p.until(frameData)
		if got += len(payload); len(payload) > 0 && got < size {
			p.write(appendWindow(nil, 1, len(payload)), appendWindow(nil, 0, len(payload)))
		}
	}
	p.alive()
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}

// TestBomb sends a head whose 32 KiB stand for more than 100 MiB, and sees it refused with a 431,
// the table still right, and the memory in bounds.
func TestBomb(t *testing.T) {
	r := newRig(t)
	var held int
	p := connect(t, r.serve(nil, func(s *Stream) {
		held = max(held, cap(s.heads))
		echo(s)
	}))
	value := strings.Repeat("x", 3000)
	// A literal with incremental indexing, then the entry again and again.
	entry := append(appendString(appendString([]byte{0x40}, "bomb"), value), bytes.Repeat([]byte{0xbe}, 15_000-3000)...)
	const begin = "\x82\x86\x84\x01\x01a" // GET, http, /, a
	p.write(raw(frameHeaders, flagEndStream, 1, begin+string(entry)),
		raw(frameContinuation, flagEndHeaders, 1, strings.Repeat("\xbe", maxFrame)))
	if got := p.answered(1); !strings.HasPrefix(got, ":status: 431") {
		t.Errorf("%q", got)
	}
	p.write(raw(frameHeaders, flagEndStream|flagEndHeaders, 3, begin+"\xbe"))
	if got := p.answered(3); !strings.HasPrefix(got, ":status: 200") {
		t.Errorf("the next request, which has the field once: %q", got)
	}
	r.on(func() {
		if held > 256<<10 {
			t.Errorf("%d bytes are held for a head", held)
		}
	})
}

// TestTooManyFields is the other limit of a head.
func TestTooManyFields(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(&Settings{MaxFields: 10}, echo))
	f := func(stream uint32, n int, want string) {
		t.Helper()
		fields := with(getFields)
		for i := len(fields); i < n; i++ {
			fields = append(fields, fmt.Sprintf("f%d: x", i))
		}
		p.write(p.headers(stream, flagEndStream, fields...))
		if got := p.answered(stream); !strings.HasPrefix(got, ":status: "+want) {
			t.Errorf("%d fields: %q, want %s", n, got, want)
		}
	}
	f(1, 10, "200")
	f(3, 11, "431")
	f(5, 10, "200")
}

// TestMaxStreams holds that handlers count which still run for streams that were reset.
func TestMaxStreams(t *testing.T) {
	r := newRig(t)
	started := make(chan *Stream, 10)
	leave := uint32(0)
	p := connect(t, r.serve(&Settings{MaxStreams: 2}, func(s *Stream) {
		started <- s
		for s.id != leave { // whatever becomes of the stream
			s.conn.loop.Current().Wait()
		}
	}))
	p.write(p.get(1), p.get(3), p.get(5))
	p.expectReset(5, RefusedStream)
	p.write(appendReset(nil, 1, Cancel), p.get(7))
	p.expectReset(7, RefusedStream)
	if heard := r.heard(); heard != "too_many_streams too_many_streams" {
		t.Errorf("refused %q", heard)
	}
	s := <-started
	c := s.conn
	r.on(func() { leave = 1; s.task.Wake() })
	r.until("the handler has left", func() bool { return c.lent == 1 })
	p.write(p.get(9))
	<-started
	if s := <-started; s.id != 9 {
		t.Errorf("stream %d has a handler, want 9", s.id)
	}
}
