package test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"tain.dev/tain/test/wire"
)

var sampleKeys = flag.Int("keys", 4000, "how many keys to sample by")

// TestSamplesAgree holds that users who are in a sample are in it everywhere: in another process, after a
// restart, and in a larger sample.
func TestSamplesAgree(t *testing.T) {
	live := wire.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {})
	var mu sync.Mutex
	var copied map[string]int // by user
	target := wire.ServeHTTP(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if c, err := r.Cookie("session"); err == nil {
			copied[c.Value]++
		}
	})
	sample := func(percent int) map[string]int {
		copied = make(map[string]int)
		p := wire.StartFile(t, fmt.Sprintf("listen: $listen\nadmin: $admin\ndata: {dir: \"off\"}\nroutes:\n- name: all\n  backends: http://%s\n"+
			"  mirrors:\n  - {name: v2, percent: %d, sample: {by: cookie session}, targets: \"http://%s\"}\n", live, percent, target))
		askAsUsers(t, p, *sampleKeys)
		b := p.Settled(t)
		if b["answered"] != len(copied) || b["unsampled"]+b["answered"] != *sampleKeys {
			t.Errorf("%d users were copied, the books say %v", len(copied), b)
		}
		p.Stop(t)
		return copied
	}
	first := sample(5)
	if low, high := *sampleKeys*4/100, *sampleKeys*6/100; len(first) < low || len(first) > high {
		t.Errorf("5 %% of %d users are %d", *sampleKeys, len(first))
	}
	for range 2 {
		if again := sample(5); !maps.Equal(again, first) {
			t.Errorf("one process copied %d users, another %d, and not the same", len(first), len(again))
		}
	}
	larger := sample(10)
	for user := range first {
		if larger[user] == 0 {
			t.Errorf("user %s is among 5 %%, and not among 10 %%", user)
		}
	}
	if low, high := *sampleKeys*9/100, *sampleKeys*11/100; len(larger) < low || len(larger) > high {
		t.Errorf("10 %% of %d users are %d", *sampleKeys, len(larger))
	}
}

// askAsUsers makes a request for each of n users.
func askAsUsers(t *testing.T, p *wire.Tain, n int) {
	t.Helper()
	const asking = 4
	var all sync.WaitGroup
	for first := range asking {
		all.Go(func() {
			for user := first; user < n; user += asking {
				got := ask(t, "GET", p.URL+"/", nil, http.Header{"Cookie": {fmt.Sprintf("a=b; session=user-%d", user)}})
				if got.status != http.StatusOK {
					t.Errorf("user %d: status %d", user, got.status)
					return
				}
			}
		})
	}
	all.Wait()
}
