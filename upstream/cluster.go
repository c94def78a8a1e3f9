package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// Cluster is one upstream: its servers, and what all loops together ask of them. A [Set] gives it
// out. All of it may be called from any goroutine, and nothing waits, allocates or takes a lock.
type Cluster struct {
	key     string
	url     string
	address route.Address
	options *route.Options // complete
	origins []*origin
	log     *slog.Logger
	breaker breaker
	state   atomic.Pointer[state]

	connClosed func(*netloop.Conn) // calls LeaveConn

	life    sync.Mutex    // held by run
	changed chan struct{} // there is another state; of checks

	mu      sync.Mutex // guards what follows, which no loop touches
	byAddr  map[netloop.Addr]*Server
	outside int // servers that are ejected
}

func newCluster(key, url string, o *route.Options, log *slog.Logger) *Cluster {
	c := &Cluster{
		key:     key,
		url:     url,
		address: route.SplitURL(url),
		options: o.WithDefaults(),
		changed: make(chan struct{}, 1),
		byAddr:  make(map[netloop.Addr]*Server),
	}
	c.log = log.With("upstream", c.Name())
	c.connClosed = func(*netloop.Conn) { c.LeaveConn() }
	c.origins = originsOf(c.address)
	c.state.Store(new(state))
	c.rebuild()
	return c
}

// Name is what the upstream is called in logs and metrics: its URL without the scheme, as a rule
// host:port.
func (c *Cluster) Name() string { return route.Target{URL: c.url}.Addr() }

// Host is the name that the upstream is asked for, without a port: the host of the URL, and the
// first one of several. The name of SRV records counts without what it says of the service.
func (c *Cluster) Host() string { return c.origins[0].host }

// Scheme is http or https.
func (c *Cluster) Scheme() string {
	if c.address.TLS {
		return "https"
	}
	return "http"
}

// HTTP2 says whether a request goes by HTTP/2; user says whether it came so.
func (c *Cluster) HTTP2(user bool) bool {
	if c.options.FollowVersion {
		return user
	}
	return c.address.HTTP2
}

// Options says how the upstream is talked to. It is complete, and not to be changed.
func (c *Cluster) Options() *route.Options { return c.options }

// Servers is the list of servers, empty while the upstream's name does not resolve. It must not be
// changed.
func (c *Cluster) Servers() []*Server { return c.state.Load().servers }

// ByToken returns the server with that token if it is there and well, else nil.
func (c *Cluster) ByToken(token uint64) *Server {
	st := c.state.Load()
	s := st.tokens[token]
	if s == nil || s.well() {
		return s
	}
	if _, all := st.choose(); all {
		return s
	}
	return nil
}

