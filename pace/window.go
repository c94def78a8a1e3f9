package pace

import (
	"sync/atomic"
	"time"
)

const (
	windowSlots  = 10
	windowSlot   = int64(time.Second)
	windowLength = windowSlots * time.Second
)

// window counts what was sent and what failed in the last ten seconds, one slot for each. A slot is
// one word, so that whoever comes first in a new second starts it anew in one step:
//
//	second (24 bits) · sends (20 bits) · failures (20 bits)
//
// A slot that is full counts no more of its second: the share of failures stays as it is. 24 bits of
// seconds come around after 194 days.
type window struct{ slots [windowSlots]atomic.Uint64 }

const (
	countBits = 20
	countMask = 1<<countBits - 1
	secondMax = 1<<24 - 1
)

// add counts one send that has ended.
func (w *window) add(now int64, failed bool) {
	this := uint64(max(now, 0) / windowSlot)
	slot := &w.slots[this%windowSlots]
	this &= secondMax
	for {
		old := slot.Load()
		word := old
		if word>>(2*countBits) != this {
			word = this << (2 * countBits)
		}
		if word>>countBits&countMask == countMask {
			return
		}
		word += 1 << countBits
		if failed {
			word++
		}
		if slot.CompareAndSwap(old, word) {
			return
		}
	}
}

// sum is what was counted in this second and the nine before.
func (w *window) sum(now int64) (sends, failed int) {
	this := uint64(max(now, 0) / windowSlot)
	for i := range w.slots {
		word := w.slots[i].Load()
		if age := (this - word>>(2*countBits)) & secondMax; age < windowSlots {
			sends += int(word >> countBits & countMask)
			failed += int(word & countMask)
		}
	}
	return sends, failed
}

// clear forgets everything.
func (w *window) clear() {
	for i := range w.slots {
		w.slots[i].Store(0)
	}
}
