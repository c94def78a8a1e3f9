//go:build linux

package main

import (
	"fmt"
	"time"

	"tain.dev/tain/bench/load"
)

// side is one configuration of tain whose live latency is measured, and its rounds.
type side struct {
	name   string
	server *server
	half   []float64 // median latency, microseconds, one value per round
	tail   []float64 // 99th percentile
	failed int       // requests without a good answer
}

// halfRate is half of the rate, in requests per second, at which tain saturates this machine
// while it mirrors everything to a healthy target.
func (b *bench) halfRate(live, target *server) (float64, error) {
	s, err := b.tain(live.addr, "--to", "http://"+target.addr)
	if err != nil {
		return 0, err
	}
	defer b.stop(s)
	var rates []float64
	for range 3 {
		u, err := b.saturate(wrk, s, time.Second)
		if err != nil {
			return 0, err
		}
		rates = append(rates, u.perSecond)
	}
	return median(rates) / 2, nil
}

// openLoop loads a side once, at rate for d, and adds the round.
func (b *bench) openLoop(s *side, rate float64, d time.Duration) error {
	r, err := load.Run(b.ctx, load.Options{
		Addr: s.server.addr, Path: "/", Rate: rate, Conns: connections,
		Warm: 300 * time.Millisecond, Duration: d, Grace: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	s.half = append(s.half, r.Latency.Quantile(0.5).Seconds()*1e6)
	s.tail = append(s.tail, r.Latency.Quantile(0.99).Seconds()*1e6)
	s.failed += r.Failed + r.Lost
	return nil
}

// latency compares live latency with and without the mirror.
func (b *bench) latency() error {
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	differing, err := b.differing()
	if err != nil {
		return err
	}
	rate, err := b.halfRate(live, target)
	if err != nil {
		return err
	}
	off, again := &side{name: "mirroring off"}, &side{name: "mirroring off, another process (control)"}
	on, busy := &side{name: "mirroring on"}, &side{name: "mirroring on, all pairs differ"}
	all := []*side{off, again, on, busy}
	for _, s := range all {
		args := []string{"--to", "http://" + target.addr}
		switch s {
		case off, again:
			args = append(args, "--percent", "0")
		case busy:
			args[1] = "http://" + differing.addr
		}
		if s.server, err = b.tain(live.addr, args...); err != nil {
			return err
		}
	}
	for round := range b.rounds {
		for i := range all {
			if err := b.openLoop(all[(round+i)%len(all)], rate, b.length); err != nil {
				return err
			}
		}
	}
	b.report.add(off.rows(nil, limit{})...)
	b.report.add(again.rows(off, limit{})...)
	b.report.add(on.rows(off, limit{Must: 1.10, Aim: 1.02})...)
	b.report.add(busy.rows(off, limit{Must: 1.15, Aim: 1.05})...)
	b.report.note(fmt.Sprintf("%.0f requests/s, half of what saturates tain with the mirror on; latency from the intended send time. Ratio: median of the rounds' ratios to mirroring off, with its 95 %% bootstrap interval; the control says what the machine's noise alone does.", rate))
	return nil
}

// rows are the side's median and 99th percentile, compared to base where there is one.
func (s *side) rows(base *side, l limit) []row {
	half := row{What: s.name + ", p50", Measured: middle("µs", s.half), Limit: l}
	tail := row{What: s.name + ", p99", Measured: middle("µs", s.tail), Limit: l}
	if base != nil {
		half.Ratio = interval("", ratios(s.half, base.half))
		tail.Ratio = interval("", ratios(s.tail, base.tail))
	}
	if s.failed > 0 {
		half.Note = fmt.Sprintf("**%d requests failed**", s.failed)
	}
	return []row{half, tail}
}
