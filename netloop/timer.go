package netloop

import "math/bits"

// The wheel: a slot for every tick of about 17 ms, about 69 s in one lap. A timer that is moved
// to a later time stays where it is and is put on when its slot comes round, so that a deadline
// which is only ever pushed out costs one store.
const (
	tickBits  = 24
	slots     = 1 << 12
	slotWords = slots / 64
)

// Timer fires once at a time on the loop's clock. The zero value is stopped.
type Timer struct {
	at         int64 // when to fire, 0 when stopped
	tick       int64 // when its slot comes round
	linked     bool
	prev, next *Timer
	// What fires: conn's deadline, or fn.
	conn *Conn
	fn   func()
}

type wheel struct {
	slot     [slots]*Timer
	occupied [slotWords]uint64
	tick     int64 // the tick up to which slots were visited
	count    int
}

// set makes t fire at the time at, on a wheel that was last advanced to now.
func (w *wheel) set(t *Timer, at int64) {
	t.at = at
	if t.linked {
		if at>>tickBits+1 >= t.tick {
			return
		}
		w.unlink(t)
	}
	w.link(t)
}

// stop makes t not fire. Its link stays until its slot comes round or it is set to an earlier
// time.
func (t *Timer) stop() { t.at = 0 }

// cancel stops t and lets go of it.
func (w *wheel) cancel(t *Timer) {
	t.at = 0
	if t.linked {
		w.unlink(t)
	}
}

func (w *wheel) link(t *Timer) {
	tick := max(t.at>>tickBits+1, w.tick+1)
	t.tick, t.linked = min(tick, w.tick+slots-1), true
	s := t.tick & (slots - 1)
	t.prev, t.next = nil, w.slot[s]
	if t.next != nil {
		t.next.prev = t
	}
	w.slot[s] = t
	w.occupied[s/64] |= 1 << (s % 64)
	w.count++
}

func (w *wheel) unlink(t *Timer) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		s := t.tick & (slots - 1)
		w.slot[s] = t.next
		if t.next == nil {
			w.occupied[s/64] &^= 1 << (s % 64)
		}
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.prev, t.next, t.linked = nil, nil, false
	w.count--
}

// advance visits the slots up to now and hands every timer that is due to fire.
func (w *wheel) advance(now int64, fire func(*Timer)) {
	target := now >> tickBits
	w.tick = max(w.tick, target-slots)
	for w.tick < target {
		w.tick++
		s := w.tick & (slots - 1)
		// A timer that is put on goes to another slot, so this one empties.
		for t := w.slot[s]; t != nil; t = w.slot[s] {
			w.unlink(t)
			switch {
			case t.at == 0:
			case t.at > now:
				w.link(t)
			default:
				t.at = 0
				fire(t)
			}
		}
	}
}

// next is the time of the next slot with a timer, or -1 without any.
func (w *wheel) next() int64 {
	if w.count == 0 {
		return -1
	}
	from := (w.tick + 1) & (slots - 1)
	for i := range int64(slotWords + 1) {
		word := (from/64 + i) % slotWords
		set := w.occupied[word]
		if i == 0 {
			set &= ^uint64(0) << (from % 64)
		}
		if set != 0 {
			slot := word*64 + int64(bits.TrailingZeros64(set))
			ahead := (slot - from) & (slots - 1)
			return (w.tick + 1 + ahead) << tickBits
		}
	}
	return -1
}
