package upstream

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tain.dev/tain/netloop"
)

// idleTimeout is how long a connection waits in a pool for its next request.
const idleTimeout = 60 * time.Second

// ErrUnresolved says that an endpoint has no address.
var ErrUnresolved = errors.New("the name has no address")

// Pool keeps the idle connections of one loop to one endpoint, and belongs to that loop.
type Pool struct {
	loop     *netloop.Loop
	endpoint *Endpoint
	idle     []*netloop.Conn
	maxIdle  int
	first    int // which address to try first
}

// NewPool returns a pool that keeps at most maxIdle connections for later.
func NewPool(l *netloop.Loop, e *Endpoint, maxIdle int) *Pool {
	return &Pool{loop: l, endpoint: e, maxIdle: maxIdle}
}

// Name is the host:port that the pool connects to.
func (p *Pool) Name() string { return p.endpoint.Name }

// Resolved says whether there is an address to connect to.
func (p *Pool) Resolved() bool { return len(p.endpoint.Addrs()) > 0 }

// Reuse returns the connection that was put back last, or nil.
func (p *Pool) Reuse() *netloop.Conn {
	for n := len(p.idle); n > 0; n = len(p.idle) {
		c := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		if c.Use() {
			return c
		}
		c.Close()
	}
	return nil
}

// Dial makes a new connection, trying each address in turn, each for at most timeout. It waits,
// so it needs a coroutine.
func (p *Pool) Dial(timeout time.Duration) (*netloop.Conn, error) {
	addrs := p.endpoint.Addrs()
	if len(addrs) == 0 {
		if err := p.endpoint.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnresolved, err)
		}
		return nil, fmt.Errorf("connecting to %s: %w", p.endpoint.Name, ErrUnresolved)
	}
	var err error
	first := p.first // another coroutine may move it
	for i := range addrs {
		at := (first + i) % len(addrs)
		var c *netloop.Conn
		if c, err = p.loop.Dial(addrs[at], timeout); err == nil {
			p.first = at
			return c, nil
		}
		if errors.Is(err, netloop.ErrCanceled) || errors.Is(err, netloop.ErrGuard) {
			break // nobody wants it any more
		}
	}
	return nil, err
}

// Put keeps c for later, or closes it. Nothing may be unread on it.
func (p *Pool) Put(c *netloop.Conn) {
	if len(p.idle) >= p.maxIdle {
		p.idle = slices.DeleteFunc(p.idle, (*netloop.Conn).Closed)
	}
	if c.Closed() || len(c.Buffered()) > 0 || len(p.idle) >= p.maxIdle {
		c.Close()
		return
	}
	c.SetDeadline(idleTimeout)
	p.idle = append(p.idle, c)
	c.Idle()
}

// Close closes the idle connections.
func (p *Pool) Close() {
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}
