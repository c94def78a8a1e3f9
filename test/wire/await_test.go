package wire

import "testing"

func TestAwait(t *testing.T) {
	numbers := make(chan int)
	go func() {
		for i := range 3 {
			numbers <- i
		}
		close(numbers)
	}()
	Until(t, "a number that is not 0", func() bool { return Await(t, numbers, "a number") > 0 })
	if n := Await(t, numbers, "the last number"); n != 2 {
		t.Errorf("got %d, want 2", n)
	}
	if n := Await(t, numbers, "the end"); n != 0 {
		t.Errorf("got %d of a closed channel, want 0", n)
	}
	text := ""
	Becomes(t, "the text", "aaa", func() string { text += "a"; return text })
}

func TestBugs(t *testing.T) {
	var bugs Bugs
	log := bugs.Log().With("route", "a")
	log.Error("a backend is down")
	log.Error("BUG: a handler panicked")
	log.Debug("BUG: once more")
	if n := bugs.Load(); n != 2 {
		t.Errorf("%d bugs, want 2", n)
	}
}
