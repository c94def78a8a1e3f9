package http2

import (
	"math/bits"
	"sync"
)

// Buffers come in sizes of powers of two, from pools that all loops share: a sync.Pool is a list for
// each processor, of which a loop locks one for itself. Larger ones are not kept.
const (
	minBlockBits = 10
	maxBlockBits = 20
)

// block is a borrowed buffer. It is a struct so that it goes into a pool without allocation.
type block struct{ data []byte }

var blocks [maxBlockBits - minBlockBits + 1]sync.Pool

// takeBlock borrows a block of at least n bytes.
func takeBlock(n int) *block {
	class := max(bits.Len(uint(max(n, 1)-1)), minBlockBits) - minBlockBits
	if class >= len(blocks) {
		return &block{make([]byte, n)}
	}
	if b, ok := blocks[class].Get().(*block); ok {
		return b
	}
	return &block{make([]byte, 1<<(class+minBlockBits))}
}

func giveBlock(b *block) {
	class := bits.Len(uint(len(b.data)-1)) - minBlockBits
	if class < len(blocks) && len(b.data) == 1<<(class+minBlockBits) {
		blocks[class].Put(b)
	}
}

// body is what was received of a stream's body and not consumed. Bytes arrive while a handler may
// still look at those that came before, so that these must not move: then more go behind them where
// there is room, and else into a second buffer, which stays out of sight until the handler has done
// with the first.
type body struct {
	buf        *block // nil while there is nothing
	start, end int    // what is unread is buf.data[start:end]
	seen       int    // bytes up to here are known to the handler
	pinned     bool   // a handler may hold a view of buf

	later *block // what arrived when buf was full and pinned
	last  int    // later.data[:last]
}

// size is the number of unread bytes, those out of sight included.
func (b *body) size() int { return b.end - b.start + b.last }

// view shows the unread bytes, which stay where they are until consume or merge.
func (b *body) view() []byte {
	if b.buf == nil {
		return nil
	}
	b.seen, b.pinned = b.end, true
	return b.buf.data[b.start:b.end:b.end]
}

// append adds p; more is how many bytes are known to follow it soon.
func (b *body) append(p []byte, more int) {
	if b.later == nil && b.makeRoom(len(p), more) {
		b.end += copy(b.buf.data[b.end:], p)
		return
	}
	if b.later == nil || b.last+len(p) > len(b.later.data) {
		larger := takeBlock(max(2*b.last, b.last+len(p)+more))
		if b.later != nil {
			copy(larger.data, b.later.data[:b.last])
			giveBlock(b.later)
		}
		b.later = larger
	}
	b.last += copy(b.later.data[b.last:], p)
}

// makeRoom sees to it that n more bytes fit into buf, where it may.
func (b *body) makeRoom(n, more int) bool {
	unread := b.end - b.start
	switch {
	case b.buf == nil:
		b.buf = takeBlock(n + more)
	case b.end+n <= len(b.buf.data):
	case b.pinned:
		return false
	case unread+n <= len(b.buf.data)/2:
		b.shift(b.buf)
	default:
		larger := takeBlock(max(2*unread, unread+n+more))
		old := b.buf
		b.shift(larger)
		giveBlock(old)
	}
	return true
}

// shift moves what is unread to the beginning of to.
func (b *body) shift(to *block) {
	b.seen = max(b.seen-b.start, 0)
	b.end = copy(to.data, b.buf.data[b.start:b.end])
	b.start, b.buf = 0, to
}

// consume drops the first n unread bytes. A buffer that is empty is given back, and one that has
// become much too large is exchanged, so that what is held is in proportion to what is unread.
func (b *body) consume(n int) {
	if b.start += n; b.start > b.end {
		panic("BUG: more of a body was consumed than is here")
	}
	b.pinned = false
	unread := b.end - b.start
	switch {
	case b.buf == nil:
	case unread == 0:
		giveBlock(b.buf)
		*b = body{buf: b.later, end: b.last}
	case unread < len(b.buf.data)/4:
		old := b.buf
		b.shift(takeBlock(unread))
		giveBlock(old)
	}
}

// merge lets go of the view and brings everything into sight. It reports whether there is more than
// the last merge or view told of.
func (b *body) merge() bool {
	b.pinned = false
	if b.later != nil {
		unread := b.end - b.start
		all := takeBlock(unread + b.last)
		old := b.buf
		b.shift(all)
		giveBlock(old)
		b.end += copy(all.data[b.end:], b.later.data[:b.last])
		giveBlock(b.later)
		b.later, b.last = nil, 0
	}
	more := b.end > b.seen
	b.seen = b.end
	return more
}

// drop gives everything back.
func (b *body) drop() {
	if b.buf != nil {
		giveBlock(b.buf)
	}
	if b.later != nil {
		giveBlock(b.later)
	}
	*b = body{}
}
