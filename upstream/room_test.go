package upstream

import (
	"net/http"
	"testing"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
)

// TestIdleConnsOfOtherLoopsGiveWay, in turns: what is idle on one loop keeps nobody on another one
// from a connection, and there are never more than there may be.
func TestIdleConnsOfOtherLoopsGiveWay(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		for most := range 3 {
			srv := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
			here := newRig(t, nil, urlOf(scheme, srv.addr), &route.Options{MaxConns: most})
			loops := []*rig{here, here.beside(), here.beside()}
			for range 3 {
				for _, r := range loops {
					r.mustAsk(anyone(), get("/"))
				}
			}
			got := here.cluster.status().Conns
			if got.Refused != 0 || most > 0 && got.Running != int64(most) {
				t.Errorf("%s, maxConns %d: %+v", scheme, most, got)
			}
		}
	}
}

// TestNobodyIsRefusedForIdleConns has as many loops as connections, of which each needs one at a time,
// now to this server and now to that one.
func TestNobodyIsRefusedForIdleConns(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		a := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
		b := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
		here := newRig(t, nil, urlOf(scheme, a.addr, b.addr), &route.Options{MaxConns: 2, Balance: route.Balance{Policy: route.Random}})
		var ends []<-chan struct{}
		for _, r := range []*rig{here, here.beside()} {
			ends = append(ends, r.begin(func() {
				for i := range 200 {
					if _, err := r.ask(anyone(), get("/")); err != nil {
						t.Errorf("%s, request %d: %v", scheme, i, err)
						return
					}
				}
			}))
		}
		for _, end := range ends {
			wire.Await(t, end, "a loop")
		}
	}
}

// TestBusyConnsDoNotGiveWay, and a loop that had nothing to give is not asked again.
func TestBusyConnsDoNotGiveWay(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		srv := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
		here := newRig(t, nil, urlOf(scheme, srv.addr), &route.Options{MaxConns: 1})
		there := here.beside()
		here.mustAsk(anyone(), get("/"))
		var held Carrier
		here.in(func() { held = here.take(anyone()) })
		for range 2 {
			there.in(func() {
				_, _, err := there.pool.Take(anyone())
				expectError(t, scheme, err, ErrBusy, srv.addr+": as many connections are open as maxConns allows, 1; raise it")
			})
			if here.pool.spare.Load() {
				t.Errorf("%s: the other loop looks as if it had something to give", scheme)
			}
		}
		if n := here.cluster.status().Conns.Refused; n != 2 {
			t.Errorf("%s: %d connections are counted as refused", scheme, n)
		}
		here.in(func() { held.Abort(Ignored) })
	}
}

// TestWhoAsksForRoomGivesUp before the other loop has answered: the room is nobody's then.
func TestWhoAsksForRoomGivesUp(t *testing.T) {
	srv := newSite(t, nil, func(http.ResponseWriter, *http.Request) {})
	here := newRig(t, nil, urlOf("http", srv.addr), &route.Options{MaxConns: 1})
	there := here.beside()
	here.mustAsk(anyone(), get("/"))
	stopped, stop := make(chan struct{}), make(chan struct{})
	here.loop.Submit(func() {
		close(stopped)
		<-stop
	})
	wire.Await(t, stopped, "the loop to be kept")
	var task *netloop.Task
	var err error
	asking := there.begin(func() {
		task = there.loop.Current()
		_, _, err = there.pool.Take(anyone())
	})
	there.until("it waits", func() bool { return task != nil })
	there.in(task.Cancel)
	wire.Await(t, asking, "who gave up")
	expectError(t, "given up", err, netloop.ErrCanceled, "")
	close(stop)
	there.until("the room is free", func() bool { return here.cluster.status().Conns.Running == 0 })
	there.in(func() { // one who has given up before
		there.loop.Current().Cancel()
		here.pool.spare.Store(true)
		here.cluster.breaker.conns.running.Add(1)
		_, _, err := there.pool.Take(anyone())
		expectError(t, "given up before", err, netloop.ErrCanceled, "")
		here.cluster.LeaveConn()
	})
	if n := here.cluster.status().Conns.Refused; n != 0 {
		t.Errorf("%d connections are counted as refused", n)
	}
}

// TestClosedPoolsShareNothing, so that nobody asks them.
func TestClosedPoolsShareNothing(t *testing.T) {
	here := newRig(t, nil, "http://127.0.0.1:1", &route.Options{MaxConns: 1})
	there := here.beside()
	if n := len(here.cluster.sharing.list()); n != 2 {
		t.Errorf("%d pools share the limit", n)
	}
	there.in(there.pool.Close)
	if got := here.cluster.sharing.list(); len(got) != 1 || got[0] != here.pool {
		t.Errorf("%d pools share the limit once one is closed", len(got))
	}
	if n := len(newRig(t, nil, "http://127.0.0.1:1", nil).cluster.sharing.list()); n != 0 {
		t.Errorf("%d pools share what has no limit", n)
	}
}
