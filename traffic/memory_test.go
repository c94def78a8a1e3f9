package traffic

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
)

func newMemory(t testing.TB, blocks int) *Memory {
	t.Helper()
	m, err := NewMemory(int64(blocks) * BlockSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return m
}

func TestMemorySizes(t *testing.T) {
	f := func(size, want int64) {
		t.Helper()
		m, err := NewMemory(size)
		if err != nil {
			t.Errorf("%d bytes: %v", size, err)
			return
		}
		if m.Size() != want || m.Used() != 0 {
			t.Errorf("%d bytes: the size is %d, want %d; %d are used", size, m.Size(), want, m.Used())
		}
		for n := range want / BlockSize {
			if m.get() == none {
				t.Errorf("%d bytes: block %d was refused", size, n)
			}
		}
		if m.get() != none || m.Used() != want {
			t.Errorf("%d bytes: over the budget: %d are used", size, m.Used())
		}
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := m.Close(); err != nil {
			t.Errorf("close again: %v", err)
		}
	}
	f(0, 0)
	f(1, BlockSize)
	f(BlockSize, BlockSize)
	f(BlockSize+1, 2*BlockSize)
	f(1<<20, 1<<20)

	for _, size := range []int64{-1, -BlockSize, BlockSize << 31} {
		if _, err := NewMemory(size); err == nil {
			t.Errorf("%d bytes were granted", size)
		}
	}
}

// TestMemoryUsesUsedBlocksFirst holds that what was never needed is never touched.
func TestMemoryUsesUsedBlocksFirst(t *testing.T) {
	m := newMemory(t, 1000)
	for range 100 {
		var taken []uint32
		for range 10 {
			taken = append(taken, m.get())
		}
		for _, b := range taken {
			m.put(b, b, 1)
		}
	}
	if n := m.fresh.Load(); n != 10 {
		t.Errorf("%d blocks were touched, ten at a time were needed", n)
	}
}

// TestMemoryHeadsDiffer holds what makes the free list safe: its head is never the same word twice,
// although the same block comes to its top again.
func TestMemoryHeadsDiffer(t *testing.T) {
	m := newMemory(t, 2)
	a, b := m.get(), m.get()
	m.put(b, b, 1)
	m.put(a, a, 1)
	before := m.free.Load()
	if m.get() != a || m.get() != b {
		t.Fatal("the free list is no stack")
	}
	m.put(a, a, 1)
	if after := m.free.Load(); after == before || uint32(after) != uint32(before) {
		t.Errorf("the head was %x and is %x: a late compare-and-swap would give block %d away twice", before, after, b)
	}
}

// TestMemoryConcurrently lets many goroutines take and give back. Each marks its blocks, so that a
// block with two owners shows.
func TestMemoryConcurrently(t *testing.T) {
	const goroutines, blocks, rounds = 8, 64, 20000
	m := newMemory(t, blocks)
	var owned, refused atomic.Int64
	var all sync.WaitGroup
	for id := range uint64(goroutines) {
		all.Go(func() {
			var mine []uint32
			for i := range rounds {
				if i%3 != 2 && len(mine) < blocks/4 {
					b := m.get()
					if b == none {
						refused.Add(1)
						continue
					}
					if n := owned.Add(1); n > blocks {
						t.Errorf("%d blocks are given out of %d", n, blocks)
					}
					binary.NativeEndian.PutUint64(m.block(b), id)
					mine = append(mine, b)
				} else {
					checkOwner(t, m, id, mine)
					owned.Add(-int64(len(mine)))
					m.putAll(mine)
					mine = mine[:0]
				}
			}
			owned.Add(-int64(len(mine)))
			m.putAll(mine)
		})
	}
	all.Wait()
	if m.Used() != 0 {
		t.Errorf("%d bytes are used after all was given back", m.Used())
	}
	for range blocks {
		if m.get() == none {
			t.Fatal("blocks were lost")
		}
	}
	if m.get() != none {
		t.Error("there are more blocks than before")
	}
}

func checkOwner(t *testing.T, m *Memory, id uint64, blocks []uint32) {
	for _, b := range blocks {
		if owner := binary.NativeEndian.Uint64(m.block(b)); owner != id {
			t.Errorf("block %d of goroutine %d was given to %d, too", b, id, owner)
		}
	}
}

// putAll gives blocks back as one chain.
func (m *Memory) putAll(blocks []uint32) {
	if len(blocks) == 0 {
		return
	}
	for i, b := range blocks[1:] {
		m.next[blocks[i]].Store(b)
	}
	m.put(blocks[0], blocks[len(blocks)-1], len(blocks))
}

// TestBytesConcurrently is the same one level up: sequences that grow to the budget's end.
func TestBytesConcurrently(t *testing.T) {
	m := newMemory(t, 64)
	var all sync.WaitGroup
	for id := range byte(8) {
		all.Go(func() {
			piece := make([]byte, 3000)
			for i := range piece {
				piece[i] = id
			}
			for range 500 {
				b := NewBytes(m)
				n := 0
				for n < 20 && b.Append(piece) {
					n++
				}
				if b.Len() != n*len(piece) {
					t.Errorf("%d bytes, want %d", b.Len(), n*len(piece))
				}
				for _, c := range collect(&b) {
					if c != id {
						t.Errorf("goroutine %d reads what %d wrote", id, c)
						return
					}
				}
				b.Free()
			}
		})
	}
	all.Wait()
	if m.Used() != 0 {
		t.Errorf("%d bytes are used after all was given back", m.Used())
	}
}

func BenchmarkMemory(b *testing.B) {
	f := func(name string, size int) {
		b.Run(name, func(b *testing.B) {
			m := newMemory(b, 1024)
			p := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				data := NewBytes(m)
				data.Append(p)
				data.Free()
			}
		})
	}
	f("100 B", 100)
	f("4 KiB", 4<<10)
	f("64 KiB", 64<<10)
	b.Run("contended", func(b *testing.B) {
		m := newMemory(b, 1024)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if block := m.get(); block != none {
					m.put(block, block, 1)
				}
			}
		})
	})
}
