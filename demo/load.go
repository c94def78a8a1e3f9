package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of a load.
const (
	loadWorkers = 16
	// A request that comes this late is skipped, so that a stall is not followed by a flood.
	maxLate = time.Second
	// No user waits longer for an answer.
	loadTimeout = 10 * time.Second
)

// visitor makes up what one user after the other asks. It belongs to one goroutine.
type visitor interface {
	next() *http.Request
	learn(asked *http.Request, answer *http.Response) // once the whole answer has come
}

// Load is the users of one shop: a fixed number of requests per second over 16 connections that
// are kept alive. The requests are due by the clock, not when the one before was answered, so a
// slow shop is not asked less.
type Load struct {
	base    *url.URL
	every   time.Duration
	client  http.Client
	visitor func(seed uint64) visitor
	patient bool         // requests that run when the load ends are answered
	slot    atomic.Int64 // number of the next request
	done    atomic.Uint64
	failed  atomic.Uint64
	skipped atomic.Uint64
}

// NewLoad prepares a load of rate requests per second, from 1 to 10,000, on the shop at base, such
// as http://127.0.0.1:8080. A few hundred per second are gentle to a laptop.
func NewLoad(base string, rate int) (*Load, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("preparing the demo's load: base %q is not an address such as http://127.0.0.1:8080", base)
	}
	if rate < 1 || rate > 10_000 {
		return nil, fmt.Errorf("preparing the demo's load: rate %d is not from 1 to 10000 requests per second", rate)
	}
	transport := &http.Transport{
		MaxConnsPerHost:     loadWorkers,
		MaxIdleConnsPerHost: loadWorkers,
		// The users say themselves whether they take gzip.
		DisableCompression: true,
	}
	return &Load{
		base:    u,
		every:   time.Second / time.Duration(rate),
		client:  http.Client{Transport: transport},
		visitor: func(seed uint64) visitor { return newPlan(u, seed) },
	}, nil
}

// Run sends requests until ctx ends, and returns when all of them are over. Call it once.
func (l *Load) Run(ctx context.Context) {
	defer l.client.CloseIdleConnections()
	start := time.Now()
	var workers sync.WaitGroup
	for i := range loadWorkers {
		workers.Go(func() { l.work(ctx, start, l.visitor(uint64(i))) })
	}
	workers.Wait()
}

// Done is the number of requests that were answered with a status below 500. Done, Failed and
// Skipped may be called on any goroutine at any time.
func (l *Load) Done() uint64 { return l.done.Load() }

// Failed is the number of requests that got no complete answer, or one with a status from 500 on.
func (l *Load) Failed() uint64 { return l.failed.Load() }

// Skipped is the number of requests that were not sent because they were a second late.
func (l *Load) Skipped() uint64 { return l.skipped.Load() }

// work takes one slot after the other, and sends a request when the slot is due.
func (l *Load) work(ctx context.Context, start time.Time, v visitor) {
	for ctx.Err() == nil {
		due := start.Add(time.Duration(l.slot.Add(1)-1) * l.every)
		if !sleepUntil(ctx, due) {
			return
		}
		if time.Since(due) > maxLate {
			l.skipped.Add(1)
			continue
		}
		l.ask(ctx, v)
	}
}

func (l *Load) ask(ctx context.Context, v visitor) {
	asking := ctx
	if l.patient {
		asking = context.WithoutCancel(ctx)
	}
	asked, cancel := context.WithTimeout(asking, loadTimeout)
	defer cancel()
	status, err := l.exchange(v.next().WithContext(asked), v)
	switch {
	case err == nil && status < 500:
		l.done.Add(1)
	case ctx.Err() == nil:
		l.failed.Add(1)
	}
}

// exchange sends the request and reads the whole answer.
func (l *Load) exchange(r *http.Request, v visitor) (status int, err error) {
	answer, err := l.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	v.learn(r, answer)
	return answer.StatusCode, nil
}

// sleepUntil returns false when ctx ended first.
func sleepUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
