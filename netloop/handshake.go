package netloop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// handshake runs a TLS handshake in a goroutine of its own, because signatures would hold up the
// loop. The socket stays with the loop, and the connection's coroutine carries bytes to and fro. The
// two take turns: from begin or resume until it reports, wire and out belong to the goroutine, and
// to the loop in between. So a coroutine that gives up must not touch them any more.
type handshake struct {
	conn   *Conn
	task   *Task // the connection's coroutine
	ctx    context.Context
	resume chan struct{} // says that more was received
	out    []byte        // to be sent
	slot   bool          // the goroutine has one of the slots

	// What it reported; belongs to the loop.
	reported, done bool
	err            error
}

// computing has a slot for each handshake that may compute at a time. One that waits for its peer
// has none.
var computing = sync.OnceValue(func() chan struct{} {
	return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
})

// errHandshakeEnd is an end where more of a handshake was to come.
var errHandshakeEnd = fmt.Errorf("the peer closed the connection during the handshake: %w", io.ErrUnexpectedEOF)

// Secure makes c a TLS connection, by a handshake as server or client that takes at most timeout; 0
// is no limit. What is buffered belongs to it. The running coroutine waits. A server does nothing
// before the first bytes of a client are there.
//
// The error is one of this package's, the system's or crypto/tls's; of a certificate that was not
// accepted it is a [*tls.CertificateVerificationError]. The connection is broken then, and has
// nothing left to do but to be closed.
//
// Many connections should share one conf, which must not change: its session tickets are for all of
// them. It should set DynamicRecordSizingDisabled, because what is sent together is one record, and
// must not allow renegotiation.
func (c *Conn) Secure(conf *tls.Config, server bool, timeout time.Duration) error {
	deadline := c.timer.at
	c.SetDeadline(timeout)
	s, err := c.shakeHands(conf, server)
	c.setDeadline(deadline)
	if errors.Is(err, io.EOF) {
		err = errHandshakeEnd
	}
	if err != nil {
		if c.flush(); c.failure == nil { // an alert may say why to the peer
			c.fail(err)
		}
		return err
	}
	c.tls = s
	return nil
}

// shakeHands runs the handshake.
func (c *Conn) shakeHands(conf *tls.Config, server bool) (*secured, error) {
	if server && len(c.Buffered()) == 0 {
		if err := c.Fill(); err != nil {
			return nil, err
		}
	}
	c.Local() // for callbacks of conf, which are not on the loop
	s := newSecured(c, conf, server)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := &handshake{conn: c, task: c.loop.current, ctx: ctx, resume: make(chan struct{}, 1)}
	s.wire.running = h
	s.take()
	go h.run(s.tls)
	if err := h.carry(s); err != nil {
		return nil, err
	}
	s.wire.running = nil
	state := s.tls.ConnectionState()
	s.state = &state
	return s, nil
}

// carry brings the goroutine what it wants and sends what it says, until it is done. It runs in the
// connection's coroutine.
func (h *handshake) carry(s *secured) error {
	c := h.conn
	for {
		for !h.reported {
			if err := c.Wait(); err != nil {
				return err
			}
		}
		h.reported = false
		c.out = c.loop.push(c.out, h.out)
		h.out = nil
		if c.flush(); c.failure != nil {
			return c.failure
		}
		if h.done {
			return h.err
		}
		if err := c.Fill(); err != nil {
			return err
		}
		s.take()
		h.resume <- struct{}{} // there is room: it waits
	}
}

// run is the goroutine.
func (h *handshake) run(conn *tls.Conn) {
	var err error
	defer func() {
		if p := recover(); p != nil {
			h.conn.loop.panicked(p, debug.Stack())
			err = fmt.Errorf("BUG: panic in the handshake: %v", p)
		}
		h.leave()
		h.report(true, err)
	}()
	if err = h.enter(); err == nil {
		err = conn.HandshakeContext(h.ctx)
	}
}

// more waits until the loop has received more. It runs in the goroutine.
func (h *handshake) more() error {
	h.leave()
	h.report(false, nil)
	select {
	case <-h.resume:
		return h.enter()
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
}

// report gives the wire to the loop, and wakes the coroutine.
func (h *handshake) report(done bool, err error) {
	h.conn.loop.Submit(func() {
		h.reported, h.done, h.err = true, done, err
		h.task.Wake()
	})
}

// enter waits for one of the slots.
func (h *handshake) enter() error {
	select {
	case computing() <- struct{}{}:
		h.slot = true
		return nil
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
}

func (h *handshake) leave() {
	if h.slot {
		h.slot = false
		<-computing()
	}
}
