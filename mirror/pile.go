package mirror

import "sync/atomic"

// pile keeps used objects for use again, so that a copy costs no allocation. They are taken on
// one loop, and given back on any goroutine.
type pile[T any, P linked[T]] struct {
	free     *T
	returned atomic.Pointer[T]
}

// linked is an object with room for the link to the next one.
type linked[T any] interface {
	*T
	link() **T
}

// take returns a used object, as it was left, or a new one.
func (p *pile[T, P]) take(make func() *T) *T {
	if p.free == nil {
		p.free = p.returned.Swap(nil) // all at once, so that no head can be mistaken for an older one
	}
	x := p.free
	if x == nil {
		return make()
	}
	p.free = *P(x).link()
	*P(x).link() = nil
	return x
}

func (p *pile[T, P]) giveBack(x *T) {
	for {
		top := p.returned.Load()
		*P(x).link() = top
		if p.returned.CompareAndSwap(top, x) {
			return
		}
	}
}