// Err says why there are no servers, or why they may be old: what went wrong with the last look-up.
// It is nil when that one succeeded.
func (c *Cluster) Err() error {
	for _, o := range c.origins {
		if err := o.err.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// Server is one address of an upstream. It stays the same one for as long as the upstream has the
// address.
type Server struct {
	Addr  netloop.Addr
	Token uint64 // stands for the server in a user's session, in every process; never 0

	cluster *Cluster
	origin  *origin
	health
	load
}

// Began counts a request that is about to be sent. Each needs an Ended.
func (s *Server) Began() { s.active.Add(1) }

// load is what a server does.
type load struct {
	active   atomic.Int64
	requests atomic.Uint64 // that ended
	failed   atomic.Uint64
	busy     atomic.Int64 // ns, of all requests together
}

// TLS is the configuration of connections that are to speak protocol, h2 or http/1.1, as in ALPN. It
// is nil without error where the upstream is in the clear.
func (s *Server) TLS(protocol string) (*tls.Config, error) {
	if !s.cluster.address.TLS {
		return nil, nil
	}
	return s.origin.tls(protocol)
}

// place is where a server is, as the origins say.
type place struct {
	addr     netloop.Addr
	origin   *origin
	priority uint16
	weight   uint32
}

// maxServers bounds the servers of an upstream.
const maxServers = 4096

// rebuild makes the state that the origins ask for, unless it is in force.
func (c *Cluster) rebuild() {
	c.mu.Lock()
	defer c.mu.Unlock()
	places := c.placesLocked()
	if c.state.Load().has(places) {
		return
	}
	st := c.newStateLocked(places)
	c.state.Store(st)
	for _, t := range st.tiers {
		t.count() // what changed while the other state was in force
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// placesLocked gathers the places of all origins by priority. An address that is there twice has the
// weight of both.
func (c *Cluster) placesLocked() []place {
	var places []place
	for _, o := range c.origins {
		places = append(places, o.places...)
	}
	slices.SortStableFunc(places, func(a, b place) int { return int(a.priority) - int(b.priority) })
	at := make(map[netloop.Addr]int)
	merged := places[:0]
	for _, p := range places {
		if i, twice := at[p.addr]; !twice {
			at[p.addr] = len(merged)
			merged = append(merged, p)
		} else if merged[i].priority == p.priority {
			merged[i].weight += p.weight
		}
	}
	return merged[:min(len(merged), maxServers)]
}

// has says whether st consists of these places, in any order: name servers rotate it.
func (st *state) has(places []place) bool {
	if len(places) != len(st.servers) {
		return false
	}
	found := make(map[netloop.Addr]place, len(places))
	for _, p := range places {
		found[p.addr] = p
	}
	for _, t := range st.tiers {
		for i, s := range t.servers {
			if p, ok := found[s.Addr]; !ok || p.priority != t.priority || p.weight != t.weights[i] {
				return false
			}
		}
	}
	return true
}

// newStateLocked makes a state of places, which are in the order of their priorities. Servers that are
// known keep their health.
func (c *Cluster) newStateLocked(places []place) *state {
	st := &state{tokens: make(map[uint64]*Server, len(places))}
	known := c.byAddr
	c.byAddr = make(map[netloop.Addr]*Server, len(places))
	var t *tier
	for _, p := range places {
		s := known[p.addr]
		if s == nil {
			s = &Server{Addr: p.addr, Token: c.token(p.addr), cluster: c, origin: p.origin}
		}
		c.byAddr[p.addr] = s
		if t == nil || t.priority != p.priority {
			t = &tier{priority: p.priority}
			st.tiers = append(st.tiers, t)
		}
		t.servers = append(t.servers, s)
		t.weights = append(t.weights, p.weight)
		st.servers = append(st.servers, s)
		st.tokens[s.Token] = s
	}
	for _, t := range st.tiers {
		c.arrange(t)
	}
	return st
}

// arrange prepares a tier to be picked from.
func (c *Cluster) arrange(t *tier) {
	t.slots = spread(t.weights)
	if c.options.Balance.Policy == route.Maglev {
		names := make([]string, len(t.servers))
		for i, s := range t.servers {
			names[i] = s.Addr.String()
		}
		t.table = maglev(names, t.weights)
	}
}

// token is the same in every process, so that a session outlives a restart and a move to another
// replica. The URL in it keeps users from reading the address in it.
func (c *Cluster) token(a netloop.Addr) uint64 {
	return max(1, Hash([]byte(c.url+" "+a.String())))
}

// recount counts anew who is well.
func (c *Cluster) recount() {
	for _, t := range c.state.Load().tiers {
		t.count()
	}
}

// run keeps the servers and their health up to date until ctx ends.
func (c *Cluster) run(ctx context.Context, l lookups, slots chan struct{}) {
	c.life.Lock() // a former run may still be ending
	defer c.life.Unlock()
	var all sync.WaitGroup
	defer all.Wait()
	for _, o := range c.origins {
		if o.name != "" {
			all.Go(func() { c.follow(ctx, o, l) })
		}
	}
}

// follow keeps the places of an origin up to date.
func (c *Cluster) follow(ctx context.Context, o *origin, l lookups) {
	for {
		wait := c.refresh(ctx, o, l)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// refresh looks an origin up, and returns when to do so again.
func (c *Cluster) refresh(ctx context.Context, o *origin, l lookups) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a, err := l.hosts(ctx, o.name)
	if err != nil {
		err = fmt.Errorf("resolving %s: %w", o.name, err)
		o.err.Store(&err)
		return time.Second
	}
	o.err.Store(nil)
	places := make([]place, len(a.addrs))
	for i, addr := range a.addrs {
		places[i] = o.place(addr)
	}
	c.mu.Lock()
	o.places = places
	c.mu.Unlock()
	c.rebuild()
	return a.ttl
}
