//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// quiet is how long no copy may come before the last one is known.
	quiet = 500 * time.Millisecond
	// flowing is how many copies have to come in [quiet], so that a load can be called one.
	flowing = 500
)

// rules measures how fast and how exactly what is said about mirroring takes effect.
func (b *bench) rules() error {
	for _, measure := range []func() error{b.kills, b.rated, b.adaptive, b.shares, b.ruleCost, b.priced} {
		if err := measure(); err != nil {
			return err
		}
		b.stopAll()
	}
	return nil
}

// kills throws the kill switch again and again under full load.
func (b *bench) kills() error {
	live, err := b.upstream("live")
	if err != nil {
		return err
	}
	target, err := newArrivals()
	if err != nil {
		return err
	}
	defer target.close()
	s, err := b.watchedTain(live.addr, "--to", "http://"+target.addr())
	if err != nil {
		return err
	}
	load, err := b.wrkUntilStopped(s)
	if err != nil {
		return err
	}
	var took []float64
	for range 2 * b.rounds {
		ms, err := b.kill(s, target)
		if err != nil {
			load.stop()
			return err
		}
		took = append(took, ms)
	}
	u, err := load.stop()
	if err != nil {
		return err
	}
	b.report.add(
		row{What: "from `tain ctl kill` to the arrival of the last copy, median", Measured: middle("ms", took), Note: fmt.Sprintf("%d kills at %.0f requests/s", len(took), u.perSecond)},
		row{What: "the same, worst", Measured: single(slices.Max(took), "ms"), Limit: limit{Must: 1000}},
		row{What: "live requests", Measured: count(u.errors, "failed"), Limit: limit{None: true}, Note: fmt.Sprintf("answered: %d", u.requests)})
	return nil
}

// kill throws the kill switch once, and turns it back. It returns how many milliseconds after the
// command the last copy came.
func (b *bench) kill(s *server, target *arrivals) (ms float64, err error) {
	before := target.count.Load()
	if err := b.pause(quiet); err != nil {
		return 0, err
	}
	if n := target.count.Load() - before; n < flowing {
		return 0, fmt.Errorf("only %d copies came in %v: that is no load", n, quiet)
	}
	start := time.Now()
	if err := b.order(s, "kill"); err != nil {
		return 0, err
	}
	for time.Since(target.latest()) < quiet {
		if time.Since(start) > 10*time.Second {
			return 0, errors.New("copies still come 10 s after the kill switch")
		}
		if err := b.pause(10 * time.Millisecond); err != nil {
			return 0, err
		}
	}
	return max(0, float64(target.latest().Sub(start))/float64(time.Millisecond)), b.order(s, "unkill")
}

// order gives an order with tain ctl.
func (b *bench) order(s *server, args ...string) error {
	args = append([]string{"ctl", "--admin", s.admin}, args...)
	if out, err := exec.CommandContext(b.ctx, b.tainPath, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("tain %s: %w: %.300s", strings.Join(args, " "), err, out)
	}
	return nil
}

// background is a load that goes on until it is stopped.
type background struct {
	cmd *exec.Cmd
	out strings.Builder
}

// wrkUntilStopped loads s for ten minutes at most.
func (b *bench) wrkUntilStopped(s *server) (*background, error) {
	argv := wrk.argv(s.addr, 10*time.Minute)
	l := &background{cmd: exec.CommandContext(b.ctx, argv[0], argv[1:]...)}
	l.cmd.Stdout, l.cmd.Stderr = &l.out, &l.out
	return l, l.cmd.Start()
}

// stop ends the load, and says what it gave.
func (l *background) stop() (usage, error) {
	l.cmd.Process.Signal(os.Interrupt) // at which wrk prints what it has
	if err := l.cmd.Wait(); err != nil {
		return usage{}, fmt.Errorf("wrk: %w: %.300s", err, l.out.String())
	}
	return wrk.parse(l.out.String())
}

// arrivals is a target in the bench's own process that notes when copies come.
type arrivals struct {
	listener net.Listener
	count    atomic.Int64
	last     atomic.Int64 // nanoseconds since 1970
}

func newArrivals() (*arrivals, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &arrivals{listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go a.serve(c)
		}
	}()
	return a, nil
}

func (a *arrivals) addr() string      { return a.listener.Addr().String() }
func (a *arrivals) close()            { a.listener.Close() }
func (a *arrivals) latest() time.Time { return time.Unix(0, a.last.Load()) }

// serve answers requests without bodies, as live does.
func (a *arrivals) serve(c net.Conn) {
	defer c.Close()
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(smallJSON), smallJSON)
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > len("\r\n") {
			continue // the end of the head is the empty line
		}
		a.last.Store(time.Now().UnixNano())
		a.count.Add(1)
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
