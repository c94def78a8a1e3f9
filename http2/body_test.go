package http2

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestBody does at random what a reader and a handler do, and compares with plain slices.
func TestBody(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var b body
		var all, view []byte // all is what is unread; view is what the handler still looks at
		next := byte(0)
		for range 200 {
			switch random.IntN(4) {
			case 0, 1:
				p := make([]byte, random.IntN(3000))
				for i := range p {
					next++
					p[i] = next
				}
				b.append(p, random.IntN(2)*random.IntN(5000))
				all = append(all, p...)
			case 2:
				b.merge()
				if view = b.view(); len(view) != len(all) {
					t.Fatalf("seed %d: %d bytes in sight after a merge, want %d", seed, len(view), len(all))
				}
			case 3:
				view = b.view()
				n := random.IntN(len(view) + 1)
				if random.IntN(2) == 0 {
					n = len(view)
				}
				b.consume(n)
				all, view = all[n:], nil
			}
			if !bytes.HasPrefix(all, view) {
				t.Fatalf("seed %d: what a handler looks at has changed", seed)
			}
			if b.size() != len(all) {
				t.Fatalf("seed %d: %d bytes unread, want %d", seed, b.size(), len(all))
			}
		}
		b.merge()
		if !bytes.Equal(b.view(), all) {
			t.Fatalf("seed %d: the bytes are not those that came", seed)
		}
		b.drop()
	}
}

// TestBodyHoldsInProportion holds that a few unread bytes do not keep a large buffer.
func TestBodyHoldsInProportion(t *testing.T) {
	var b body
	b.append(make([]byte, 256<<10), 0)
	b.consume(len(b.view()) - 1)
	if held := len(b.buf.data); held > 1<<minBlockBits {
		t.Errorf("%d bytes are held for one", held)
	}
	b.consume(1)
	if b.buf != nil {
		t.Error("a buffer is held for nothing")
	}
}

func TestBodyMerge(t *testing.T) {
	var b body
	f := func(want bool) {
		t.Helper()
		if got := b.merge(); got != want {
			t.Errorf("new bytes: %v, want %v", got, want)
		}
	}
	f(false)
	b.append([]byte("one"), 0)
	f(true)
	b.view()
	f(false)
	b.append([]byte("two"), 0)
	f(true)
	if got := string(b.view()); got != "onetwo" {
		t.Errorf("%q", got)
	}
	b.consume(6)
	f(false)
}

func TestBlocks(t *testing.T) {
	f := func(n, want int) {
		t.Helper()
		b := takeBlock(n)
		if len(b.data) != want {
			t.Errorf("%d bytes for %d, want %d", len(b.data), n, want)
		}
		giveBlock(b)
	}
	f(0, 1<<10)
	f(1, 1<<10)
	f(1<<10, 1<<10)
	f(1<<10+1, 2<<10)
	f(1<<20, 1<<20)
	f(1<<20+1, 1<<20+1)
}
