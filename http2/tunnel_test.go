package http2

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"tain.dev/tain/http1"
	"tain.dev/tain/test/wire"
)

const upgrade = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// switching answers a request for an upgrade like a server of HTTP/1.1, and echoes what comes.
func switching(t *testing.T) func(s *Stream) {
	return func(s *Stream) {
		var req http1.Request
		if err := req.Parse(s.Head()); err != nil || !req.Upgrade || req.Body != http1.BodyNone {
			t.Errorf("%q: %v", s.Head(), err)
		}
		key, _ := req.Lookup("Sec-WebSocket-Key")
		head := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
			acceptKey(string(key)) + "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
		if string(req.Path) == "/refused" {
			answer(s, "403", "no")
			return
		}
		if err := s.WriteResponse([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), false); err != ErrNotSwitched {
			t.Errorf("a 200 was sent: %v", err)
		}
		if err := s.WriteResponse([]byte(head), false); err != nil {
			t.Error(err)
		}
		for s.Fill() == nil {
			s.Send(s.Buffered())
			s.Consume(len(s.Buffered()))
		}
		s.CloseWrite()
	}
}

// TestTunnel takes an upgrade of HTTP/1.1 through both sides of HTTP/2.
func TestTunnel(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, switching(t))
	r.in(func() {
		s := r.client(addr, nil).Open()
		defer s.Close()
		if err := s.WriteRequest([]byte(upgrade), "http", false); err != nil {
			t.Error(err)
			return
		}
		if err := s.ReadHead(); err != nil {
			t.Error(err)
			return
		}
		want := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: chat\r\n\r\n"
		if got := string(s.Head()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		var resp http1.Response
		if err := resp.Parse(s.Head(), []byte("GET")); err != nil || !resp.Upgrade {
			t.Errorf("%v", err)
		}
		for _, word := range []string{"one", "two"} {
			s.Send([]byte(word))
			if err := s.Fill(); err != nil || string(s.Buffered()) != word {
				t.Errorf("%q, %v", s.Buffered(), err)
			}
			s.Consume(len(word))
		}
		s.CloseWrite()
		if err := s.Fill(); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestRefusedTunnel(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, switching(t))
	r.in(func() {
		s := r.client(addr, nil).Open()
		defer s.Close()
		if err := s.WriteRequest([]byte(strings.Replace(upgrade, "/chat", "/refused", 1)), "http", false); err != nil {
			t.Error(err)
			return
		}
		if got, err := readAnswer(s); got != (message{403, "no", ""}) || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestExtendedConnect is a client that speaks HTTP/2 itself, without the key of HTTP/1.1.
func TestExtendedConnect(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, switching(t)))
	p.write(p.headers(1, 0, ":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: a", ":path: /chat", "sec-websocket-version: 13"))
	p.until(frameHeaders)
	if got := fmt.Sprint(p.fields); got != "[:status: 200 sec-websocket-protocol: chat]" {
		t.Error(got)
	}
	p.write(raw(frameData, 0, 1, "ping"))
	if _, payload := p.until(frameData); string(payload) != "ping" {
		t.Errorf("%q", payload)
	}
	p.write(raw(frameData, flagEndStream, 1, ""))
	if f, _ := p.until(frameData); !f.has(flagEndStream) {
		t.Error("the tunnel goes on")
	}
}

// TestNoTunnel asks servers for an upgrade that do not offer it.
func TestNoTunnel(t *testing.T) {
	u := newUpstream(t, nil)
	u.in(func() {
		s := u.c.Open()
		defer s.Close()
		if err := s.WriteRequest([]byte(upgrade), "http", false); err != ErrNoConnect {
			t.Errorf("%v", err)
		}
	})
	u.alive() // and nothing was sent

	u = newUpstream(t, nil, setting{settingConnect, 1})
	done := u.rig.begin(func() {
		s := u.c.Open()
		defer s.Close()
		if err := s.WriteRequest([]byte(upgrade), "https", false); err != nil {
			t.Error(err)
		}
	})
	u.peer.until(frameHeaders)
	if got := fmt.Sprint(u.fields); got != "[:method: CONNECT :protocol: websocket :scheme: https :authority: a :path: /chat sec-websocket-version: 13 te: trailers]" {
		t.Error(got)
	}
	wire.Await(t, done, "the request")
}
