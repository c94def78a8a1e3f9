package compare

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"tain.dev/tain/finding"
	"tain.dev/tain/stat"
	"tain.dev/tain/traffic"
)

// Bounds on what is counted. They keep a client that makes up paths, or a service that makes up
// field names, from growing tain's memory.
const (
	maxGroups   = 1000     // endpoints with counts of their own
	maxDiffs    = 500      // differences per endpoint and target
	maxTotal    = 10_000   // differences in all
	maxExamples = 16 << 20 // bytes of example pairs
)

// others is the endpoint of the requests that have no counts of their own.
const others = "…"

// absent is shown in place of a value that one side does not have.
const absent = "(absent)"

// diff is one difference, counted.
type diff struct {
	kind        finding.Kind
	path        string
	label       string // kind and path, as a record lists them
	count       uint64
	seq         uint64 // the pair that was counted last, so that one counts once
	first, last int64  // nanoseconds since 1970
	// live and mirror are the values of the first pair that showed it, masked and clipped.
	live, mirror string
	example      *traffic.Record
}

// side is what one target showed on one endpoint.
type side struct {
	target      string
	baseline    bool
	pairs       uint64
	differing   uint64
	redacted    uint64         // pairs that differ in what their mirror redacts
	first, last int64          // start of the first and the latest pair, nanoseconds since 1970
	live        stat.Histogram // time to the last byte, of pairs with equal status
	mirror      stat.Histogram
	diffs       map[string]*diff
}

// group is one endpoint of one route of one mirror.
type group struct {
	mirror, route, endpoint string
	sides                   []*side
}

// side returns the side of the pair's target.
func (g *group) side(p *traffic.Pair) *side {
	for _, s := range g.sides {
		if s.baseline == p.Baseline && s.target == p.Target {
			return s
		}
	}
	s := &side{target: p.Target, baseline: p.Baseline, diffs: make(map[string]*diff)}
	g.sides = append(g.sides, s)
	return s
}

// group returns the group of a pair. What live does not know, so answers with 404 or in gRPC with
// UNIMPLEMENTED, gets no group of its own: made-up paths would use up the groups.
func (c *Comparer) group(p *traffic.Pair) *group {
	c.key = append(append(append(append(c.key[:0], p.Policy...), 0), p.Live.Route...), 0)
	prefix := len(c.key)
	c.request.open(&p.Live.Request)
	c.key = appendEndpoint(c.key, c.request.start)
	if g := c.groups[string(c.key)]; g != nil {
		return g
	}
	if len(c.groups) >= maxGroups || p.Live.Status == 404 || c.live.code == codeUnimplemented {
		c.key = append(c.key[:prefix], others...)
		if g := c.groups[string(c.key)]; g != nil {
			return g
		}
	}
	g := &group{mirror: p.Policy, route: p.Live.Route, endpoint: string(c.key[prefix:])}
	c.groups[string(c.key)] = g
	return g
}

// note counts a difference of the present pair, once. It returns the difference if the pair is the
// first to show it, so that the caller may fill in the values.
func (c *Comparer) note(kind finding.Kind, path []byte) *diff {
	s := c.present
	c.key = append(append(append(c.key[:0], kind...), ' '), path...)
	d, fresh := s.diffs[string(c.key)], false
	if d == nil {
		if len(s.diffs) >= maxDiffs || c.diffs >= maxTotal {
			c.more++
			c.differs = true
			return nil
		}
		c.diffs++
		fresh = true
		d = &diff{kind: kind, path: string(path), label: string(c.key), first: c.pair.Live.Start}
		s.diffs[d.label] = d
	}
	c.differs = true
	if d.seq == c.seq {
		return nil
	}
	d.seq = c.seq
	d.count++
	d.last = c.pair.Live.Start
	c.labels = append(c.labels, d)
	if !fresh {
		return nil
	}
	return d
}

// noteStatus counts a status that differs, that of gRPC where both are the same to HTTP; its path says
// from what to what.
func (c *Comparer) noteStatus() {
	live, mirror := strconv.Itoa(c.pair.Live.Status), strconv.Itoa(c.pair.Mirror.Status)
	sayLive, sayMirror := live, mirror
	if live == mirror {
		live, mirror = c.live.code.label(), c.mirror.code.label()
		sayLive, sayMirror = c.live.code.String(), c.mirror.code.String()
	}
	c.path = append(append(append(c.path[:0], live...), "→"...), mirror...)
	if example := c.note(finding.Status, c.path); example != nil {
		example.live, example.mirror = sayLive, sayMirror
	}
}

// clip returns a value as it is shown in a sentence: as text, and not long.
func clip(value []byte) string {
	const long = 60
	if !isText(value) {
		return strconv.Itoa(len(value)) + " bytes that are no text"
	}
	if len(value) <= long {
		return string(value)
	}
	cut := long
	for !utf8.RuneStart(value[cut]) {
		cut--
	}
	return string(value[:cut]) + "…"
}

// isText reports whether b is text that people write.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			return false
		}
		b = b[n:]
	}
	return true
}
