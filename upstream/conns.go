package upstream

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
)

// conns are the connections of one loop to one server.
type conns struct {
	pool   *Pool
	server *Server
	closed bool // what is idle is closed: the pool was, or the server has gone
	idle   []*h1
	shared []*http2.Conn // whose server has said how many streams it takes

	// One more to share is being made, for all who need one: they wait for it.
	making   bool
	fresh    *http2.Conn   // it, with its first stream, once its server is reached
	patience netloop.Timer // with a server that does not say how many streams it takes
	failed   int           // how many could not be made
	err      error         // why the last of them could not
	misfit   misfit
	waiting  []*netloop.Task
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
		k.server.unreached(err, time.Duration(k.pool.loop.Now()-at))
	}
	return c, reused, err
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
	most := k.pool.cfg.MaxIdle
	if len(k.idle) >= most {
		k.idle = slices.DeleteFunc(k.idle, func(h *h1) bool { return h.conn.Closed() })
	}
	if k.closed || h.conn.Closed() || len(h.conn.Buffered()) > 0 || len(k.idle) >= most {
		h.conn.Close()
		return
	}
	h.conn.SetDeadline(idleTimeout)
	k.idle = append(k.idle, h)
	h.conn.Idle()
	k.pool.rested()
}

// takeStream lends a stream of a shared connection, of which it makes one more when the others have
// no room.
func (k *conns) takeStream(a *Ask, at int64) (c Carrier, reused bool, err error) {
	for {
		for _, conn := range k.shared {
			if s := conn.Open(); s != nil {
				return k.pool.borrow(k, s, at), true, nil
			}
		}
		if !k.making {
			s, err := k.share(a)
			if err != nil {
				return nil, false, err
			}
			return k.pool.borrow(k, s, at), false, nil
		}
		if err := k.wait(); err != nil {
			return nil, false, err
		}
	}
}

// share makes a connection for many requests, and opens its first stream. The others have to wait a
// round trip longer, until the server has said how many streams it takes: it may refuse the rest.
func (k *conns) share(a *Ask) (*http2.Stream, error) {
	k.making = true
	k.shared = slices.DeleteFunc(k.shared, func(c *http2.Conn) bool { return !c.Usable() })
	nc, err := k.dial(a, "h2")
	if err == nil && nc.TLS() != nil && nc.TLS().NegotiatedProtocol != "h2" {
		nc.Close()
		err = &HandshakeError{k.server.Addr, errNoH2}
	}
	if err != nil {
		k.unmade(err)
		return nil, err
	}
	conn := http2.NewClient(nc, &k.pool.cfg.HTTP2)
	conn.OnChange = k.changed
	k.fresh = conn
	k.pool.loop.After(&k.patience, k.timeout(a), func() { k.changed(conn) })
	return conn.Open(), nil
}

var errNoH2 = errors.New(`the server does not speak HTTP/2 (ALPN "h2"); use https:// for HTTP/1.1`)

// changed is told that a connection may have room for another stream, or has become unusable. For a
// fresh one it means, as a rule, that the server's SETTINGS have come.
func (k *conns) changed(c *http2.Conn) {
	if c == k.fresh {
		k.fresh, k.making = nil, false
		k.shared = append(k.shared, c)
		k.pool.rested() // its first stream may have ended by now
		if err := k.otherThanHTTP2(c.Net().Buffered()); err != nil {
			k.misfit = misfit{c, err}
			k.unmade(err)
			return
		}
	}
	k.wakeAll()
}

// unmade ends the making of a connection that failed. Who waits for it fails with it, rather than
// that each tries in turn, but not where the one who tried has only given up.
func (k *conns) unmade(err error) {
	k.making = false
	if !givenUp(err) {
		k.failed++
		k.err = err
	}
	k.wakeAll()
}

// wait parks the running coroutine until a connection to share was made, or has room again. It
// returns why none could be made.
func (k *conns) wait() error {
	t := k.pool.loop.Current()
	if err := t.Interrupted(); err != nil {
		return err
	}
	failed := k.failed
	k.waiting = append(k.waiting, t)
	t.Wait()
	if i := slices.Index(k.waiting, t); i >= 0 { // it was woken by another
		k.waiting = slices.Delete(k.waiting, i, i+1)
	}
	if err := t.Interrupted(); err != nil {
		return err
	}
	if k.failed != failed {
		return k.err
	}
	return nil
}

func (k *conns) wakeAll() {
	for _, t := range k.waiting {
		t.Wake()
	}
	clear(k.waiting)
	k.waiting = k.waiting[:0]
}

func (k *conns) timeout(a *Ask) time.Duration {
	return cmp.Or(k.pool.cluster.Options().ConnectTimeout, a.Timeout)
}

// dial makes a connection, secured if the upstream is, that is to speak the given protocol.
func (k *conns) dial(a *Ask, protocol string) (*netloop.Conn, error) {
	cluster := k.pool.cluster
	if err := k.pool.admitConn(); err != nil {
		return nil, err
	}
	c, err := k.pool.loop.Dial(k.server.Addr, k.timeout(a))
	if err != nil {
		cluster.LeaveConn()
		if dial, ok := errors.AsType[*netloop.DialError](err); ok {
			err = &netloop.DialError{Addr: dial.Addr, Err: k.unconnected(dial.Err, a)}
		}
		return nil, err
	}
	c.OnClose = cluster.connClosed
	if header := proxyHeaders[cluster.Options().ProxyProtocol]; header != "" {
		c.Queue([]byte(header)) // names no user, since many share the connection
	}
	if conf, err := k.server.TLS(protocol); err != nil || conf != nil {
		if err == nil {
			err = c.Secure(conf, false, k.timeout(a))
		}
		if err != nil {
			c.Close()
			return nil, &HandshakeError{k.server.Addr, k.unconnected(err, a)}
		}
	}
	return c, nil
}

// giveWay closes a connection that is idle, the one that was idle the longest, and says whether there
// was one.
func (k *conns) giveWay() bool {
	for len(k.idle) > 0 {
		h := k.idle[0]
		k.idle = slices.Delete(k.idle, 0, 1)
		if !h.conn.Closed() {
			h.conn.Close()
			return true
		}
	}
	for _, c := range k.shared {
		if c.Streams() == 0 && c.Usable() {
			c.Shutdown()
			c.Close()
			return true
		}
	}
	return false
}

// left is told that a stream of c was given back.
func (k *conns) left(c *http2.Conn) {
	if c.Streams() > 0 {
		return
	}
	if k.closed {
		c.Shutdown()
	}
	k.pool.rested()
}

// close closes what is idle, now and whenever something becomes so.
func (k *conns) close() {
	k.closed = true
	for _, h := range k.idle {
		h.conn.Close()
	}
	k.idle = nil
	for _, c := range k.shared {
		k.left(c)
	}
}
