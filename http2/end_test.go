package http2

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

// goodbye reads GOAWAY, which must be without an error, and returns the last stream that it names.
func (p *peer) goodbye() uint32 {
	p.Helper()
	_, payload := p.until(frameGoAway)
	if code := ErrCode(binary.BigEndian.Uint32(payload[4:])); code != NoError {
		p.Fatalf("goodbye by %s", code)
	}
	return binary.BigEndian.Uint32(payload)
}

// TestGracefulEnd retires a server's connection: what is on its way by then is answered, what comes
// after the client could know is not.
func TestGracefulEnd(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, func(s *Stream) {
		for s.Fill() == nil {
			continue
		}
		answer(s, "200", "fine")
	}))
	p.write(p.headers(1, 0, postFields...))
	p.alive()
	r.on(r.Retire)
	if last := p.goodbye(); last != maxStreamID {
		t.Errorf("the first goodbye names stream %d", last)
	}
	_, ping := p.expect(framePing)
	p.write(p.headers(3, 0, postFields...), appendPing(nil, ping, flagAck)) // sent before it knew
	if last := p.goodbye(); last != 3 {
		t.Errorf("the second goodbye names stream %d, want 3", last)
	}
	p.write(p.headers(5, 0, postFields...), raw(frameData, 0, 5, "x"), appendWindow(nil, 5, 1))
	p.alive()
	p.write(raw(frameData, flagEndStream, 3, "x"))
	if got := p.answered(3); !strings.Contains(got, "fine") {
		t.Errorf("%q", got)
	}
	p.write(raw(frameData, flagEndStream, 1, "x"))
	if got := p.answered(1); !strings.Contains(got, "fine") {
		t.Errorf("%q", got)
	}
	p.expectEnd()
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}

// TestEndWithoutAnswer retires an idle connection whose client does not answer the PING.
func TestEndWithoutAnswer(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, echo))
	p.write(p.get(1))
	p.answered(1)
	r.on(r.Retire)
	r.on(r.Retire) // again does nothing
	p.goodbye()
	if last := p.goodbye(); last != 1 {
		t.Errorf("the second goodbye names stream %d", last)
	}
	p.expectEnd()
}

// TestPeerLeaves closes connections while handlers wait, in every way.
func TestPeerLeaves(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 1)
	closed := make(chan struct{}, 1)
	addr := r.listen(func(nc *netloop.Conn) {
		nc.OnClose = func(*netloop.Conn) { closed <- struct{}{} }
		nc.Fill()
		Serve(nc, nil, func(s *Stream) { ended <- s.Fill() })
	})
	f := func(leave func(c *net.TCPConn), want string) {
		t.Helper()
		p := connect(t, addr)
		p.write(p.headers(1, 0, postFields...))
		p.alive()
		p.write(frame{length: 100, kind: frameData, stream: 1}.append(nil))
		leave(p.Conn.(*net.TCPConn))
		if err := wire.Await(t, ended, "the handler"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		wire.Await(t, closed, "the former OnClose")
	}
	f(func(c *net.TCPConn) { c.Close() }, "unexpected EOF")
	f(func(c *net.TCPConn) { c.CloseWrite() }, "unexpected EOF")
	f(func(c *net.TCPConn) { c.SetLinger(0); c.Close() }, "connection reset")
}

// TestLoopStops ends the loop under handlers and openers.
func TestLoopStops(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 2)
	started := make(chan struct{})
	addr := r.serve(nil, func(s *Stream) {
		close(started)
		ended <- s.Fill()
	})
	r.begin(func() {
		s := r.client(addr, nil).Open()
		s.WriteRequest([]byte("POST / HTTP/1.1\r\nHost: a\r\n"), "http", false)
		ended <- s.ReadHead()
		s.Close()
	})
	wire.Await(t, started, "the request")
	r.end()
	for range 2 {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("a wait ended without an error")
			}
		case <-time.After(patience):
			t.Fatal("a wait did not end")
		}
	}
}

