package traffic

// Bytes is a growing sequence of bytes in a [Memory]. The zero value is empty and refuses to
// grow; [NewBytes] gives one that can. It belongs to one goroutine at a time.
type Bytes struct {
	mem        *Memory
	head, tail uint32 // first and last block, none when empty; only the last one has room
	blocks     int
	size       int
}

// NewBytes returns an empty sequence that grows within m.
func NewBytes(m *Memory) Bytes { return Bytes{mem: m} }

// Len is the number of bytes held.
func (b *Bytes) Len() int { return b.size }

// Append adds p whole and reports true, or leaves b as it was and reports false because the
// budget is spent.
func (b *Bytes) Append(p []byte) bool {
	room := b.blocks*BlockSize - b.size
	at := b.tail
	if len(p) > room {
		first := b.grow((len(p) - room + BlockSize - 1) / BlockSize)
		if first == none {
			return false
		}
		if room == 0 {
			at = first
		}
	}
	for len(p) > 0 {
		n := copy(b.mem.block(at)[b.size%BlockSize:], p)
		p = p[n:]
		b.size += n
		at = b.mem.next[at].Load()
	}
	return true
}

// grow links n more blocks to the end and returns the first of them, or none, with nothing taken.
func (b *Bytes) grow(n int) uint32 {
	if b.mem == nil {
		return none
	}
	first := b.mem.get()
	if first == none {
		return none
	}
	last := first
	for i := 1; i < n; i++ {
		more := b.mem.get()
		if more == none {
			b.mem.put(first, last, i)
			return none
		}
		b.mem.next[last].Store(more)
		last = more
	}
	if b.head == none {
		b.head = first
	} else {
		b.mem.next[b.tail].Store(first)
	}
	b.tail = last
	b.blocks += n
	return first
}

// Free gives every block back. The sequence is empty afterwards and may grow again.
func (b *Bytes) Free() {
	if b.head != none {
		b.mem.put(b.head, b.tail, b.blocks)
	}
	*b = Bytes{mem: b.mem}
}

// Slice returns n bytes from off: in place where they lie in one block, else copied into scratch,
// which is grown as needed. The result is valid until Free and the next use of scratch.
func (b *Bytes) Slice(off, n int, scratch *[]byte) []byte {
	if n == 0 {
		return nil
	}
	at := b.head
	for ; off >= BlockSize; off -= BlockSize {
		at = b.mem.next[at].Load()
	}
	if off+n <= BlockSize {
		return b.mem.block(at)[off : off+n]
	}
	buf := append((*scratch)[:0], b.mem.block(at)[off:]...)
	for len(buf) < n {
		at = b.mem.next[at].Load()
		buf = append(buf, b.mem.block(at)[:min(BlockSize, n-len(buf))]...)
	}
	*scratch = buf
	return buf
}
