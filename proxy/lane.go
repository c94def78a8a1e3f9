package proxy

import (
	"math/rand/v2"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/upstream"
)

// lane is the proxy's part on one event loop. All of it, but the counts, belongs to the loop.
type lane struct {
	p    *Proxy
	id   int
	loop *netloop.Loop
	counts

	table    *route.Table // of which forwards is about
	forwards map[*route.Route]*forward
	pools    map[string]*upstream.Pool // by the backend's URL
	free     []*request
	closed   func(*netloop.Conn)
}

// forward is where the requests of one route go.
type forward struct {
	backends []backend
	total    uint32 // sum of the weights
}

type backend struct {
	pool   *upstream.Pool
	weight uint32
}

func newLane(p *Proxy, loop *netloop.Loop) *lane {
	l := &lane{p: p, id: loop.ID, loop: loop, pools: make(map[string]*upstream.Pool)}
	l.closed = func(*netloop.Conn) { p.clients.Add(-1) }
	return l
}

// open decides about a new connection.
func (l *lane) open(c *netloop.Conn) bool {
	if n := l.p.clients.Add(1); l.p.cfg.MaxConns > 0 && n > int64(l.p.cfg.MaxConns) {
		l.p.clients.Add(-1)
		l.note(reasonMaxConns, "", errMaxConns(l.p.cfg.MaxConns))
		return false
	}
	c.OnClose = l.closed
	c.SetLimit(l.p.cfg.MaxHead)
	c.SetDeadline(l.p.cfg.IdleTimeout)
	return true
}

func (l *lane) acceptFailed(err error) { l.note(reasonAccept, "", err) }

// lookup finds the route of a request, and where it leads.
func (l *lane) lookup(q *route.Request) (*route.Route, *forward) {
	if t := l.p.table.Load(); t != l.table {
		l.setTable(t)
	}
	r := l.table.Lookup(q)
	if r == nil {
		return nil, nil
	}
	f := l.forwards[r]
	if f == nil {
		f = l.compile(r)
		l.forwards[r] = f
	}
	return r, f
}

// setTable forgets what the former table led to, and closes the pools that t has no use for.
func (l *lane) setTable(t *route.Table) {
	l.table = t
	l.forwards = make(map[*route.Route]*forward)
	used := make(map[string]bool)
	for _, r := range t.Routes() {
		for _, b := range r.Backends {
			used[b.URL] = true
		}
	}
	for url, pool := range l.pools {
		if !used[url] {
			pool.Close()
			delete(l.pools, url)
		}
	}
}

func (l *lane) compile(r *route.Route) *forward {
	f := &forward{}
	for _, b := range r.Backends {
		if b.Weight == 0 {
			continue
		}
		pool := l.pools[b.URL]
		if pool == nil {
			endpoint, err := l.p.resolver.Endpoint(b.URL)
			if err != nil {
				panic("BUG: a checked table has a bad backend: " + err.Error())
			}
			pool = upstream.NewPool(l.loop, endpoint, l.p.cfg.IdlePerBackend)
			l.pools[b.URL] = pool
		}
		f.backends = append(f.backends, backend{pool, b.Weight})
		f.total += b.Weight
	}
	return f
}

// pick chooses a backend by weight. The attempts after the first go to the ones that follow it.
func (f *forward) pick(attempt int, first *int) *upstream.Pool {
	if attempt == 0 {
		*first = 0
		if len(f.backends) > 1 {
			draw := rand.Uint32N(f.total)
			for draw >= f.backends[*first].weight {
				draw -= f.backends[*first].weight
				*first++
			}
		}
	}
	return f.backends[(*first+attempt)%len(f.backends)].pool
}

// borrow takes the state of a request from those that are done.
func (l *lane) borrow(c *netloop.Conn) *request {
	var r *request
	if n := len(l.free); n > 0 {
		r = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		r = newRequest(l)
	}
	r.client = c
	r.peer = c.Peer().Addr()
	r.trusted = l.p.trusted(r.peer)
	return r
}

// giveBack ends a handler's use of r, also when the handler panicked. Then an uploader may be left
// behind: it ends by itself, and r is not used again.
func (l *lane) giveBack(r *request) {
	if r.up != nil {
		r.up.Abort()
	}
	in, out := r.client.TakeTraffic()
	l.in.Add(in)
	l.out.Add(out)
	r.main = nil
	if !r.uploading {
		r.client, r.up, r.route, r.forward = nil, nil, nil, nil
		l.free = append(l.free, r)
	}
	r.endExchange(faultPanic)
}
