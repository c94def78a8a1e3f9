package proxy

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"

	"tain.dev/tain/netloop"
)

// seats counts the connections of each address. It is cut into parts, each with a lock of its own that
// is held for some nanoseconds, so that loops hardly ever meet at one.
type seats struct {
	limit int
	hash  maphash.Seed
	parts [64]seatPart
}

type seatPart struct {
	mu    sync.Mutex
	taken map[netip.Addr]int
}

// seat is one connection of an address.
type seat struct {
	part *seatPart
	addr netip.Addr
}

func newSeats(limit int) *seats {
	s := &seats{limit: limit, hash: maphash.MakeSeed()}
	for i := range s.parts {
		s.parts[i].taken = make(map[netip.Addr]int)
	}
	return s
}

// take returns nil when the address has as many connections as it may.
func (s *seats) take(addr netip.Addr) *seat {
	p := &s.parts[maphash.Comparable(s.hash, addr)%uint64(len(s.parts))]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[addr] >= s.limit {
		return nil
	}
	p.taken[addr]++
	return &seat{p, addr}
}

// leave gives the seat to another connection. It may be nil.
func (s *seat) leave() {
	if s == nil {
		return
	}
	s.part.mu.Lock()
	defer s.part.mu.Unlock()
	if s.part.taken[s.addr]--; s.part.taken[s.addr] == 0 {
		delete(s.part.taken, s.addr)
	}
}

var errSeat = errors.New("the client has as many connections as it may")

// sit takes a seat for a connection, where those of a client are limited. Unix sockets have no
// address, and no limit.
func (l *lane) sit(s *session, c *netloop.Conn) bool {
	if l.p.seats == nil || !c.Peer().IsValid() {
		return true
	}
	if s.seat = l.p.seats.take(c.Peer().Addr()); s.seat != nil {
		return true
	}
	l.note(reasonMaxConnsPerClient, "", fmt.Errorf("%w: %s has %d (maxConnsPerClient)", errSeat, c.Peer().Addr(), l.p.seats.limit))
	return false
}
