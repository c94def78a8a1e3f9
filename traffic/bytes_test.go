package traffic

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// random is n bytes that differ from place to place.
func random(n int, seed byte) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(p)
	return p
}

// collect reads b piece by piece.
func collect(b *Bytes) []byte {
	var all []byte
	var c Cursor
	for p := b.Next(&c); p != nil; p = b.Next(&c) {
		all = append(all, p...)
	}
	return all
}

// FuzzBytes does what its input says to a sequence and to a plain slice, and compares.
func FuzzBytes(f *testing.F) {
	f.Add([]byte{0, 1, 0, 255, 1, 2, 3})
	f.Add([]byte{200, 200, 200, 200, 4, 5, 200, 200})
	f.Add(bytes.Repeat([]byte{128, 7, 3}, 30))
	f.Fuzz(func(t *testing.T, script []byte) {
		const budget = 16
		m := newMemory(t, budget)
		b, model := NewBytes(m), []byte{}
		var scratch []byte
		for i, op := range script {
			n := int(op) * 37 // up to about 9,400 bytes, four blocks and a half
			switch op % 5 {
			case 0, 1, 2:
				p := random(n, op)
				before := m.Used()
				need := (len(model) + n + BlockSize - 1) / BlockSize
				if ok := b.Append(p); ok != (need <= budget) {
					t.Fatalf("step %d: %d bytes after %d: accepted is %v", i, n, len(model), ok)
				} else if ok {
					model = append(model, p...)
				} else if m.Used() != before {
					t.Fatalf("step %d: a refused append took %d bytes", i, m.Used()-before)
				}
			case 3:
				if got := collect(&b); !bytes.Equal(got, model) {
					t.Fatalf("step %d: the pieces of %d bytes differ", i, len(model))
				}
				off := n % (len(model) + 1)
				length := (n * 7) % (len(model) - off + 1)
				if got := b.Slice(off, length, &scratch); !bytes.Equal(got, model[off:off+length]) {
					t.Fatalf("step %d: %d bytes from %d of %d differ", i, length, off, len(model))
				}
			case 4:
				if op < 40 {
					b.Free()
					model = model[:0]
				}
			}
			if b.Len() != len(model) || m.Used() != int64((len(model)+BlockSize-1)/BlockSize*BlockSize) {
				t.Fatalf("step %d: length %d, want %d; %d bytes are used", i, b.Len(), len(model), m.Used())
			}
		}
		if b.Free(); m.Used() != 0 || b.Len() != 0 {
			t.Fatalf("after Free %d bytes are used", m.Used())
		}
	})
}

func TestBytesAtTheEdgesOfBlocks(t *testing.T) {
	sizes := []int{0, 1, BlockSize - 1, BlockSize, BlockSize + 1, 2*BlockSize - 1, 2 * BlockSize, 2*BlockSize + 1}
	m := newMemory(t, 16)
	var scratch []byte
	for _, first := range sizes {
		for _, second := range sizes {
			b := NewBytes(m)
			want := random(first+second, 1)
			if !b.Append(want[:first]) || !b.Append(want[first:]) {
				t.Fatalf("%d and %d bytes were refused", first, second)
			}
			if got := collect(&b); !bytes.Equal(got, want) {
				t.Errorf("%d and %d bytes came back as %d others", first, second, len(got))
			}
			if got := b.Slice(first, second, &scratch); !bytes.Equal(got, want[first:]) {
				t.Errorf("%d bytes from %d came back as %d others", second, first, len(got))
			}
			b.Free()
		}
	}
}

func TestZeroBytes(t *testing.T) {
	var b Bytes
	if b.Append([]byte("x")) || !b.Append(nil) || b.Len() != 0 || len(collect(&b)) != 0 {
		t.Error("the zero value is empty and refuses to grow")
	}
	b.Free()
}

// TestNextWhileGrowing holds that a reader who is slower than the writer misses nothing, and one
// who is faster gets it later.
func TestNextWhileGrowing(t *testing.T) {
	f := func(step int) {
		t.Helper()
		b := NewBytes(newMemory(t, 64))
		want := random(20*BlockSize, 2)
		var got []byte
		var c Cursor
		for written := 0; len(got) < len(want); {
			more := min(written+step, len(want))
			b.Append(want[written:more])
			written = more
			got = append(got, b.Next(&c)...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("written by %d bytes: what was read is not what was written", step)
		}
		if b.Next(&c) != nil {
			t.Errorf("written by %d bytes: there is more than was written", step)
		}
	}
	f(1)
	f(BlockSize - 1)
	f(BlockSize)
	f(BlockSize + 1)
	f(5 * BlockSize)
}

func TestSliceInPlace(t *testing.T) {
	b := NewBytes(newMemory(t, 4))
	b.Append(random(3*BlockSize, 4))
	f := func(off, n int, inPlace bool) {
		t.Helper()
		scratch := make([]byte, 0, 4*BlockSize)
		b.Slice(off, n, &scratch)
		if got := len(scratch) == 0; got != inPlace {
			t.Errorf("%d bytes from %d: in place is %v", n, off, got)
		}
	}
	f(0, 10, true)
	f(BlockSize-10, 10, true)
	f(BlockSize-10, 11, false)
	f(BlockSize, BlockSize, true)
	f(2*BlockSize+5, 100, true)
	f(0, 3*BlockSize, false)

	scratch := make([]byte, 0, 4*BlockSize)
	if n := testing.AllocsPerRun(100, func() { b.Slice(10, 2*BlockSize, &scratch) }); n != 0 {
		t.Errorf("%v allocations with enough scratch", n)
	}
}
