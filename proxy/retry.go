package proxy

import (
	"errors"
	"net/http"
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
	switch {
	case r.uploadErr != nil, errors.Is(err, netloop.ErrGuard), errors.Is(err, netloop.ErrCanceled):
		return false // nobody wants it
	case unreached(err) && r.skip():
		return true
	case !r.whole:
		return unreached(err) && r.retriesFailure(err)
	case reused && attempt < maxStale && r.isStale(err):
		return true
	}
	return r.retriesFailure(err)
}

// skip goes past a backend that can't be reached, which costs nothing. It returns false when all were
// tried.
func (r *request) skip() bool {
	r.unreached |= 1 << r.index
	if r.skipped++; r.skipped < len(r.forward.backends) {
		return true
	}
	r.unreached, r.skipped = 0, 0 // the route's policy may have them tried again
	return false
}

// isStale says whether an error may come from a kept connection that the backend was closing, and
// nothing speaks against another one. A stream that was reset is not that: the backend has looked at it.
func (r *request) isStale(err error) bool {
	if http2.Unprocessed(err) {
		return true
	}
	var stream *http2.StreamError
	return failureOf(err) == route.RetryReset && !errors.As(err, &stream) && route.Idempotent(text(r.method))
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

// failureOf is what a policy calls an error: 0 where another attempt would meet the same, or must not
// be made because there is too much to do already.
func failureOf(err error) route.RetryOn {
	var malformed *http1.Error
	switch {
	case unreached(err):
		return route.RetryConnect
	case http2.Unprocessed(err):
		return route.RetryRefused
	case errors.Is(err, netloop.ErrTimeout):
		return route.RetryTimeout
	case errors.Is(err, upstream.ErrBusy), errors.Is(err, http2.ErrNoConnect), err == errDeclined,
		errors.As(err, &malformed), errors.Is(err, netloop.ErrFull), errors.Is(err, http2.ErrLargeHead):
		return 0
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
	r.throwAway()
	return true
}

// throwAway ends the loan of the carrier that brought an answer which nobody gets. Where the body is
// here, as it is with most errors, the connection can be used again.
func (r *request) throwAway() {
	up := r.up
	r.up = nil
	up.StartBody(&r.out)
	for {
		_, n, done, err := up.Body()
		if err != nil || n == 0 && !done {
			up.Abort(outcomeOf(r.out.Status))
			return
		}
		up.Consume(n)
		if done {
			up.Release()
			return
		}
	}
}

// outcomeOf is what an answer that was not read says of its server.
func outcomeOf(status int) upstream.Outcome {
	switch {
	case status < http.StatusInternalServerError:
		return upstream.OK
	case http.StatusBadGateway <= status && status <= http.StatusGatewayTimeout:
		return upstream.GatewayError
	}
	return upstream.ServerError
}

// admitRetry takes one of the attempts that the policy and the budget allow.
func (r *request) admitRetry(p *route.Retry, safe bool) bool {
	if r.retries >= p.Attempts || !safe && !p.Unsafe && !route.Idempotent(text(r.method)) {
		return false
	}
	if r.until > 0 && r.lane.loop.Now()+int64(backOffOf(p, r.retries)) >= r.until {
		return false // it would come too late
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
	task, over := r.lane.loop.Current(), false
	pause := backOffOf(r.route.Retry, r.retries-1)
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

// backOffOf is the pause before the retry that follows so many others.
func backOffOf(p *route.Retry, retries int) time.Duration {
	const longest = 10
	return p.Backoff * time.Duration(min(1<<retries, longest))
}

// tryTimeout is how long live may take in this attempt until the head of its answer.
func (r *request) tryTimeout() time.Duration {
	d := r.headTimeout()
	if p := r.route.Retry; p != nil && p.PerTry > 0 && (d == 0 || p.PerTry < d) {
		return p.PerTry
	}
	return d
}
