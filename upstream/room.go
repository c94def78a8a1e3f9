package upstream

import (
	"slices"
	"sync/atomic"
)

// The connections of an upstream with maxConns are those of several pools, one or two on each loop.
// At the limit, what is idle gives way to who needs a connection, be it in another pool. Only the loop
// of a pool may touch it, so the other one is asked, and the request waits for its answer.

// sharing are the pools that keep connections to an upstream with maxConns. It is replaced whole.
type sharing struct{ pools atomic.Pointer[[]*Pool] }

func (s *sharing) list() []*Pool {
	if all := s.pools.Load(); all != nil {
		return *all
	}
	return nil
}

func (s *sharing) change(to func([]*Pool) []*Pool) {
	for {
		before := s.pools.Load()
		var all []*Pool
		if before != nil {
			all = slices.Clone(*before)
		}
		if all = to(all); s.pools.CompareAndSwap(before, &all) {
			return
		}
	}
}

func (s *sharing) add(p *Pool) {
	s.change(func(all []*Pool) []*Pool { return append(all, p) })
}

func (s *sharing) remove(p *Pool) {
	s.change(func(all []*Pool) []*Pool { return slices.DeleteFunc(all, func(q *Pool) bool { return q == p }) })
}

// rested notes that a connection of the pool has become idle, for the other pools to know.
func (p *Pool) rested() {
	if p.cluster.options.MaxConns > 0 && !p.spare.Load() {
		p.spare.Store(true)
	}
}

// admitConn returns nil if one more connection may be made, which needs a [Cluster.LeaveConn]. At the
// limit, an idle one gives way: nobody is to be refused for the sake of what nobody uses. It may wait.
func (p *Pool) admitConn() error {
	c := p.cluster
	open, most := &c.breaker.conns, c.options.MaxConns
	if open.try(most) || p.giveWay() && open.try(most) {
		return nil
	}
	all := c.sharing.list()
	mine := slices.Index(all, p) + 1
	for i := range all { // each begins behind itself, lest all ask the same one
		other := all[(mine+i)%len(all)]
		if other == p || !other.spare.Load() {
			continue
		}
		if given, err := p.plead(other); given || err != nil {
			return err
		}
	}
	open.refused.Add(1)
	return c.tooManyConns
}

// plead asks another pool for the room of an idle connection, and waits for the answer. An error says
// that nobody waits any more.
func (p *Pool) plead(other *Pool) (given bool, err error) {
	t := p.loop.Current()
	if err := t.Interrupted(); err != nil {
		return false, err
	}
	answered, gone := false, false
	other.loop.Submit(func() {
		room := other.giveRoom()
		p.loop.Submit(func() {
			if gone && room {
				p.cluster.LeaveConn()
			}
			if answered, given = true, room; !gone {
				t.Wake()
			}
		})
	})
	for !answered {
		t.Wait()
		if err := t.Interrupted(); err != nil && !answered {
			gone = true
			return false, err
		}
	}
	return given, nil
}

// giveRoom closes an idle connection and keeps its place under the limit, for another pool.
func (p *Pool) giveRoom() bool {
	return p.giveWay() && p.cluster.breaker.conns.try(p.cluster.options.MaxConns)
}

// giveWay closes an idle connection, and says whether there was one.
func (p *Pool) giveWay() bool {
	for _, k := range p.servers {
		if k.giveWay() {
			return true
		}
	}
	p.spare.Store(false)
	return false
}
