package http2

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func TestAnswers(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, echo))
	f := func(stream uint32, fields []string, body, want string) {
		t.Helper()
		if body == "" {
			p.write(p.headers(stream, flagEndStream, fields...))
		} else {
			p.write(p.headers(stream, 0, fields...), raw(frameData, flagEndStream, stream, body))
		}
		if got := p.answered(stream); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	const ok = ":status: 200, content-type: text/plain\n"
	f(1, getFields, "", ok)
	f(3, postFields, "hello", ok+"hello")
	f(5, with(postFields, "content-length: 5"), "hello", ok+"hello")
	f(9, []string{":method: GET", ":scheme: http", ":authority: a", ":path: /hello"}, "", ok+"hello")
	f(11, []string{":method: GET", ":scheme: http", ":authority: a", ":path: /%"}, "", ":status: 400, content-type: text/plain\nbad_target")
	f(13, []string{":method: CONNECT", ":authority: a:1"}, "", ok)
	if heard := r.heard(); heard != "" {
		t.Errorf("refused: %s", heard)
	}
}

// TestFaults has a client break each rule, and sees what it is told, the reason that is counted,
// and that another connection is not disturbed.
func TestFaults(t *testing.T) {
	r := newRig(t)
	addr := r.serve(&Settings{StreamWindow: 1 << 17, MaxStreams: 3}, func(s *Stream) {
		for s.Fill() == nil {
			s.Consume(len(s.Buffered()))
		}
		if s.Ended() {
			answer(s, "200", "fine")
		}
	})
	other := connect(t, addr)
	f := func(name, reason string, code ErrCode, frames func(p *peer) [][]byte) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p := connect(t, addr)
			p.write(frames(p)...)
			if code == NoError {
				p.alive()
			} else {
				p.expectGoodbye(code)
			}
			if heard := r.heard(); heard != reason {
				t.Errorf("refused %q, want %q", heard, reason)
			}
			other.TB = t
			other.alive()
		})
	}
	one := func(b func(p *peer) []byte) func(p *peer) [][]byte {
		return func(p *peer) [][]byte { return [][]byte{b(p)} }
	}
	fixed := func(b []byte) func(p *peer) [][]byte { return func(*peer) [][]byte { return [][]byte{b} } }
	// open is a request whose body goes on, before frames.
	open := func(frames ...[]byte) func(p *peer) [][]byte {
		return func(p *peer) [][]byte { return append([][]byte{p.headers(1, 0, postFields...)}, frames...) }
	}
	// closed is a request that was answered.
	closed := func(frame func(p *peer) []byte) func(p *peer) [][]byte {
		return func(p *peer) [][]byte {
			p.write(p.get(1))
			p.answered(1)
			return [][]byte{frame(p)}
		}
	}

	f("large frame", "frame_size", FrameSizeError, fixed(frame{length: maxFrame + 1, kind: frameHeaders, stream: 1}.append(nil)))
	f("large unknown frame", "frame_size", FrameSizeError, fixed(frame{length: maxFrame + 1, kind: 99}.append(nil)))
	f("short PING", "frame_size", FrameSizeError, fixed(raw(framePing, 0, 0, "1234567")))
	f("short WINDOW_UPDATE", "frame_size", FrameSizeError, fixed(raw(frameWindow, 0, 0, "123")))
	f("long RST_STREAM", "frame_size", FrameSizeError, open(raw(frameReset, 0, 1, "12345")))
	f("odd SETTINGS", "frame_size", FrameSizeError, fixed(raw(frameSettings, 0, 0, "1234567")))
	f("SETTINGS ack with payload", "frame_size", FrameSizeError, fixed(raw(frameSettings, flagAck, 0, "123456")))
	f("short GOAWAY", "frame_size", FrameSizeError, fixed(raw(frameGoAway, 0, 0, "1234567")))
	f("padded DATA without padding", "frame_size", FrameSizeError, open(raw(frameData, flagPadded, 1, "")))
	f("padding too long", "protocol", ProtocolError, open(raw(frameData, flagPadded, 1, "\x04abc")))
	f("padding of a head too long", "protocol", ProtocolError, fixed(raw(frameHeaders, flagPadded|flagEndHeaders, 1, "\xffabc")))
	f("short priority of a head", "frame_size", FrameSizeError, fixed(raw(frameHeaders, flagPriority|flagEndHeaders, 1, "abc")))

	f("DATA on stream 0", "protocol", ProtocolError, fixed(raw(frameData, 0, 0, "x")))
	f("HEADERS on stream 0", "protocol", ProtocolError, one(func(p *peer) []byte { return p.get(0) }))
	f("even stream", "protocol", ProtocolError, one(func(p *peer) []byte { return p.get(2) }))
	f("RST_STREAM on stream 0", "protocol", ProtocolError, fixed(appendReset(nil, 0, Cancel)))
	f("PRIORITY on stream 0", "protocol", ProtocolError, fixed(raw(framePriority, 0, 0, "12345")))
	f("SETTINGS on a stream", "protocol", ProtocolError, fixed(raw(frameSettings, 0, 1, "")))
	f("PING on a stream", "protocol", ProtocolError, fixed(raw(framePing, 0, 1, "12345678")))
	f("GOAWAY on a stream", "protocol", ProtocolError, fixed(raw(frameGoAway, 0, 1, "12345678")))
	f("DATA on an idle stream", "protocol", ProtocolError, fixed(raw(frameData, 0, 1, "x")))
	f("RST_STREAM on an idle stream", "protocol", ProtocolError, fixed(appendReset(nil, 1, Cancel)))
	f("WINDOW_UPDATE on an idle stream", "protocol", ProtocolError, fixed(appendWindow(nil, 1, 1)))
	f("CONTINUATION alone", "protocol", ProtocolError, fixed(raw(frameContinuation, flagEndHeaders, 1, "")))
	f("a frame among HEADERS", "protocol", ProtocolError, fixed(append(raw(frameHeaders, 0, 1, "\x82"), raw(framePing, 0, 0, "12345678")...)))
	f("CONTINUATION of another stream", "protocol", ProtocolError, fixed(append(raw(frameHeaders, 0, 1, "\x82"), raw(frameContinuation, 0, 3, "")...)))
	f("PUSH_PROMISE", "protocol", ProtocolError, fixed(raw(framePush, flagEndHeaders, 1, "\x00\x00\x00\x02\x82")))
	f("push setting", "protocol", ProtocolError, fixed(appendSettings(nil, setting{settingPush, 2})))
	f("small frame setting", "protocol", ProtocolError, fixed(appendSettings(nil, setting{settingMaxFrame, maxFrame - 1})))
	f("connect setting", "protocol", ProtocolError, fixed(appendSettings(nil, setting{settingConnect, 2})))
	f("connect setting taken back", "protocol", ProtocolError, fixed(appendSettings(nil, setting{settingConnect, 1}, setting{settingConnect, 0})))

	f("window setting", "flow_control", FlowControlError, fixed(appendSettings(nil, setting{settingWindow, 1 << 31})))
	f("connection's window too large", "flow_control", FlowControlError, fixed(appendWindow(nil, 0, maxWindow)))
	f("window setting makes a window too large", "flow_control", FlowControlError,
		open(appendWindow(nil, 1, maxWindow-firstWindow), appendSettings(nil, setting{settingWindow, firstWindow + 1})))
	f("increment of the connection by 0", "protocol", ProtocolError, fixed(appendWindow(nil, 0, 0)))
	f("bad index", "compression", CompressionError, fixed(raw(frameHeaders, flagEndHeaders, 1, "\xff\x00")))
	f("half a field", "compression", CompressionError, fixed(raw(frameHeaders, flagEndHeaders, 1, "\x00\x05ab")))

	f("DATA on a closed stream", "stream_closed", StreamClosed, closed(func(*peer) []byte { return raw(frameData, 0, 1, "x") }))
	f("HEADERS on a closed stream", "stream_closed", StreamClosed, closed(func(p *peer) []byte { return p.get(1) }))
	f("RST_STREAM on a closed stream", "", NoError, closed(func(*peer) []byte { return appendReset(nil, 1, Cancel) }))
	f("WINDOW_UPDATE on a closed stream", "", NoError, closed(func(*peer) []byte { return appendWindow(nil, 1, 1) }))
	f("PRIORITY on a closed stream", "", NoError, closed(func(*peer) []byte { return raw(framePriority, 0, 1, "\x00\x00\x00\x03\x00") }))
	f("unknown frame", "", NoError, fixed(raw(99, 255, 7, "whatever")))
	f("unknown setting", "", NoError, fixed(appendSettings(nil, setting{999, 999})))
	f("GOAWAY", "", NoError, fixed(appendGoAway(nil, 0, NoError, "")))
	f("PING ack", "", NoError, fixed(appendPing(nil, []byte("12345678"), flagAck)))
}

