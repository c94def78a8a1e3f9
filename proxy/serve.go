package proxy

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
)

// serve1 handles the requests of an HTTP/1.1 connection, one after the other, for as long as bytes are
// there. It runs in a coroutine.
func (l *lane) serve1(c *netloop.Conn) {
	r := l.borrow(c)
	r.h1.netConn, r.client = c, &r.h1
	defer l.giveBack(r)
	l.loop.Guard(c)
	for {
		goesOn := r.h1.readHead() && r.handle()
		r.writeLog()
		if !goesOn {
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
func (h *h1Client) readHead() bool {
	r, c := h.r, h.netConn
	r.begin()
	h.minor = 1
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
				h.refuse(err)
				return false
			}
			return true
		}
		if len(c.Buffered()) > 0 {
			if err := r.in.Early(c.Buffered()); err != nil {
				h.refuse(err)
				return false
			}
			if !waited {
				c.SetDeadline(r.lane.p.cfg.HeadTimeout)
				waited = true
			}
		}
		if err := c.Fill(); err != nil {
			h.headFailed(err)
			return false
		}
	}
}

// refuse answers what is wrong with a head, unless the other side does not seem to speak HTTP/1 at
// all: an answer would mean nothing to it, or something else.
func (h *h1Client) refuse(err error) {
	if speaksHTTP1(h.netConn.Buffered()) {
		h.r.refuse(err)
		return
	}
	h.r.at = cmp.Or(h.r.at, h.r.lane.loop.Now())
	h.r.noteFault(reasonRefused, err)
	h.netConn.Close()
}

// speaksHTTP1 says whether the first line ends in HTTP/1 and a digit.
func speaksHTTP1(b []byte) bool {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	const version = " HTTP/1."
	at := len(line) - len(version) - 1
	return at > 0 && string(line[at:at+len(version)]) == version
}

// headFailed ends a connection on which no whole head arrived.
func (h *h1Client) headFailed(err error) {
	if len(h.netConn.Buffered()) == 0 {
		h.netConn.Close() // between two requests: nobody is waiting
		return
	}
	switch {
	case errors.Is(err, netloop.ErrTimeout):
		h.r.refuse(errSlowHead)
	case errors.Is(err, netloop.ErrFull):
		h.r.refuse(errLargeHead)
	default:
		h.netConn.Close()
	}
}

var (
	errSlowHead   = &http1.Error{Status: http.StatusRequestTimeout, Code: "slow_head", Reason: "the head of the request took too long"}
	errLargeHead  = &http1.Error{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "large_head", Reason: "the head of the request is too large"}
	errLongURI    = &http1.Error{Status: http.StatusRequestURITooLong, Code: "long_uri", Reason: "the path and query of the request are too long"}
	errManyFields = &http1.Error{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "many_fields", Reason: "the request has too many header fields"}
	errOverload   = &http1.Error{Status: http.StatusServiceUnavailable, Code: "overload", Reason: "as many requests run as may"}
	errSlowBody   = &http1.Error{Status: http.StatusRequestTimeout, Code: "slow_body", Reason: "the body of the request took too long"}
	errLargeBody  = &http1.Error{Status: http.StatusRequestEntityTooLarge, Code: "large_body", Reason: "the body of the request is too large"}
	errConnect    = &http1.Error{Status: http.StatusNotImplemented, Code: "connect", Reason: "CONNECT is not offered here"}
	errLoop       = &http1.Error{Status: http.StatusLoopDetected, Code: "loop", Reason: "the request has been here before"}
	errNoRoute    = &http1.Error{Status: http.StatusNotFound, Code: "no_route", Reason: "no route matches the request"}
)

// refuse answers a request that goes nowhere, and closes the connection.
func (r *request) refuse(err error) {
	var e *http1.Error
	if !errors.As(err, &e) {
		panic("BUG: a refusal without a status: " + err.Error())
	}
	r.at = cmp.Or(r.at, r.lane.loop.Now()) // of a head that did not come to its end
	why := reasonRefused
	switch e {
	case errLoop:
		why = reasonLoop
	case errNoRoute:
		why = reasonNoRoute
	case errOverload:
		why = reasonOverload
	}
	r.noteFault(why, e)
	r.fail(e.Status, e.Reason)
}

// fail gives the user an answer of tain's own that tells of a failure.
func (r *request) fail(status int, text string) {
	r.lane.classes[status/100].Add(1)
	r.lane.own[status-400].Add(1)
	if r.grpc {
		r.fields = appendGRPCStatus(r.fields[:0], status, text)
		r.noteGRPC(r.fields)
		r.give(http.StatusOK, r.fields, nil, true)
		return
	}
	r.fields = append(r.fields[:0], "Content-Type: text/plain; charset=utf-8\r\n"...)
	r.body = append(append(append(r.body[:0], "tain: "...), text...), '\n')
	r.give(status, r.fields, r.body, true)
}
