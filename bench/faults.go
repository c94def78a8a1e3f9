//go:build linux

package main

import "time"

// faultModes are the ways in which a target misbehaves here; package test/faulty describes them.
var faultModes = []string{"refuse", "accept-never-read", "never-answer", "drip", "reset", "garbage", "endless"}

// fault is one state of the mirror's target, and what the live side showed under it.
type fault struct {
	side
	mode string    // "" for a healthy target
	args []string  // for tain, besides --to
	rate []float64 // requests per second at saturation, one value per round
	errs int
}

// faults compares live under each fault with live beside a healthy target and without a mirror.
// Every measurement has a fresh tain, so that no round inherits the stuck copies of another one.
func (b *bench) faults() error {
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	rate, err := b.halfRate(live, target)
	if err != nil {
		return err
	}
	off := &fault{side: side{name: "mirroring off"}, args: []string{"--percent", "0"}}
	healthy := &fault{side: side{name: "healthy"}}
	all := []*fault{off, healthy}
	for _, mode := range faultModes {
		all = append(all, &fault{side: side{name: mode}, mode: mode})
	}
	for round := range b.rounds {
		for i := range all {
			if err := b.faultRound(all[(round+i)%len(all)], live, target, rate); err != nil {
				return err
			}
		}
	}
	for _, f := range all {
		b.report.add(row{What: f.name + ", requests/s at saturation", Measured: middle("", f.rate),
			Ratio: middle("", ratios(f.rate, healthy.rate)), Limit: f.limit(0.90, 0.97, true), Note: f.note()})
		b.report.add(f.rows(&off.side, f.limit(1.10, 1.03, false))...)
	}
	b.report.note("Throughput is compared to a healthy target, latency at half of the saturating rate to mirroring off. Latency ratios have 95 % bootstrap intervals, the others smallest and largest round.")
	return nil
}

// faultRound measures f once.
func (b *bench) faultRound(f *fault, live, target *server, rate float64) (err error) {
	to := target
	if f.mode != "" {
		if to, err = b.faulty(f.mode); err != nil {
			return err
		}
		defer b.stop(to)
	}
	if f.server, err = b.tain(live.addr, append(f.args, "--to", "http://"+to.addr)...); err != nil {
		return err
	}
	defer b.stop(f.server)
	if err := b.openLoop(&f.side, rate, b.length); err != nil {
		return err
	}
	u, err := b.saturate(wrk, f.server, b.length)
	if err != nil {
		return err
	}
	f.rate = append(f.rate, u.perSecond)
	f.errs += u.errors
	return nil
}

// limit applies to faults only.
func (f *fault) limit(must, aim float64, atLeast bool) limit {
	if f.mode == "" {
		return limit{}
	}
	return limit{Must: must, Aim: aim, AtLeast: atLeast}
}

func (f *fault) note() string {
	if f.errs == 0 {
		return ""
	}
	return "**" + number(float64(f.errs)) + " errors**"
}

// memory compares the largest resident size under each fault with the ceiling.
func (b *bench) memory() error {
	const budget, mib = 64 << 20, 1 << 20
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	base, err := b.largest(live, target, "--percent", "0")
	if err != nil {
		return err
	}
	b.report.add(row{What: "base: mirroring off", Measured: single(base/mib, "MiB")})
	for _, mode := range append([]string{""}, faultModes...) {
		to := target
		if mode != "" {
			if to, err = b.faulty(mode); err != nil {
				return err
			}
		}
		size, err := b.largest(live, to)
		if err != nil {
			return err
		}
		if mode == "" {
			mode = "healthy"
		} else {
			b.stop(to)
		}
		over := size / (base + budget)
		b.report.add(row{What: mode, Measured: single(size/mib, "MiB"),
			Ratio: single(over, ""), Limit: limit{Must: 1.10}})
	}
	b.report.note("The largest resident size (VmHWM) after " + b.memoryFor.Round(time.Second).String() + " at saturation. Ratio: to base + 64 MiB.")
	return nil
}

// largest is the largest resident size in bytes that tain had under full load.
func (b *bench) largest(live, target *server, args ...string) (float64, error) {
	s, err := b.tain(live.addr, append(args, "--to", "http://"+target.addr, "--mirror-memory", "64MiB")...)
	if err != nil {
		return 0, err
	}
	defer b.stop(s)
	if _, err := b.saturate(wrk, s, b.memoryFor); err != nil {
		return 0, err
	}
	size, err := s.resident("VmHWM")
	return float64(size), err
}