// TestStreamFaults has a client break a rule on one stream, and sees the others go on.
func TestStreamFaults(t *testing.T) {
	r := newRig(t)
	addr := r.serve(&Settings{StreamWindow: firstWindow}, func(s *Stream) {
		for s.Fill() == nil {
			continue // nothing is consumed
		}
		if s.Ended() {
			s.Consume(len(s.Buffered()))
			answer(s, "200", "fine")
		}
	})
	f := func(name, reason string, code ErrCode, end bool, fields []string, frames ...[]byte) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p := connect(t, addr)
			p.write(p.headers(1, 0, postFields...))
			flags := uint8(0)
			if end {
				flags = flagEndStream
			}
			p.write(append([][]byte{p.headers(3, flags, fields...)}, frames...)...)
			p.expectReset(3, code)
			p.write(raw(frameData, flagEndStream, 1, "x"))
			if got := p.answered(1); !strings.Contains(got, "fine") {
				t.Errorf("the other stream: %q", got)
			}
			if heard := r.heard(); heard != reason {
				t.Errorf("refused %q, want %q", heard, reason)
			}
		})
	}
	data := func(n int, flags uint8) []byte { return raw(frameData, flags, 3, strings.Repeat("x", n)) }
	f("malformed", "malformed", ProtocolError, true, with(getFields, "Upper: x"))
	f("empty head", "malformed", ProtocolError, true, nil)
	f("too long", "content_length", ProtocolError, false, with(postFields, "content-length: 1"), data(2, 0))
	f("too long in parts", "content_length", ProtocolError, false, with(postFields, "content-length: 3"), data(2, 0), data(2, 0))
	f("too short", "content_length", ProtocolError, false, with(postFields, "content-length: 3"), data(2, flagEndStream))
	f("length without a body", "content_length", ProtocolError, true, with(postFields, "content-length: 3"))
	f("increment 0", "protocol", ProtocolError, false, postFields, appendWindow(nil, 3, 0))
	f("window too large", "flow_control", FlowControlError, false, postFields, appendWindow(nil, 3, maxWindow))
	f("self-dependency", "protocol", ProtocolError, false, postFields, raw(framePriority, 0, 3, "\x00\x00\x00\x03\x00"))
	f("short PRIORITY", "frame_size", FrameSizeError, false, postFields, raw(framePriority, 0, 3, "1234"))
	f("window overrun", "flow_control", FlowControlError, false, postFields,
		data(maxFrame, 0), data(maxFrame, 0), data(maxFrame, 0), data(maxFrame, 0))
	f("DATA after the end", "stream_closed", StreamClosed, false, postFields, data(1, flagEndStream), data(1, 0))
}

