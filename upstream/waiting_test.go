package upstream

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// held is a server that can't be reached before the test says so.
type held struct {
	*byHand
	r     *rig
	tasks []*netloop.Task
	errs  []error
	ended chan int
}

// waitForIt makes n requests want a stream of a server that is silent during its handshake. All of
// them wait when it returns, the first one for the server and the others for the first, or have ended.
func waitForIt(t *testing.T, n int, timeout time.Duration) *held {
	t.Helper()
	h := &held{byHand: newByHand(t), tasks: make([]*netloop.Task, n), errs: make([]error, n), ended: make(chan int, n)}
	h.r = newRig(t, pki.New(t), urlOf("h2", h.addr), &route.Options{Outlier: noOutlier})
	h.r.in(func() {
		for i := range n {
			h.r.loop.Go(func() {
				h.tasks[i] = h.r.loop.Current()
				c, _, err := h.r.pool.Take(&Ask{Timeout: timeout})
				if h.errs[i] = err; err == nil {
					c.Abort(Ignored)
				}
				h.ended <- i
			})
		}
	})
	h.r.until("all wait", func() bool { return len(h.ended) > 0 || len(h.r.conns().waiting) == n-1 })
	return h
}

// expectWaiting holds how many wait for somebody else's connection.
func (h *held) expectWaiting(want int) {
	h.Helper()
	h.r.in(func() {
		if n := len(h.r.conns().waiting); n != want {
			h.Errorf("%d wait, want %d", n, want)
		}
	})
}

// TestFailedConnectionIsShared: whoever waits fails with it, rather than that each tries in turn.
func TestFailedConnectionIsShared(t *testing.T) {
	const n = 20
	h := waitForIt(t, n, patience)
	h.next().Close()
	for range n {
		wire.Await(t, h.ended, "a request")
	}
	for i, err := range h.errs {
		var handshake *HandshakeError
		if !errors.As(err, &handshake) {
			t.Errorf("request %d ended with %v", i, err)
		}
	}
	if len(h.accepted) != 0 {
		t.Errorf("%d more connections were made", len(h.accepted))
	}
	h.expectWaiting(0)
	if n := h.r.cluster.Servers()[0].failed.Load(); n != 20 {
		t.Errorf("%d requests are counted as failed", n)
	}
}

// TestFailedConnectionDoesNotLast: who comes later tries anew.
func TestFailedConnectionDoesNotLast(t *testing.T) {
	h := waitForIt(t, 2, patience)
	h.next().Close()
	wire.Await(t, h.ended, "a request")
	wire.Await(t, h.ended, "a request")
	later := h.r.begin(func() { h.r.pool.Take(anyone()) })
	h.next().Close()
	wire.Await(t, later, "the later request")
}

// TestSharedTimeout bounds the waits of all, though they have no deadline of their own.
func TestSharedTimeout(t *testing.T) {
	const n = 5
	h := waitForIt(t, n, 50*time.Millisecond)
	for range n {
		wire.Await(t, h.ended, "a request")
	}
	for i, err := range h.errs {
		if !errors.Is(err, netloop.ErrTimeout) {
			t.Errorf("request %d ended with %v", i, err)
		}
	}
	h.next()
	if len(h.accepted) != 0 {
		t.Errorf("%d more connections were made", len(h.accepted))
	}
}

// TestWhoMakesItGivesUp, and another one takes over.
func TestWhoMakesItGivesUp(t *testing.T) {
	const n = 3
	h := waitForIt(t, n, patience)
	h.next()
	h.r.in(h.tasks[0].Cancel)
	if i := wire.Await(t, h.ended, "who was canceled"); i != 0 || !errors.Is(h.errs[0], netloop.ErrCanceled) {
		t.Errorf("request %d ended with %v", i, h.errs[i])
	}
	theirs := h.next() // another's
	h.expectWaiting(n - 2)
	if n := h.r.cluster.Servers()[0].failed.Load(); n != 0 {
		t.Error("it counts against the server")
	}
	theirs.Close()
	wire.Await(t, h.ended, "who took over")
	wire.Await(t, h.ended, "who waited for it")
}

// TestWhoWaitsGivesUp, and is forgotten.
func TestWhoWaitsGivesUp(t *testing.T) {
	h := waitForIt(t, 4, patience)
	h.r.in(h.tasks[2].Cancel)
	if i := wire.Await(t, h.ended, "who was canceled"); i != 2 || !errors.Is(h.errs[2], netloop.ErrCanceled) {
		t.Errorf("request %d ended with %v", i, h.errs[i])
	}
	h.expectWaiting(2)
	h.r.in(h.tasks[1].Wake) // for no reason
	h.expectWaiting(2)
	h.r.in(func() { // one who has no time to wait at all
		h.r.loop.Current().Cancel()
		_, _, err := h.r.pool.Take(anyone())
		expectError(t, "canceled before", err, netloop.ErrCanceled, "")
	})
	h.expectWaiting(2)
	h.next().Close()
	for range 3 {
		wire.Await(t, h.ended, "a request")
	}
}

