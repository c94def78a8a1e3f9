package http2

import "slices"

const (
	// maxQueued is how many bytes of output may wait for the socket before streams wait too.
	maxQueued = 64 << 10
	// maxUnread is how many may wait before the connection of a peer is closed that makes this side
	// answer (to PING, SETTINGS, errors) and does not read the answers.
	maxUnread = 2*maxQueued + 128<<10
)

// turns is how the streams of a connection share its window and its queue. A stream sends as it
// likes while nobody waits. Else it waits behind the others for a share of what the queue takes, and
// when it has used it up, again behind them.
type turns struct {
	senders  []*Stream // who waits to send data, the first first
	gated    []*Stream // who waits to send a head, which needs no window
	granted  int       // streams that have a share and have not used it up
	watching bool      // drained will be called in the next turn
	openedAt int64     // when the peer last widened the connection's window, on the loop's clock

	drainedFn func() // Conn.drained, bound once
}

// full says whether so much output waits that streams should, too. They go on when it has gone.
func (c *Conn) full() bool {
	if c.net.Queued() < maxQueued {
		return false
	}
	c.watch()
	return true
}

// watch makes drained be called in the next turn. OnDrain alone does not suffice: it is silent when
// everything queued in a turn went out at its end.
func (c *Conn) watch() {
	if !c.watching {
		c.watching = true
		c.loop.Submit(c.drainedFn)
	}
}

// drained goes on with what waited for the queue: heads first, since they are short.
func (c *Conn) drained() {
	c.watching = false
	if c.net.Queued() >= maxQueued {
		return // OnDrain will tell
	}
	c.openGate()
	c.grant()
}

// openGate resumes who waits to send a head, or for the peer's SETTINGS.
func (c *Conn) openGate() {
	for _, s := range c.gated {
		s.waiting = false
		s.wakeWriter()
	}
	clear(c.gated)
	c.gated = c.gated[:0]
}

// grant gives shares of the queue to those who wait first, to as many as there is queue and window
// for.
func (c *Conn) grant() {
	if len(c.senders) == 0 || c.credit <= 0 || c.full() {
		return
	}
	if c.granted > 0 {
		c.watch() // until those have had their turns
		return
	}
	room := int(min(int64(maxQueued-c.net.Queued()), c.credit))
	n := min((room+maxFrame-1)/maxFrame, len(c.senders))
	for _, s := range c.senders[:n] {
		s.waiting, s.share = false, max(room/n, 1)
		s.wakeWriter()
	}
	c.granted = n
	c.senders = slices.Delete(c.senders, 0, n)
	c.watch()
}

// mayGo says whether s, which has window of its own, may send a frame of data now.
func (s *Stream) mayGo() bool {
	c := s.conn
	if s.share > 0 {
		return c.credit > 0
	}
	return c.credit > 0 && c.granted == 0 && len(c.senders) == 0 && !c.full()
}

// use counts n bytes against the share of s.
func (s *Stream) use(n int) {
	if s.share > n {
		s.share -= n
	} else {
		s.yield()
	}
}

// yield gives up what is left of the share of s.
func (s *Stream) yield() {
	if s.share > 0 {
		s.share = 0
		s.conn.granted--
	}
}

// awaitTurn waits for a share, behind those that wait already.
func (s *Stream) awaitTurn() error {
	s.yield()
	s.conn.watch()
	return s.queueUp(&s.conn.senders)
}

// queueUp waits in a list until it is taken out, or the wait for a window has taken too long.
func (s *Stream) queueUp(list *[]*Stream) (err error) {
	s.waiting = true
	*list = append(*list, s)
	for err == nil && s.waiting && !s.stalled {
		err = s.wait(&s.writer)
	}
	if s.waiting {
		s.waiting = false
		i := slices.Index(*list, s)
		*list = slices.Delete(*list, i, i+1)
	}
	return err
}

// stall begins a wait for a window, which the peer may keep closed for WriteTimeout. It has nothing to
// do with the stream's deadline, which may be about the other direction.
func (s *Stream) stall() {
	if s.openBy == 0 {
		s.openBy = s.conn.after(s.conn.set.WriteTimeout)
	}
}

func (s *Stream) unstall() { s.openBy, s.stalled = 0, false }

// checkStall is called when a wait for a window has taken WriteTimeout. One for the connection's may
// take longer, as long as that moves and the others get their turns.
func (s *Stream) checkStall() {
	c := s.conn
	s.openBy = 0
	if s.waiting && (c.credit > 0 || c.loop.Now()-c.openedAt < int64(c.set.WriteTimeout)) {
		s.stall()
		return
	}
	s.stalled = true
	s.wake()
}
