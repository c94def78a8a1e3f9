package http2

import (
	"time"

	"tain.dev/tain/netloop"
)

// times are all the deadlines of a connection and its streams, which share one timer: a request
// sets several and hardly ever lets one pass, so that a store has to do. They are on the loop's
// clock; 0 is never.
type times struct {
	timer   netloop.Timer
	tickFn  func() // c.tick, bound once
	tickAt  int64  // when tick is called
	headBy  int64  // what is being received has to be complete
	idleBy  int64  // a stream has to be opened
	graceBy int64  // the PING of Shutdown has to be answered
	writeBy int64  // the peer has to have taken some output
	taken   uint64 // bytes that it had when writeBy was set
}

// after is the time that lies d from now, at which tick will look, or has looked before.
func (c *Conn) after(d time.Duration) int64 {
	at := c.loop.Now() + int64(d)
	if !c.over && (c.tickAt == 0 || at < c.tickAt) {
		c.tickAt = at
		c.loop.After(&c.timer, d, c.tickFn)
	}
	return at
}

// disarm lets go of the timer, which the loop keeps until it fires, and the connection with it.
func (c *Conn) disarm() {
	if c.tickAt != 0 {
		c.tickAt = 0
		c.loop.After(&c.timer, 0, func() {})
	}
}

// tick looks which deadlines have passed.
func (c *Conn) tick() {
	c.tickAt = 0
	if c.over {
		return
	}
	now := c.loop.Now()
	passed := func(at int64) bool { return at != 0 && at <= now }
	for s := c.first; s != nil; s = s.next {
		if passed(s.deadline) {
			s.deadline, s.timedOut = 0, true
			s.wake()
		}
		if passed(s.openBy) {
			s.checkStall()
		}
	}
	if passed(c.writeBy) {
		c.checkWriting()
	}
	switch {
	case passed(c.headBy):
		c.die(errSlowHead)
	case passed(c.graceBy):
		c.finalise()
	case passed(c.idleBy):
		c.idled()
	}
	c.rearm(now)
}

// rearm sets the timer to the next deadline.
func (c *Conn) rearm(now int64) {
	next := int64(0)
	sooner := func(at int64) {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	sooner(c.headBy)
	sooner(c.idleBy)
	sooner(c.graceBy)
	sooner(c.writeBy)
	for s := c.first; s != nil; s = s.next {
		sooner(s.deadline)
		sooner(s.openBy)
	}
	if next != 0 && !c.over {
		c.after(time.Duration(next - now))
	}
}

// checkWriting cuts a connection whose peer took nothing since it was last looked at.
func (c *Conn) checkWriting() {
	c.writeBy = 0
	waiting := uint64(c.net.Queued())
	if waiting == 0 {
		return
	}
	taken := c.queued - waiting
	if taken == c.taken {
		c.cut(errSlowRead)
		return
	}
	c.taken = taken
	c.writeBy = c.after(c.set.WriteTimeout)
}