// TestRefusedConnectionsAreShared for each server by itself, with refused connections.
func TestRefusedConnectionsAreShared(t *testing.T) {
	const n = 30
	r := newRig(t, nil, urlOf("h2c", closedPorts(t, 3)...), &route.Options{Outlier: noOutlier})
	ends := r.crowd(n, get("/"))
	for range n {
		if err := wire.Await(t, ends, "a request"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v", err)
		}
	}
	for at, tries := range r.tries() {
		if tries != n {
			t.Errorf("%s: %d requests tried it, want each once, %d", at, tries, n)
		}
	}
}

// TestWaitingIsBounded by maxRequests, whichever of the servers and on whichever loop one waits for.
func TestWaitingIsBounded(t *testing.T) {
	const n, most = 40, 6
	servers := []*byHand{newByHand(t), newByHand(t), newByHand(t)}
	here := newRig(t, pki.New(t), urlOf("h2", servers[0].addr, servers[1].addr, servers[2].addr), &route.Options{MaxRequests: most, Outlier: noOutlier})
	errs, tasks := make(chan error, 2*n), map[*rig][]*netloop.Task{here: nil, here.beside(): nil}
	for r := range tasks {
		r.in(func() {
			for range n {
				tasks[r] = append(tasks[r], r.loop.Go(func() {
					_, _, err := r.pool.Take(anyone())
					errs <- err
				}))
			}
		})
	}
	for range 2*n - most {
		expectError(t, "one too many", wire.Await(t, errs, "a refusal"), ErrBusy, "as many requests run as maxRequests allows, 6; raise it")
	}
	if got := here.cluster.status().Requests; got.Running != most || got.Refused != 2*n-most || len(errs) > 0 {
		t.Errorf("%+v, and %d ended besides", got, len(errs))
	}
	for r, waiting := range tasks {
		r.in(func() {
			for _, task := range waiting {
				task.Cancel()
			}
		})
	}
	for range most {
		expectError(t, "who waited", wire.Await(t, errs, "the others"), netloop.ErrCanceled, "")
	}
}

// TestSilentServer says nothing of how many streams it takes, so that only the first request goes
// over its connection, until time is up. Then all may hope.
func TestSilentServer(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	var first, second Carrier
	r.in(func() { first, _, _ = r.pool.Take(&Ask{Timeout: 50 * time.Millisecond}) })
	done := r.begin(func() { second, _, _ = r.pool.Take(&Ask{Timeout: 50 * time.Millisecond}) })
	r.until("the second one waits", func() bool { return second != nil || len(r.conns().waiting) == 1 })
	wire.Await(t, done, "the second one")
	srv.next()
	if first == nil || second == nil || len(srv.accepted) != 0 {
		t.Errorf("%v, %v, and %d more connections", first, second, len(srv.accepted))
		return
	}
	r.in(func() {
		if first.(*h2).stream.Conn() != second.(*h2).stream.Conn() {
			t.Error("they are on two connections")
		}
		first.Abort(Ignored)
		second.Abort(Ignored)
	})
}

// TestFreshConnectionDies before its server has said anything, and who waits makes another.
func TestFreshConnectionDies(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	var first Carrier
	r.in(func() { first = r.take(anyone()) })
	var second Carrier
	done := r.begin(func() { second = r.take(anyone()) })
	r.until("the second one waits", func() bool { return len(r.conns().waiting) == 1 })
	srv.next().Close()
	srv.next()
	wire.Await(t, done, "the second one")
	r.in(func() {
		_, err := read(first)
		if !http2.Unprocessed(err) {
			t.Errorf("the first one, of which nothing was sent, ended with %v", err)
		}
		first.Abort(OutcomeOf(err))
		second.Abort(Ignored)
	})
}

// TestFirstStreamEndsEarly, before the server has said anything: the connection is there for others.
func TestFirstStreamEndsEarly(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	for range 2 {
		r.in(func() { r.take(anyone()).Abort(Ignored) })
	}
	srv.next()
	if len(srv.accepted) != 0 {
		t.Error("another connection was made")
	}
}

// TestPoolClosesWhileItConnects lets those go on who wait.
func TestPoolClosesWhileItConnects(t *testing.T) {
	h := waitForIt(t, 3, patience)
	h.r.in(func() { h.r.pool.Close() })
	h.next().Close()
	for range 3 {
		wire.Await(t, h.ended, "a request")
	}
}
