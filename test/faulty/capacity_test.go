package faulty

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestCapacity asks more than a server can answer at a time, before and after it got slower.
func TestCapacity(t *testing.T) {
	const pause = 20 * time.Millisecond
	s := start(t, fmt.Sprint("capacity:", pause))
	ask := func(desks int) {
		t.Helper()
		s.Open(desks)
		before, tookBefore := s.Served()
		began := time.Now()
		var all sync.WaitGroup
		for range 3 * desks {
			all.Go(func() {
				answer, err := http.Get("http://" + s.Addr)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(answer.Body)
				if answer.Body.Close(); string(body) != okBody || err != nil {
					t.Errorf("%q, %v", body, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took < 3*pause {
			t.Errorf("%d desks answered %d requests within %v", desks, 3*desks, took)
		}
		after, tookAfter := s.Served()
		if n := after - before; n != int64(3*desks) || tookAfter-tookBefore < 3*time.Duration(desks)*pause {
			t.Errorf("%d desks served %d requests in %v all together", desks, n, tookAfter-tookBefore)
		}
	}
	ask(Desks)
	ask(2)
	ask(3)
}

// TestCapacityCloses holds that a server ends while requests wait.
func TestCapacityCloses(t *testing.T) {
	s := start(t, "capacity:1h")
	s.Open(1)
	for range 2 {
		nc := dial(t, s)
		io.WriteString(nc, get)
		nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if answer, err := io.ReadAll(nc); len(answer) > 0 || err == nil {
			t.Errorf("answered %q, %v within 20ms", answer, err)
		}
	}
	s.Close()
}
