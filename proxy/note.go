package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tain.dev/tain/http2"
	"tain.dev/tain/stat"
)

// reason says why a user got an error that live did not give, or no answer. It is a metric label.
type reason uint8

const (
	reasonConnect           reason = iota // no connection to the backend
	reasonUnresolved                      // the backend's name has no address
	reasonTimeout                         // the backend did not answer in time
	reasonReset                           // the backend's connection broke
	reasonMalformed                       // the backend's answer is malformed
	reasonNoRoute                         // no route matches
	reasonLoop                            // the request has been here before
	reasonRefused                         // the request is malformed, too large or too slow
	reasonMaxConns                        // the limit of connections
	reasonMaxConnsPerClient               // the limit of connections of one address
	reasonOverload                        // the limit of requests
	reasonAccept                          // a connection could not be accepted
	reasonHandshake                       // no TLS came about
	reasonProxyHeader                     // the PROXY header is missing or wrong
	reasonBackendTLS                      // no TLS with the backend came about
	reasonBusy                            // a limit of the backend: maxRequests, maxConnections
	reasonUpgrade                         // the backend does not switch protocols
	reasonRetryBudget                     // a retry was not made
	reasonClient                          // the user went away
	// reasonHTTP2 says that the user broke the rules of HTTP/2, or a limit of it. It is the first of many,
	// one for each of http2.Reasons, of which note finds the right one.
	reasonHTTP2
)

// maxReasons is what reasonNames never exceeds, see TestReasons.
const maxReasons = 64

var reasonNames = append([]string{"connect", "unresolved", "timeout", "reset", "malformed", "no_route", "loop", "refused", "max_conns", "max_conns_per_client", "max_requests", "accept", "handshake", "proxy_header", "backend_tls", "busy", "no_upgrade", "retry_budget", "client_gone"}, http2Names()...)

func http2Names() []string {
	names := http2.Reasons()
	for i := range names {
		names[i] = "http2_" + names[i]
	}
	return names
}

// http2Reasons finds the reason for a word of http2.Reasons.
var http2Reasons = func() map[string]reason {
	m := make(map[string]reason)
	for i, word := range http2.Reasons() {
		m[word] = reasonHTTP2 + reason(i)
	}
	return m
}()

func (r reason) String() string { return reasonNames[r] }

// counts are one lane's counters. Only its loop writes them; anybody may read.
type counts struct {
	classes [6]atomic.Uint64   // answers by the first digit of their status; 0 is none
	own     [200]atomic.Uint64 // tain's own answers, by status less 400
	in, out atomic.Uint64      // bytes from and to users
	reasons [maxReasons]atomic.Uint64
	latency stat.AtomicHistogram
}

// Counts is what the proxy counted since it started.
type Counts struct {
	Answers [6]uint64         // by the first digit of the status; 0: requests that got no answer
	Refused map[int]uint64    // answers of tain's own, by status
	Errors  map[string]uint64 // by reason
	In, Out uint64            // bytes from and to users
	Clients int64             // open connections of users
	Latency stat.Histogram    // from the head of a request to the last byte of its answer
}

// Counts sums up what the loops counted. It may be called from any goroutine.
func (p *Proxy) Counts() Counts {
	c := Counts{Refused: make(map[int]uint64), Errors: make(map[string]uint64, len(reasonNames)), Clients: p.clients.Load()}
	for _, l := range p.lanes {
		for i := range c.Answers {
			c.Answers[i] += l.classes[i].Load()
		}
		for i, name := range reasonNames {
			c.Errors[name] += l.reasons[i].Load()
		}
		for i := range l.own {
			if n := l.own[i].Load(); n > 0 {
				c.Refused[400+i] += n
			}
		}
		c.In += l.in.Load()
		c.Out += l.out.Load()
		l.latency.Snapshot(&c.Latency)
	}
	return c
}

// note is a line for the log, from a loop, which must not write logs itself.
type note struct {
	reason reason
	route  string
	err    error
}

// note counts an error and hands it to the log, which may leave it out.
func (l *lane) note(why reason, route string, err error) {
	if why == reasonHTTP2 {
		why = http2Reasons[http2.Reason(err)]
	}
	l.reasons[why].Add(1)
	select {
	case l.p.notes <- note{why, route, err}:
	default:
	}
}

// noteFault is note for the request that it happens to.
func (r *request) noteFault(why reason, err error) {
	r.fault = why.String()
	r.lane.note(why, r.routeName(), err)
}

// logNotes writes at most one line per reason and second; the counters know of all.
func (p *Proxy) logNotes(ctx context.Context) {
	var last [maxReasons]time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-p.notes:
			if now := time.Now(); now.Sub(last[n.reason]) >= time.Second {
				last[n.reason] = now
				p.log.Log(ctx, n.level(), n.text(), "reason", n.reason.String(), "route", n.route, "err", n.err)
			}
		}
	}
}

func (n note) level() slog.Level {
	switch min(n.reason, reasonHTTP2) {
	case reasonRefused, reasonClient, reasonNoRoute, reasonUpgrade, reasonMaxConnsPerClient, reasonHandshake, reasonProxyHeader, reasonHTTP2:
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func (n note) text() string {
	switch min(n.reason, reasonHTTP2) {
	case reasonConnect, reasonUnresolved, reasonBackendTLS, reasonBusy:
		return "a live request failed: the backend can't be reached"
	case reasonTimeout, reasonReset, reasonMalformed, reasonUpgrade:
		return "a live request failed: the backend gave no proper answer"
	case reasonMaxConns, reasonMaxConnsPerClient, reasonAccept:
		return "a connection was not accepted"
	case reasonClient:
		return "a client went away"
	case reasonHandshake, reasonProxyHeader:
		return "a connection did not get to its first request"
	case reasonRetryBudget:
		return "a live request was not tried again"
	case reasonHTTP2:
		return "an HTTP/2 client was refused"
	}
	return "a request was refused"
}

func errMaxConns(limit int) error {
	return fmt.Errorf("the limit of %d connections is reached; raise maxConns or the number of replicas", limit)
}
