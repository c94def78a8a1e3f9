package mirror

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/netloop"
	"tain.dev/tain/pace"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// Pairs takes a complete pair, on the loop of that number, and must not block. When it returns
// false the pair is still the caller's.
type Pairs func(lane int, p *traffic.Pair) bool

// Mirror makes copies on event loops.
type Mirror struct {
	cfg    config.Mirror
	memory *traffic.Memory
	set    *upstream.Set
	pairs  Pairs
	lanes  []*lane
	lastID atomic.Uint64

	killed   atomic.Bool
	stopping atomic.Bool
	plans    atomic.Pointer[plans]
	strain   *pace.Strain
	watching atomic.Bool // some limits of the present table ask for strain

	mu       sync.Mutex // guards the fields below; no loop takes it
	books    []*book    // in the order in which they were opened
	control  control.State
	policies map[string]*policy
	targets  map[targetKey]*target
	limiters map[limitKey]*limiter // of the present table
}

// policy is what operators decided about all mirrors of one name.
type policy struct {
	paused     atomic.Bool
	perMillion atomic.Int64 // less than 0 is the configuration's
}

// set takes over what was decided, and says whether the mirror is paused now and was not before.
func (p *policy) set(r control.Rule) (paused bool) {
	share := int64(-1)
	if r.PerMillion != nil {
		share = int64(*r.PerMillion)
	}
	p.perMillion.Store(share)
	return !p.paused.Swap(r.Paused) && r.Paused
}

// target is one address that a mirror sends to. It outlives tables, as its book does.
type target struct {
	id      int // index of its sender in every lane
	book    *book
	cluster *upstream.Cluster
}

type targetKey struct{ mirror, target, upstream string }

// plans says what to copy of the requests of each route. The former plans are kept for requests
// that were routed by the table before.
type plans struct {
	byRoute, former map[*route.Route][]plan
}

// plan is one mirror of a route, compiled.
type plan struct {
	*route.Mirror
	policy  *policy
	targets []*target
	limits  []*limiter     // for each target; nil where there are none
	shapes  []*route.Shape // of the copies for each target; nil where there can be none
	stage   route.Stage    // of After

	redactor   *redact.Redactor // nil where everything may leave
	unredacted bool             // there can be no redactor, and so no copy
}

// late says that it is not decided at the head of a request what becomes of it, or of its body.
func (p *plan) late(hasBody bool) bool {
	return p.After != nil || hasBody && p.redactor != nil && p.redactor.Bodies()
}

// samples says whether a request is in the share that is copied: the operators', or the configuration's.
func (p *plan) samples(q *route.Request, draw uint64) bool {
	decided := p.policy.perMillion.Load()
	if decided < 0 {
		return p.Sample.Takes(q, draw)
	}
	sample := p.Sample
	sample.PerMillion = uint32(decided)
	return sample.Takes(q, draw)
}

// New makes a mirror stage on the given loops. Captures lie in memory; complete pairs go to pairs.
func New(cfg *config.Config, loops []*netloop.Loop, set *upstream.Set, memory *traffic.Memory, pairs Pairs) *Mirror {
	m := &Mirror{
		cfg:      cfg.Mirror,
		memory:   memory,
		set:      set,
		pairs:    pairs,
		strain:   pace.NewStrain(len(loops)),
		policies: make(map[string]*policy),
		targets:  make(map[targetKey]*target),
	}
	for _, loop := range loops {
		m.lanes = append(m.lanes, newLane(m, loop, len(loops)))
	}
	m.plans.Store(&plans{})
	return m
}

// SetTable makes the mirrors of t the ones that count. Call it before the proxy gets the table. It
// may be called from any goroutine but those of loops: it reads the files of credentials and keys.
func (m *Mirror) SetTable(t *route.Table) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := &plans{byRoute: make(map[*route.Route][]plan), former: m.plans.Load().byRoute}
	rules, before, strain := redactors{}, m.limiters, false
	m.limiters = make(map[limitKey]*limiter)
	for _, r := range t.Routes() {
		for _, rm := range r.Mirrors {
			next.byRoute[r] = append(next.byRoute[r], m.compileLocked(r, rm, rules, before))
			strain = strain || rm.Limits.Strain
		}
	}
	m.watching.Store(strain)
	m.plans.Store(next)
}

