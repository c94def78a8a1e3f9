//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	// goodRate is how many requests the good clients send in a second.
	goodRate = 1000
	// crowdRounds is how often the crowd comes at most: it takes a while to come and to go.
	crowdRounds = 5
)

// crowd compares the latency of good clients with and without a crowd of connections around them, of
// tain and of nginx.
func (b *bench) crowd() error {
	if err := descriptors(b.crowdSize); err != nil {
		return err
	}
	s, nginx, err := b.besieged()
	if err != nil {
		return err
	}
	var all, ofPeer siege
	off, on := &side{name: "without the crowd", server: s}, &side{name: "with the crowd", server: s}
	peerOff, peerOn := &side{name: "nginx without the crowd", server: nginx}, &side{name: "nginx with the crowd", server: nginx}
	for range min(b.rounds, crowdRounds) {
		if err := b.crowdRound(off, on, &all); err != nil {
			return err
		}
		if err := b.deserted(s); err != nil {
			return err
		}
		if err := b.crowdRound(peerOff, peerOn, &ofPeer); err != nil {
			return err
		}
	}
	peak, err := s.resident("VmHWM")
	if err != nil {
		return err
	}
	failed := off.failed + on.failed + all.Failed
	off.failed, on.failed = 0, 0 // they have a row of their own
	rows := append(off.rows(nil, limit{}), on.rows(off, limit{Must: 2})...)
	rows[2].Limit = limit{} // asked is the 99th percentile
	rows = append(rows,
		row{What: "good requests", Measured: count(failed, "failed"), Limit: limit{None: true}, Note: fmt.Sprintf("and %d of the well-behaved half of the crowd answered", all.OK)},
		row{What: "connections of the crowd", Measured: middle("held", all.held), Note: fmt.Sprintf("%d opened, %d ended by tain, %.0f MiB resident at most", all.Opened, all.Cut, float64(peak)/(1<<20))})
	rows = append(append(rows, peerOff.rows(nil, limit{})...), peerOn.rows(peerOff, limit{})...)
	b.report.add(append(rows,
		row{What: "connections of the crowd around nginx", Measured: middle("held", ofPeer.held), Note: fmt.Sprintf("%d opened, %d ended by nginx", ofPeer.Opened, ofPeer.Cut)})...)
	b.report.note(fmt.Sprintf("%d requests/s over 32 connections, latency from the intended send time. One half of the crowd makes a request now and then; the others are slow with their heads or bodies, half-close, reset, or over HTTP/2 reset streams rapidly, never open their window, or flood with pings. The crowd computes only when nobody else does. tain mirrors everything, nginx nothing. Ratio: median of the rounds' ratios, with its 95 %% bootstrap interval.", goodRate))
	return nil
}

// crowdRound measures a server once without a crowd and once with it.
func (b *bench) crowdRound(off, on *side, all *siege) error {
	if err := b.openLoop(off, goodRate, b.crowdFor); err != nil {
		return err
	}
	return b.siege(on, all)
}

// besieged starts a tain that mirrors everything, before a live that waits for the bodies sent to /slow,
// and an nginx before the same live.
func (b *bench) besieged() (tain, nginx *server, err error) {
	live, err := b.nginx("live", fmt.Sprintf(`
	server {
		listen ADDR;
		location / { return 200 '%s'; }
		location /slow { proxy_pass http://127.0.0.1:9; }
	}`, smallJSON))
	if err != nil {
		return nil, nil, err
	}
	target, err := b.upstream("target")
	if err != nil {
		return nil, nil, err
	}
	if nginx, err = b.nginxProxy(live.addr, ""); err != nil {
		return nil, nil, err
	}
	tain, err = b.watchedTain(live.addr, "--to", "http://"+target.addr)
	return tain, nginx, err
}

// siege is what the crowd of all rounds has seen.
type siege struct {
	toll
	held []float64 // connections at a time, one value per round
}

// siege loads side while a crowd is there.
func (b *bench) siege(on *side, all *siege) error {
	addr := freeAddr()
	argv, err := selfCommand(addr, "-crowd-at", on.server.addr, "-crowd-size", strconv.Itoa(b.crowdSize))
	if err != nil {
		return err
	}
	// A real crowd has processors of its own. This one has what nobody else wants at the moment: even the
	// lowest of the usual priorities would keep the server waiting for some milliseconds.
	c, err := b.start("crowd", addr, append([]string{"chrt", "--idle", "0"}, argv...)...)
	if err != nil {
		return err
	}
	defer b.stop(c)
	if err := b.openLoop(on, goodRate, b.crowdFor); err != nil {
		return err
	}
	now, err := c.toll()
	if err != nil {
		return err
	}
	all.add(now)
	all.held = append(all.held, float64(now.Held))
	return nil
}

func (c *server) toll() (t toll, err error) {
	answer, err := http.Get("http://" + c.addr)
	if err != nil {
		return t, fmt.Errorf("asking the crowd: %w: %s", err, c.tail())
	}
	defer answer.Body.Close()
	return t, json.NewDecoder(answer.Body).Decode(&t)
}

// deserted waits until s has no connections of users.
func (b *bench) deserted(s *server) error {
	const limit = 15 * time.Second
	for began := time.Now(); ; {
		var status struct {
			Live struct {
				Connections int `json:"connections"`
			} `json:"live"`
		}
		if err := s.ask("/api/v1/status", &status); err != nil {
			return err
		}
		if status.Live.Connections == 0 {
			return nil
		}
		if time.Since(began) > limit {
			return fmt.Errorf("tain has %d connections %v after the last user has gone", status.Live.Connections, limit)
		}
		if err := b.pause(50 * time.Millisecond); err != nil {
			return err
		}
	}
}
