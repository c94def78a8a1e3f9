package http2

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

// produce answers with n bytes.
func produce(n int) func(*Stream) {
	body := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
	return func(s *Stream) {
		if s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false) == nil {
			s.SendLast(body, nil)
		}
	}
}

// data reads DATA frames until n bytes of the stream have come, and holds that no more do.
func (p *peer) data(stream uint32, n int) {
	p.Helper()
	got := 0
	for got < n {
		f, payload := p.until(frameData)
		if f.stream != stream {
			p.Fatalf("data of stream %d, want %d", f.stream, stream)
		}
		got += len(payload)
	}
	p.quiet()
	if got != n {
		p.Fatalf("%d bytes of data, want %d", got, n)
	}
}

// quiet holds that the other side has nothing more to send at present.
func (p *peer) quiet() {
	p.Helper()
	p.write(appendPing(nil, []byte("are you?"), 0))
	if f, payload := p.next(); f.kind != framePing {
		p.Fatalf("got frame %+v %.40q, want nothing more", f, payload)
	}
}

func TestSendWindows(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, produce(100_000))
	p := connect(t, addr, setting{settingWindow, 10})
	p.write(p.get(1))
	p.data(1, 10)
	p.write(appendWindow(nil, 1, 5))
	p.data(1, 5)
	p.write(appendSettings(nil, setting{settingWindow, 13})) // 3 more for the open stream
	p.expect(frameSettings)
	p.data(1, 3)
	p.write(appendSettings(nil, setting{settingWindow, 3})) // 10 fewer: the window is -10
	p.expect(frameSettings)
	p.write(appendWindow(nil, 1, 10))
	p.quiet()
	p.write(appendWindow(nil, 1, 1))
	p.data(1, 1)
	p.write(appendWindow(nil, 1, 1_000_000)) // now the connection's window is the limit
	p.data(1, firstWindow-10-5-3-1)
	p.write(p.get(3), appendWindow(nil, 3, 1_000_000))
	p.until(frameHeaders)
	p.quiet()
	p.write(appendWindow(nil, 0, 1_000_000))
	for ended := 0; ended < 2; {
		if f, _ := p.until(frameData); f.has(flagEndStream) {
			ended++
		}
	}
}

// TestWindowOfOne has a window of one byte, which is no reason for an endless loop or a stall.
func TestWindowOfOne(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, produce(50)), setting{settingWindow, 1})
	p.write(p.get(1))
	for i := range 50 {
		f, payload := p.until(frameData)
		if len(payload) != 1 || f.has(flagEndStream) != (i == 49) {
			t.Fatalf("frame %+v", f)
		}
		if i < 49 {
			p.write(appendWindow(nil, 1, 1))
		}
	}
}

// TestFairness holds that a large answer does not keep a small one waiting, when both wait for the
// window of the connection.
func TestFairness(t *testing.T) {
	r := newRig(t)
	large, small := produce(10<<20), produce(10)
	p := connect(t, r.serve(nil, func(s *Stream) {
		if s.id == 1 {
			large(s)
		} else {
			small(s)
		}
	}), setting{settingWindow, maxWindow})
	p.write(p.get(1))
	p.data(1, firstWindow)
	p.write(p.get(3))
	p.until(frameHeaders)
	p.quiet()
	p.write(appendWindow(nil, 0, 5<<20))
	for before := 0; ; {
		f, payload := p.until(frameData)
		if f.stream == 3 {
			break
		}
		if before += len(payload); before > maxQueued+maxFrame {
			t.Fatalf("%d bytes of the large answer come first", before)
		}
	}
}

// TestWindowUpdates holds that a window is given back as bodies are consumed, padding included, in
// few frames.
func TestWindowUpdates(t *testing.T) {
	r := newRig(t)
	const window = 1 << 17
	got := make(chan int, 1)
	addr := r.serve(&Settings{StreamWindow: window, ConnWindow: 2 * window}, func(s *Stream) {
		n := 0
		for {
			n += len(s.Buffered())
			s.Consume(len(s.Buffered()))
			if err := s.Fill(); err == io.EOF {
				break
			} else if err != nil {
				t.Error(err)
				break
			}
		}
		got <- n
	})
	p := connect(t, addr)
	p.write(p.headers(1, 0, postFields...))
	const frames = 100
	part := raw(frameData, flagPadded, 1, "\xff"+strings.Repeat("x", 10_000)+strings.Repeat("\x00", 255))
	const size = 10_000 + 256
	stream, conn, updates := window, 2*window, 0
	for range frames {
		for stream < size || conn < size {
			f, payload := p.expect(frameWindow)
			increment := int(binary.BigEndian.Uint32(payload))
			if updates++; f.stream == 0 {
				conn += increment
			} else {
				stream += increment
			}
		}
		p.write(part)
		stream -= size
		conn -= size
	}
	p.write(raw(frameData, flagEndStream, 1, ""))
	if n := wire.Await(t, got, "the body"); n != frames*10_000 {
		t.Errorf("%d bytes arrived", n)
	}
	if most := frames * size * 2 / (window / 2); updates > most {
		t.Errorf("%d updates, want %d at most", updates, most)
	}
}

// TestConnWindow holds that bodies which nobody consumes are bounded for the whole connection, that
// sending more ends it, and that what was dropped is given back.
func TestConnWindow(t *testing.T) {
	r := newRig(t)
	release := make(chan struct{}, 10)
	addr := r.serve(&Settings{StreamWindow: 1 << 16, ConnWindow: 1 << 17}, func(s *Stream) {
		for s.Fill() == nil {
			continue
		}
		release <- struct{}{}
	})
	f := func(p *peer, stream uint32, n int) {
		p.write(p.headers(stream, 0, postFields...))
		for ; n > 0; n -= maxFrame {
			p.write(raw(frameData, 0, stream, strings.Repeat("x", min(n, maxFrame))))
		}
	}
	p := connect(t, addr)
	f(p, 1, 1<<16)
	f(p, 3, 1<<16)
	p.quiet()
	f(p, 5, 1)
	p.expectGoodbye(FlowControlError)
	<-release
	<-release
	if heard := r.heard(); heard != "flow_control" {
		t.Errorf("refused %q", heard)
	}

	p = connect(t, addr)
	f(p, 1, 1<<16)
	p.write(appendReset(nil, 1, Cancel)) // what it had sent is given back
	p.until(frameWindow)
	<-release
}

// TestLateView holds what a handler looks at still while more arrives, across all sizes of buffer.
func TestLateView(t *testing.T) {
	r := newRig(t)
	views := make(chan string, 1)
	looked := make(chan struct{})
	addr := r.serve(nil, func(s *Stream) {
		s.Fill()
		view := s.Buffered()
		close(looked)
		for !s.ended {
			s.conn.loop.Submit(s.conn.loop.Current().Wake)
			s.conn.loop.Current().Wait()
		}
		if s.Ended() {
			t.Error("ended, with bytes out of sight")
		}
		seen := string(view)
		s.Consume(len(view))
		if !s.Ended() || len(s.Buffered()) != 200_000 {
			t.Errorf("ended %v, %d bytes", s.Ended(), len(s.Buffered()))
		}
		views <- seen
	})
	p := connect(t, addr)
	p.write(p.headers(1, 0, postFields...), raw(frameData, 0, 1, "a"))
	<-looked
	for range 20 {
		p.write(raw(frameData, 0, 1, strings.Repeat("b", 10_000)))
	}
	p.write(raw(frameData, flagEndStream, 1, ""))
	if view := wire.Await(t, views, "the handler"); view != "a" {
		t.Errorf("%.40q", view)
	}
}
