package http2

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

const soon = 30 * time.Millisecond

func TestSlowHeads(t *testing.T) {
	r := newRig(t)
	addr := r.serve(&Settings{HeadTimeout: soon}, echo)
	f := func(text string) {
		t.Helper()
		p := newPeer(t, dial(t, addr))
		p.write([]byte(text))
		p.expectGoodbye(EnhanceYourCalm)
		if heard := r.heard(); heard != "slow_head" {
			t.Errorf("refused %q", heard)
		}
	}
	begin := preface + string(appendSettings(nil))
	f("PRI")
	f(preface)
	f(begin + "\x00\x00")
	f(begin + string(raw(framePing, 0, 0, "12345678")[:12]))
	f(begin + string(raw(frameHeaders, 0, 1, "\x82")))
	f(begin + string(raw(frameHeaders, 0, 1, "\x82")) + string(raw(frameContinuation, 0, 1, "\x84")))
}

// TestSlowBody holds that HeadTimeout is not about DATA.
func TestSlowBody(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 1)
	p := connect(t, r.serve(&Settings{HeadTimeout: soon, IdleTimeout: 10 * soon}, func(s *Stream) {
		s.SetDeadline(12 * soon)
		for err := error(nil); ; err = s.Fill() {
			if err != nil {
				ended <- err
				answer(s, "408", "slow")
				return
			}
			s.Consume(len(s.Buffered()))
		}
	}))
	p.write(p.headers(1, 0, postFields...), frame{length: 100, kind: frameData, stream: 1}.append(nil), []byte("a part"))
	if err := wire.Await(t, ended, "the handler"); err != netloop.ErrTimeout {
		t.Error(err)
	}
	if got := p.answered(1); !strings.Contains(got, "408") {
		t.Errorf("%q", got)
	}
}

func TestIdle(t *testing.T) {
	r := newRig(t)
	addr := r.serve(&Settings{IdleTimeout: 10 * soon}, echo)
	p := connect(t, addr)
	p.expectGoodbye(NoError)
	p = connect(t, addr)
	p.write(p.get(1))
	p.answered(1)
	p.expectGoodbye(NoError)
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}

// deaf is a client that reads nothing, with a small buffer.
func deaf(t *testing.T, addr string, frames ...[]byte) *peer {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
	}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	p := newPeer(t, c)
	p.write([]byte(preface), appendSettings(nil, setting{settingWindow, maxWindow}), frame{kind: frameSettings, flags: flagAck}.append(nil), appendWindow(nil, 0, 1<<30))
	p.write(frames...)
	return p
}

// TestSlowRead holds that a peer which takes nothing is cut off, with all its handlers.
func TestSlowRead(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 3)
	big := make([]byte, 8<<20)
	addr := r.serve(&Settings{WriteTimeout: 2 * soon}, func(s *Stream) {
		s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false)
		ended <- s.Send(big)
	})
	p := newPeer(t, nil)
	deaf(t, addr, p.get(1), p.get(3), p.get(5))
	for range 3 {
		if err := wire.Await(t, ended, "the handler"); err == nil || !strings.Contains(err.Error(), "WriteTimeout") {
			t.Errorf("%v", err)
		}
	}
	r.until("it is counted", func() bool { return len(r.refused) > 0 })
	if heard := r.heard(); heard != "slow_read" {
		t.Errorf("refused %q", heard)
	}
}

// TestZeroWindow holds that a peer which never opens its window ends the handler's wait, by the
// handler's deadline or by WriteTimeout, whichever is first, and not the connection.
func TestZeroWindow(t *testing.T) {
	f := func(writeTimeout, deadline time.Duration) {
		t.Helper()
		r := newRig(t)
		ended := make(chan error, 1)
		p := connect(t, r.serve(&Settings{WriteTimeout: writeTimeout}, func(s *Stream) {
			s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false)
			s.SetDeadline(deadline)
			ended <- s.Send([]byte("x"))
		}), setting{settingWindow, 0})
		p.write(p.get(1))
		if err := wire.Await(t, ended, "the handler"); err != netloop.ErrTimeout {
			t.Error(err)
		}
		p.expectReset(1, InternalError)
		p.alive()
	}
	f(time.Hour, 3*soon)
	f(3*soon, 0)
	f(3*soon, time.Hour)
}

// TestStalledWindow holds that a peer which keeps its windows closed holds no Send for ever, even one
// without a deadline, and that reading may go on meanwhile for any time.
func TestStalledWindow(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 1)
	p := connect(t, r.serve(&Settings{WriteTimeout: soon}, func(s *Stream) {
		s.WriteResponse([]byte("HTTP/1.1 200 \r\n"), false)
		if err := s.Fill(); err != nil {
			t.Error(err)
		}
		ended <- s.Send([]byte("xyz"))
	}), setting{settingWindow, 1})
	p.write(p.headers(1, 0, postFields...))
	<-time.After(4 * soon)
	p.write(raw(frameData, flagEndStream, 1, "x"))
	if err := wire.Await(t, ended, "the handler"); err != netloop.ErrTimeout {
		t.Error(err)
	}
	p.expectReset(1, InternalError)
	p.alive()
}

// TestUnreadOutput holds that a client which makes the server answer and never reads the answers
// is cut off while what waits for it is small.
func TestUnreadOutput(t *testing.T) {
	r := newRig(t)
	begun := make(chan *Conn, 1)
	addr := r.serve(nil, func(s *Stream) {
		begun <- s.conn
		s.Wait()
	})
	p := deaf(t, addr)
	p.write(p.get(1))
	c := wire.Await(t, begun, "the handler")
	pings := []byte(strings.Repeat(string(appendPing(nil, []byte("12345678"), 0)), 400))
	most := 0
	r.on(func() { c.flood.counts[glitchPing] = -1 << 30 }) // that they are many is not what this is about
	for cut := false; !cut; {
		_, err := p.Conn.Write(pings)
		r.on(func() {
			most = max(most, c.net.Queued())
			cut = c.ending
		})
		if err != nil && !cut {
			t.Fatalf("the connection ended otherwise: %v", err)
		}
	}
	if heard := r.heard(); heard != "unread_output" || most > maxUnread {
		t.Errorf("refused %q, with %d bytes waiting", heard, most)
	}
}
