package analyze

import (
	"runtime"
	"testing"

	"tain.dev/tain/traffic"
)

// TestRingConcurrently pushes from one goroutine and pops on another, closes in between, and asks
// that every pair that was taken comes out, in order.
func TestRingConcurrently(t *testing.T) {
	r := ring{slots: make([]*traffic.Pair, 16)}
	const n = 20_000
	taken := make(chan []*traffic.Pair)
	go func() {
		var in []*traffic.Pair
		for range n {
			p := new(traffic.Pair)
			if _, ok := r.push(p); ok {
				in = append(in, p)
			} else {
				runtime.Gosched()
			}
		}
		taken <- in
	}()
	var out, in []*traffic.Pair
	var batch [5]*traffic.Pair
	for in == nil {
		out = append(out, batch[:r.pop(batch[:])]...)
		if len(out) > n/2 {
			r.close()
		}
		select {
		case in = <-taken:
		default:
		}
	}
	for k := 1; k > 0; {
		k = r.pop(batch[:])
		out = append(out, batch[:k]...)
	}
	if len(in) != len(out) {
		t.Fatalf("%d pairs went in, %d came out", len(in), len(out))
	}
	for i := range in {
		if in[i] != out[i] {
			t.Fatalf("pair %d came out in another place", i)
		}
	}
}