func (m *Mirror) compileLocked(r *route.Route, rm *route.Mirror, rules redactors, before map[limitKey]*limiter) plan {
	p := plan{Mirror: rm, policy: m.policies[rm.Name], shapes: shapes(&m.cfg, r, rm)}
	if p.policy == nil {
		p.policy = &policy{}
		p.policy.set(m.control.Mirrors[rm.Name])
		m.policies[rm.Name] = p.policy
	}
	made := rules.of(&rm.Copy.Redact)
	p.redactor, p.unredacted = made.Redactor, made.err != nil
	if rm.After != nil {
		p.stage = rm.After.Stage()
	}
	for _, t := range rm.Targets {
		key := targetKey{rm.Name, t.Name, t.Key()}
		if m.targets[key] == nil {
			cluster, err := m.set.Cluster(t.URL, t.Options)
			if err != nil {
				panic("BUG: a checked table has a bad target: " + err.Error())
			}
			m.targets[key] = &target{id: len(m.targets), book: m.bookLocked(rm.Name, t), cluster: cluster}
		}
		limits := m.limiterLocked(limitKey{key, rm.Limits}, before)
		m.targets[key].book.baseline.Store(t.Baseline)
		m.targets[key].book.limiter.Store(limits)
		p.targets, p.limits = append(p.targets, m.targets[key]), append(p.limits, limits)
	}
	return p
}

// limiterLocked is the limiter of the present table, else that of the table before, else a new one.
func (m *Mirror) limiterLocked(key limitKey, before map[limitKey]*limiter) *limiter {
	if l, ok := m.limiters[key]; ok {
		return l
	}
	l, ok := before[key]
	if !ok {
		l = newLimiter(key.Limits, m.cfg.Connections, m.strain)
	}
	m.limiters[key] = l
	return l
}

func (m *Mirror) bookLocked(mirror string, t route.Target) *book {
	for _, b := range m.books {
		if b.mirror == mirror && b.target == t.Name {
			return b
		}
	}
	b := &book{mirror: mirror, target: t.Name, lanes: make([]*counts, len(m.lanes)), policy: m.policies[mirror]}
	for i := range b.lanes {
		b.lanes[i] = new(counts)
	}
	m.books = append(m.books, b)
	return b
}

// Control puts into force what operators decided, for mirrors that come later too. Copies that wait or
// run, and that are not wanted any more, are given up at once. It may be called from any goroutine.
func (m *Mirror) Control(s control.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.control = s
	paused := make(map[*policy]bool)
	for name, p := range m.policies {
		if p.set(s.Mirrors[name]) {
			paused[p] = true
		}
	}
	if m.killed.Store(s.Killed); s.Killed {
		m.purge(func(*policy) bool { return true })
	} else if len(paused) > 0 {
		m.purge(func(p *policy) bool { return paused[p] })
	}
}

// Killed says whether the kill switch is on.
func (m *Mirror) Killed() bool { return m.killed.Load() }

func (m *Mirror) purge(which func(*policy) bool) {
	for _, l := range m.lanes {
		l.loop.Submit(func() { l.purge(which) })
	}
}

// Drain waits until every copy has met its fate, or ctx ends; then it gives up what is left, and
// waits for that. Live traffic must have ended.
func (m *Mirror) Drain(ctx context.Context) {
	if m.settle(ctx) {
		return
	}
	m.stopping.Store(true)
	m.purge(func(*policy) bool { return true })
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	m.settle(last)
}

// settle waits until nothing is queued or in flight.
func (m *Mirror) settle(ctx context.Context) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		busy := false
		for _, b := range m.Books() {
			busy = busy || b.Queued > 0 || b.InFlight > 0
		}
		if !busy {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
