package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// rig is a proxy on one loop of its own, before two backends that a test plays.
type rig struct {
	*Proxy
	addr        string
	loop        *netloop.Loop
	listener    *netloop.Listener
	live, other *wire.Server
	memory      *traffic.Memory
	exchanges   chan *traffic.Exchange // that ended, where the rig captures
	bugs        atomic.Int64           // that were logged
	wantBugs    int64
}

// plain is a configuration that adds nothing to a message.
func plain() *config.Config {
	cfg := config.Defaults()
	cfg.Proxy.Forwarded = config.ForwardedOff
	cfg.Proxy.Via = ""
	return &cfg
}

// allToLive is a table with $live as the only backend.
const allToLive = "route all\nbackend http://$live\n"

// start starts a proxy. When the test ends, nothing of it may be left.
func start(t testing.TB, cfg *config.Config, table string, offer Offer) *rig {
	t.Helper()
	r := &rig{
		live: wire.Listen(t, "live"), other: wire.Listen(t, "other"),
		exchanges: make(chan *traffic.Exchange, 64),
	}
	log := slog.New(bugCounter{slog.DiscardHandler, &r.bugs})
	loop, err := netloop.New(0, log)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := netloop.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := traffic.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	r.addr, r.loop, r.listener, r.memory = listener.Addr().String(), loop, listener, memory
	if offer == nil {
		offer = r.capture
	}
	r.Proxy = New(cfg, []*netloop.Loop{loop}, upstream.NewSet(log), offer, nil, log)
	r.setTable(t, table)
	r.Listen(listener, func() *Entry { return &Entry{} })
	ctx, cancel := context.WithCancel(context.Background())
	logged, stopped := make(chan error, 1), make(chan bool)
	go func() { logged <- r.Run(ctx) }()
	go func() { loop.Run(); close(stopped) }()
	t.Cleanup(func() {
		cancel()
		<-logged
		loop.Stop()
		<-stopped
		listener.Close()
		if n := memory.Used(); n != 0 {
			t.Errorf("%d bytes of captures are left", n)
		}
		if n := r.Counts().Clients; n != 0 {
			t.Errorf("%d clients are left", n)
		}
		if n := r.bugs.Load(); n != r.wantBugs {
			t.Errorf("%d handlers panicked, want %d", n, r.wantBugs)
		}
		memory.Close()
	})
	return r
}

func (r *rig) setTable(t testing.TB, text string) {
	t.Helper()
	text = strings.NewReplacer("$live", r.live.Addr, "$other", r.other.Addr).Replace(text)
	table, errs := route.Parse(text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	r.SetTable(table)
}

// capture takes part in every request, as a mirror does.
func (r *rig) capture(_ int, _ *route.Route, _ *route.Request, a *traffic.Arrival) *traffic.Exchange {
	x := &traffic.Exchange{}
	x.Progress = func() {
		if x.Done {
			select {
			case r.exchanges <- x:
			default:
			}
		}
	}
	x.Reset(r.memory)
	x.Request.SetHead(a.Head)
	x.Request.Limit, x.Response.Limit = 64<<10, 64<<10
	return x
}

func (r *rig) user(t testing.TB) *wire.Peer { t.Helper(); return wire.Dial(t, "user", r.addr) }

// onLoop runs fn on the loop and waits for it.
func (r *rig) onLoop(fn func()) {
	done := make(chan bool)
	r.loop.Submit(func() { fn(); close(done) })
	<-done
}

// turns waits until the loop has seen whatever happened before.
func (r *rig) turns() {
	for range 10 {
		r.onLoop(func() {})
	}
}

// bugCounter is a log that only counts bugs.
type bugCounter struct {
	slog.Handler
	bugs *atomic.Int64
}

func (c bugCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c bugCounter) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "BUG") {
		c.bugs.Add(1)
	}
	return nil
}

// TestCases plays every case file. Besides the settings of configure, a file has table, the text of
// the routes, and then, besides the steps of wire:
//
//	table   has the proxy use another table from now on
//	drain   begins to drain, and drained waits for its end
//	refuse  makes live refuse connections
//	clients waits until there are so many users
//	moment  waits until the loop has seen what was sent
//	errors  waits until these errors are counted, one "reason count" a line, and no other
func TestCases(t *testing.T) {
	for name, file := range wire.Files(t, "testdata/*/*.txtar") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *rig
			play := wire.Play{}
			settings := play.Settings(file)
			table := allToLive
			if text, ok := settings["table"]; ok {
				table = text
				delete(settings, "table")
			}
			cfg := plain()
			configure(t, cfg, settings)
			r = start(t, cfg, table, nil)
			play.Vars = map[string]string{"live": r.live.Addr, "other": r.other.Addr, "via": r.via}
			play.Enter = map[string]func(testing.TB) *wire.Peer{
				"user":  r.user,
				"live":  func(testing.TB) *wire.Peer { return r.live.Accepts() },
				"other": func(testing.TB) *wire.Peer { return r.other.Accepts() },
			}
			play.Other = r.steps(t)
			play.Run(t, file)
			r.live.AcceptsNone()
			r.other.AcceptsNone()
		})
	}
}

// steps are the steps that are not wire's.
func (r *rig) steps(t *testing.T) func(step, text string) bool {
	drained := make(chan int64, 1)
	return func(step, text string) bool {
		t.Helper()
		switch step {
		case "table":
			r.setTable(t, strings.ReplaceAll(text, "\r", ""))
		case "drain":
			go func() { drained <- r.Drain(t.Context()) }()
			wire.Until(t, "draining", r.draining.Load)
			r.turns()
		case "moment":
			r.turns()
		case "drained":
			if n := <-drained; n != 0 {
				t.Errorf("%d connections are left after the drain", n)
			}
		case "refuse":
			r.live.Closes()
		case "clients":
			want, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			wire.Until(t, "clients to be "+text, func() bool { return r.Counts().Clients == want })
		case "errors":
			want := strings.ReplaceAll(text, "\r", "")
			wire.Until(t, "errors to be\n"+want, func() bool { return r.errors() == want })
		default:
			return false
		}
		return true
	}
}

func (r *rig) errors() string {
	var b strings.Builder
	errors := r.Counts().Errors
	for _, reason := range slices.Sorted(maps.Keys(errors)) {
		if n := errors[reason]; n > 0 {
			fmt.Fprintf(&b, "%s %d\n", reason, n)
		}
	}
	return b.String()
}

// configure reads the settings of a case file.
func configure(t *testing.T, cfg *config.Config, settings map[string]string) {
	t.Helper()
	for name, value := range settings {
		value = strings.TrimSpace(value)
		n, _ := strconv.Atoi(value)
		d, _ := time.ParseDuration(value)
		switch p := &cfg.Proxy; name {
		case "headTimeout":
			p.HeadTimeout = d
		case "idleTimeout":
			p.IdleTimeout = d
		case "responseTimeout":
			p.ResponseTimeout = d
		case "bodyTimeout":
			p.BodyTimeout = d

		case "writeTimeout":
			p.WriteTimeout = d
		case "maxBody":
			p.MaxBody = int64(n)
		case "maxConns":
			p.MaxConns = n
		case "forwarded":
			p.Forwarded = value
		case "via":
			p.Via = value
		case "trusted":
			p.TrustedPeers = []netip.Prefix{netip.MustParsePrefix(value)}
		default:
			t.Fatalf("there is no setting %q", name)
		}
	}
}
