package analyze

import (
	"sync/atomic"

	"tain.dev/tain/traffic"
)

// closed is a bit of ring.tail. It makes the producer's next compare-and-swap fail, so that no
// pair can slip into a ring after its last drain.
const closed = 1 << 63

// ring is a bounded queue from one producer, an event loop, to one consumer, the worker. The
// padding keeps what the two write on different cache lines.
type ring struct {
	slots []*traffic.Pair // its length is a power of two

	_    [64]byte
	tail atomic.Uint64 // next slot to fill; moved by the producer, closed by the consumer
	seen uint64        // the producer's latest look at head
	_    [64]byte
	head atomic.Uint64 // next slot to empty; moved by the consumer
	_    [64]byte
}

// push adds p and reports true, or reports false because the ring is full or closed. half says
// that at least half of the ring is waiting.
func (r *ring) push(p *traffic.Pair) (half, ok bool) {
	tail := r.tail.Load()
	if tail&closed != 0 {
		return false, false
	}
	size := uint64(len(r.slots))
	if tail+1-r.seen >= size/2 {
		r.seen = r.head.Load()
	}
	if tail-r.seen == size {
		return true, false
	}
	slot := &r.slots[tail&(size-1)]
	*slot = p
	if !r.tail.CompareAndSwap(tail, tail+1) {
		*slot = nil
		return false, false
	}
	return tail+1-r.seen >= size/2, true
}

// pop moves waiting pairs into batch and returns how many.
func (r *ring) pop(batch []*traffic.Pair) int {
	head := r.head.Load()
	n := int(min(r.tail.Load()&^closed-head, uint64(len(batch))))
	for i := range n {
		slot := &r.slots[(head+uint64(i))&uint64(len(r.slots)-1)]
		batch[i], *slot = *slot, nil
	}
	r.head.Store(head + uint64(n))
	return n
}

// close makes every later push fail.
func (r *ring) close() { r.tail.Or(closed) }
