package upstream

import (
	"cmp"
	"slices"
)

// maglevSize is the number of entries of a table. It is a prime, and a hundred times the number of
// servers that still get even shares.
const maglevSize = 65537

// maglev returns a table of indexes of servers by hash (Eisenbud and others, "Maglev: A Fast and
// Reliable Software Network Load Balancer", NSDI 2016, section 3.4). Shares follow the weights, and
// when a server comes or goes, hardly any entries but its own change. The table depends on the
// servers' addresses and weights, not on their order, so that all replicas have the same one.
func maglev(servers []*Server, weights []uint32) []uint16 {
	table := make([]uint16, maglevSize)
	taken := make([]bool, maglevSize)
	heaviest := float64(slices.Max(weights))
	seats := newSeats(servers)
	for left := maglevSize; ; {
		// In each round the heaviest server takes one entry, the others as much of one as they weigh.
		for k := range seats {
			s := &seats[k]
			if s.due += float64(weights[s.index]) / heaviest; s.due < 1 {
				continue
			}
			s.due--
			table[s.take(taken)] = s.index
			if left--; left == 0 {
				return table
			}
		}
	}
}

// seat is a server that takes entries in an order of its own: at, at+skip, at+2*skip and so on, which
// passes all of them since their number is a prime.
type seat struct {
	index    uint16
	name     string
	at, skip int
	due      float64 // entries that it may take
}

// newSeats returns a seat for each server, sorted by name.
func newSeats(servers []*Server) []seat {
	seats := make([]seat, len(servers))
	for i, s := range servers {
		name := s.Addr.String()
		h := Hash([]byte(name))
		seats[i] = seat{index: uint16(i), name: name, at: int(h % maglevSize), skip: int(mix(h)%(maglevSize-1)) + 1}
	}
	slices.SortFunc(seats, func(a, b seat) int { return cmp.Compare(a.name, b.name) })
	return seats
}

// take takes the next entry that is free.
func (s *seat) take(taken []bool) int {
	for taken[s.at] {
		s.next()
	}
	at := s.at
	taken[at] = true
	s.next()
	return at
}

func (s *seat) next() {
	if s.at += s.skip; s.at >= maglevSize {
		s.at -= maglevSize
	}
}

// byHash returns the server of a hash. While that one does not fit, its hashes are spread over all the
// others, and no other hash moves.
func (t *tier) byHash(hash uint64, ch choice) *Server {
	for range draws {
		if s := t.servers[t.table[hash%maglevSize]]; ch.fits(s) {
			return s
		}
		hash = mix(hash + 1)
	}
	_, s := t.from(int(hash%uint64(len(t.slots))), ch)
	return s
}
