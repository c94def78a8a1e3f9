package proxy

import (
	"fmt"

	"tain.dev/tain/http2"
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

	serving  *serving // of which forwards is about
	forwards map[*route.Route]*forward
	pools    map[string]*upstream.Pool // by the backend's key
	free     []*request
	names    map[netloop.Addr]string // of servers, for the access log
	closed   func(*netloop.Conn)
	http2    http2.Settings // of users' connections
	stream   func(*http2.Stream)
}

func newLane(p *Proxy, loop *netloop.Loop) *lane {
	l := &lane{p: p, id: loop.ID, loop: loop, pools: make(map[string]*upstream.Pool), names: make(map[netloop.Addr]string)}
	l.closed = func(c *netloop.Conn) {
		p.clients.Add(-1)
		c.Data.(*session).seat.leave()
	}
	l.stream = l.serve2
	l.http2 = http2.Settings{
		MaxStreams:   p.cfg.MaxStreams,
		StreamWindow: p.cfg.StreamWindow,
		ConnWindow:   p.cfg.ConnWindow,
		MaxFields:    p.cfg.MaxFields,
		MaxHead:      p.cfg.MaxHead,
		HeadTimeout:  p.cfg.HeadTimeout,
		IdleTimeout:  p.cfg.IdleTimeout,
		WriteTimeout: p.cfg.WriteTimeout,
		Refused:      func(reason string, err error) { l.note(reasonHTTP2, "", fmt.Errorf("%s: %w", reason, err)) },
	}
	return l
}

// lookup finds the route of a request, and where it leads.
func (l *lane) lookup(q *route.Request) (*route.Route, *forward) {
	if s := l.p.serving.Load(); s != l.serving {
		l.adopt(s)
	}
	r := l.serving.table.Lookup(q)
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

// adopt forgets what the former table led to, and closes the pools that s has no use for.
func (l *lane) adopt(s *serving) {
	l.serving = s
	l.forwards = make(map[*route.Route]*forward)
	for key, pool := range l.pools {
		if s.upstreams[key] != pool.Cluster() {
			pool.Close()
			delete(l.pools, key)
		}
	}
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
	r.peer, r.tls = c.Peer().Addr(), c.TLS()
	r.secure = r.tls != nil
	r.trusted = l.p.trusted(r.peer)
	s := c.Data.(*session)
	r.query.Port, r.query.SNI, r.query.Cert = s.portOf(c), "", nil
	if r.tls != nil {
		r.query.SNI, r.query.Cert = r.tls.ServerName, s.certificateOf(r.tls)
	}
	return r
}

// keptBody is the capacity, in bytes, up to which a request keeps the memory of a body for the next one:
// what stalled streams kept of their answers is freed with them.
const keptBody = 4 << 10

// giveBack ends a handler's use of r, also when the handler panicked. Then an uploader may be left
// behind: it ends by itself, and r is not used again.
func (l *lane) giveBack(r *request) {
	in, out := r.client.traffic()
	l.in.Add(in)
	l.out.Add(out)
	r.leaveBudget()
	r.main = nil
	if r.uploading {
		r.uploader.Cancel() // and it lets go of live
	} else {
		if r.up != nil {
			r.up.Abort(upstream.Ignored)
		}
		if cap(r.body) > keptBody {
			r.body = nil
		}
		r.h1.netConn, r.h2.stream, r.client, r.tls, r.up, r.route, r.forward, r.backend, r.pool = nil, nil, nil, nil, nil, nil, nil, nil, nil
		l.free = append(l.free, r)
	}
	r.endExchange(faultPanic)
}
