package mirror

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/test/faulty"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func startFaulty(t testing.TB, mode string) *faulty.Server {
	t.Helper()
	s, err := faulty.Start(mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// total sums up the books of target v2 by the words that a line begins with.
func (r *rig) total(name string) (sum int) {
	for line := range strings.Lines(r.books("v2")) {
		var n int
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			fmt.Sscan(rest[strings.LastIndexByte(rest, ' ')+1:], &n)
			sum += n
		}
	}
	return sum
}

// TestFaultyTargets mirrors to every kind of bad target. Each user gets every answer, whole, and
// the books say what became of the copies.
func TestFaultyTargets(t *testing.T) {
	const users, requests = 4, 60
	f := func(mode string, want ...string) {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			live, target := startFaulty(t, "ok"), startFaulty(t, mode)
			cfg := plain()
			cfg.Mirror.DrainAnswer = 256 << 10
			r := start(t, cfg, "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nwrites\ntimeout 150ms\nto http://"+target.Addr+" v2\n")
			var all sync.WaitGroup
			for range users {
				all.Go(func() {
					user := wire.Dial(t, "user", r.addr)
					for range requests {
						user.Sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
						user.Sends(strings.Repeat("b", 3000))
						user.Gets(okAnswer)
					}
					user.Closes()
				})
			}
			all.Wait()
			r.settled(t)
			if n := r.total("seen"); n != users*requests {
				t.Errorf("%d requests were seen, want %d", n, users*requests)
			}
			for _, name := range want {
				if r.total(name) == 0 {
					t.Errorf("nothing is %q in\n%s", name, r.books("v2"))
				}
			}
		})
	}
	f("ok", "answered", "compared")
	f("refuse", "failed connect")
	f("accept-never-read", "failed timeout")
	f("never-answer", "failed timeout")
	f("drip", "failed timeout")
	f("reset", "failed reset")
	f("garbage", "failed malformed")
	f("endless", "failed limit")
	f("slow:10ms", "answered", "compared")
	f("slow:1s", "failed timeout")
	f("close", "answered", "compared")
	f("differ", "answered", "compared")
	f("early", "answered", "compared")
}

