package http2

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
)

// A message is an answer as a test compares it.
type message struct {
	status        int
	body, trailer string
}

// ask sends a request on a new stream and reads the whole answer.
func ask(t testing.TB, c *Conn, head, body, trailer string) (m message) {
	t.Helper()
	s := c.Open()
	if s == nil {
		t.Error("no room for a stream")
		return m
	}
	defer s.Close()
	end := body == "" && trailer == ""
	if err := s.WriteRequest([]byte(head), "http", end); err != nil {
		t.Error(err)
		return m
	}
	if !end {
		if err := s.SendLast([]byte(body), []byte(trailer)); err != nil {
			t.Error(err)
			return m
		}
	}
	m, err := readAnswer(s)
	if err != nil {
		t.Error(err)
	}
	return m
}

// readAnswer reads a whole answer, or up to the beginning of a tunnel.
func readAnswer(s *Stream) (m message, err error) {
	var resp http1.Response
	for resp.Status < 200 {
		if err := s.ReadHead(); err != nil {
			return m, err
		}
		if err := resp.Parse(s.Head(), nil); err != nil {
			return m, fmt.Errorf("%q: %v", s.Head(), err)
		}
		if m.status = resp.Status; m.status == http.StatusSwitchingProtocols {
			return m, nil
		}
	}
	for {
		p := s.Buffered()
		m.body += string(p)
		s.Consume(len(p))
		if err := s.Fill(); err == io.EOF {
			break
		} else if err != nil {
			return m, err
		}
	}
	m.trailer = string(s.Trailer())
	return m, nil
}

const get = "GET /hello HTTP/1.1\r\nHost: example.com\r\n"

func TestClientAndServer(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, echo)
	large := strings.Repeat("0123456789", 20_000)
	r.in(func() {
		c := r.client(addr, nil)
		f := func(head, body, trailer string, want message) {
			t.Helper()
			if got := ask(t, c, head, body, trailer); got != want {
				t.Errorf("%d %.40q %q", got.status, got.body, got.trailer)
			}
		}
		f(get, "", "", message{200, "hello", ""})
		const post = "POST /x HTTP/1.1\r\nHost: a\r\n"
		f(post+"Transfer-Encoding: chunked\r\n", "ping", "a: b\r\n", message{200, "ping", "a: b\r\n"})
		f(post+"Content-Length: 4\r\n\r\n", "ping", "", message{200, "ping", ""})
		f(post+"X: "+strings.Repeat("y", 60_000)+"\r\n", "ping", "", message{200, "ping", ""}) // CONTINUATION
		f(post+"X: "+strings.Repeat("y", 70_000)+"\r\n", "", "", message{431, "too large", ""})
		f(post, large, "a: b\r\n", message{200, large, "a: b\r\n"})
		if c.Streams() != 0 || !c.Usable() || c.Room() != 128 {
			t.Errorf("%d streams, usable %v, room %d", c.Streams(), c.Usable(), c.Room())
		}
		c.Shutdown()
		if c.Open() != nil || c.Usable() {
			t.Error("a stream was opened after the goodbye")
		}
	})
	if heard := r.heard(); heard != "" {
		t.Errorf("refused: %s", heard)
	}
}

// upstream is a server whose frames a test writes, and a client of it.
type upstream struct {
	*rig
	*peer
	c       *Conn
	changes atomic.Int32 // calls of OnChange
}

func newUpstream(t *testing.T, set *Settings, settings ...setting) *upstream {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	u := &upstream{rig: newRig(t)}
	with := Settings{Refused: u.hear}
	if set != nil {
		with = *set
		with.Refused = u.hear
	}
	connected := u.begin(func() {
		u.c = u.client(ln.Addr().String(), &with)
		u.c.OnChange = func(*Conn) { u.changes.Add(1) }
	})
	u.peer = accept(t, ln, settings...)
	wire.Await(t, connected, "the client")
	u.rig.until("the settings are known", func() bool { return u.c.settled && u.c.acked })
	return u
}

// ask opens a stream in a coroutine, sends a request, and does fn with it.
func (u *upstream) ask(fn func(s *Stream)) <-chan struct{} {
	return u.rig.begin(func() {
		s := u.c.Open()
		if s == nil {
			u.rig.Error("no room for a stream")
			return
		}
		defer s.Close()
		if err := s.WriteRequest([]byte(get), "http", true); err != nil {
			u.rig.Error(err)
			return
		}
		fn(s)
	})
}

