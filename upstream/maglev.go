package upstream

import (
	"cmp"
	"slices"
)

// maglevSize is the number of entries of a table: a prime, and at least a hundred times the number
// of servers that are to get even shares.
const maglevSize = 65537

// maglev returns a table of indexes of servers by hash (Eisenbud and others, "Maglev: A Fast and
// Reliable Software Network Load Balancer", NSDI 2016, section 3.4): shares follow the weights, and
// where a server comes or goes, hardly any but its own entries change. The table depends on what
// the servers are called and weigh, not on their order, so that all replicas have the same one.
func maglev(names []string, weights []uint32) []uint16 {
	const free = ^uint16(0)
	table := make([]uint16, maglevSize)
	for i := range table {
		table[i] = free
	}
	heaviest := float64(slices.Max(weights))
	seats := seatsByName(names)
	for taken := 0; ; {
		// In each round the heaviest server takes an entry, the others as often as they weigh.
		for k := range seats {
			s := &seats[k]
			for s.due += float64(weights[s.index]) / heaviest; s.due >= 1; s.due-- {
				at := s.take(func(at int) bool { return table[at] == free })
				table[at] = s.index
				if taken++; taken == maglevSize {
					return table
				}
			}
		}
	}
}

// seat is a server that takes entries of a table, in an order of its own: at, at+skip, at+2*skip …,
// which passes all since the size is a prime.
type seat struct {
	index    uint16
	name     string
	at, skip int
	due      float64 // entries that it may take, 1 or more
}

func seatsByName(names []string) []seat {
	seats := make([]seat, len(names))
	for i, name := range names {
		h := Hash([]byte(name))
		seats[i] = seat{index: uint16(i), name: name, at: int(h % maglevSize), skip: int(mix(h)%(maglevSize-1)) + 1}
	}
	slices.SortFunc(seats, func(a, b seat) int { return cmp.Compare(a.name, b.name) })
	return seats
}

// take returns the next free entry.
func (s *seat) take(free func(at int) bool) int {
	for {
		at := s.at
		if s.at += s.skip; s.at >= maglevSize {
			s.at -= maglevSize
		}
		if free(at) {
			return at
		}
	}
}

// byHash returns the server of a hash. Where that one does not fit, its hashes go to all the others,
// and come back when it does; no other hash moves.
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
