package wire

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. Nothing waits that long but a test that fails.
const patience = 30 * time.Second

// Until waits for what must become true. ok is called again and again, by the test's goroutine.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !comes(ok) {
		t.Fatalf("waited %v in vain for %s", patience, what)
	}
}

// Becomes waits until got returns want. It is for texts that say more when they differ than that they do.
func Becomes(t testing.TB, what, want string, got func() string) {
	t.Helper()
	var text string
	if !comes(func() bool { text = got(); return text == want }) {
		t.Fatalf("%s: got\n%s\nwant\n%s", what, text, want)
	}
}

func comes(ok func() bool) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// Await receives from ch what must come, or the zero value once ch is closed.
func Await[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("waited %v in vain for %s", patience, what)
	}
	return v
}

// Bugs counts the lines of a log that tell of a bug, and drops all others.
type Bugs struct{ atomic.Int64 }

// Log returns the log.
func (b *Bugs) Log() *slog.Logger { return slog.New(bugHandler{b}) }

type bugHandler struct{ bugs *Bugs }

func (bugHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h bugHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h bugHandler) WithGroup(string) slog.Handler          { return h }
func (h bugHandler) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "BUG") {
		h.bugs.Add(1)
	}
	return nil
}
