package compare

import (
	"sync"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// Config says how pairs are compared.
type Config struct {
	// Mask keeps secrets out of findings and records. Nil masks what is always masked.
	Mask *redact.Mask
	// HasBaseline reports whether a mirror has a baseline; until it has answered too, nothing is
	// reported. Nil: a mirror has one from its first baseline pair on.
	HasBaseline func(mirror string) bool
	// Keep is offered every pair that differs, and now and then an equal one. It calls build,
	// before it returns, if it wants the pair. Nil keeps none. It must not wait.
	Keep func(build func() *traffic.Record)
}

// Comparer compares pairs and counts what differs. [Comparer.Pair] is called by one goroutine; the
// other methods are safe on any.
type Comparer struct {
	cfg Config

	mu     sync.Mutex // guards everything below; held for the length of one pair
	groups map[string]*group
	// controlled are the mirrors of which a baseline pair was seen.
	controlled map[string]bool
	diffs      int    // differences that are counted, in all groups
	more       uint64 // pairs and paths beyond the bounds

	// The pair at hand.
	pair    *traffic.Pair
	present *side
	seq     uint64
	differs bool
	labels  []*diff
	record  *traffic.Record

	examples  int   // bytes of example pairs
	lastEqual int64 // start of the equal pair that was offered to Keep last
	build     func() *traffic.Record

	// Memory that is used again for every pair.
	key, path []byte
	request   reader
	live      reader
	mirror    reader
	veil      veil
	headers   headers
	differ    differ
	wire      wireDiffer
}

// New returns a comparer that has seen nothing.
func New(cfg Config) *Comparer {
	if cfg.Mask == nil {
		cfg.Mask = redact.New()
	}
	c := &Comparer{cfg: cfg, groups: make(map[string]*group), controlled: make(map[string]bool)}
	c.build = c.buildRecord
	c.headers = headers{mask: cfg.Mask, veil: &c.veil, note: c.note}
	c.differ = differ{mask: cfg.Mask, veil: &c.veil, note: c.note}
	c.wire = wireDiffer{mask: cfg.Mask, veil: &c.veil, note: c.note}
	return c
}

// Pair compares one pair. It keeps nothing of it.
func (c *Comparer) Pair(p *traffic.Pair) traffic.Uncompared {
	live, mirror := p.Live, p.Mirror
	switch {
	case live.Fault != "" || live.Status == 0:
		return traffic.UncomparedLive
	case mirror.Fault != "" || mirror.Status == 0:
		// Whoever makes pairs does not hand on such a one.
		return traffic.UncomparedFault
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live.openAnswer(&live.Response)
	c.mirror.openAnswer(&mirror.Response)
	sameStatus, sameBody := live.Status == mirror.Status && sameCode(c.live.code, c.mirror.code), true
	if sameStatus {
		var known bool
		sameBody, known = live.Response.SameBody(&mirror.Response, &c.live.bodyBuf, &c.mirror.bodyBuf)
		if !known {
			return traffic.UncomparedMemory
		}
	}
	c.begin(p)
	if sameStatus {
		c.answers(sameBody)
		c.present.live.Add(live.LastByte)
		c.present.mirror.Add(mirror.LastByte)
	} else {
		c.noteStatus()
	}
	c.end()
	return traffic.Compared
}

// begin makes p the pair at hand.
func (c *Comparer) begin(p *traffic.Pair) {
	c.pair, c.record, c.differs, c.labels = p, nil, false, c.labels[:0]
	c.veil.turn(p)
	c.seq++
	c.differ.now, c.wire.now = p.Live.Start, p.Live.Start
	c.present = c.group(p).side(p)
	c.present.pairs++
	c.present.last = p.Live.Start
	if c.present.pairs == 1 {
		c.present.first = p.Live.Start
		c.controlled[p.Policy] = c.controlled[p.Policy] || p.Baseline
	}
}

// answers compares header, trailer and body of two answers with the same status.
func (c *Comparer) answers(sameBody bool) {
	c.fields(finding.Header, c.live.lines, c.mirror.lines)
	c.fields(finding.Trailer, c.live.ending, c.mirror.ending)
	if !sameBody {
		c.bodies()
	}
}

// fields compares header or trailer lines.
func (c *Comparer) fields(kind finding.Kind, live, mirror []byte) {
	if !sameLines(kind, live, mirror) {
		c.headers.compare(kind, live, mirror)
	}
}

// end lets go of the pair at hand, and keeps a record of it where one is wanted.
func (c *Comparer) end() {
	p := c.pair
	if c.veil.tolerated {
		c.present.redacted++
	}
	if c.differs {
		c.present.differing++
		c.giveExamples()
		if c.cfg.Keep != nil {
			c.cfg.Keep(c.build)
		}
	} else if c.cfg.Keep != nil && p.Live.Start-c.lastEqual >= int64(time.Second) {
		c.lastEqual = p.Live.Start
		c.cfg.Keep(c.build)
	}
	c.pair, c.record = nil, nil
}

// giveExamples makes the pair at hand the example of what it is the first to show. The baseline's
// differences are never reported and need none.
func (c *Comparer) giveExamples() {
	if c.present.baseline {
		return
	}
	for _, d := range c.labels {
		if d.count == 1 && d.example == nil && c.examples < maxExamples {
			if c.record == nil {
				c.examples += c.buildRecord().Size()
			}
			d.example = c.record
		}
	}
}

// Tally counts the pairs of one target of one mirror.
type Tally struct {
	Mirror, Target string
	Baseline       bool
	Pairs          uint64 // pairs that were compared
	Differing      uint64 // pairs that showed any difference, noise included
	Redacted       uint64 // pairs that differ in what their mirror redacts, which is tolerated
}

// Tallies returns what was compared so far, in no order of meaning but always the same.
func (c *Comparer) Tallies() []Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	sums := make(map[Tally]*Tally)
	for _, g := range c.groups {
		for _, s := range g.sides {
			key := Tally{Mirror: g.mirror, Target: s.target, Baseline: s.baseline}
			if sums[key] == nil {
				sum := key
				sums[key] = &sum
			}
			sums[key].Pairs += s.pairs
			sums[key].Differing += s.differing
			sums[key].Redacted += s.redacted
		}
	}
	return sortedTallies(sums)
}

// More counts the differences that were seen but not counted by path, because the number of paths
// is bounded.
func (c *Comparer) More() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.more
}

// Findings returns what differs by more than noise, the most severe first, then the most frequent.
func (c *Comparer) Findings() []finding.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []finding.Finding
	for _, g := range c.groups {
		controlled := c.controlled[g.mirror]
		if c.cfg.HasBaseline != nil {
			controlled = c.cfg.HasBaseline(g.mirror)
		}
		all = append(all, g.findings(controlled)...)
	}
	sortFindings(all)
	return all
}
