package proxy

import (
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
