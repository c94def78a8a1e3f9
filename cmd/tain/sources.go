package main

import (
	"fmt"
	"strings"

	"tain.dev/tain/console"
	"tain.dev/tain/stat"
	"tain.dev/tain/tlsconf"
	"tain.dev/tain/upstream"
)

// sources is what the console may ask of the stages.
func (s *system) sources() console.Sources {
	return console.Sources{
		Status:       s.status,
		Live:         s.live,
		Books:        s.mirror.Books,
		Latency:      func(mirror, target string) console.Latency { return latencyOf(s.mirror.Latency(mirror, target)) },
		Upstreams:    func() []console.Upstream { return viewUpstreams(s.upstreams.Status()) },
		Certificates: func() []console.Certificate { return viewCertificates(s.certs.Status()) },
		Table:        s.table.Load,
		Pairs:        s.store.Pairs,
		Findings:     s.compare.Findings,
		Control:      s.control,
		Decide:       s.decide,
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
	if s.access != nil {
		live.LogWritten, live.LogLost = s.access.Written(), s.access.Lost()
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

func viewUpstreams(all []upstream.ClusterStatus) []console.Upstream {
	shown := make([]console.Upstream, len(all))
	for i, c := range all {
		lines := strings.Split(c.Key, "\n") // the URL, and an option on each further line
		u := console.Upstream{
			Name: c.Name, URL: lines[0], Options: lines[1:], Panic: c.Panic,
			Requests: limitOf(c.Requests), Connections: limitOf(c.Conns), Retries: limitOf(c.Retries),
			Servers: make([]console.Server, len(c.Servers)),
		}
		if c.Err != nil {
			u.LookupError = c.Err.Error()
		}
		for j, s := range c.Servers {
			u.Servers[j] = console.Server{
				Address: s.Addr, Host: s.Host, Weight: s.Weight, Priority: s.Priority, Well: s.Why == "", Why: s.Why, EjectedUntil: s.Until,
				Active: s.Active, Requests: s.Requests, Failed: s.Failed, Busy: s.Busy.Seconds(), Ejections: s.Ejections,
			}
		}
		shown[i] = u
	}
	return shown
}

func limitOf(g upstream.GateStatus) console.Limit {
	return console.Limit{Running: g.Running, Limit: g.Most, Refused: g.Refused}
}

func viewCertificates(all []tlsconf.Status) []console.Certificate {
	shown := make([]console.Certificate, len(all))
	for i, c := range all {
		shown[i] = console.Certificate(c)
	}
	return shown
}
