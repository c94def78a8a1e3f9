package traffic

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestReasonsHaveNames(t *testing.T) {
	label := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	f := func(list string, number int, name func(int) string) {
		t.Helper()
		seen := map[string]int{}
		for i := range number {
			n := name(i)
			if !label.MatchString(n) {
				t.Errorf("%s %d is named %q, which is no label", list, i, n)
			}
			if before, twice := seen[n]; twice {
				t.Errorf("%s %d and %d are both named %q", list, before, i, n)
			}
			seen[n] = i
		}
	}
	f("unmatched", int(NumUnmatched), func(i int) string { return Unmatched(i).String() })
	f("dropped", int(NumDropped), func(i int) string { return Dropped(i).String() })
	f("failed", int(NumFailed), func(i int) string { return Failed(i).String() })
	f("uncompared", int(NumUncompared), func(i int) string { return Uncompared(i).String() })
}

// TestReasonNames holds the labels of the metrics, which people's dashboards know.
func TestReasonNames(t *testing.T) {
	f := func(r fmt.Stringer, want string) {
		t.Helper()
		if r.String() != want {
			t.Errorf("%q, want %q", r, want)
		}
	}
	f(UnmatchedMethod, "method")
	f(UnmatchedMarked, "marked")
	f(DroppedMemory, "memory")
	f(DroppedIncomplete, "live_incomplete")
	f(DroppedStopping, "stopping")
	f(FailedConnect, "connect")
	f(FailedIncomplete, "live_incomplete")
	f(FailedStopping, "stopping")
	f(UncomparedLive, "live")
	f(UncomparedStopping, "stopping")
}

// balanced is a set of books in which every number is another one.
func balanced() *Books {
	b := &Books{Mirror: "shop", Target: "v2", Unsampled: 1000, Queued: 3, InFlight: 5, Comparing: 7, Compared: 11}
	for i := range b.Unmatched {
		b.Unmatched[i] = uint64(20 + i)
	}
	for i := range b.Dropped {
		b.Dropped[i] = uint64(40 + i)
	}
	for i := range b.Failed {
		b.Failed[i] = uint64(60 + i)
	}
	for i := range b.Uncompared {
		b.Uncompared[i] = uint64(80 + i)
	}
	b.Answered = b.Compared + total(b.Uncompared[:]) + 7
	b.Sent = b.Answered + total(b.Failed[:]) + 5
	b.Seen = total(b.Unmatched[:]) + b.Unsampled + total(b.Dropped[:]) + b.Sent + 3
	return b
}

func TestBalance(t *testing.T) {
	f := func(line string, change func(*Books)) {
		t.Helper()
		b := balanced()
		change(b)
		err := b.Balance()
		switch {
		case line == "" && err != nil:
			t.Error(err)
		case line != "" && (err == nil || !strings.Contains(err.Error(), ": "+line+" ") || !strings.Contains(err.Error(), "mirror shop to v2")):
			t.Errorf("want an error about %q: %v", line, err)
		}
	}
	f("", func(*Books) {})
	f("", func(b *Books) { *b = Books{} })
	f("seen", func(b *Books) { b.Seen++ })
	f("seen", func(b *Books) { b.Unsampled-- })
	f("seen", func(b *Books) { b.Queued++ })
	f("seen", func(b *Books) { b.Sent++ })
	f("sent", func(b *Books) { b.Answered++ })
	f("sent", func(b *Books) { b.InFlight-- })
	f("answered", func(b *Books) { b.Compared++ })
	f("answered", func(b *Books) { b.Comparing = -1 })
	for i := range NumUnmatched {
		f("seen", func(b *Books) { b.Unmatched[i]++ })
	}
	for i := range NumDropped {
		f("seen", func(b *Books) { b.Dropped[i]++ })
	}
	for i := range NumFailed {
		f("sent", func(b *Books) { b.Failed[i]++ })
	}
	for i := range NumUncompared {
		f("answered", func(b *Books) { b.Uncompared[i]++ })
	}
}

func TestRecordSize(t *testing.T) {
	var r Record
	empty := r.Size()
	r.Request.Start = "GET / HTTP/1.1"
	r.Live.Message.Body = strings.Repeat("x", 10000)
	r.Answer.Message.Header = [][2]string{{"Name", "value"}}
	r.Answer.Message.Trailer = [][2]string{{"Grpc-Message", strings.Repeat("x", 500)}}
	if got := r.Size() - empty; got < 10500+len("GET / HTTP/1.1NamevalueGrpc-Message") || got > 11000 {
		t.Errorf("it grew by %d", got)
	}
}
