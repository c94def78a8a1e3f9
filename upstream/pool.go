package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
)

// idleTimeout is how long a connection waits in a pool for its next request.
const idleTimeout = 60 * time.Second

// What keeps a request from getting a connection, besides a [netloop.DialError].
var (
	// ErrUnresolved says that an upstream has no address.
	ErrUnresolved = errors.New("the name has no address")
	// ErrBusy says that a limit of the upstream is reached, maxRequests or maxConns.
	ErrBusy = errors.New("a limit of the upstream is reached")

	errRequests = fmt.Errorf("%w: maxRequests", ErrBusy)
	errConns    = fmt.Errorf("%w: maxConns", ErrBusy)
)

// HandshakeError is a connection that was made, but not secured.
type HandshakeError struct {
	Addr netloop.Addr
	Err  error
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("TLS handshake with %s: %v", e.Addr, e.Err)
}

func (e *HandshakeError) Unwrap() error { return e.Err }

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
	streams []*h2 // to be used again
	closed  bool
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
	return &Pool{loop: l, cluster: c, cfg: cfg, picker: NewPicker(), servers: make(map[*Server]*conns)}
}

// Name is the host:port that the pool connects to.
func (p *Pool) Name() string { return p.cluster.Name() }

// Cluster is the upstream whose connections these are.
func (p *Pool) Cluster() *Cluster { return p.cluster }

// Resolved says whether there is an address to connect to.
func (p *Pool) Resolved() bool { return len(p.cluster.Servers()) > 0 }

// Take lends a carrier for one request. It tries another server where the first can't be reached.
// reused says that the connection had been used before, so that the server may just be closing it.
// It may wait, so it needs a coroutine.
func (p *Pool) Take(a *Ask) (c Carrier, reused bool, err error) {
	if !p.cluster.Admit() {
		return nil, false, errRequests
	}
	c, reused, err = p.take(a)
	if err != nil {
		p.cluster.Leave()
	}
	return c, reused, err
}

func (p *Pool) take(a *Ask) (c Carrier, reused bool, err error) {
	except := a.Except
	for range max(len(p.cluster.Servers()), 1) {
		s := p.choose(a, except)
		if s == nil {
			return nil, false, p.unresolved()
		}
		c, reused, err = p.of(s).take(a)
		if err == nil || givenUp(err) {
			break
		}
		except = s
	}
	return c, reused, err
}

// givenUp says that nobody wants the connection any more, or that none may be made.
func givenUp(err error) bool {
	return errors.Is(err, netloop.ErrCanceled) || errors.Is(err, netloop.ErrGuard) || errors.Is(err, ErrBusy)
}

func (p *Pool) choose(a *Ask, except *Server) *Server {
	if a.Token != 0 {
		if s := p.cluster.ByToken(a.Token); s != nil && s != except {
			return s
		}
	}
	return p.cluster.Pick(&p.picker, a.Hash, except)
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
		p.forgetGone()
		k = &conns{pool: p, server: s}
		p.servers[s] = k
	}
	return k
}