// TestDepending has HEADERS depend on themselves.
func TestDepending(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, echo))
	p.write(raw(frameHeaders, flagEndHeaders|flagEndStream|flagPriority, 1, "\x00\x00\x00\x01\x00"+p.encode(getFields...)))
	p.expectReset(1, ProtocolError)
	p.write(raw(frameHeaders, flagEndHeaders|flagEndStream|flagPriority|flagPadded, 3, "\x02\x00\x00\x00\x01\x00"+p.encode(getFields...)+"\x00\x00"))
	p.answered(3)
}

func TestTrailers(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, echo))
	f := func(stream uint32, want string, frames ...[]byte) {
		t.Helper()
		p.write(append([][]byte{p.headers(stream, 0, with(postFields, "content-length: 1")...)}, frames...)...)
		if want == "" {
			p.expectReset(stream, ProtocolError)
			return
		}
		f, _ := p.until(frameData)
		p.expect(frameHeaders)
		if got := fmt.Sprint(f.stream, p.fields); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(1, "1 [a: b grpc-status: 0]", raw(frameData, 0, 1, "x"), p.headers(1, flagEndStream, "a: b", "host: x", "grpc-status: 0"))
	f(3, "", raw(frameData, 0, 3, "x"), p.headers(3, 0, "a: b"))                   // it does not end the stream
	f(5, "", raw(frameData, 0, 5, "x"), p.headers(5, flagEndStream, ":path: /"))   // a pseudo-header field
	f(7, "", p.headers(7, flagEndStream, "a: b"))                                  // the body is missing
	f(9, "", raw(frameData, 0, 9, "x"), p.headers(9, flagEndStream, "te: gzip\r")) // a control character
	if heard := r.heard(); heard != "malformed malformed content_length malformed" {
		t.Errorf("refused %q", heard)
	}
}

