package upstream

import (
	"math/rand/v2"

	"tain.dev/tain/route"
)

// Picker is the place of one loop in the turn of an upstream's servers. It belongs to that loop.
type Picker struct{ next uint32 }

// NewPicker returns a picker that begins anywhere, so that the loops do not begin all with the
// same server.
func NewPicker() Picker { return Picker{rand.Uint32()} }

// Hash is the hash of what an upstream is balanced on. It is the same in every process, so that all
// replicas send a user to the same server.
func Hash(b []byte) uint64 {
	// FNV-1a, whose last bytes hardly touch the high bits; mix spreads them.
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return mix(h)
}

// mix makes every bit of h change half of the bits that it returns.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Pick chooses a server by the upstream's policy: one that is well, of the first priority of which
// half the servers are well. Where there is no such priority, health says more about the health
// checks than about servers, and all of the first priority count. except is avoided if there is
// another; it may be nil. hash is used by [route.Maglev] alone. It returns nil if there are no
// servers.
func (c *Cluster) Pick(p *Picker, hash uint64, except *Server) *Server {
	t, all := c.state.Load().choose()
	if t == nil {
		return nil
	}
	if s := c.pick(t, p, hash, choice{all, except}); s != nil {
		return s
	}
	if s := c.pick(t, p, hash, choice{all, nil}); s != nil {
		return s
	}
	return c.pick(t, p, hash, choice{true, nil}) // the last one fell ill just now
}

// choice says which servers may be picked.
type choice struct {
	all    bool // ill ones, too
	except *Server
}

func (ch choice) fits(s *Server) bool { return s != ch.except && (ch.all || s.well()) }

func (c *Cluster) pick(t *tier, p *Picker, hash uint64, ch choice) *Server {
	switch c.options.Balance.Policy {
	case route.LeastRequest:
		return t.leastRequest(ch)
	case route.Random:
		_, s := t.random(ch)
		return s
	case route.Maglev:
		return t.byHash(hash, ch)
	}
	if int(p.next) >= len(t.slots) {
		p.next %= uint32(len(t.slots))
	}
	at, s := t.from(int(p.next), ch)
	p.next = uint32(at) + 1
	return s
}

// from returns the first slot at or behind at whose server fits.
func (t *tier) from(at int, ch choice) (int, *Server) {
	for range t.slots {
		if s := t.servers[t.slots[at]]; ch.fits(s) {
			return at, s
		}
		if at++; at == len(t.slots) {
			at = 0
		}
	}
	return 0, nil
}

// draws bounds the random draws, of which at least every second one hits where weights are equal.
// After them the next slot is good enough.
const draws = 16

// random draws a slot whose server fits.
func (t *tier) random(ch choice) (int, *Server) {
	at := 0
	for range draws {
		at = rand.IntN(len(t.slots))
		if s := t.servers[t.slots[at]]; ch.fits(s) {
			return at, s
		}
	}
	return t.from(at, ch)
}

// leastRequest draws two servers by their weights, and returns the one with fewer running requests
// for its weight. Two are nearly as good as all, and do not send every loop's requests to the same
// one.
func (t *tier) leastRequest(ch choice) *Server {
	at, s := t.random(ch)
	if s == nil || len(t.slots) == 1 {
		return s
	}
	other := at + 1 + rand.IntN(len(t.slots)-1)
	if other >= len(t.slots) {
		other -= len(t.slots)
	}
	i, k := t.slots[at], t.slots[other]
	o := t.servers[k]
	if ch.fits(o) && o.active.Load()*int64(t.weights[i]) < s.active.Load()*int64(t.weights[k]) {
		return o
	}
	return s
}
