package main

import (
	"strings"
	"time"

	"tain.dev/tain/report"
	"tain.dev/tain/stat"
	"tain.dev/tain/traffic"
)

// sampler makes snapshots for the report. It remembers the one before, to tell rates.
type sampler struct {
	s    *system
	last *report.Snapshot
}

func (p *sampler) snapshot() report.Snapshot {
	s := p.s
	live := s.proxy.Counts()
	snap := report.Snapshot{
		Started:  s.started,
		Now:      time.Now(),
		Listen:   strings.Join(s.listeners.addrs(), " "),
		Live:     report.Side{Name: s.liveName(), Latency: quantiles(&live.Latency)},
		Findings: s.compare.Findings(),
		More:     s.compare.More(),
		Memory:   s.memory.Used(),
		Ceiling:  s.memory.Size(),
	}
	for _, n := range live.Answers {
		snap.Live.Requests += n
	}
	for _, n := range live.Errors {
		snap.Live.Errors += n
	}
	for _, b := range s.mirror.Books() {
		latency := s.mirror.Latency(b.Mirror, b.Target)
		t := report.Target{Books: b}
		t.Name, t.Requests, t.Latency = b.Target, b.Answered, quantiles(&latency)
		snap.Targets = append(snap.Targets, t)
	}
	for _, tally := range s.compare.Tallies() {
		for i := range snap.Targets {
			if b := &snap.Targets[i].Books; b.Mirror == tally.Mirror && b.Target == tally.Target {
				snap.Targets[i].Differing, snap.Targets[i].Redacted = tally.Differing, tally.Redacted
			}
		}
	}
	snap.Notes = s.notes(snap.Targets)
	p.rate(&snap)
	return snap
}

// rate fills in how many requests and answers per second there were since the last snapshot, or
// since the start.
func (p *sampler) rate(snap *report.Snapshot) {
	since := snap.Started
	before := make(map[[2]string]uint64)
	var requests uint64
	if p.last != nil {
		since, requests = p.last.Now, p.last.Live.Requests
		for _, t := range p.last.Targets {
			before[[2]string{t.Books.Mirror, t.Books.Target}] = t.Requests
		}
	}
	seconds := max(snap.Now.Sub(since).Seconds(), 0.001)
	snap.Live.Rate = float64(snap.Live.Requests-requests) / seconds
	for i := range snap.Targets {
		t := &snap.Targets[i]
		t.Rate = float64(t.Requests-before[[2]string{t.Books.Mirror, t.Books.Target}]) / seconds
	}
	last := *snap
	p.last = &last
}

func quantiles(h *stat.Histogram) report.Latency {
	return report.Latency{P50: h.Quantile(0.5), P90: h.Quantile(0.9), P99: h.Quantile(0.99)}
}

// liveName is the backend, if there is just one.
func (s *system) liveName() string {
	routes := s.table.Load().Routes()
	if len(routes) == 1 && len(routes[0].Backends) == 1 {
		return routes[0].Backends[0].Addr()
	}
	return "live"
}

// notes are what a reader has to know before trusting the rest.
func (s *system) notes(targets []report.Target) (notes []string) {
	baseline, skipped := false, uint64(0)
	for _, t := range targets {
		baseline = baseline || t.Books.Baseline
		if t.Books.Baseline && t.Books.Seen > 0 && t.Books.Answered == 0 {
			notes = append(notes, "The baseline "+t.Name+" has answered nothing, so no difference can be told from noise and none is reported.")
		}
		skipped += t.Books.Unmatched[traffic.UnmatchedMethod]
	}
	if len(targets) > 0 && !baseline {
		notes = append(notes, "There is no baseline, so noise (ids, timestamps) is reported like change. A second instance of the live version as --baseline tells them apart.")
	}
	if skipped > 0 {
		notes = append(notes, "Requests with unsafe methods were not copied. --writes, or writes: true, copies them too.")
	}
	counts := s.store.Counts()
	switch {
	case s.unkept != nil:
		notes = append(notes, "Nothing was kept on disk: "+s.unkept.Error()+".")
	case counts.Off == "" && counts.Kept > 0:
		notes = append(notes, "Examples of pairs are in "+s.store.Dir()+".")
	case counts.Off != "" && s.cfg.Data.Dir != "off":
		notes = append(notes, "Nothing was kept on disk: "+counts.Off+".")
	}
	decided := s.control()
	return append(notes, overrides(&decided, time.Now())...)
}
