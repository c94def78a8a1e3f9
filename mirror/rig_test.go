package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/netloop"
	"tain.dev/tain/proxy"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// rig is a mirror behind a proxy on one loop, before a backend and two targets that a test plays.
type rig struct {
	*Mirror
	proxy                 *proxy.Proxy
	addr                  string
	loop                  *netloop.Loop
	live, target, control *wire.Server
	memory                *traffic.Memory
	pairs                 chan string         // what pairs were handed on
	silent                bool                // hand on none, for the loop to say
	watch                 func(*traffic.Pair) // sees each pair, on the loop; may be nil
	refuse                atomic.Bool         // take no pairs
	keep                  chan struct{}       // closed: pairs may be finished; nil: at once
	bugs                  wire.Bugs
}

// plain is a configuration that adds nothing to a live message.
func plain() *config.Config {
	cfg := config.Defaults()
	cfg.Proxy.Forwarded = config.ForwardedOff
	cfg.Proxy.Via = ""
	cfg.Mirror.Instance = "test"
	cfg.Mirror.Memory = 1 << 20
	return &cfg
}

// all is a table that copies everything from $live to $target.
const all = "route all\nbackend http://$live\nmirror v2 100%\nwrites\nto http://$target v2\n"

// start starts a proxy with a mirror. When the test ends, the books must be balanced, and nothing
// under way.
func start(t testing.TB, cfg *config.Config, table string) *rig {
	t.Helper()
	r := &rig{
		live: wire.Listen(t, "live"), target: wire.Listen(t, "target"), control: wire.Listen(t, "control"),
		pairs: make(chan string, 1<<10),
	}
	log := r.bugs.Log()
	loop, err := netloop.New(0, log)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := netloop.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if r.memory, err = traffic.NewMemory(cfg.Mirror.Memory); err != nil {
		t.Fatal(err)
	}
	r.addr, r.loop = listener.Addr().String(), loop
	set, loops := upstream.NewSet(slog.New(slog.DiscardHandler)), []*netloop.Loop{loop}
	r.Mirror = New(cfg, loops, set, r.memory, r.takePair)
	r.proxy = proxy.New(cfg, loops, set, r.Offer, nil, log)
	r.proxy.Watch(r.Observe)
	r.setTable(t, table)
	r.proxy.Listen(listener, func() *proxy.Entry { return &proxy.Entry{} })
	stopped := make(chan bool)
	go func() { loop.Run(); close(stopped) }()
	t.Cleanup(func() {
		r.settled(t)
		loop.Stop()
		<-stopped
		listener.Close()
		r.memory.Close()
	})
	return r
}

// settled waits until nothing is under way, and checks that nothing is left of what was.
func (r *rig) settled(t testing.TB) {
	t.Helper()
	wire.Until(t, "copies to end", func() bool {
		for _, b := range r.Books() {
			if b.Queued != 0 || b.InFlight != 0 || b.Comparing != 0 {
				return false
			}
		}
		return true
	})
	for _, b := range r.Books() {
		if err := b.Balance(); err != nil {
			t.Error(err)
		}
	}
	wire.Until(t, "the mirror memory to be free", func() bool { return r.memory.Used() == 0 })
	if n := r.bugs.Load(); n != 0 {
		t.Errorf("%d handlers panicked", n)
	}
}

