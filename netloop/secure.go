package netloop

import (
	"crypto/tls"
	"fmt"
	"io"
)

const (
	// maxAhead is how many encrypted bytes may wait for the socket before more is encrypted.
	maxAhead = 64 << 10
	// maxEncrypted is how many may wait in all. What is beyond maxAhead and one record is what
	// crypto/tls says by itself: alerts, and answers to key updates.
	maxEncrypted = 2 * maxAhead
)

// errUnread ends a connection whose peer makes crypto/tls answer and does not read the answers.
var errUnread = fmt.Errorf("the peer asks for new keys and does not read the answers, %d bytes of which wait", maxEncrypted-maxAhead)

// secured is what a TLS connection has besides. After the handshake all of crypto/tls runs on the
// loop, where it must never wait: it holds locks. So reading ends in errNothing rather than a wait,
// writing goes into the connection's queue, and the waiting is done outside, by Fill and Send.
type secured struct {
	conn  *Conn
	tls   *tls.Conn
	state *tls.ConnectionState
	wire  wire
	raw   []byte  // borrowed, or nil; where what is received goes before wire.in
	plain *outbox // queued, not encrypted

	full     bool  // the last read filled its room: crypto/tls may hold the rest of a record
	unread   bool  // more than maxEncrypted would have been queued
	farewell bool  // close_notify is to follow what is queued
	err      error // why nothing more can be read
}

func newSecured(c *Conn, conf *tls.Config, server bool) *secured {
	s := &secured{conn: c}
	s.wire.secured = s
	if server {
		s.tls = tls.Server(&s.wire, conf)
	} else {
		s.tls = tls.Client(&s.wire, conf)
	}
	return s
}

// TLS says what the handshake has agreed on; nil for a cleartext connection. It must not be changed.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	return c.tls.state
}

// take makes what the connection has buffered, before it is secured, input of crypto/tls.
func (s *secured) take() {
	p := s.conn.Buffered()
	s.wire.in = append(s.wire.in, p...)
	s.conn.Consume(len(p))
	s.conn.received -= uint64(len(p))
}

// pending says that something can be read without asking the socket.
func (s *secured) pending() bool {
	return s != nil && (s.full || s.wire.ready() || s.err != nil)
}

// receive decrypts one record, for which it asks the socket where it must. It returns 0 and no error
// when nothing came that is for the user of the connection.
func (s *secured) receive() (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if !s.pending() {
		if n, err := s.fetch(); n == 0 {
			return 0, err
		}
	}
	c := s.conn
	if err := c.makeRoom(); err != nil {
		return 0, err
	}
	room := c.buf[c.end:]
	n, err := s.tls.Read(room)
	s.full = n == len(room)
	c.end += n
	c.received += uint64(n)
	c.Consume(0) // an empty buffer is not kept for the wait
	if s.wire.in == nil && s.raw != nil {
		c.loop.giveBuffer(s.raw)
		s.raw = nil
	}
	if c.out != nil {
		c.flushLater() // crypto/tls has answered
	}
	return n, s.outcome(n, err)
}

// outcome looks at how a read of n bytes ended.
func (s *secured) outcome(n int, err error) error {
	switch {
	case s.unread:
		s.err = errUnread
		s.conn.fail(s.err)
	case err == errNothing:
		return nil
	case err != nil:
		s.err = err
		s.conn.broken = s.conn.broken || err != io.EOF
	}
	if n > 0 {
		return nil // the error comes next time
	}
	return s.err
}

// fetch receives encrypted bytes. An end is one in the middle: a proper one is told by crypto/tls,
// before the socket is asked.
func (s *secured) fetch() (int, error) {
	c := s.conn
	if s.raw == nil {
		s.raw = c.loop.takeBuffer()
	}
	held := copy(s.raw, s.wire.in) // a part of a record's header
	n, err := c.recv(s.raw[held:])
	s.wire.in = s.raw[:held+n]
	if held+n == 0 {
		c.loop.giveBuffer(s.raw)
		s.raw, s.wire.in = nil, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	s.err = err
	return n, err
}

// quiet takes in what came on an idle connection that has no handler, and reports whether it was
// only for crypto/tls: a session ticket, a key update.
func (s *secured) quiet() bool {
	if s == nil {
		return false
	}
	for s.conn.readable || s.pending() {
		if n, err := s.receive(); n > 0 || err != nil {
			return false
		}
	}
	return true
}

// encrypt moves what is queued to the bytes for the socket, as far as maxAhead lets it.
func (s *secured) encrypt() error {
	c := s.conn
	for s.plain != nil && c.out.len() < maxAhead {
		p := s.plain.first()
		if _, err := s.tls.Write(p); err != nil {
			return err
		}
		s.plain = c.loop.drop(s.plain, len(p))
	}
	if s.plain == nil && s.farewell {
		s.farewell = false
		return s.tls.CloseWrite()
	}
	return nil
}

// queue takes what crypto/tls writes.
func (s *secured) queue(p []byte) (int, error) {
	c := s.conn
	if c.out.len()+len(p) > maxEncrypted {
		s.unread = true
		return 0, errUnread
	}
	c.out = c.loop.push(c.out, p)
	return len(p), nil
}

// send sends p and q whole. It encrypts no more than maxAhead before it waits for the socket.
func (s *secured) send(p, q []byte) error {
	c := s.conn
	for {
		if err := c.sendQueued(); err != nil || len(p)+len(q) == 0 {
			return err
		}
		first := min(len(p), maxAhead)
		second := min(len(q), maxAhead-first)
		c.enqueue(p[:first])
		c.enqueue(q[:second])
		p, q = p[first:], q[second:]
	}
}