// forgetGone closes the connections to servers that the upstream no longer has.
func (p *Pool) forgetGone() {
	for s, k := range p.servers {
		if !slices.Contains(p.cluster.Servers(), s) {
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

// Close closes the connections that are idle, and the others when their requests have ended.
func (p *Pool) Close() {
	p.closed = true
	for _, k := range p.servers {
		k.close()
	}
}

// conns are the connections of one loop to one server.
type conns struct {
	pool    *Pool
	server  *Server
	idle    []*h1
	shared  []*http2.Conn
	dialing bool // of one to share; others wait for it
	waiting []*netloop.Task
}

func (k *conns) take(a *Ask) (c Carrier, reused bool, err error) {
	k.server.Began()
	at := k.pool.loop.Now()
	if k.pool.cluster.HTTP2(a.HTTP2) {
		c, reused, err = k.takeStream(a, at)
	} else {
		c, reused, err = k.takeConn(a, at)
	}
	if err != nil {
		k.server.Ended(connectOutcome(err), time.Duration(k.pool.loop.Now()-at))
	}
	return c, reused, err
}

func connectOutcome(err error) Outcome {
	if givenUp(err) {
		return Ignored
	}
	return ConnectFailed
}

// takeConn lends the idle connection that was used last, or a new one.
func (k *conns) takeConn(a *Ask, at int64) (c Carrier, reused bool, err error) {
	for n := len(k.idle); n > 0; n = len(k.idle) {
		h := k.idle[n-1]
		k.idle[n-1] = nil
		k.idle = k.idle[:n-1]
		if h.conn.Use() {
			h.begin(at)
			return h, true, nil
		}
		h.conn.Close()
	}
	conn, err := k.dial(a, "http/1.1")
	if err != nil {
		return nil, false, err
	}
	conn.SetLimit(k.pool.cfg.MaxHead)
	h := &h1{conns: k, conn: conn}
	h.begin(at)
	return h, false, nil
}

// put keeps an idle connection for later, or closes it. Nothing may be unread on it.
func (k *conns) put(h *h1) {
	if len(k.idle) >= k.pool.cfg.MaxIdle {
		k.idle = slices.DeleteFunc(k.idle, func(h *h1) bool { return h.conn.Closed() })
	}
	if k.pool.closed || h.conn.Closed() || len(h.conn.Buffered()) > 0 || len(k.idle) >= k.pool.cfg.MaxIdle {
		h.conn.Close()
		return
	}
	h.conn.SetDeadline(idleTimeout)
	k.idle = append(k.idle, h)
	h.conn.Idle()
}

// takeStream lends a stream of a shared connection, of which it makes one more when the others have
// no room.
func (k *conns) takeStream(a *Ask, at int64) (c Carrier, reused bool, err error) {
	for reused = true; ; reused = false {
		for _, conn := range k.shared {
			if s := conn.Open(); s != nil {
				return k.pool.borrow(k, s, at), reused, nil
			}
		}
		if k.dialing {
			if err := k.wait(); err != nil {
				return nil, false, err
			}
			continue
		}
		k.dialing = true
		err := k.share(a)
		k.dialing = false
		k.wakeAll()
		if err != nil {
			return nil, false, err
		}
	}
}

// share makes a connection for many requests.
func (k *conns) share(a *Ask) error {
	k.dropShared()
	c, err := k.dial(a, "h2")
	if err != nil {
		return err
	}
	if state := c.TLS(); state != nil && state.NegotiatedProtocol != "h2" {
		c.Close()
		return &HandshakeError{k.server.Addr, errNoH2}
	}
	conn := http2.NewClient(c, &k.pool.cfg.HTTP2)
	conn.OnChange = func(*http2.Conn) { k.wakeAll() }
	k.shared = append(k.shared, conn)
	return nil
}

var errNoH2 = errors.New(`the server does not speak HTTP/2 (ALPN "h2"); use https:// for HTTP/1.1`)

func (k *conns) dropShared() {
	k.shared = slices.DeleteFunc(k.shared, func(c *http2.Conn) bool { return !c.Usable() })
}

// wait parks the running coroutine until a connection to share was made, or could not be.
func (k *conns) wait() error {
	t := k.pool.loop.Current()
	if err := t.Interrupted(); err != nil {
		return err
	}
	k.waiting = append(k.waiting, t)
	t.Wait()
	return t.Interrupted()
}

func (k *conns) wakeAll() {
	for _, t := range k.waiting {
		t.Wake()
	}
	clear(k.waiting)
	k.waiting = k.waiting[:0]
}

// dial makes a connection, secured if the upstream is, that is to speak the given protocol.
func (k *conns) dial(a *Ask, protocol string) (*netloop.Conn, error) {
	cluster := k.pool.cluster
	if !cluster.AdmitConn() {
		return nil, errConns
	}
	timeout := cmp.Or(cluster.Options().ConnectTimeout, a.Timeout)
	c, err := k.pool.loop.Dial(k.server.Addr, timeout)
	if err != nil {
		cluster.LeaveConn()
		return nil, err
	}
	c.OnClose = cluster.connClosed
	if conf, err := k.server.TLS(protocol); err != nil || conf != nil {
		if err == nil {
			err = c.Secure(conf, false, timeout)
		}
		if err != nil {
			c.Close()
			return nil, &HandshakeError{k.server.Addr, err}
		}
	}
	return c, nil
}

func (k *conns) close() {
	for _, h := range k.idle {
		h.conn.Close()
	}
	k.idle = nil
	for _, c := range k.shared {
		c.Shutdown()
	}
	k.shared = nil
}
