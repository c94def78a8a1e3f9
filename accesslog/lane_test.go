package accesslog

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func testLane(t testing.TB, size int) *lane {
	t.Helper()
	f, err := compile("$route")
	if err != nil {
		t.Fatal(err)
	}
	return newLane(f, nil, size)
}

func TestLaneKeepsOrderAcrossItsEnd(t *testing.T) {
	n := testLane(t, 100)
	for i := range 1000 {
		want := ""
		for j := range i % 5 {
			e := &Entry{Route: strings.Repeat(string(rune('a'+j)), i%17+1)}
			n.add(e)
			want += e.Route + "\n"
		}
		if got := string(n.take(nil)); got != want {
			t.Fatalf("round %d: %q, want %q", i, got, want)
		}
		if !n.empty() {
			t.Fatal("not empty after all was taken")
		}
	}
	if n.lost.Load() != 0 {
		t.Error("lines were lost though there was room")
	}
}

func TestFullLaneLoses(t *testing.T) {
	n := testLane(t, 100)
	e := &Entry{Route: strings.Repeat("x", 9)}
	for i := range 10 {
		if half := n.add(e); half != (i == 4) {
			t.Errorf("line %d makes it half full: %v", i, half)
		}
	}
	n.add(e)
	n.add(&Entry{Route: "y"})
	if got := n.lost.Load(); got != 2 {
		t.Errorf("%d lost, want 2", got)
	}
	if got := string(n.take(nil)); got != strings.Repeat("xxxxxxxxx\n", 10) {
		t.Errorf("%q", got)
	}
	n.add(e)
	if got := string(n.take(nil)); got != "xxxxxxxxx\n" {
		t.Errorf("after the loss: %q", got)
	}
}

// TestLaneBetweenGoroutines is for the race detector: every line comes out whole, in order, or is
// counted as lost.
func TestLaneBetweenGoroutines(t *testing.T) {
	const lines = 20_000
	n := testLane(t, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range lines {
			n.add(&Entry{Route: fmt.Sprintf("line %d", i)})
			if i%100 == 0 {
				runtime.Gosched()
			}
		}
	}()
	var all []byte
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
			runtime.Gosched()
		}
		all = n.take(all)
	}
	last, got := -1, 0
	for text := range bytes.Lines(all) {
		var i int
		if _, err := fmt.Sscanf(string(text), "line %d\n", &i); err != nil || i <= last {
			t.Fatalf("%q after line %d: %v", text, last, err)
		}
		last = i
		got++
	}
	if uint64(got)+n.lost.Load() != lines {
		t.Errorf("%d lines came out and %d were lost of %d", got, n.lost.Load(), lines)
	}
}
