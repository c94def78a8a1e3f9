package upstream

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"

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
	sharing sharing
	state   atomic.Pointer[state]

	tooManyRequests, tooManyConns error // of the limits; made once, since they come by the thousand

	connClosed func(*netloop.Conn)                  // calls LeaveConn
	probe      func(context.Context, *Server) error // asks a server whether it is well
	secure     func(host, protocol string) (*tls.Config, error)
	secured    sync.Once

	life    sync.Mutex    // is held while it runs
	changed chan struct{} // there is another state; for the health checks

	mu     sync.Mutex // guards what follows, and the origins' places. No loop takes it.
	byAddr map[netloop.Addr]*Server
}

func newCluster(key, url string, o *route.Options, log *slog.Logger) *Cluster {
	c := &Cluster{
		key:     key,
		url:     url,
		address: route.SplitURL(url),
		options: o.WithDefaults(),
		changed: make(chan struct{}, 1),
	}
	c.log = log.With("upstream", c.Name())
	c.tooManyRequests = c.limitError(ErrBusy, "maxRequests", "requests run", c.options.MaxRequests)
	c.tooManyConns = c.limitError(errConns, "maxConns", "connections are open", c.options.MaxConns)
	c.connClosed = func(*netloop.Conn) { c.LeaveConn() }
	c.probe = c.ask
	c.origins = originsOf(c.address)
	c.state.Store(new(state))
	c.rebuild()
	return c
}

// Name is what the upstream is called in logs and metrics: its URL without the scheme, as a rule
// host:port.
func (c *Cluster) Name() string { return route.Target{URL: c.url}.Addr() }

// Host is the name that the upstream is asked for, without a port: the host of its URL, and the
// first of several. For SRV records it is their name without the labels of the service.
func (c *Cluster) Host() string { return c.origins[0].host }

// Scheme is http or https.
func (c *Cluster) Scheme() string {
	if c.address.TLS {
		return "https"
	}
	return "http"
}

// HTTP2 says whether a request goes by HTTP/2. user says whether it came so.
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
	load
	health
}

// TLS is the configuration of connections that are to speak protocol, h2 or http/1.1, as in ALPN. It
// is nil without an error where the upstream is in the clear.
func (s *Server) TLS(protocol string) (*tls.Config, error) {
	if !s.cluster.address.TLS {
		return nil, nil
	}
	return s.origin.tls(protocol)
}

// rebuild puts into force what the origins say.
func (c *Cluster) rebuild() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var places []place
	for _, o := range c.origins {
		places = append(places, o.places...)
	}
	places = merge(places)
	if c.state.Load().has(places) {
		return
	}
	known := c.byAddr
	c.byAddr = make(map[netloop.Addr]*Server, len(places))
	st := newState(places, func(p place) *Server {
		s := known[p.addr]
		if s == nil {
			s = &Server{Addr: p.addr, Token: c.token(p.addr), cluster: c, origin: p.origin}
		}
		c.byAddr[p.addr] = s
		return s
	}, c.options.Balance.Policy)
	c.state.Store(st)
	st.count()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// token is the same in every process, so that a session outlives a restart, and a move to another
// replica. It has the URL in it, so that users can't work out the address.
func (c *Cluster) token(a netloop.Addr) uint64 {
	return max(1, Hash([]byte(c.url+" "+a.String())))
}

// run keeps the servers and their health up to date until ctx ends. Health checks take a slot each
// while they run.
func (c *Cluster) run(ctx context.Context, l lookups, slots chan struct{}) {
	c.life.Lock() // a former run may be about to end
	defer c.life.Unlock()
	var all sync.WaitGroup
	defer all.Wait()
	for _, o := range c.origins {
		if o.name != "" {
			all.Go(func() { c.follow(ctx, o, l) })
		}
	}
	if c.options.Check != nil {
		all.Go(func() { c.check(ctx, slots) })
	}
	if c.address.TLS {
		all.Go(func() { c.keepTLS(ctx) })
	}
}
