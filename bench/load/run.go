//go:build linux

package load

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Options say what to send. All fields must be set, except Warm.
type Options struct {
	Addr     string        // ip:port of an HTTP/1.1 server
	Path     string        // of the GET request
	Rate     float64       // requests per second
	Conns    int           // keep-alive connections, 1 to 10,000
	Warm     time.Duration // sent and not measured, before Duration
	Duration time.Duration // of the schedule
	Grace    time.Duration // how long to wait for answers after the schedule's end
}

// Result says what came of a run's measured part.
type Result struct {
	Intended int // requests in the schedule
	OK       int // answered with 200
	Failed   int // answered with another status, or the connection broke
	Lost     int // without an answer at the end
	Latency  Histogram
}

// Run sends by the schedule and returns when all answers are there, or Grace after its end, or
// when ctx ends, which is an error. A connection that breaks is a failed request and is opened
// again. An error means that the server could not be reached or its answers not be understood.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Rate <= 0 || o.Conns < 1 || o.Conns > 10_000 || o.Duration <= 0 {
		return nil, fmt.Errorf("load at %v/s over %d connections for %v: rate and duration must be positive, connections 1 to 10,000", o.Rate, o.Conns, o.Duration)
	}
	addr, err := netip.ParseAddrPort(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("load on %q: %w; use ip:port", o.Addr, err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	g, err := newGenerator(o, addr)
	if err != nil {
		return nil, err
	}
	defer g.close()
	if err := g.run(ctx); err != nil {
		return nil, fmt.Errorf("load on %s: %w", o.Addr, err)
	}
	return &g.result, nil
}

// generator is the state of a run. Its connections are known by their index.
type generator struct {
	Options
	addr     netip.AddrPort
	request  []byte
	interval float64 // nanoseconds between two requests
	total    int     // requests in the schedule, warm-up included
	warm     int     // of which so many are warm-up
	next     int     // the next request to send
	start    time.Time
	poll     int
	conns    []conn
	free     ring
	busy     int
	result   Result
}

func newGenerator(o Options, addr netip.AddrPort) (*generator, error) {
	g := &generator{
		Options:  o,
		addr:     addr,
		request:  []byte("GET " + o.Path + " HTTP/1.1\r\nHost: " + o.Addr + "\r\nAccept: */*\r\n\r\n"),
		interval: 1e9 / o.Rate,
		total:    int(o.Rate * (o.Warm + o.Duration).Seconds()),
		warm:     int(o.Rate * o.Warm.Seconds()),
		conns:    make([]conn, o.Conns),
		free:     ring{items: make([]int32, o.Conns)},
	}
	g.result.Intended = g.total - g.warm
	var err error
	if g.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	// The kernel may be late by 50 µs with a time-out unless asked not to be.
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	for i := range g.conns {
		g.conns[i] = conn{fd: -1, buf: make([]byte, 16<<10)}
		if err := g.open(i); err != nil {
			g.close()
			return nil, err
		}
		g.free.push(int32(i))
	}
	return g, nil
}

func (g *generator) close() {
	for i := range g.conns {
		if g.conns[i].fd >= 0 {
			unix.Close(g.conns[i].fd)
		}
	}
	unix.Close(g.poll)
}

// intended is when request number i is meant to leave, from the start of the run.
func (g *generator) intended(i int) time.Duration {
	return time.Duration(float64(i) * g.interval)
}

func (g *generator) run(ctx context.Context) error {
	g.start = time.Now()
	end := g.intended(g.total) + g.Grace
	var events [256]unix.EpollEvent
	for g.next < g.total || g.busy > 0 {
		now := time.Since(g.start)
		if now > end {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for g.next < g.total && g.free.n > 0 && g.intended(g.next) <= now {
			if err := g.send(int(g.free.pop())); err != nil {
				return err
			}
		}
		n, err := g.wait(events[:], now, end)
		if err != nil {
			return err
		}
		for _, e := range events[:n] {
			if err := g.receive(int(e.Fd)); err != nil {
				return err
			}
		}
	}
	g.countLost(time.Since(g.start))
	return nil
}

// wait blocks until an answer comes or the next request is due, a second at most.
func (g *generator) wait(events []unix.EpollEvent, now, end time.Duration) (int, error) {
	until := min(end, now+time.Second)
	if g.next < g.total && g.free.n > 0 {
		until = min(until, g.intended(g.next))
	}
	timeout := unix.NsecToTimespec(int64(max(until-now, 0)))
	n, err := epollWait(g.poll, events, &timeout)
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("epoll: %w", err)
	}
	return n, nil
}

// countLost counts what has no answer, as if it came now.
func (g *generator) countLost(now time.Duration) {
	lost := func(i int) {
		if i >= g.warm {
			g.result.Lost++
			g.result.Latency.Add(now - g.intended(i))
		}
	}
	for i := range g.conns {
		if g.conns[i].waiting {
			lost(g.conns[i].number)
		}
	}
	for ; g.next < g.total; g.next++ {
		lost(g.next)
	}
}

// ring is a queue of free connections, first in, first out, so that all of them stay in use.
type ring struct {
	items   []int32
	head, n int
}

func (r *ring) push(i int32) {
	r.items[(r.head+r.n)%len(r.items)] = i
	r.n++
}

func (r *ring) pop() int32 {
	i := r.items[r.head]
	r.head = (r.head + 1) % len(r.items)
	r.n--
	return i
}
