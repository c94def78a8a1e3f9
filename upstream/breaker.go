package upstream

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrBusy says that a limit of an upstream is reached, maxRequests or maxConns.
var ErrBusy = errors.New("the upstream has as much to do as it may")

// errConns is the one of maxConns, which the server has nothing to do with.
var errConns = fmt.Errorf("%w: maxConns", ErrBusy)

// limitError is a refusal by a limit of a cluster: a kind of [ErrBusy].
type limitError struct {
	kind error
	text string
}

func (e *limitError) Error() string { return e.text }

func (e *limitError) Unwrap() error { return e.kind }

func (c *Cluster) limitError(kind error, setting, what string, most int) error {
	return &limitError{kind, fmt.Sprintf("%s: as many %s as %s allows, %d; raise it, or set it to 0 for no limit", c.Name(), what, setting, most)}
}

// gate counts what runs at a time, and refuses what would be too much.
type gate struct {
	running atomic.Int64
	refused atomic.Uint64
}

// try counts one more, unless that is more than most; 0 is no limit. Each true needs a leave.
func (g *gate) try(most int) bool {
	if most == 0 {
		g.running.Add(1)
		return true
	}
	for {
		n := g.running.Load()
		if n >= int64(most) {
			return false
		}
		if g.running.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// enter is try, and counts who is refused.
func (g *gate) enter(most int) bool {
	if g.try(most) {
		return true
	}
	g.refused.Add(1)
	return false
}

func (g *gate) leave() { g.running.Add(-1) }

// breaker holds the limits of one upstream, over all loops.
type breaker struct{ requests, conns, retries gate }

// Admit says whether one more request may run (maxRequests). Each true needs a [Cluster.Leave]; a
// request that is tried again stays admitted.
func (c *Cluster) Admit() bool { return c.breaker.requests.enter(c.options.MaxRequests) }

// Leave ends an admitted request.
func (c *Cluster) Leave() { c.breaker.requests.leave() }

// LeaveConn ends a connection that counts for the limit (maxConns).
func (c *Cluster) LeaveConn() { c.breaker.conns.leave() }

// AdmitRetry says whether one more request may be tried again. As many may run as the retry budget
// says: a share of the requests that are admitted, but at least minConcurrent. So retries can't
// multiply the load of an upstream that fails because of its load. Each true needs a
// [Cluster.LeaveRetry].
func (c *Cluster) AdmitRetry() bool { return c.breaker.retries.enter(c.mostRetries()) }

func (c *Cluster) mostRetries() int {
	budget := c.options.RetryBudget
	share := c.breaker.requests.running.Load() * int64(budget.Percent) / 100
	return max(int(share), budget.MinConcurrent)
}

// LeaveRetry ends an admitted retry.
func (c *Cluster) LeaveRetry() { c.breaker.retries.leave() }
