package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

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
	cfg      config.Proxy
	marker   string // header that mirrored requests bear
	via      string // how this process calls itself in Via
	resolver *upstream.Resolver
	offer    Offer
	log      *slog.Logger

	table    atomic.Pointer[route.Table]
	lanes    []*lane
	clients  atomic.Int64 // open connections of users
	draining atomic.Bool
	notes    chan note
}

// New makes a proxy that serves on the given loops. cfg was checked. Set a table before listening.
func New(cfg *config.Config, loops []*netloop.Loop, resolver *upstream.Resolver, offer Offer, log *slog.Logger) *Proxy {
	p := &Proxy{
		cfg:      cfg.Proxy,
		marker:   cfg.Mirror.Marker,
		resolver: resolver,
		offer:    offer,
		log:      log,
		notes:    make(chan note, 64),
	}
	if p.cfg.Via != "" {
		// Two instances in a row are no loop, so each has a name of its own.
		p.via = fmt.Sprintf("%s-%08x", p.cfg.Via, rand.Uint32())
	}
	for _, loop := range loops {
		p.lanes = append(p.lanes, newLane(p, loop))
	}
	return p
}

// SetTable makes t decide about every request from now on. It may be called from any goroutine.
func (p *Proxy) SetTable(t *route.Table) { p.table.Store(t) }

// Listen accepts users' connections from ln on every loop. It must be called before the loops run.
func (p *Proxy) Listen(ln *netloop.Listener) error {
	for _, l := range p.lanes {
		if err := l.loop.Accept(ln, l.open, l.serve, l.acceptFailed); err != nil {
			return err
		}
	}
	return nil
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
		l.loop.Submit(l.loop.Unlisten)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.clients.Load() > 0 {
		for _, l := range p.lanes {
			l.loop.Submit(l.loop.CloseIdle)
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
	if len(p.cfg.TrustedPeers) == 0 {
		return true
	}
	for _, prefix := range p.cfg.TrustedPeers {
		if prefix.Contains(peer) {
			return true
		}
	}
	return false
}
