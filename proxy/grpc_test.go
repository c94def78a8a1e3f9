package proxy

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// there is a user who has not gone away.
type there struct{ client }

func (there) gone() bool { return false }

// TestOverdue holds that a reset which comes after the deadline that live was told counts as being late:
// live may be the first to act on it.
func TestOverdue(t *testing.T) {
	loop, err := netloop.New(0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := func(hasty bool, until int64, wantStatus int, want upstream.Outcome) {
		t.Helper()
		r := &request{lane: &lane{loop: loop}, client: there{}, hasty: hasty, until: until}
		reset := &http2.StreamError{Code: http2.Cancel}
		if _, status, _ := r.explain(reset); status != wantStatus {
			t.Errorf("a user who is in haste (%v) until %d gets status %d, want %d", hasty, until, status, wantStatus)
		}
		if got := r.outcome(reset); got != want {
			t.Errorf("for a user who is in haste (%v) until %d the outcome is %v, want %v", hasty, until, got, want)
		}
	}
	past, future := loop.Now(), loop.Now()+1
	f(true, past, http.StatusGatewayTimeout, upstream.Ignored)
	f(true, future, http.StatusBadGateway, upstream.Reset)
	f(false, past, http.StatusBadGateway, upstream.Reset) // a deadline of tain's own, of which live knows nothing
	f(false, 0, http.StatusBadGateway, upstream.Reset)
}

// tain's own answers in the words of gRPC.
func TestGRPCStatus(t *testing.T) {
	f := func(status, code int) {
		t.Helper()
		want := fmt.Sprintf("Content-Type: application/grpc\r\nGrpc-Status: %d\r\nGrpc-Message: tain: 100%%25 %%C3%%A4%%0A\r\n", code)
		if got := string(appendGRPCStatus(nil, status, "100% ä\n")); got != want {
			t.Errorf("%d is\n%q, want\n%q", status, got, want)
		}
	}
	f(400, 13)
	f(401, 16)
	f(403, 7)
	f(404, 12)
	f(408, 4)
	f(413, 8)
	f(414, 2)
	f(429, 14)
	f(431, 8)
	f(501, 2)
	f(502, 14)
	f(503, 14)
	f(504, 4)
}
