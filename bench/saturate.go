//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

// stuck is how long after its time a generator may take to end.
const stuck = 20 * time.Second

// generator is a program that loads a server as fast as the server answers.
type generator struct {
	name  string
	argv  func(addr string, d time.Duration) []string
	parse func(output string) (usage, error)
}

// usage is what one load at saturation gave.
type usage struct {
	requests  int // answered
	perSecond float64
	errors    int           // broken connections, and answers that are no success
	cpu       time.Duration // of the proxy, per request
}

// saturate loads s for d, and measures what the server's processes spend on it.
func (b *bench) saturate(g generator, s *server, d time.Duration) (usage, error) {
	before, err := s.cpu()
	if err != nil {
		return usage{}, err
	}
	// A generator whose connections get no answer may wait for ever.
	ctx, cancel := context.WithTimeout(b.ctx, d+stuck)
	defer cancel()
	argv := g.argv(s.addr, d)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if ctx.Err() != nil {
		return usage{}, fmt.Errorf("%s on %s: no end %v after it was due: %s", g.name, s.name, stuck, out[max(0, len(out)-300):])
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s on %s: %w: %.300s", g.name, s.name, err, out)
	}
	// Copies and comparisons that are still under way belong to the load.
	if err := b.pause(200 * time.Millisecond); err != nil {
		return usage{}, err
	}
	after, err := s.cpu()
	if err != nil {
		return usage{}, err
	}
	u, err := g.parse(string(out))
	if err != nil {
		return usage{}, fmt.Errorf("%s on %s: %w", g.name, s.name, err)
	}
	u.cpu = (after - before) / time.Duration(u.requests)
	return u, nil
}

// seconds is d as the generators take it: whole seconds, one at least.
func seconds(d time.Duration) string { return fmt.Sprint(max(int(d.Seconds()), 1)) }