func (r *rig) setTable(t testing.TB, text string) {
	t.Helper()
	text = strings.NewReplacer("$live", r.live.Addr, "$target", r.target.Addr, "$control", r.control.Addr).Replace(text)
	table, errs := route.Parse(text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	r.SetTable(table)
	r.proxy.SetTable(table)
}

// takePair stands for the analysers.
func (r *rig) takePair(_ int, p *traffic.Pair) bool {
	if r.watch != nil {
		r.watch(p)
	}
	switch {
	case r.refuse.Load():
		return false
	case r.silent:
		p.Finish(traffic.Compared)
		return true
	}
	say := func(x *traffic.Exchange) string {
		var scratch []byte
		m := &x.Response
		return fmt.Sprintf("%d %d %s", x.Status, m.Size, m.Body(&scratch))
	}
	role := ""
	if p.Baseline {
		role = " baseline"
	}
	select {
	case r.pairs <- fmt.Sprintf("%s %s%s: %s | %s\n", p.Policy, p.Target, role, say(p.Live), say(p.Mirror)):
	default:
	}
	if r.keep == nil {
		p.Finish(traffic.Compared)
		return true
	}
	go func() { <-r.keep; p.Finish(traffic.Compared) }()
	return true
}

// books are the lines of one target that are not 0.
func (r *rig) books(target string) string {
	var b strings.Builder
	say := func(name string, n uint64) {
		if n > 0 {
			fmt.Fprintf(&b, "%s %d\n", name, n)
		}
	}
	for _, book := range r.Books() {
		if book.Target != target {
			continue
		}
		say("seen", book.Seen)
		for i, n := range book.Unmatched {
			say("unmatched "+traffic.Unmatched(i).String(), n)
		}
		say("unsampled", book.Unsampled)
		for i, n := range book.Dropped {
			say("dropped "+traffic.Dropped(i).String(), n)
		}
		say("queued", uint64(book.Queued))
		say("sent", book.Sent)
		for i, n := range book.Failed {
			say("failed "+traffic.Failed(i).String(), n)
		}
		say("in flight", uint64(book.InFlight))
		say("answered", book.Answered)
		for i, n := range book.Uncompared {
			say("uncompared "+traffic.Uncompared(i).String(), n)
		}
		say("comparing", uint64(book.Comparing))
		say("compared", book.Compared)
	}
	return b.String()
}

// waitFor waits until the books of a target say exactly this.
func (r *rig) waitFor(t testing.TB, target, want string) {
	t.Helper()
	wire.Becomes(t, "the books of "+target, want, func() string { return r.books(target) })
}

// TestCases plays every case file. Besides the settings of configure, a file has table, the text of
// the routes, and besides the steps of wire:
//
//	books     waits until the books of target v2 have exactly these lines; "books NAME" of another
//	pair      takes the next pair: mirror, target, and of both answers status, size and body
//	table     uses another table from now on
//	pause, resume, kill, unkill, drain
//	backlog   makes the analysers refuse pairs
func TestCases(t *testing.T) {
	for name, file := range wire.Files(t, "testdata/*/*.txtar") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play := wire.Play{}
			settings := play.Settings(file)
			table := all
			if text, ok := settings["table"]; ok {
				table = text
				delete(settings, "table")
			}
			cfg := plain()
			configure(t, cfg, settings)
			r := start(t, cfg, table)
			play.Vars = map[string]string{"live": r.live.Addr, "target": r.target.Addr, "control": r.control.Addr}
			play.Enter = map[string]func(testing.TB) *wire.Peer{
				"user":    func(testing.TB) *wire.Peer { return wire.Dial(t, "user", r.addr) },
				"live":    func(testing.TB) *wire.Peer { return r.live.Accepts() },
				"target":  func(testing.TB) *wire.Peer { return r.target.Accepts() },
				"control": func(testing.TB) *wire.Peer { return r.control.Accepts() },
			}
			play.Other = r.steps(t)
			play.Run(t, file)
			r.live.AcceptsNone()
			r.target.AcceptsNone()
			r.control.AcceptsNone()
		})
	}
}

// steps are the steps that are not wire's.
func (r *rig) steps(t *testing.T) func(step, text string) bool {
	return func(step, text string) bool {
		t.Helper()
		text = strings.ReplaceAll(text, "\r", "")
		verb, name, _ := strings.Cut(step, " ")
		switch verb {
		case "books":
			if name == "" {
				name = "v2"
			}
			r.waitFor(t, name, text)
		case "pair":
			select {
			case got := <-r.pairs:
				if got != text {
					t.Errorf("the pair is\n%swant\n%s", got, text)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("there is no pair, want\n%s", text)
			}
		case "table":
			r.setTable(t, text)
		case "pause":
			r.Control(paused("v2"))
		case "resume":
			r.Control(control.State{})
		case "kill":
			r.Control(control.State{Killed: true})
		case "unkill":
			r.Control(control.State{})
		case "drain":
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			r.Drain(ctx)
		case "backlog":
			r.refuse.Store(true)
		default:
			return false
		}
		return true
	}
}

// configure reads the settings of a case file.
func configure(t *testing.T, cfg *config.Config, settings map[string]string) {
	t.Helper()
	for name, value := range settings {
		value = strings.TrimSpace(value)
		n, _ := strconv.Atoi(value)
		d, _ := time.ParseDuration(value)
		switch m := &cfg.Mirror; name {
		case "memory":
			m.Memory = int64(n)
		case "queue":
			m.Queue = n
		case "connections":
			m.Connections = n
		case "queueTimeout":
			m.QueueTimeout = d
		case "maxAnswer":
			m.MaxAnswer = n
		case "drainAnswer":
			m.DrainAnswer = int64(n)
		case "forwarded":
			cfg.Proxy.Forwarded = value
		case "trusted":
			cfg.Proxy.TrustedPeers = []netip.Prefix{netip.MustParsePrefix(value)}
		default:
			t.Fatalf("there is no setting %q", name)
		}
	}
}

// paused is the decision to pause that mirror.
func paused(mirror string) control.State {
	return control.State{Mirrors: map[string]control.Rule{mirror: {Paused: true}}}
}
