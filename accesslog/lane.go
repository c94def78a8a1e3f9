package accesslog

import "sync/atomic"

// lane is the buffer between one loop and the writer: a ring of bytes with one goroutine at each end.
type lane struct {
	line line // of the loop's side
	ring []byte
	// put and taken count bytes, and only grow; put-taken of them are in the ring. The loop stores
	// put, and the writer taken, after it has touched the bytes. They lie on cache lines of their own.
	put   atomic.Uint64
	lost  atomic.Uint64 // lines; stored by the loop
	_     [64]byte
	taken atomic.Uint64
	_     [64]byte
}

func newLane(f *format, mask func(dst, target []byte) []byte, size int) *lane {
	return &lane{line: line{format: f, mask: mask, most: size / 2}, ring: make([]byte, size)}
}

// add formats a line into the ring, or counts it as lost. It says whether that made the ring half
// full.
func (n *lane) add(e *Entry) (halfFull bool) {
	text := n.line.of(e)
	size, put := uint64(len(n.ring)), n.put.Load()
	used := put - n.taken.Load()
	after := used + uint64(len(text))
	if after > size {
		n.lost.Add(1)
		return false
	}
	part := copy(n.ring[put%size:], text)
	copy(n.ring, text[part:])
	n.put.Store(put + uint64(len(text)))
	return used < size/2 && after >= size/2
}

func (n *lane) empty() bool { return n.put.Load() == n.taken.Load() }

// take appends to dst what the ring holds, which is whole lines.
func (n *lane) take(dst []byte) []byte {
	size, from, to := uint64(len(n.ring)), n.taken.Load(), n.put.Load()
	if from == to {
		return dst
	}
	if start, end := from%size, to%size; start < end {
		dst = append(dst, n.ring[start:end]...)
	} else {
		dst = append(dst, n.ring[start:]...)
		dst = append(dst, n.ring[:end]...)
	}
	n.taken.Store(to)
	return dst
}
