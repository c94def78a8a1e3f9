package proxy

import (
	"errors"
	"net/http"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
)

// serve handles the requests of a connection, one after the other, for as long as bytes are there.
// It runs in a coroutine.
func (l *lane) serve(c *netloop.Conn) {
	r := l.borrow(c)
	defer l.giveBack(r)
	for {
		if !r.readHead() || !r.handle() {
			return
		}
		if c.Consume(http1.SkipEmpty(c.Buffered())); len(c.Buffered()) > 0 {
			continue // pipelined
		}
		if l.p.draining.Load() {
			c.Close()
			return
		}
		c.SetDeadline(l.p.cfg.IdleTimeout)
		c.Idle()
		return
	}
}

// readHead waits for the head of a request and parses it. It returns false when there is none, and
// the connection was closed.
func (r *request) readHead() bool {
	c := r.client
	r.isHead = false
	scanned, waited := 0, false
	for {
		if n := http1.SkipEmpty(c.Buffered()); n > 0 {
			c.Consume(n)
			scanned = 0
		}
		n := http1.HeadEnd(c.Buffered(), &scanned)
		if limit := r.lane.p.cfg.MaxHead; n > limit || n == 0 && len(c.Buffered()) >= limit {
			r.refuse(errLargeHead)
			return false
		}
		if n > 0 {
			r.at = r.lane.loop.Now()
			if err := r.in.Parse(c.Buffered()[:n]); err != nil {
				r.refuse(err)
				return false
			}
			return true
		}
		if len(c.Buffered()) > 0 {
			if err := r.in.Early(c.Buffered()); err != nil {
				r.refuse(err)
				return false
			}
			if !waited {
				c.SetDeadline(r.lane.p.cfg.HeadTimeout)
				waited = true
			}
		}
		if err := c.Fill(); err != nil {
			r.headFailed(err)
			return false
		}
	}
}

// headFailed ends a connection on which no whole head arrived.
func (r *request) headFailed(err error) {
	if len(r.client.Buffered()) == 0 {
		r.client.Close() // between two requests: nobody is waiting
		return
	}
	switch {
	case errors.Is(err, netloop.ErrTimeout):
		r.refuse(errSlowHead)
	case errors.Is(err, netloop.ErrFull):
		r.refuse(errLargeHead)
	default:
		r.client.Close()
	}
}

var (
	errSlowHead  = &http1.Error{Status: http.StatusRequestTimeout, Code: "slow_head", Reason: "the head of the request took too long"}
	errLargeHead = &http1.Error{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "large_head", Reason: "the head of the request is too large"}
	errSlowBody  = &http1.Error{Status: http.StatusRequestTimeout, Code: "slow_body", Reason: "the body of the request took too long"}
	errLargeBody = &http1.Error{Status: http.StatusRequestEntityTooLarge, Code: "large_body", Reason: "the body of the request is too large"}
	errConnect   = &http1.Error{Status: http.StatusNotImplemented, Code: "connect", Reason: "CONNECT is not offered here"}
	errLoop      = &http1.Error{Status: http.StatusLoopDetected, Code: "loop", Reason: "the request has been here before"}
	errNoRoute   = &http1.Error{Status: http.StatusNotFound, Code: "no_route", Reason: "no route matches the request"}
)

// refuse answers a request that goes nowhere, and closes the connection.
func (r *request) refuse(err error) {
	var e *http1.Error
	if !errors.As(err, &e) {
		panic("BUG: a refusal without a status: " + err.Error())
	}
	why := reasonRefused
	switch e {
	case errLoop:
		why = reasonLoop
	case errNoRoute:
		why = reasonNoRoute
	}
	r.lane.note(why, r.routeName(), e)
	r.fail(e.Status, e.Reason)
}

// fail gives the user an answer of tain's own and closes the connection.
func (r *request) fail(status int, text string) {
	c := r.client
	r.lane.classes[status/100].Add(1)
	r.lane.own[status-400].Add(1)
	c.SetDeadline(lingerTimeout)
	if err := c.Send(appendError(r.answer[:0], status, text, r.isHead)); err != nil {
		c.Close()
		return
	}
	r.linger()
}

// How long, and for how many bytes, a connection that was answered before its request ended goes
// on being read. Closing it at once would reset it, and the user might lose the answer.
const (
	lingerTimeout = 2 * time.Second
	lingerBytes   = 1 << 20
)

func (r *request) linger() {
	c := r.client
	c.CloseWrite()
	c.SetDeadline(lingerTimeout)
	for read := 0; read < lingerBytes; {
		n := len(c.Buffered())
		c.Consume(n)
		read += n
		if c.Fill() != nil {
			break
		}
	}
	c.Close()
}
