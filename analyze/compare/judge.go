package compare

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/stat"
)

// When a difference is more than noise.
const (
	// minCount pairs must show a difference before it is weighed against the baseline.
	minCount = 5
	// margin is how many times as often as the baseline a target may differ.
	margin = 1.5
	// volatile is the share of the baseline's pairs from which on what differs is noise for
	// good. How often such a field differs says more about the time between two answers than
	// about the version that gave them.
	volatile = 0.2
	// doubt is the chance, for each difference, of ever calling noise a change.
	doubt = 1e-4
)

// When latencies differ: over minTimed pairs (the baseline: minControl), the median of the target
// is twice or half of live's, and by a millisecond, since below that it is the machine that is
// measured. The baseline's median must not do likewise: the ratio to live's must be half as large
// again as the baseline's.
const (
	minTimed   = 100
	minControl = 30
	twofold    = 2
	likewise   = 1.5
	minGap     = time.Millisecond
)

// control is what the baselines of a group showed, together.
type control struct {
	present bool // the mirror has a baseline, though it may not have answered yet
	pairs   uint64
	counts  map[string]uint64 // by label
	live    stat.Histogram
	mirror  stat.Histogram
}

func (g *group) control(present bool) *control {
	c := &control{present: present, counts: make(map[string]uint64)}
	for _, s := range g.sides {
		if !s.baseline {
			continue
		}
		c.pairs += s.pairs
		c.live.Merge(&s.live)
		c.mirror.Merge(&s.mirror)
		for label, d := range s.diffs {
			c.counts[label] += d.count
		}
	}
	return c
}

// findings returns what the targets of a group show by more than noise.
func (g *group) findings(controlled bool) (all []finding.Finding) {
	control := g.control(controlled)
	for _, s := range g.sides {
		if s.baseline {
			continue
		}
		for _, d := range s.diffs {
			if control.exceeded(d, s.pairs) {
				all = append(all, g.difference(s, d, control))
			}
		}
		if control.outpaced(s) {
			all = append(all, g.latency(s, control))
		}
	}
	return all
}

// exceeded reports whether a difference in d.count of pairs pairs is more than the baseline shows.
func (c *control) exceeded(d *diff, pairs uint64) bool {
	if !c.present {
		return true
	}
	count := c.counts[d.label]
	if d.count < minCount || d.kind != finding.Status && float64(count) > volatile*float64(c.pairs) {
		return false
	}
	return stat.Excess(d.count, pairs, count, c.pairs, margin) >= -math.Log(doubt)
}

// outpaced reports whether the target's latencies differ from live's, and the baseline's do not.
func (c *control) outpaced(s *side) bool {
	if s.mirror.Count() < minTimed || c.present && c.mirror.Count() < minControl {
		return false
	}
	live, mirror := s.live.Quantile(0.5), s.mirror.Quantile(0.5)
	if (mirror - live).Abs() < minGap {
		return false
	}
	ratio := ratio(mirror, live)
	usual := 1.0
	if c.present {
		usual = quotient(&c.mirror, &c.live)
	}
	return ratio >= twofold && ratio >= likewise*usual || ratio <= 1.0/twofold && ratio <= usual/likewise
}

// quotient returns the ratio of two medians.
func quotient(a, b *stat.Histogram) float64 { return ratio(a.Quantile(0.5), b.Quantile(0.5)) }

func ratio(a, b time.Duration) float64 { return float64(max(a, 1)) / float64(max(b, 1)) }

// difference makes a finding of a difference.
func (g *group) difference(s *side, d *diff, c *control) finding.Finding {
	f := g.finding(s, d.kind, d.path)
	f.Severity = severity(d)
	f.Count, f.BaselineCount, f.BaselinePairs = d.count, c.counts[d.label], c.pairs
	f.First, f.Last = at(d.first), at(d.last)
	f.Example = d.example
	f.Text = fmt.Sprintf("%s, in %s%s.", says(d), share(f.Count, f.Pairs, "answers"), baselineSays(&f, c.present))
	return f
}

// latency makes a finding of a target's latencies.
func (g *group) latency(s *side, c *control) finding.Finding {
	f := g.finding(s, finding.Latency, "")
	live, mirror := s.live.Quantile(0.5), s.mirror.Quantile(0.5)
	r, word := ratio(mirror, live), "slower"
	f.Severity = finding.Medium
	switch {
	case r < 1:
		r, word = 1/r, "faster"
		f.Severity = finding.Low
	case r >= 5:
		f.Severity = finding.High
	}
	f.Count, f.BaselinePairs = s.mirror.Count(), c.mirror.Count()
	f.First, f.Last = at(s.first), at(s.last)
	f.Text = fmt.Sprintf("The median answer is %.1f times %s: %s, live %s", r, word, brief(mirror), brief(live))
	if c.present {
		f.Text += ", the baseline " + brief(c.mirror.Quantile(0.5))
	}
	f.Text += fmt.Sprintf(", over %s.", number(f.Count, "pairs"))
	return f
}

func (g *group) finding(s *side, kind finding.Kind, path string) finding.Finding {
	f := finding.Finding{
		Mirror: g.mirror, Target: s.target, Route: g.route, Endpoint: g.endpoint,
		Kind: kind, Path: path, Pairs: s.pairs, Redacted: s.redacted,
	}
	id := fnv.New64a()
	id.Write([]byte(strings.Join([]string{f.Mirror, f.Target, f.Route, f.Endpoint, string(f.Kind), f.Path}, "\x00")))
	f.ID = fmt.Sprintf("%016x", id.Sum64())
	return f
}

func at(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).UTC() }

// severity says how much a difference matters to those who read the answers: what they would stumble
// over first.
func severity(d *diff) finding.Severity {
	switch d.kind {
	case finding.Status:
		if d.live < "4" || d.live == codeOK.String() {
			return finding.High
		}
		return finding.Medium
	case finding.Removed, finding.Type:
		return finding.High
	case finding.Value, finding.Body:
		return finding.Medium
	case finding.Trailer:
		if d.path == "Grpc-Message" || d.path == "Grpc-Status-Details-Bin" {
			return finding.Medium
		}
	case finding.Header:
		switch d.path {
		case "Content-Type", "Location", "Cache-Control", "Set-Cookie", "Content-Encoding", "Vary", "Www-Authenticate":
			return finding.Medium
		}
		if strings.HasPrefix(d.path, "Access-Control-") || strings.HasSuffix(d.path, "-Policy") || d.path == "Strict-Transport-Security" {
			return finding.Medium
		}
	}
	return finding.Low
}

var ranks = map[finding.Severity]int{finding.High: 0, finding.Medium: 1, finding.Low: 2}

func sortFindings(all []finding.Finding) {
	slices.SortFunc(all, func(a, b finding.Finding) int {
		return cmp.Or(
			cmp.Compare(ranks[a.Severity], ranks[b.Severity]),
			cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Endpoint, b.Endpoint),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

func sortedTallies(sums map[Tally]*Tally) []Tally {
	all := make([]Tally, 0, len(sums))
	for _, sum := range sums {
		all = append(all, *sum)
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Mirror, b.Mirror), cmp.Compare(a.Target, b.Target))
	})
	return all
}
