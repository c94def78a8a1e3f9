//go:build linux

package main

import (
	"testing"
	"time"
)

// TestWatched holds what counts as used and as too slow.
func TestWatched(t *testing.T) {
	const service, while = 10 * time.Millisecond, 100 * time.Millisecond
	var w watched
	f := func(n int64, each time.Duration, above, longest time.Duration) {
		t.Helper()
		w.add(n, time.Duration(n)*each, while, 2, service)
		if w.above != above || w.longest != longest {
			t.Errorf("above for %v and %v at most, want %v and %v", w.above, w.longest, above, longest)
		}
	}
	f(20, service, 0, 0)
	f(10, 2*service, 0, 0)
	f(10, 2*service+1, while, while)
	f(0, 0, 2*while, 2*while)
	f(1, service, 0, 2*while)
	f(1, 3*service, while, 2*while)
	if w.served != 42 || w.capacity != 120 {
		t.Errorf("%v of %v are used, want 42 of 120", w.served, w.capacity)
	}
}

// TestDeviation holds how far a count is from what chance makes of it.
func TestDeviation(t *testing.T) {
	f := func(sampled, seen int, percent, want float64) {
		t.Helper()
		if got := deviation(sampled, seen, percent); got != want {
			t.Errorf("%d of %d at %v %%: %v, want %v", sampled, seen, percent, got, want)
		}
	}
	f(5000, 10_000, 50, 0)
	f(5050, 10_000, 50, 1)
	f(4900, 10_000, 50, 2)
	f(0, 10_000, 0, 0)
	f(10_000, 10_000, 100, 0)
	f(1, 10_000, 0, never)
	f(9999, 10_000, 100, never)
}
