package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tain.dev/tain/accesslog"
	"tain.dev/tain/config"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// Offer is the one hook to whoever wants copies. It is called on the event loop of that number,
// as soon as the head of a request was read and its route found. It returns where to capture the
// exchange, held once for the proxy, or nil. It must not block, and none of its arguments may be
// kept.
type Offer func(lane int, r *route.Route, q *route.Request, a *traffic.Arrival) *traffic.Exchange

// Proxy serves live traffic on event loops.
type Proxy struct {
	cfg    config.Proxy
	marker string // header that mirrored requests bear
	via    string // how this process calls itself in Via
	set    *upstream.Set
	offer  Offer
	watch  Watch          // nil tells nobody
	access *accesslog.Log // nil keeps none
	log    *slog.Logger

	serving  atomic.Pointer[serving]
	lanes    []*lane
	clients  atomic.Int64 // open connections of users
	running  atomic.Int64 // requests, counted only where they are limited
	seats    *seats       // nil where connections per client are not limited
	draining atomic.Bool
	notes    chan note
}

// New makes a proxy that serves on the given loops. cfg was checked. access may be nil. Set a table
// before listening.
func New(cfg *config.Config, loops []*netloop.Loop, set *upstream.Set, offer Offer, access *accesslog.Log, log *slog.Logger) *Proxy {
	p := &Proxy{
		cfg:    cfg.Proxy,
		marker: cfg.Mirror.Marker,
		set:    set,
		offer:  offer,
		access: access,
		log:    log,
		notes:  make(chan note, 64),
	}
	if p.cfg.Via != "" {
		// Two instances in a row are no loop, so each has a name of its own.
		p.via = fmt.Sprintf("%s-%08x", p.cfg.Via, rand.Uint32())
	}
	if p.cfg.MaxConnsPerClient > 0 {
		p.seats = newSeats(p.cfg.MaxConnsPerClient)
	}
	for _, loop := range loops {
		p.lanes = append(p.lanes, newLane(p, loop))
	}
	return p
}

// serving is a table and the upstreams that it leads to, by their keys.
type serving struct {
	table     *route.Table
	upstreams map[string]*upstream.Cluster
}

// SetTable makes t, which was checked, decide about every request from now on. It may be called from
// any goroutine but a loop's, since it may read files.
func (p *Proxy) SetTable(t *route.Table) {
	next := &serving{table: t, upstreams: make(map[string]*upstream.Cluster)}
	for _, r := range t.Routes() {
		for _, b := range r.Backends {
			cluster, err := p.set.Cluster(b.URL, b.Options)
			if err != nil {
				panic("BUG: a checked table has a bad backend: " + err.Error())
			}
			next.upstreams[b.Key()] = cluster
		}
	}
	p.serving.Store(next)
}

// Listen accepts users' connections from ln on every loop, as soon as it runs. entry says how a new
// connection begins; it is called on the loops, and must not block. Listen may be called from any
// goroutine.
func (p *Proxy) Listen(ln *netloop.Listener, entry func() *Entry) {
	for _, l := range p.lanes {
		open := func(c *netloop.Conn) bool { return l.open(c, entry()) }
		l.loop.Submit(func() {
			if err := l.loop.Accept(ln, open, l.serve, l.acceptFailed); err != nil {
				l.acceptFailed(err)
			}
		})
	}
}

// Unlisten takes no more connections from ln, and returns when every loop has let go of it, so that it
// can be closed. The loops must run. Connections that were accepted go on.
func (p *Proxy) Unlisten(ln *netloop.Listener) {
	var all sync.WaitGroup
	for _, l := range p.lanes {
		all.Add(1)
		l.loop.Submit(func() {
			l.loop.Unlisten(ln)
			all.Done()
		})
	}
	all.Wait()
}

// Run logs what the loops have to say, until ctx ends.
func (p *Proxy) Run(ctx context.Context) error {
	p.logNotes(ctx)
	return nil
}

// Drain stops accepting, closes idle connections, and waits until the running requests have ended
// or ctx has. It returns how many connections were left.
func (p *Proxy) Drain(ctx context.Context) int64 {
	p.draining.Store(true)
	for _, l := range p.lanes {
		l.loop.Submit(func() { l.loop.Unlisten(nil) })
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.clients.Load() > 0 {
		for _, l := range p.lanes {
			l.loop.Submit(l.loop.Retire)
		}
		select {
		case <-ctx.Done():
			return p.clients.Load()
		case <-tick.C:
		}
	}
	return 0
}

// trusted says whether what a peer says of earlier hops counts: always, unless the trusted peers
// are listed.
func (p *Proxy) trusted(peer netip.Addr) bool {
	return len(p.cfg.TrustedPeers) == 0 || p.lists(peer)
}

// lists says whether an address is one of the trusted peers.
func (p *Proxy) lists(peer netip.Addr) bool {
	for _, prefix := range p.cfg.TrustedPeers {
		if prefix.Contains(peer) {
			return true
		}
	}
	return false
}
