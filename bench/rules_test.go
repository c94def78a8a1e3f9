//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// TestArrivals holds that a target notes every request, when it comes.
func TestArrivals(t *testing.T) {
	a, err := newArrivals()
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for i := range 3 {
		before := time.Now()
		answer, err := http.Get(fmt.Sprintf("http://%s/%d", a.addr(), i))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if answer.Body.Close(); string(body) != smallJSON || err != nil {
			t.Errorf("answered %q, %v", body, err)
		}
		if at := a.latest(); a.count.Load() != int64(i+1) || at.Before(before.Round(0)) || at.After(time.Now()) {
			t.Errorf("after request %d it has %d, the last one at %v", i+1, a.count.Load(), at)
		}
	}
}
