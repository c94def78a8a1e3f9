package mirror

import (
	"strings"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/netloop"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

const (
	getCopied = "GET / HTTP/1.1\r\nHost: a\r\nX-Tain-Mirror: test/v2\r\n\r\n"
	noContent = "HTTP/1.1 204 No Content\r\n\r\n"
	okAnswer  = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n" +
		`{"id":7,"name":"green tea","price":3.5,"stock":12}`
)

// flow is what a test sees of a rig's only sender.
type flow struct{ window, failures int }

func (r *rig) sender() (s flow) {
	r.onLoop(func() { s = flow{r.lanes[0].senders[0].window, r.lanes[0].senders[0].failures} })
	return s
}

// TestWindow answers copies one by one, and watches how many are in flight.
func TestWindow(t *testing.T) {
	const requests, connections = 20, firstWindow + 2
	live := startFaulty(t, "ok")
	cfg := plain()
	cfg.Mirror.Connections = connections
	cfg.Mirror.QueueTimeout = time.Minute
	r := start(t, cfg, "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nto http://$target v2\n")
	user := wire.Dial(t, "user", r.addr)
	for range requests {
		user.Sends(get)
		user.Gets(okAnswer)
	}
	var peers []*wire.Peer
	holds := func(books string, window, failures int) {
		t.Helper()
		r.waitFor(t, "v2", "seen 20\n"+books)
		if got := r.sender(); got != (flow{window, failures}) {
			t.Fatalf("window and failures are %v, want %d and %d", got, window, failures)
		}
	}
	arrive := func(n int) {
		t.Helper()
		for range n {
			p := r.target.Accepts()
			p.Gets(getCopied)
			peers = append(peers, p)
		}
	}
	answer := func() {
		t.Helper()
		peers[0].Sends(noContent)
		peers = peers[1:]
	}
	holds("queued 12\nsent 8\nin flight 8\n", 8, 0)
	arrive(8)
	answer()
	holds("queued 10\nsent 10\nin flight 9\nanswered 1\ncompared 1\n", 9, 0)
	answer()
	holds("queued 8\nsent 12\nin flight 10\nanswered 2\ncompared 2\n", 10, 0)
	arrive(2)
	answer() // the window has the size of the pool
	holds("queued 7\nsent 13\nin flight 10\nanswered 3\ncompared 3\n", connections, 0)
	peers[0].Resets()
	peers = peers[1:]
	holds("queued 7\nsent 13\nfailed reset 1\nin flight 9\nanswered 3\ncompared 3\n", 1, 1)
	answer() // more are in flight than there may be: no other takes its place
	holds("queued 7\nsent 13\nfailed reset 1\nin flight 8\nanswered 4\ncompared 4\n", 2, 0)
	r.Control(control.State{Killed: true})
	user.Closes()
}

// The connections to a target are shared between the loops, and so is the largest window.
func TestWindowIsWithinTheShare(t *testing.T) {
	f := func(connections, loops, workers int) {
		t.Helper()
		m := &Mirror{cfg: config.Mirror{Connections: connections}}
		if l := newLane(m, new(netloop.Loop), loops); l.workers != workers {
			t.Errorf("%d connections on %d loops: %d on each, want %d", connections, loops, l.workers, workers)
		}
	}
	f(256, 1, 256)
	f(256, 8, 32)
	f(256, 7, 37)
	f(1, 4, 1)

	cfg := plain()
	cfg.Mirror.Connections = 3
	r := start(t, cfg, all)
	user := wire.Dial(t, "user", r.addr)
	user.Sends(get)
	live := r.live.Accepts()
	live.Gets(get)
	if got := r.sender().window; got != 3 {
		t.Errorf("the first window is %d where there are 3 connections", got)
	}
	r.Control(control.State{Killed: true})
	user.Closes()
}

// Each failure in a row makes the pause before the next attempt twice as long, up to a second.
func TestPausesGrow(t *testing.T) {
	r := start(t, plain(), all)
	r.onLoop(func() {
		s := &sender{lane: r.lanes[0], window: firstWindow}
		want := firstPause
		for n := 1; n <= 100; n++ {
			before := r.loop.Clock()
			s.failed()
			after := r.loop.Clock()
			if at := s.resumeAt - int64(want); at < before || at > after {
				t.Errorf("failure %d: the pause is not %v", n, want)
			}
			want = min(2*want, lastPause)
		}
		if s.window != 1 {
			t.Errorf("the window after failures is %d", s.window)
		}
		if s.succeeded(); s.failures != 0 {
			t.Errorf("%d failures are remembered after an answer", s.failures)
		}
	})
}

// A copy is not held back by a live that takes its time.
func TestPatienceEnds(t *testing.T) {
	r := start(t, plain(), all)
	user := wire.Dial(t, "user", r.addr)
	user.Sends(get)
	live := r.live.Accepts()
	live.Gets(get)
	target := r.target.Accepts()
	target.Gets(getCopied)
	target.Sends(noContent)
	r.waitFor(t, "v2", "seen 1\nsent 1\nanswered 1\ncomparing 1\n")
	live.Sends(noContent)
	user.Gets(noContent)
	r.waitFor(t, "v2", "seen 1\nsent 1\nanswered 1\ncompared 1\n")
	user.Closes()
}

// A copy lets a quick live go first. Few are sent before because a tick of the timers came, unless
// the machine is very busy.
func TestLiveGoesFirst(t *testing.T) {
	const requests = 50
	live, target := startFaulty(t, "ok"), startFaulty(t, "ok")
	r := start(t, plain(), "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nto http://"+target.Addr+" v2\n")
	after := 0 // of the loop
	r.onLoop(func() {
		r.watch = func(p *traffic.Pair) {
			if p.Mirror.Start >= p.Live.Start+int64(p.Live.LastByte) {
				after++
			}
		}
	})
	user := wire.Dial(t, "user", r.addr)
	for range requests {
		user.Sends(get)
		user.Gets(okAnswer)
		r.settled(t) // a worker that is done with one copy takes the next at once
	}
	r.onLoop(func() {
		if after < requests/2 {
			t.Errorf("%d of %d copies left after live's answer", after, requests)
		}
	})
	user.Closes()
}

// TestBlames holds which failures slow down the sending to a target: those that it can help.
func TestBlames(t *testing.T) {
	const most = 100
	f := func(why traffic.Failed, requestEnded bool, liveSize int64, want bool) {
		t.Helper()
		live := &capture{}
		live.Request.Ended, live.Response.Size = requestEnded, liveSize
		m := &Mirror{cfg: config.Mirror{DrainAnswer: most}}
		w := &worker{lane: &lane{m: m}, copy: &copied{live: live}}
		if got := w.blames(why); got != want {
			t.Errorf("%v, request ended %v, live's answer has %d bytes: %v, want %v", why, requestEnded, liveSize, got, want)
		}
	}
	for _, why := range []traffic.Failed{traffic.FailedConnect, traffic.FailedReset, traffic.FailedMalformed} {
		f(why, true, 0, true)
		f(why, false, most, true)
	}
	for _, why := range []traffic.Failed{traffic.FailedIncomplete, traffic.FailedBody, traffic.FailedMemory, traffic.FailedStopping} {
		f(why, true, 0, false)
		f(why, false, most, false)
	}
	f(traffic.FailedTimeout, true, 0, true)
	f(traffic.FailedTimeout, false, 0, false)
	f(traffic.FailedLimit, true, 0, true)
	f(traffic.FailedLimit, true, most/2-1, true)
	f(traffic.FailedLimit, true, most/2, false)
}

// An answer without end makes the sender pause, unless live's is about as large.
func TestEndlessAnswers(t *testing.T) {
	f := func(liveSize int, want flow) {
		t.Helper()
		cfg := plain()
		cfg.Mirror.DrainAnswer = 10
		r := start(t, cfg, all)
		user := wire.Dial(t, "user", r.addr)
		user.Sends(get)
		live := r.live.Accepts()
		live.Gets(get)
		answer := "HTTP/1.1 200 OK\r\nContent-Length: " + string(rune('0'+liveSize)) + "\r\n\r\n" + strings.Repeat("x", liveSize)
		live.Sends(answer)
		user.Gets(answer)
		target := r.target.Accepts()
		target.Gets(getCopied)
		target.Sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n")
		target.SeesBreak()
		r.waitFor(t, "v2", "seen 1\nsent 1\nfailed limit 1\n")
		if got := r.sender(); got != want {
			t.Errorf("live has %d bytes: window and failures are %v, want %v", liveSize, got, want)
		}
		user.Closes()
	}
	f(4, flow{1, 1})
	f(5, flow{firstWindow, 0})
}
