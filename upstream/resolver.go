package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	refreshInterval = 30 * time.Second
	retryInterval   = time.Second // while a name has no address
	lookupTimeout   = 5 * time.Second
)

// Endpoint is one host and port with the addresses it has at the moment. It is safe for
// concurrent use.
type Endpoint struct {
	Name string // host:port
	host string
	port uint16

	addrs atomic.Pointer[[]netip.AddrPort]
	err   atomic.Pointer[error]
}

// Addrs is the list of addresses, empty while the name does not resolve. It must not be changed.
func (e *Endpoint) Addrs() []netip.AddrPort { return *e.addrs.Load() }

// Err says why Addrs is empty or old; nil when the last look-up succeeded.
func (e *Endpoint) Err() error {
	if err := e.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Resolver gives out one [Endpoint] for each host and port and keeps their addresses fresh. It is
// safe for concurrent use.
type Resolver struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	mu        sync.Mutex
	endpoints map[string]*Endpoint
	fresh     []*Endpoint // names that Run has not taken up

	added chan struct{} // there are fresh ones
}

// NewResolver returns a resolver that asks the system. Names resolve while Run runs, addresses
// always.
func NewResolver() *Resolver {
	return &Resolver{
		lookup:    net.DefaultResolver.LookupNetIP,
		endpoints: make(map[string]*Endpoint),
		added:     make(chan struct{}, 1),
	}
}

// Endpoint returns the endpoint of a URL "http://host[:port]". The URL must have been checked.
func (r *Resolver) Endpoint(rawURL string) (*Endpoint, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("upstream %q is not http://host:port", rawURL)
	}
	port := uint16(80)
	if p := u.Port(); p != "" {
		n, err := net.LookupPort("tcp", p)
		if err != nil {
			return nil, fmt.Errorf("upstream %q: port %q: %w", rawURL, p, err)
		}
		port = uint16(n)
	}
	return r.endpoint(u.Hostname(), port), nil
}

func (r *Resolver) endpoint(host string, port uint16) *Endpoint {
	name := net.JoinHostPort(host, fmt.Sprint(port))
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.endpoints[name]; e != nil {
		return e
	}
	e := &Endpoint{Name: name, host: host, port: port}
	e.addrs.Store(new([]netip.AddrPort))
	r.endpoints[name] = e
	if ip, err := netip.ParseAddr(host); err == nil {
		e.addrs.Store(&[]netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), port)})
		return e
	}
	r.fresh = append(r.fresh, e)
	select {
	case r.added <- struct{}{}:
	default:
	}
	return e
}

// Run looks every name up, at once and then every half minute, or every second while it has no
// address, until ctx ends. No name waits for another.
func (r *Resolver) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		for _, e := range r.takeFresh() {
			all.Go(func() { r.keep(ctx, e) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.added:
		}
	}
}

func (r *Resolver) takeFresh() []*Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := r.fresh
	r.fresh = nil
	return fresh
}

// keep looks one name up again and again.
func (r *Resolver) keep(ctx context.Context, e *Endpoint) {
	for {
		r.refresh(ctx, e)
		wait := refreshInterval
		if len(e.Addrs()) == 0 {
			wait = retryInterval
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// refresh keeps the old addresses when the look-up fails.
func (r *Resolver) refresh(ctx context.Context, e *Endpoint) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	ips, err := r.lookup(ctx, "ip", e.host)
	if err != nil {
		err = fmt.Errorf("resolving %s: %w", e.host, err)
		e.err.Store(&err)
		return
	}
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), e.port)
	}
	e.addrs.Store(&addrs)
	e.err.Store(nil)
}
