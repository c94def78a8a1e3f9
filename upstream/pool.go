package upstream

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
)

// idleTimeout is how long a connection waits in a pool for its next request.
const idleTimeout = 60 * time.Second

// ErrUnresolved says that an upstream has no address.
var ErrUnresolved = errors.New("the name has no address")

// PoolConfig says how a loop keeps its connections to an upstream.
type PoolConfig struct {
	MaxIdle int            // HTTP/1.1 connections kept idle, per server
	MaxHead int            // of an answer, in bytes
	HTTP2   http2.Settings // of connections that speak it
}

// Pool keeps the connections of one loop to the servers of one upstream, and belongs to that loop.
type Pool struct {
	loop    *netloop.Loop
	cluster *Cluster
	cfg     PoolConfig
	picker  Picker
	servers map[*Server]*conns
	state   *state // of the cluster, when servers was last compared with it
	streams []*h2  // to be used again
	closed  bool
	spare   atomic.Bool // a connection has become idle since giveWay found none; other loops read it
}

// Ask says which server a request should get, and how.
type Ask struct {
	Hash    uint64        // where the upstream balances by a hash, see [Hash]
	Token   uint64        // of the server that a session is bound to; 0 is none
	Except  *Server       // that failed already, and is avoided; may be nil
	HTTP2   bool          // the version that the user spoke, for an upstream that follows it
	Timeout time.Duration // for connecting, per server, and for a handshake
}

// NewPool returns an empty pool.
func NewPool(l *netloop.Loop, c *Cluster, cfg PoolConfig) *Pool {
	p := &Pool{loop: l, cluster: c, cfg: cfg, picker: NewPicker(), servers: make(map[*Server]*conns)}
	if c.options.MaxConns > 0 {
		c.sharing.add(p)
	}
	return p
}

// Name is the host:port that the pool connects to.
func (p *Pool) Name() string { return p.cluster.Name() }

// Cluster is the upstream whose connections these are.
func (p *Pool) Cluster() *Cluster { return p.cluster }

// Resolved says whether there is an address to connect to.
func (p *Pool) Resolved() bool { return len(p.cluster.Servers()) > 0 }

// Take lends a carrier for one request. Where a server can't be reached, it tries the others, each
// once, and returns the error of the last one: a [netloop.DialError] or a [HandshakeError]. Else
// [ErrUnresolved] or [ErrBusy] says why there is none. reused says that the connection had been used before,
// so that the server may just be closing it. It may wait, so it needs a coroutine.
func (p *Pool) Take(a *Ask) (c Carrier, reused bool, err error) {
	if !p.cluster.Admit() {
		return nil, false, p.cluster.tooManyRequests
	}
	p.forgetGone()
	c, reused, err = p.take(a)
	if err != nil {
		p.cluster.Leave()
	}
	return c, reused, err
}

func (p *Pool) take(a *Ask) (c Carrier, reused bool, err error) {
	var tried map[*Server]bool // none, as a rule
	for s := p.first(a); s != nil; s = p.next(a, s, tried) {
		c, reused, err = p.of(s).take(a)
		if err == nil || givenUp(err) {
			return c, reused, err
		}
		if tried == nil {
			tried = make(map[*Server]bool)
		}
		tried[s] = true
	}
	if err == nil {
		err = p.unresolved()
	}
	return nil, false, err
}

// givenUp says that nobody wants the connection any more, or that none may be made.
func givenUp(err error) bool {
	return errors.Is(err, netloop.ErrCanceled) || errors.Is(err, netloop.ErrGuard) || errors.Is(err, ErrBusy)
}

// first is the server that a request should get, or nil where there is none.
func (p *Pool) first(a *Ask) *Server {
	if a.Token != 0 {
		if s := p.cluster.ByToken(a.Token); s != nil && s != a.Except {
			return s
		}
	}
	return p.cluster.Pick(&p.picker, a.Hash, a.Except)
}

// next is a server that was not tried: the one that the policy leads to, or, where that leads to
// those again that were, any other, of the first priority that has one. It is nil where all were.
func (p *Pool) next(a *Ask, failed *Server, tried map[*Server]bool) *Server {
	if s := p.cluster.Pick(&p.picker, a.Hash, failed); s != nil && s != a.Except && !tried[s] {
		return s
	}
	var last *Server
	st := p.cluster.state.Load()
	_, all := st.choose()
	for _, s := range st.servers {
		switch {
		case tried[s] || !all && !s.well():
		case s != a.Except:
			return s
		default:
			last = s
		}
	}
	return last
}

func (p *Pool) unresolved() error {
	if err := p.cluster.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnresolved, err)
	}
	return fmt.Errorf("connecting to %s: %w", p.cluster.Name(), ErrUnresolved)
}

func (p *Pool) of(s *Server) *conns {
	k := p.servers[s]
	if k == nil {
		k = &conns{pool: p, server: s, closed: p.closed}
		p.servers[s] = k
	}
	return k
}

// forgetGone closes the connections to servers that the upstream no longer has.
func (p *Pool) forgetGone() {
	st := p.cluster.state.Load()
	if st == p.state {
		return
	}
	p.state = st
	for s, k := range p.servers {
		if st.tokens[s.Token] != s {
			k.close()
			delete(p.servers, s)
		}
	}
}

// ended ends a loan, and tells the server's health how it went and how long it took.
func (p *Pool) ended(s *Server, o Outcome, since int64) {
	s.Ended(o, time.Duration(p.loop.Now()-since))
	p.cluster.Leave()
}

// Close closes the connections that are idle, and the others when their requests have ended. The pool
// still lends carriers, for requests that have come so far with it, but keeps no connection.
func (p *Pool) Close() {
	p.closed = true
	p.cluster.sharing.remove(p)
	for _, k := range p.servers {
		k.close()
	}
}
