package proxy

import (
	"errors"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/upstream"
)

// maxStale is how many kept connections that turn out to be closed are tolerated for a request.
const maxStale = 3

// mayRetry says whether another attempt can't do what the failed one may have done already, or the
// route says that it may: it never reached a backend; or it met a kept connection that the backend was
// closing, and the request is idempotent and still here as a whole.
func (r *request) mayRetry(reused bool, attempt int, err error) bool {
	if r.uploadErr != nil || errors.Is(err, netloop.ErrGuard) || errors.Is(err, netloop.ErrCanceled) {
		return false
	}
	unreached := unreached(err)
	if unreached && attempt+1 < len(r.forward.backends) {
		return true
	}
	if !r.whole {
		return unreached && r.retriesFailure(err)
	}
	var bad *http1.Error
	stale := reused && !errors.Is(err, netloop.ErrTimeout) && !errors.As(err, &bad)
	if stale && attempt < maxStale && (route.Idempotent(text(r.method)) || http2.Unprocessed(err)) {
		return true
	}
	return r.retriesFailure(err)
}

// unreached says that the request did not get to a server.
func unreached(err error) bool {
	var dial *netloop.DialError
	var handshake *upstream.HandshakeError
	return errors.As(err, &dial) || errors.As(err, &handshake) || errors.Is(err, upstream.ErrUnresolved)
}

// retriesFailure says whether the route's policy wants another attempt, and the budget has room.
func (r *request) retriesFailure(err error) bool {
	p := r.route.Retry
	if p == nil || p.On&failureOf(err) == 0 {
		return false
	}
	safe := unreached(err) || http2.Unprocessed(err)
	return r.admitRetry(p, safe)
}

// failureOf is what a policy calls an error.
func failureOf(err error) route.RetryOn {
	switch {
	case unreached(err):
		return route.RetryConnect
	case http2.Unprocessed(err):
		return route.RetryRefused
	case errors.Is(err, netloop.ErrTimeout):
		return route.RetryTimeout
	}
	return route.RetryReset
}

// retriesStatus says whether the answer is to be thrown away for another attempt, and does so.
func (r *request) retriesStatus() bool {
	p := r.route.Retry
	if p == nil || r.out.Upgrade || !p.Status(r.out.Status) || !r.whole || !r.admitRetry(p, false) {
		return false
	}
	r.ask.Except = r.up.Server()
	up := r.up
	r.up = nil
	up.Abort(upstream.GatewayError)
	return true
}

// admitRetry takes one of the attempts that the policy and the budget allow.
func (r *request) admitRetry(p *route.Retry, safe bool) bool {
	if r.retries >= p.Attempts || !safe && !p.Unsafe && !route.Idempotent(text(r.method)) {
		return false
	}
	if r.until > 0 && r.lane.loop.Now() >= r.until {
		return false
	}
	r.leaveBudget()
	c := r.pool.Cluster()
	if !c.AdmitRetry() {
		r.lane.note(reasonRetryBudget, r.routeName(), errBudget)
		return false
	}
	r.budget = c
	r.retries++
	return true
}

var errBudget = errors.New("as many retries run as the budget allows (retryBudget); the failure is given to the user")

func (r *request) leaveBudget() {
	if r.budget != nil {
		r.budget.LeaveRetry()
		r.budget = nil
	}
}

// backOff waits before an attempt that the policy asked for. Others follow at once.
func (r *request) backOff() error {
	if r.budget == nil {
		return nil
	}
	const longest = 10
	pause := r.route.Retry.Backoff * time.Duration(min(1<<(r.retries-1), longest))
	task, over := r.lane.loop.Current(), false
	r.lane.loop.After(&r.pause, pause, func() { over = true; task.Wake() })
	for !over {
		task.Wait()
		if err := task.Interrupted(); err != nil {
			r.lane.loop.After(&r.pause, 0, func() {})
			return err
		}
	}
	return nil
}

// tryTimeout is how long live may take in this attempt until the head of its answer.
func (r *request) tryTimeout() time.Duration {
	d := r.headTimeout()
	if p := r.route.Retry; p != nil && p.PerTry > 0 && (d == 0 || p.PerTry < d) {
		return p.PerTry
	}
	return d
}
