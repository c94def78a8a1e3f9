package main

import (
	"fmt"

	"tain.dev/tain/console"
	"tain.dev/tain/stat"
)

// sources is what the console may ask of the stages.
func (s *system) sources() console.Sources {
	return console.Sources{
		Status:   s.status,
		Live:     s.live,
		Books:    s.mirror.Books,
		Latency:  func(mirror, target string) console.Latency { return latencyOf(s.mirror.Latency(mirror, target)) },
		Table:    s.table.Load,
		Pairs:    s.store.Pairs,
		Findings: s.compare.Findings,
		Pause:    s.pause,
		Kill:     s.kill,
	}
}

func (s *system) status() console.Status {
	b := readBuild()
	status := console.Status{
		Version:  b.Version,
		Revision: b.Revision,
		Started:  s.started,
		Listen:   s.listeners.addrs(),
		Loops:    s.cfg.Loops,
		Killed:   s.mirror.Killed(),
		Config:   *s.reload.Load(),
		Memory:   console.Memory{Used: s.memory.Used(), Ceiling: s.memory.Size()},
	}
	if reason := s.notReady.Load(); reason != nil {
		status.NotReady = *reason
	}
	return status
}

func (s *system) live() console.Live {
	c := s.proxy.Counts()
	live := console.Live{
		Requests:    make(map[string]uint64),
		Refused:     c.Refused,
		Errors:      c.Errors,
		BytesIn:     c.In,
		BytesOut:    c.Out,
		Connections: c.Clients,
		Latency:     latencyOf(c.Latency),
	}
	for class, n := range c.Answers[1:] {
		live.Requests[fmt.Sprintf("%dxx", class+1)] = n
	}
	return live
}

func latencyOf(h stat.Histogram) console.Latency {
	l := console.Latency{
		Count: h.Count(),
		Sum:   h.Sum(),
		P50:   h.Quantile(0.5),
		P90:   h.Quantile(0.9),
		P99:   h.Quantile(0.99),
	}
	for i, bound := range console.LatencyBounds {
		l.Below[i] = h.Below(bound)
	}
	return l
}

func (s *system) pause(mirror string, paused bool) error {
	if !s.mirror.Pause(mirror, paused) {
		return fmt.Errorf("there is no mirror %q", mirror)
	}
	return nil
}