// TestAnswersOfServers has a server answer in all kinds of ways.
func TestAnswersOfServers(t *testing.T) {
	u := newUpstream(t, &Settings{MaxHead: 1000})
	id := uint32(1)
	// f answers with frames; want is what the client makes of it, and reset what it answers to
	// what is wrong.
	f := func(name, want string, reset ErrCode, frames ...[]byte) {
		t.Helper()
		var got message
		var err error
		done := u.ask(func(s *Stream) { got, err = readAnswer(s) })
		if f, _ := u.peer.until(frameHeaders); f.stream != id {
			t.Fatalf("%s: request on stream %d, want %d", name, f.stream, id)
		}
		u.write(frames...)
		wire.Await(t, done, name)
		if text := fmt.Sprintf("%d %s %s%v", got.status, got.body, got.trailer, err); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %s", name, text, want)
		}
		if reset != NoError {
			u.expectReset(id, reset)
		}
		u.alive()
		id += 2
	}
	h := func(flags uint8, fields ...string) []byte { return u.headers(id, flags, fields...) }
	d := func(flags uint8, text string) []byte { return raw(frameData, flags, id, text) }

	f("plain", "200 hello <nil>", NoError, h(0, ":status: 200"), d(flagEndStream, "hello"))
	f("no body", "404  <nil>", NoError, h(flagEndStream, ":status: 404"))
	f("trailers", "200 x a: b\r\n<nil>", NoError, h(0, ":status: 200"), d(0, "x"), h(flagEndStream, "a: b"))
	f("interim", "200 x <nil>", NoError, h(0, ":status: 100"), h(0, ":status: 103", "link: x"), h(0, ":status: 200"), d(flagEndStream, "x"))
	f("reset", "the peer reset the stream: INTERNAL_ERROR", NoError, h(0, ":status: 200"), appendReset(nil, id, InternalError))
	f("reset after all", "200 x <nil>", NoError, h(0, ":status: 200"), d(flagEndStream, "x"), appendReset(nil, id, NoError))
	f("early data", "DATA comes before the head", ProtocolError, d(0, "x"))
	f("data after interim", "DATA comes before the head", ProtocolError, h(0, ":status: 100"), d(0, "x"))
	f("malformed", "a field name is empty", ProtocolError, h(0, ":status: 200", "Upper: x"))
	f("no status", "the status can't be", ProtocolError, h(0, "server: x"))
	f("short", "not as long as its Content-Length", ProtocolError, h(0, ":status: 200", "content-length: 2"), d(flagEndStream, "x"))
	f("long", "not as long as its Content-Length", ProtocolError, h(0, ":status: 200", "content-length: 2"), d(0, "xyz"))
	f("large head", ErrLargeHead.Error(), EnhanceYourCalm, h(0, ":status: 200", "x: "+strings.Repeat("y", 1000)))
	f("large trailers", "the trailer section is too large", EnhanceYourCalm, h(0, ":status: 200"), d(0, "x"), h(flagEndStream, "x: "+strings.Repeat("y", 1000)))
	f("body of 204", "not as long", ProtocolError, h(0, ":status: 204"), d(flagEndStream, "x"))
	f("goes on", "200 hello <nil>", NoError, h(0, ":status: 200"), d(flagEndStream, "hello"))
}

// TestInterimFlood holds that heads which nobody reads are bounded.
func TestInterimFlood(t *testing.T) {
	u := newUpstream(t, &Settings{MaxHead: 1000})
	let := make(chan struct{})
	var err error
	done := u.ask(func(s *Stream) {
		for !s.Broken() {
			s.Wait()
		}
		close(let)
		for err == nil {
			err = s.ReadHead()
		}
	})
	u.peer.until(frameHeaders)
	for range 40 {
		u.write(u.headers(1, 0, ":status: 103", "x: "+strings.Repeat("y", 100)))
	}
	u.expectReset(1, EnhanceYourCalm)
	<-let
	wire.Await(t, done, "the reading")
	if err != ErrLargeHead {
		t.Error(err)
	}
}