// TestPreface sees what comes in the place of the preface refused.
func TestPreface(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, echo)
	f := func(text string) {
		t.Helper()
		p := newPeer(t, dial(t, addr))
		p.write([]byte(text))
		p.expect(frameSettings)
		p.expectGoodbye(ProtocolError)
		if heard := r.heard(); heard != "preface" {
			t.Errorf("refused %q", heard)
		}
	}
	f("GET / HTTP/1.1\r\n\r\n")
	f(preface + string(raw(framePing, 0, 0, "12345678")))
	f(preface + string(raw(frameSettings, flagAck, 0, "")))
}

// TestSlowly sends byte by byte.
func TestSlowly(t *testing.T) {
	r := newRig(t)
	p := newPeer(t, dial(t, r.serve(nil, echo)))
	all := preface + string(appendSettings(nil)) + string(p.headers(1, 0, postFields...)) +
		string(raw(frameData, flagEndStream|flagPadded, 1, "\x03hello123"))
	for i := range len(all) {
		p.write([]byte{all[i]})
	}
	if got := p.answered(1); !strings.HasSuffix(got, "\nhello") {
		t.Errorf("%q", got)
	}
}

// TestHandlerLeaves has handlers return with all kinds of things undone.
func TestHandlerLeaves(t *testing.T) {
	r := newRig(t)
	var handle func(*Stream)
	p := connect(t, r.serve(nil, func(s *Stream) { handle(s) }))
	id := uint32(1)
	f := func(h func(*Stream), code ErrCode) {
		t.Helper()
		r.on(func() { handle = h })
		p.write(p.headers(id, 0, postFields...))
		p.expectReset(id, code)
		p.write(raw(frameData, flagEndStream, id, "what was on its way"))
		p.alive()
		id += 2
	}
	f(func(*Stream) {}, InternalError)
	f(func(s *Stream) { s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false) }, InternalError)
	f(func(s *Stream) { answer(s, "200", "early") }, NoError)
	f(func(s *Stream) { s.Abort() }, InternalError)
	f(func(s *Stream) { s.Reset(RefusedStream) }, RefusedStream)
	f(func(s *Stream) { s.Close() }, InternalError)
	f(func(*Stream) { panic("on purpose") }, InternalError)
	f(func(s *Stream) {
		defer func() {
			if recover() != nil { // a body can't be sent before its head
				panic("on purpose")
			}
		}()
		s.Send(nil)
	}, InternalError)
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}

// TestClientResets sees a handler's wait end, wherever it waits, and the time it has then.
func TestClientResets(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 1)
	var wait func(s *Stream) error
	p := connect(t, r.serve(nil, func(s *Stream) {
		err := wait(s)
		if !s.Broken() || s.Closed() {
			t.Errorf("broken %v, closed %v", s.Broken(), s.Closed())
		}
		ended <- err
	}))
	id := uint32(1)
	f := func(fn func(s *Stream) error, want string) {
		t.Helper()
		started := make(chan struct{})
		r.on(func() {
			wait = func(s *Stream) error { close(started); return fn(s) }
		})
		p.write(p.headers(id, 0, postFields...))
		<-started
		p.write(appendReset(nil, id, Cancel))
		if got := (<-ended).Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		id += 2
	}
	const reset = "http2: the peer reset the stream: CANCEL"
	f((*Stream).Fill, reset)
	f((*Stream).Wait, reset)
	f(func(s *Stream) error {
		s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false)
		return s.Send(make([]byte, 1<<20))
	}, reset)
	f(waitElsewhere, "canceled")
}

// waitElsewhere waits for something that has nothing to do with the stream.
func waitElsewhere(s *Stream) error {
	task := s.conn.loop.Current()
	for {
		task.Wait()
		if err := task.Interrupted(); err != nil {
			return err
		}
	}
}

func TestDeadlines(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 3)
	p := connect(t, r.serve(nil, func(s *Stream) {
		s.SetDeadline(time.Millisecond)
		ended <- s.Fill()
		s.SetDeadline(time.Hour)
		s.SetDeadline(time.Millisecond)
		ended <- s.Wait()
		s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false)
		ended <- s.Send(make([]byte, 1<<20))
		s.SetDeadline(0)
		if err := s.Fill(); err != nil && err != io.EOF {
			t.Errorf("%v", err)
		}
	}), setting{settingWindow, 0})
	p.write(p.headers(1, 0, postFields...))
	for range 3 {
		if got := (<-ended).Error(); got != "deadline passed" {
			t.Error(got)
		}
	}
	p.write(raw(frameData, flagEndStream, 1, "x"))
	p.expectReset(1, InternalError)
}