// exchange has live answer a request with a body of size bytes, after it got all of it.
func exchange(t testing.TB, user *wire.Peer, live *wire.Server, size int64, head string, send func()) {
	t.Helper()
	user.Sends(head)
	peer := live.Accepts()
	peer.Gets(head)
	var all sync.WaitGroup
	all.Go(send)
	all.Go(func() {
		if n, err := io.CopyN(io.Discard, peer.Conn(), size); err != nil {
			t.Errorf("live got %d bytes, %v", n, err)
		}
		peer.Sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	all.Wait()
	user.Gets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

const bodySize = maxLag - 17

// A large body is copied byte for byte, while the target reads it slower than it comes.
func TestLargeBody(t *testing.T) {
	cfg := plain()
	cfg.Mirror.Memory = 8 << 20
	r := start(t, cfg, "route all\nbackend http://$live\nmirror v2 100%\nwrites\nmax-body 4000000\nto http://$target v2\n")
	body := make([]byte, bodySize)
	random := rand.NewChaCha8([32]byte{7})
	random.Read(body)
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", bodySize)
	user := wire.Dial(t, "user", r.addr)
	exchange(t, user, r.live, bodySize, head, func() { // before the target has read anything
		for part := body; len(part) > 0; {
			n := min(len(part), 1+int(random.Uint64()%40_000))
			user.Sends(string(part[:n]))
			part = part[n:]
		}
	})
	target := r.target.Accepts()
	copied := strings.Replace(head, "\r\n\r\n", "\r\nX-Tain-Mirror: test/v2\r\n\r\n", 1)
	target.Gets(copied)
	got := make([]byte, bodySize)
	if n, err := io.ReadFull(target.Conn(), got); err != nil || !bytes.Equal(got, body) {
		t.Errorf("the target got %d bytes of %d, or others: %v", n, bodySize, err)
	}
	target.Sends("HTTP/1.1 204 No Content\r\n\r\n")
	r.waitFor(t, "v2", "seen 1\nsent 1\nanswered 1\ncompared 1\n")
	user.Closes()
}

// A target that takes nothing of a large upload loses its copy once it is too far behind, and the
// rest of the upload is not captured at all.
func TestTooFarBehind(t *testing.T) {
	const size = 24 << 20
	cfg := plain()
	cfg.Mirror.Memory = 16 << 20
	r := start(t, cfg, "route all\nbackend http://$live\nmirror v2 100%\nwrites\nmax-body 64000000\nto http://$target v2\n")
	user := wire.Dial(t, "user", r.addr)
	exchange(t, user, r.live, size, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size), func() {
		user.Sends(strings.Repeat("b", size))
	})
	r.target.Accepts().SeesReset()
	r.waitFor(t, "v2", "seen 1\nsent 1\nfailed behind 1\n")
	wire.Until(t, "the memory to be free", func() bool { return r.memory.Used() == 0 })
	user.Closes()
}

// The mirror memory ends in the middle of a body, while the target does not read. Live does not
// notice, and the memory is free at once.
func TestMemoryEndsInBody(t *testing.T) {
	cfg := plain()
	cfg.Mirror.Memory = 256 << 10
	r := start(t, cfg, "route all\nbackend http://$live\nmirror v2 100%\nwrites\nmax-body 4000000\nto http://$target v2\n")
	user := wire.Dial(t, "user", r.addr)
	exchange(t, user, r.live, bodySize, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", bodySize), func() {
		user.Sends(strings.Repeat("b", bodySize))
	})
	r.target.Accepts().SeesReset()
	r.waitFor(t, "v2", "seen 1\nsent 1\nfailed memory 1\n")
	wire.Until(t, "the memory to be free", func() bool { return r.memory.Used() == 0 })
	user.Closes()
}

// Pairs that the analysers hold on to fill the memory. What comes then is dropped, and mirroring
// goes on when they let go.
func TestMemoryIsHeldByPairs(t *testing.T) {
	live, target := startFaulty(t, "ok"), startFaulty(t, "ok")
	cfg := plain()
	cfg.Mirror.Memory = 64 << 10
	r := start(t, cfg, "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nto http://"+target.Addr+" v2\n")
	keep := make(chan struct{})
	r.onLoop(func() { r.keep = keep })
	user := wire.Dial(t, "user", r.addr)
	ask := func(n int) {
		for range n {
			user.Sends(get)
			user.Gets(okAnswer)
		}
	}
	ask(100)
	wire.Until(t, "copies to end", func() bool { return r.total("in flight") == 0 && r.total("queued") == 0 })
	if r.total("dropped memory") == 0 || r.total("comparing") == 0 {
		t.Errorf("no copy is dropped for memory, or none waits:\n%s", r.books("v2"))
	}
	if used, size := r.memory.Used(), r.memory.Size(); used > size {
		t.Errorf("%d bytes are used of %d", used, size)
	}
	close(keep)
	wire.Until(t, "pairs to be finished", func() bool { return r.total("comparing") == 0 })
	before := r.total("compared")
	ask(1)
	wire.Until(t, "a pair to be compared", func() bool { return r.total("compared") > before })
	user.Closes()
}

func (r *rig) onLoop(fn func()) {
	done := make(chan bool)
	r.loop.Submit(func() { fn(); close(done) })
	<-done
}

// A share of the requests is copied, within what chance allows.
func TestPercent(t *testing.T) {
	const requests = 20_000
	r := start(t, plain(), "route all\nbackend http://$live\nmirror v2 12.5%\nto http://$target v2\n")
	plans := r.plans.Load()
	for _, mirrors := range plans.byRoute {
		p := &mirrors[0]
		copies := 0
		draws := rand.New(rand.NewPCG(1, 2))
		for range requests {
			switch r.decide(p, &emptyRequest, &traffic.Arrival{}, draws.Uint64()).kind {
			case copyIt:
				copies++
			case unsampled:
			default:
				t.Fatal("neither copied nor left out")
			}
		}
		// 6 standard deviations are 281.
		if want := requests / 8; copies < want-281 || copies > want+281 {
			t.Errorf("%d of %d requests are copied, want about %d", copies, requests, want)
		}
	}
}