// TestClientGoesAway ends a client's connection under streams.
func TestClientGoesAway(t *testing.T) {
	u := newUpstream(t, nil)
	var got message
	done := u.ask(func(s *Stream) { got, _ = readAnswer(s) })
	u.peer.until(frameHeaders)
	u.on(func() { u.c.Shutdown(); u.c.Shutdown() })
	u.goodbye()
	u.write(u.headers(1, 0, ":status: 200"), raw(frameData, flagEndStream, 1, "fine"))
	wire.Await(t, done, "the answer")
	if got.body != "fine" {
		t.Errorf("%+v", got)
	}
	u.expectEnd()

	u = newUpstream(t, nil)
	u.on(u.c.Shutdown)
	u.expectGoodbye(NoError)

	u = newUpstream(t, &Settings{IdleTimeout: 10 * soon})
	u.expectGoodbye(NoError)
	u.on(func() {
		if u.c.Usable() {
			t.Error("usable after the end")
		}
	})
}

// TestServerGoesAway has a server say goodbye under streams.
func TestServerGoesAway(t *testing.T) {
	u := newUpstream(t, nil)
	var got message
	done := u.ask(func(s *Stream) { got, _ = readAnswer(s) })
	u.peer.until(frameHeaders)
	u.write(appendGoAway(nil, maxStreamID, NoError, ""), appendGoAway(nil, 1, NoError, "so long"))
	u.rig.until("it is heard", func() bool { return !u.c.Usable() })
	u.write(u.headers(1, 0, ":status: 200"), raw(frameData, flagEndStream, 1, "fine"))
	wire.Await(t, done, "the answer")
	if got.body != "fine" {
		t.Errorf("%+v", got)
	}
	u.expectEnd()
	if u.changes.Load() == 0 {
		t.Error("nobody was told")
	}
}

// TestServersFaults has a server break the rules of connections.
func TestServersFaults(t *testing.T) {
	f := func(reason string, code ErrCode, frames ...[]byte) {
		t.Helper()
		u := newUpstream(t, nil)
		var err error
		done := u.ask(func(s *Stream) { err = s.ReadHead() })
		u.peer.until(frameHeaders)
		u.write(frames...)
		u.expectGoodbye(code)
		wire.Await(t, done, "the request")
		if heard := u.heard(); heard != reason || err == nil {
			t.Errorf("refused %q, want %q; %v", heard, reason, err)
		}
	}
	f("protocol", ProtocolError, raw(framePush, flagEndHeaders, 1, "\x00\x00\x00\x02\x88"))
	f("protocol", ProtocolError, appendSettings(nil, setting{settingPush, 1}))
	f("protocol", ProtocolError, raw(frameHeaders, flagEndHeaders, 2, "\x88"))
	f("protocol", ProtocolError, raw(frameHeaders, flagEndHeaders, 3, "\x88"))
	f("protocol", ProtocolError, raw(frameData, 0, 3, "x"))
	f("compression", CompressionError, raw(frameHeaders, flagEndHeaders, 1, "\xff\x00"))
	f("continuation_flood", EnhanceYourCalm, raw(frameHeaders, 0, 1, "\x88"), []byte(strings.Repeat(string(raw(frameContinuation, 0, 1, "\x89")), 33)))
}

// TestAfterReset holds that a client takes what its server sent before it knew of a reset.
func TestAfterReset(t *testing.T) {
	u := newUpstream(t, nil)
	done := u.ask(func(s *Stream) { s.ReadHead() })
	u.peer.until(frameHeaders)
	u.write(u.headers(1, 0, ":status: 200"))
	wire.Await(t, done, "the request")
	u.expectReset(1, Cancel)
	u.write(raw(frameData, 0, 1, "x"), u.headers(1, flagEndStream, "a: b"), appendReset(nil, 1, NoError), appendWindow(nil, 1, 1))
	u.alive()
	if heard := u.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}
