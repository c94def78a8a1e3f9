package proxy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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
	entry       atomic.Pointer[Entry] // of connections
	exchanges   chan string           // that ended, where the rig captures, as told by say
	bugs        wire.Bugs             // that were logged
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
		exchanges: make(chan string, 64),
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
	memory, err := traffic.NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	r.addr, r.loop, r.listener, r.memory = listener.Addr().String(), loop, listener, memory
	if offer == nil {
		offer = r.capture
	}
	set := upstream.NewSet(log)
	set.TLS = backendTLS
	r.Proxy = New(cfg, []*netloop.Loop{loop}, set, offer, startLog(t, cfg), log)
	r.setTable(t, table)
	r.entry.Store(&Entry{})
	r.Listen(listener, r.entry.Load)
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
		r.checkLoans(t)
		memory.Close()
	})
	return r
}

// checkLoans holds that nothing is left of what was borrowed from backends, nor of their budgets.
func (r *rig) checkLoans(t testing.TB) {
	t.Helper()
	for _, c := range r.set.Status() {
		if c.Requests.Running != 0 || c.Retries.Running != 0 || c.Conns.Running != 0 {
			t.Errorf("upstream %s: %d requests, %d retries and %d connections are left", c.Name, c.Requests.Running, c.Retries.Running, c.Conns.Running)
		}
		for _, s := range c.Servers {
			if s.Active != 0 {
				t.Errorf("server %s: %d requests are left", s.Addr, s.Active)
			}
		}
	}
}

// failures is how often servers were blamed.
func (r *rig) failures() (n uint64) {
	for _, c := range r.set.Status() {
		for _, s := range c.Servers {
			n += s.Failed
		}
	}
	return n
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
			case r.exchanges <- say(x):
			default:
			}
		}
	}
	x.Reset(r.memory)
	x.Request.SetHead(a.Head)
	x.Request.Limit, x.Response.Limit = 64<<10, 64<<10
	return x
}

// say is an exchange for people: the request, its head as copies get it, the answer, and how it ended.
func say(x *traffic.Exchange) string {
	var scratch []byte
	var b strings.Builder
	for _, m := range []*traffic.Message{&x.Request, &x.Response} {
		fmt.Fprintf(&b, "%s\n", m.Head(&scratch))
		if body := m.Body(&scratch); len(body) > 0 {
			fmt.Fprintf(&b, "%s\n", body)
		}
		b.Write(m.Trailer)
		if !m.Ended {
			b.WriteString("broken off\n")
		}
	}
	fmt.Fprintf(&b, "%d %s\n", x.Status, cmp.Or(x.Fault, "complete"))
	return strings.ReplaceAll(b.String(), "\r", "")
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

// TestCases plays every case file. Besides the settings of configure, a file has table, the text of
// the routes, and entry, "proxy" for a listener with PROXY headers and "http1" for one without HTTP/2.
// Besides the steps of wire, there are:
//
//	table   has the proxy use another table from now on
//	drain   begins to drain, and drained waits for its end
//	refuse  makes live refuse connections
//	clients waits until there are so many users
//	moment  waits until the loop has seen what was sent
//	errors  waits until these errors are counted, one "reason count" a line, and no other
//	failures  waits until the servers of all backends were blamed so often
//	silence   lets 120 ms pass
//	exchange  takes the next exchange that was captured, as told by say
//	log     waits until the access log is this; the setting log is its template
//
// The actors h2user and h2live speak HTTP/2, see framer.
func TestCases(t *testing.T) {
	const pattern = "testdata/*/*.txtar"
	files := wire.Files(t, pattern)
	if paths, _ := filepath.Glob(pattern); len(paths) != len(files) {
		t.Errorf("%d files have %d names; a name may be there once in all folders", len(paths), len(files))
	}
	for name, file := range files {
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
			entry := settings["entry"]
			delete(settings, "entry")
			cfg := plain()
			configure(t, cfg, settings)
			r = start(t, cfg, table, nil)
			r.entry.Store(&Entry{ProxyProtocol: strings.Contains(entry, "proxy"), NoHTTP2: strings.Contains(entry, "http1")})
			play.Vars = map[string]string{"live": r.live.Addr, "other": r.other.Addr, "via": r.via, "addr": r.addr}
			play.Enter = map[string]func(testing.TB) *wire.Peer{
				"user":  r.user,
				"live":  func(testing.TB) *wire.Peer { return r.live.Accepts() },
				"other": func(testing.TB) *wire.Peer { return r.other.Accepts() },
			}
			play.Other = r.steps(t, cfg)
			play.Run(t, file)
			r.live.AcceptsNone()
			r.other.AcceptsNone()
		})
	}
}

// steps are the steps that are not wire's.
func (r *rig) steps(t *testing.T, cfg *config.Config) func(step, text string) bool {
	drained := make(chan int64, 1)
	stage := make(map[string]*framer)
	return func(step, text string) bool {
		t.Helper()
		plain := strings.ReplaceAll(text, "\r", "")
		switch step {
		case "table":
			r.setTable(t, plain)
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
			wire.Becomes(t, "errors", plain, r.errors)
		case "failures":
			wire.Becomes(t, "failures", strings.TrimSpace(plain), func() string { return strconv.FormatUint(r.failures(), 10) })
		case "silence":
			<-time.After(120 * time.Millisecond)
		case "exchange":
			if got := <-r.exchanges; got != plain {
				t.Errorf("the exchange is\n%swant\n%s", got, plain)
			}
		case "log":
			wire.Becomes(t, "the log", plain, func() string {
				got, _ := os.ReadFile(cfg.AccessLog.Path)
				return string(got)
			})
		default:
			return r.frames(t, stage, step, text)
		}
		return true
	}
}

// frames acts out the steps of those who speak HTTP/2.
func (r *rig) frames(t *testing.T, stage map[string]*framer, step, text string) bool {
	t.Helper()
	actor, verb, _ := strings.Cut(step, " ")
	settings := ""
	if verb == "enters" {
		settings = text
	}
	if stage[actor] == nil {
		switch strings.TrimRight(actor, "0123456789") {
		case "h2user":
			stage[actor] = r.h2user(t, actor, settings)
		case "h2live":
			stage[actor] = h2live(t, actor, r.live, settings)
		default:
			return false
		}
	}
	return stage[actor].act(verb, text)
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
