package proxy

import (
	"math/rand/v2"
	"strings"

	"tain.dev/tain/http2"
	"tain.dev/tain/route"
	"tain.dev/tain/upstream"
)

// forward is where the requests of one route go.
type forward struct {
	backends []backend
	total    uint32        // sum of the weights
	balance  route.Balance // of the first backend that balances by a hash
	host     string        // the Host of a request that has none (HTTP/1.0)
}

type backend struct {
	pool    *upstream.Pool
	weight  uint32
	filters *route.Filters
}

func (l *lane) compile(r *route.Route) *forward {
	f := &forward{}
	for _, b := range r.Backends {
		if f.host == "" {
			f.host = hostOf(b)
		}
		if b.Weight == 0 {
			continue
		}
		pool := l.pools[b.Key()]
		if pool == nil {
			pool = upstream.NewPool(l.loop, l.serving.upstreams[b.Key()], upstream.PoolConfig{
				MaxIdle: l.p.cfg.IdlePerBackend,
				MaxHead: l.p.cfg.MaxHead,
				HTTP2:   http2.Settings{MaxHead: l.p.cfg.MaxHead},
			})
			l.pools[b.Key()] = pool
		}
		f.backends = append(f.backends, backend{pool, b.Weight, b.Filters})
		f.total += b.Weight
		if f.balance.Policy != route.Maglev && b.Options != nil {
			f.balance = b.Options.Balance
		}
	}
	return f
}

// hostOf is the Host that means a backend: as in its URL, of the first of several, and without a port
// that the scheme implies.
func hostOf(b route.Backend) string {
	u := route.SplitURL(b.URL)
	switch {
	case u.Path != "": // a Unix socket
		return "localhost"
	case u.TLS && u.Port == 443, !u.TLS && u.Port == 80:
		return u.Host
	case u.SRV:
		for strings.HasPrefix(u.Host, "_") { // the labels of the service
			_, u.Host, _ = strings.Cut(u.Host, ".")
		}
		return u.Host
	}
	return u.Hosts[0].String()
}

// choose picks the backend of a request's first attempt: the one that its session is bound to, else
// one by weight.
func (f *forward) choose(token uint64) int {
	if i := f.bound(token); i >= 0 {
		return i
	}
	return f.draw()
}

// next is the backend of the attempt that follows one at i: the next one that is not known to be out
// of reach, see request.unreached.
func (f *forward) next(i int, unreached uint64) int {
	for range f.backends {
		if i++; i >= len(f.backends) {
			i = 0
		}
		if unreached>>i&1 == 0 {
			break
		}
	}
	return i
}

// bound finds the backend that has the server of a session, or returns -1.
func (f *forward) bound(token uint64) int {
	if token != 0 && len(f.backends) > 1 {
		for i := range f.backends {
			if f.backends[i].pool.Cluster().ByToken(token) != nil {
				return i
			}
		}
	}
	return -1
}

func (f *forward) draw() int {
	if len(f.backends) == 1 {
		return 0
	}
	i, draw := 0, rand.Uint32N(f.total)
	for draw >= f.backends[i].weight {
		draw -= f.backends[i].weight
		i++
	}
	return i
}
