package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/route"
	"tain.dev/tain/test/faulty"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

const (
	get       = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	noContent = "HTTP/1.1 204 No Content\r\n\r\n"
)

// hold keeps the loop from turning until the returned function is called, so that several things
// happen in one turn.
func (r *rig) hold() (release func()) {
	held, released := make(chan bool), make(chan bool)
	r.loop.Submit(func() { close(held); <-released })
	<-held
	return func() { close(released) }
}

// Live answers and breaks while more of the body comes. The uploader meets the broken connection
// first, and what it could not send must not be taken for the next request.
func TestBodyOfFailedUploadIsNoRequest(t *testing.T) {
	r := start(t, plain(), allToLive, nil)
	user := r.user(t)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
	user.Sends(head + "a")
	live := r.live.Accepts()
	live.Gets(head + "a")
	release := r.hold()
	user.Sends("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
	live.Sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	live.Resets()
	release()
	user.Gets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	user.SeesEnd()
	user.Closes()
	wire.Until(t, "the user to be gone", func() bool { return r.Counts().Clients == 0 })
	r.live.AcceptsNone()
}

// While the user does not read the answer, the body that they send goes wrong. Live's connection may
// not be closed then: what is being sent to the user lies in its buffer, which would become
// another's. It is closed once the user has read on.
func TestBufferStaysWhileItIsSent(t *testing.T) {
	r := start(t, plain(), allToLive, nil)
	user := r.user(t)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	user.Sends(head)
	live := r.live.Accepts()
	live.Gets(head)
	live.Sends("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
	fill(live)
	user.Sends("malformed\r\n")
	r.turns()
	live.Conn().SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := live.Conn().Write(make([]byte, 64<<10)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("live's connection broke while the user does not read: %v", err)
	}
	if n, err := io.Copy(io.Discard, user.Conn()); n == 0 || err == nil {
		t.Errorf("the user got %d bytes and %v, want some and a reset", n, err)
	}
	live.SeesReset()
}

// fill sends until nobody takes any more, and returns how much was taken.
func fill(p *wire.Peer) (total int) {
	block := bytes.Repeat([]byte("."), 64<<10)
	for {
		p.Conn().SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := p.Conn().Write(block)
		if total += n; err != nil {
			return total
		}
	}
}

// Whoever sends is held back by whoever does not read: little waits in tain.
func TestBackPressure(t *testing.T) {
	const most = 32 << 20 // what the kernel keeps, on both sides
	r := start(t, plain(), allToLive, func(int, *route.Route, *route.Request, *traffic.Arrival) *traffic.Exchange { return nil })
	user := r.user(t)
	user.Sends(get)
	live := r.live.Accepts()
	live.Gets(get)
	live.Sends("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
	if n := fill(live); n > most {
		t.Errorf("%d bytes of an answer were taken that nobody reads", n)
	}
	user.Resets()
	live.SeesBreak()

	user = r.user(t)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
	user.Sends(head)
	live = r.live.Accepts()
	live.Gets(head)
	if n := fill(user); n > most {
		t.Errorf("%d bytes of a body were taken that nobody reads", n)
	}
	live.Resets()
	user.Gets(refused(502, "the backend closed the connection without an answer"))
	user.Resets()
}

// A large body goes through both ways at the same time, byte for byte.
func TestLargeBodies(t *testing.T) {
	r := start(t, plain(), allToLive, nil)
	body := make([]byte, 8<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(body)
	f := func(framing string, sent []byte) {
		t.Helper()
		user := r.user(t)
		head := "POST / HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n"
		user.Sends(head)
		live := r.live.Accepts()
		live.Gets(head)
		live.Sends("HTTP/1.1 200 OK\r\n" + framing + "\r\n")
		user.Gets("HTTP/1.1 200 OK\r\n" + framing + "Connection: close\r\n\r\n")
		var all sync.WaitGroup
		all.Go(func() { user.Sends(string(sent)) })
		all.Go(func() { io.CopyN(live.Conn(), live.Conn(), int64(len(sent))) })
		got := make([]byte, len(sent))
		user.Conn().SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := io.ReadFull(user.Conn(), got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%s: %d of %d bytes came back, %v", framing, n, len(sent), err)
		}
		all.Wait()
		user.Closes()
		live.Closes()
	}
	f(fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
}

// A hook that panics costs the connection of that request, and no other.
func TestPanicInOffer(t *testing.T) {
	r := start(t, plain(), allToLive, func(_ int, _ *route.Route, q *route.Request, _ *traffic.Arrival) *traffic.Exchange {
		if q.Path == "/panic" {
			panic("BUG: on purpose")
		}
		return nil
	})
	r.wantBugs = 1
	bystander := r.user(t)
	bystander.Sends(get)
	live := r.live.Accepts()
	live.Gets(get)

	user := r.user(t)
	user.Sends("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
	user.SeesBreak()

	live.Sends(noContent)
	bystander.Gets(noContent)
	bystander.Sends(get)
	live.Gets(get)
	live.Sends(noContent)
	bystander.Gets(noContent)
	bystander.Closes()
}

// So does a hook that panics later, in the uploader.
func TestPanicInProgress(t *testing.T) {
	f := func(when func(*traffic.Exchange) bool) {
		t.Helper()
		memory, err := traffic.NewMemory(1 << 16)
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, plain(), allToLive, func(_ int, _ *route.Route, _ *route.Request, a *traffic.Arrival) *traffic.Exchange {
			x := &traffic.Exchange{}
			panicked := false
			x.Progress = func() {
				if a.Length > 0 && !panicked && when(x) {
					panicked = true
					panic("BUG: on purpose")
				}
			}
			x.Reset(memory)
			return x
		})
		r.wantBugs = 1
		const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
		user := r.user(t)
		user.Sends(head + "ab")
		live := r.live.Accepts()
		live.Gets(head + "ab")
		user.Sends("cd")
		user.SeesBreak()
		live.SeesReset()
		user.Closes()
		wire.Until(t, "the captures to be freed", func() bool { return memory.Used() == 0 })
		for range 3 { // what is left of the coroutines and requests is good for others
			user := r.user(t)
			user.Sends(get)
			live := r.live.Accepts()
			live.Gets(get)
			live.Sends(noContent)
			user.Gets(noContent)
			user.Closes()
			live.Closes()
		}
	}
	f(func(x *traffic.Exchange) bool { return x.Request.Size == 2 })
	f(func(x *traffic.Exchange) bool { return x.Request.Size == 4 })
	f(func(x *traffic.Exchange) bool { return x.Request.Ended })
}

// A handler that panics while its upload goes on leaves nothing of it behind.
func TestPanicBesideUpload(t *testing.T) {
	f := func(scheme string, http2User bool) {
		t.Helper()
		r := start(t, plain(), "route all\nbackend "+scheme+"://$live", nil)
		r.wantBugs = 1
		var state *request
		r.onLoop(func() {
			state = newRequest(r.lanes[0])
			r.lanes[0].free = append(r.lanes[0].free, state)
		})
		spoil := func() { r.onLoop(func() { state.route = nil }) } // so that the answer meets a panic
		const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		user, user2 := (*wire.Peer)(nil), (*framer)(nil)
		if http2User {
			user2 = r.h2user(t, "h2user", "")
			user2.sends("HEADERS 1 POST /\r\n")
		} else {
			user = r.user(t)
			user.Sends(head)
		}
		if scheme == "http" {
			live := r.live.Accepts()
			live.Gets(head)
			spoil()
			live.Sends(noContent)
			live.SeesReset()
		} else {
			live := h2live(t, "h2live", r.live, "")
			live.gets("HEADERS 1 POST /\nte: trailers\n")
			spoil()
			live.sends("HEADERS 1 end 204\r\n")
			live.gets("RST_STREAM 1 CANCEL\n")
		}
		if http2User {
			user2.gets("RST_STREAM 1 INTERNAL_ERROR\n")
			user2.Closes()
		} else {
			user.SeesBreak()
			user.Closes()
		}
		wire.Until(t, "the captures to be freed", func() bool { return r.memory.Used() == 0 })
		wire.Until(t, "live to be let go", func() bool { return r.set.Status()[0].Requests.Running == 0 })
	}
	f("http", false)
	f("http", true)
	f("h2c", false)
	f("h2c", true)
}

// A hook that panics at the end of an exchange has let go of it all the same.
func TestPanicAtEnd(t *testing.T) {
	memory, err := traffic.NewMemory(1 << 16)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, plain(), allToLive, func(_ int, _ *route.Route, _ *route.Request, a *traffic.Arrival) *traffic.Exchange {
		x := &traffic.Exchange{}
		x.Progress = func() {
			if x.Done {
				panic("BUG: on purpose")
			}
		}
		x.Reset(memory)
		x.Request.SetHead(a.Head)
		return x
	})
	r.wantBugs = 1
	user := r.user(t)
	user.Sends(get)
	live := r.live.Accepts()
	live.Gets(get)
	live.Sends(noContent)
	user.Gets(noContent)
	user.SeesBreak()
	wire.Until(t, "the captures to be freed", func() bool { return memory.Used() == 0 })
}

// Requests are spread over the backends by weight.
func TestWeights(t *testing.T) {
	const requests = 4000
	var servers []*faulty.Server
	table := "route all\n"
	for _, weight := range []int{3, 1, 0} {
		s, err := faulty.Start("ok")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		servers = append(servers, s)
		table += fmt.Sprintf("backend http://%s weight %d\n", s.Addr, weight)
	}
	r := start(t, plain(), table, nil)
	user := r.user(t)
	for range requests {
		user.Sends("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
		user.Gets("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n")
	}
	user.Closes()
	got := []uint64{servers[0].Requests(), servers[1].Requests(), servers[2].Requests()}
	if got[0]+got[1] != requests || got[2] != 0 || got[1] < requests/4-200 || got[1] > requests/4+200 {
		t.Errorf("%d requests went to %v, want 3 to 1 to 0", requests, got)
	}
}

// After a drain and Close, nobody can connect.
func TestDrainRefuses(t *testing.T) {
	r := start(t, plain(), allToLive, nil)
	if n := r.Drain(t.Context()); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	r.listener.Close()
	if c, err := net.Dial("tcp", r.addr); err == nil {
		c.Close()
		t.Error("a connection is accepted after the drain")
	}
}
