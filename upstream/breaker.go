package upstream

import "sync/atomic"

// gate counts what runs at a time, and refuses what would be too much.
type gate struct {
	running atomic.Int64
	refused atomic.Uint64
}

// enter counts one more, unless that is more than most; 0 is no limit. Each true needs a leave.
func (g *gate) enter(most int) bool {
	if n := g.running.Add(1); most > 0 && n > int64(most) {
		g.running.Add(-1)
		g.refused.Add(1)
		return false
	}
	return true
}

func (g *gate) leave() { g.running.Add(-1) }

// breaker holds the limits of one upstream, over all loops.
type breaker struct{ requests, conns, retries gate }

// Admit says whether one more request may run (maxRequests). Each true needs a [Cluster.Leave]; a
// request that is tried again stays admitted.
func (c *Cluster) Admit() bool { return c.breaker.requests.enter(c.options.MaxRequests) }

// Leave ends an admitted request.
func (c *Cluster) Leave() { c.breaker.requests.leave() }

// AdmitConn says whether one more connection may be made (maxConns). Each true needs a
// [Cluster.LeaveConn].
func (c *Cluster) AdmitConn() bool { return c.breaker.conns.enter(c.options.MaxConns) }

// LeaveConn ends an admitted connection.
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
