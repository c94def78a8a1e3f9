package traffic

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// BlockSize is the unit, in bytes, in which a [Memory] gives out its budget.
const BlockSize = 2048

// none ends a chain of blocks.
const none = 0

// Memory is a budget of bytes for everything that exists only because of a mirror: queued and
// running copies, captured answers, pairs that wait for comparison. It is one anonymous mapping,
// cut into blocks of [BlockSize]; a block that was never used costs nothing, and none is ever
// allocated past the budget. Memory is safe for concurrent use and never blocks.
type Memory struct {
	slab []byte
	// next links the free list, and the chains of those who own blocks. Block i+1 is
	// slab[i*BlockSize:][:BlockSize], so that 0 can mean none.
	next []atomic.Uint32
	// free is the head of the free list in its low half and a counter in its high half: the
	// counter changes with every pop and push, so that a compare-and-swap can't mistake one
	// head for an earlier, equal one.
	free atomic.Uint64
	// fresh is the number of blocks that were given out at least once. Used blocks are taken
	// again before fresh ones, so the resident size follows what is needed.
	fresh atomic.Uint32
	used  atomic.Int64
}

// NewMemory maps a budget of size bytes, rounded up to whole blocks. A size of 0 is a budget that
// refuses everything.
func NewMemory(size int64) (*Memory, error) {
	blocks := (size + BlockSize - 1) / BlockSize
	if size < 0 || blocks >= 1<<31 {
		return nil, fmt.Errorf("mapping mirror memory: %d bytes is out of range", size)
	}
	m := &Memory{next: make([]atomic.Uint32, blocks+1)}
	if blocks == 0 {
		return m, nil
	}
	slab, err := mapSlab(int(blocks * BlockSize))
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes of mirror memory: %w", size, err)
	}
	m.slab = slab
	return m, nil
}

// Close unmaps the budget. Nothing captured in it may be used afterwards.
func (m *Memory) Close() error {
	if m.slab == nil {
		return nil
	}
	slab := m.slab
	m.slab = nil
	return unix.Munmap(slab)
}

// Size is the whole budget in bytes.
func (m *Memory) Size() int64 { return int64(len(m.slab)) }

// Used is the number of bytes that are given out at the moment, in whole blocks.
func (m *Memory) Used() int64 { return m.used.Load() * BlockSize }

// get takes one block, or returns none when the budget is spent.
func (m *Memory) get() uint32 {
	for {
		old := m.free.Load()
		head := uint32(old)
		if head == none {
			return m.getFresh()
		}
		next := m.next[head].Load()
		if m.free.CompareAndSwap(old, (old>>32+1)<<32|uint64(next)) {
			m.next[head].Store(none)
			m.used.Add(1)
			return head
		}
	}
}

func (m *Memory) getFresh() uint32 {
	for {
		n := m.fresh.Load()
		if int(n)+1 >= len(m.next) {
			return none
		}
		if m.fresh.CompareAndSwap(n, n+1) {
			m.used.Add(1)
			return n + 1
		}
	}
}

// put gives back the chain of count blocks from head to tail.
func (m *Memory) put(head, tail uint32, count int) {
	for {
		old := m.free.Load()
		m.next[tail].Store(uint32(old))
		if m.free.CompareAndSwap(old, (old>>32+1)<<32|uint64(head)) {
			m.used.Add(int64(-count))
			return
		}
	}
}

func (m *Memory) block(i uint32) []byte {
	off := int(i-1) * BlockSize
	return m.slab[off : off+BlockSize : off+BlockSize]
}
