package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"syscall"
	"testing"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/upstream"
)

// What a failure is called, and whether it may come from a kept connection that was closing.
func TestFailureOf(t *testing.T) {
	f := func(err error, want route.RetryOn, staleGet, stalePost bool) {
		t.Helper()
		if got := failureOf(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
		for method, want := range map[string]bool{"GET": staleGet, "POST": stalePost} {
			r := &request{method: []byte(method)}
			if got := r.isStale(err); got != want {
				t.Errorf("%s: %v is stale: %v, want %v", method, err, got, want)
			}
		}
	}
	refused := &http2.StreamError{Code: http2.RefusedStream}
	f(&netloop.DialError{Err: syscall.ECONNREFUSED}, route.RetryConnect, false, false)
	f(&netloop.DialError{Err: netloop.ErrTimeout}, route.RetryConnect, false, false)
	f(&upstream.HandshakeError{Err: io.EOF}, route.RetryConnect, false, false)
	f(fmt.Errorf("shop: %w", upstream.ErrUnresolved), route.RetryConnect, false, false)
	f(io.ErrUnexpectedEOF, route.RetryReset, true, false)
	f(syscall.ECONNRESET, route.RetryReset, true, false)
	f(&http2.ConnError{Code: http2.InternalError}, route.RetryReset, true, false)
	f(refused, route.RetryRefused, true, true)
	f(fmt.Errorf("sending: %w", refused), route.RetryRefused, true, true)
	f(&http2.StreamError{Code: http2.InternalError}, route.RetryReset, false, false)
	f(netloop.ErrTimeout, route.RetryTimeout, false, false)
	f(fmt.Errorf("%w: maxRequests", upstream.ErrBusy), 0, false, false)
	f(&http1.Error{Status: http.StatusBadGateway}, 0, false, false)
	f(netloop.ErrFull, 0, false, false)
	f(http2.ErrLargeHead, 0, false, false)
	f(http2.ErrNoConnect, 0, false, false)
	f(errDeclined, 0, false, false)
}

func TestOutcomeOf(t *testing.T) {
	f := func(want upstream.Outcome, statuses ...int) {
		t.Helper()
		for _, status := range statuses {
			if got := outcomeOf(status); got != want {
				t.Errorf("a status of %d says %v, want %v", status, got, want)
			}
		}
	}
	f(upstream.OK, 200, 304, 404, 429)
	f(upstream.GatewayError, 502, 503, 504)
	f(upstream.ServerError, 500, 505, 599)
}

// Pauses double, up to ten times the first one.
func TestBackOff(t *testing.T) {
	p := &route.Retry{Backoff: 10 * time.Millisecond}
	for retries, want := range []time.Duration{10, 20, 40, 80, 100, 100, 100, 100, 100, 100} {
		if got := backOffOf(p, retries); got != want*time.Millisecond {
			t.Errorf("the pause after %d retries is %v, want %d ms", retries, got, want)
		}
	}
}

// An attempt goes to the next backend that is not known to be out of reach.
func TestNextBackend(t *testing.T) {
	f := func(n, from int, unreached uint64, want int) {
		t.Helper()
		fw := &forward{backends: make([]backend, n)}
		if got := fw.next(from, unreached); got != want {
			t.Errorf("of %d, behind %d, without %b: %d, want %d", n, from, unreached, got, want)
		}
	}
	f(1, 0, 0, 0)
	f(1, 0, 1, 0)
	f(3, 0, 0, 1)
	f(3, 2, 0, 0)
	f(3, 0, 0b010, 2)
	f(3, 0, 0b110, 0)
	f(3, 1, 0b111, 1)
	f(70, 65, 1, 66)
	f(70, 69, 1, 1)
}

// Every backend that can't be reached is gone past once, and all of them again when the route's policy
// has another attempt made.
func TestSkip(t *testing.T) {
	r := &request{forward: &forward{backends: make([]backend, 3)}}
	for round := range 2 {
		for i, want := range []bool{true, true, false} {
			r.index = i
			if got := r.skip(); got != want {
				t.Errorf("round %d, backend %d: goes past it: %v, want %v", round, i, got, want)
			}
		}
		if r.unreached != 0 {
			t.Errorf("round %d: backends are left out: %b", round, r.unreached)
		}
	}
}

// A body is too slow when it took its user too long: what live took does not count.
func TestTooSlow(t *testing.T) {
	f := func(least, total int64, waited time.Duration, grpc, want bool) {
		t.Helper()
		r := &request{lane: &lane{p: &Proxy{}}, grpc: grpc}
		r.lane.p.cfg.MinBodyRate = least
		if got := r.tooSlow(total, waited); got != want {
			t.Errorf("%d bytes after %v, of %d a second at least: too slow: %v, want %v", total, waited, least, got, want)
		}
	}
	f(0, 0, time.Hour, false, false)
	f(100, 0, rateGrace, false, false)
	f(100, 1000, rateGrace+time.Second, false, true)
	f(100, 1100, rateGrace+time.Second, false, false)
	f(100, 0, time.Hour, true, false)
}

// Names of servers are kept, but not without end.
func TestNameOf(t *testing.T) {
	l := &lane{names: make(map[netloop.Addr]string)}
	for i := range 2 * maxNames {
		a := netloop.Addr{Path: fmt.Sprint("/", i)}
		if got := l.nameOf(a); got != a.String() || l.nameOf(a) != got {
			t.Fatalf("%v is called %q", a, got)
		}
	}
	if n := len(l.names); n > maxNames {
		t.Errorf("%d names are kept", n)
	}
}

// What ended a request is explained by the nearest cause, and blamed on who is to blame.
func TestExplain(t *testing.T) {
	loop, err := netloop.New(0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := func(err error, want reason, wantStatus int, wantOutcome upstream.Outcome) {
		t.Helper()
		r := &request{lane: &lane{loop: loop}, client: there{}}
		if why, status, _ := r.explain(err); why != want || status != wantStatus {
			t.Errorf("%v is explained as %v, %d; want %v, %d", err, why, status, want, wantStatus)
		}
		if got := r.outcome(err); got != wantOutcome {
			t.Errorf("%v says %v of the server, want %v", err, got, wantOutcome)
		}
	}
	f(netloop.ErrGuard, reasonClient, 0, upstream.Ignored)
	f(netloop.ErrCanceled, reasonClient, 0, upstream.Ignored)
	f(upstream.ErrBusy, reasonBusy, 503, upstream.Reset) // nobody has it to report it of
	f(upstream.ErrUnresolved, reasonUnresolved, 503, upstream.Ignored)
	f(&upstream.HandshakeError{Err: io.EOF}, reasonBackendTLS, 502, upstream.ConnectFailed)
	f(&netloop.DialError{Err: netloop.ErrTimeout}, reasonConnect, 504, upstream.ConnectFailed)
	f(&netloop.DialError{Err: errors.New("refused")}, reasonConnect, 502, upstream.ConnectFailed)
	f(netloop.ErrTimeout, reasonTimeout, 504, upstream.TimedOut)
	f(&http1.Error{Status: 502}, reasonMalformed, 502, upstream.Reset)
	f(http2.ErrLargeHead, reasonMalformed, 502, upstream.Reset)
	f(http2.ErrNoConnect, reasonUpgrade, 502, upstream.Ignored)
	f(errDeclined, reasonUpgrade, 502, upstream.Ignored)
	f(io.ErrUnexpectedEOF, reasonReset, 502, upstream.Reset)
}