// TestUnprocessed tells apart what may be sent again.
func TestUnprocessed(t *testing.T) {
	f := func(name string, want bool, frames func(u *upstream)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, nil)
			var errs [2]error
			first := u.ask(func(s *Stream) { errs[0] = s.ReadHead() })
			u.peer.until(frameHeaders)
			second := u.ask(func(s *Stream) { errs[1] = s.ReadHead() })
			u.peer.until(frameHeaders)
			frames(u)
			wire.Await(t, second, "the second request")
			if got := Unprocessed(errs[1]); got != want || errs[1] == nil {
				t.Errorf("%v: unprocessed %v, want %v", errs[1], got, want)
			}
			u.Close()
			wire.Await(t, first, "the first request")
			if Unprocessed(errs[0]) || !errors.Is(errs[0], io.ErrUnexpectedEOF) {
				t.Errorf("the first: %v", errs[0])
			}
		})
	}
	f("refused", true, func(u *upstream) { u.write(appendReset(nil, 3, RefusedStream)) })
	f("goodbye", true, func(u *upstream) { u.write(appendGoAway(nil, 1, NoError, "")) })
	f("later goodbye", false, func(u *upstream) { u.write(appendGoAway(nil, 3, NoError, ""), appendReset(nil, 3, Cancel)) })
	f("reset", false, func(u *upstream) { u.write(appendReset(nil, 3, InternalError)) })
	f("closed", false, func(u *upstream) { u.Close() })

	u := newUpstream(t, nil)
	u.in(func() {
		s := u.c.Open()
		u.c.Close()
		if err := s.WriteRequest([]byte(get), "http", true); !Unprocessed(err) {
			t.Errorf("never sent: %v", err)
		}
		s.Close()
	})
	if Unprocessed(nil) || Unprocessed(netloop.ErrTimeout) {
		t.Error("other errors are said to be unprocessed")
	}
}

// TestRoom has a server change how many streams it takes.
func TestRoom(t *testing.T) {
	u := newUpstream(t, nil, setting{settingMaxStreams, 2})
	room := func(want int) {
		t.Helper()
		got := 0
		if u.on(func() { got = u.c.Room() }); got != want {
			t.Errorf("room %d, want %d", got, want)
		}
	}
	room(2)
	first := u.ask(func(s *Stream) { readAnswer(s) })
	u.peer.until(frameHeaders)
	second := u.ask(func(s *Stream) { readAnswer(s) })
	u.peer.until(frameHeaders)
	room(0)
	before := u.changes.Load()
	u.write(u.headers(1, flagEndStream, ":status: 200"))
	wire.Await(t, first, "the first answer")
	room(1)
	if u.changes.Load() == before {
		t.Error("nobody was told")
	}
	u.write(appendSettings(nil, setting{settingMaxStreams, 0}))
	u.peer.until(frameSettings)
	room(0)
	u.write(appendSettings(nil, setting{settingMaxStreams, 5}))
	u.peer.until(frameSettings)
	room(4)
	u.in(func() { // what is opened and not sent counts
		s := u.c.Open()
		room := u.c.Room()
		s.Close()
		if room != 3 || u.c.Room() != 4 {
			t.Errorf("room %d with another stream open, %d without", room, u.c.Room())
		}
	})
	u.write(u.headers(3, flagEndStream, ":status: 200"))
	wire.Await(t, second, "the second answer")
	u.on(func() { u.c.nextID = maxStreamID + 2 })
	room(0)
}

// TestNoRoom has the server take its word back between Open and WriteRequest.
func TestNoRoom(t *testing.T) {
	u := newUpstream(t, nil)
	u.in(func() {
		s := u.c.Open()
		u.c.peer.maxStreams = 0
		if err := s.WriteRequest([]byte(get), "http", true); err != errNoRoom || !Unprocessed(err) {
			t.Errorf("%v", err)
		}
		s.Close()
		if u.c.Open() != nil {
			t.Error("a stream was opened without room")
		}
	})
}

// TestLow has both sides run in low coroutines.
func TestLow(t *testing.T) {
	r := newRig(t)
	addr := r.serve(&Settings{Low: true}, echo)
	done := make(chan struct{})
	r.Submit(func() {
		r.GoLow(func() {
			defer close(done)
			c := r.client(addr, &Settings{Low: true})
			if got := ask(t, c, get, "", ""); got != (message{200, "hello", ""}) {
				t.Errorf("%+v", got)
			}
			askOf(t, r, c, "POST / HTTP/1.1\r\nHost: a\r\n", "a: b\r\n")
		})
	})
	wire.Await(t, done, "the client")
}
