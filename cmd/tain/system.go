package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tain.dev/tain/accesslog"
	"tain.dev/tain/analyze"
	"tain.dev/tain/analyze/compare"
	"tain.dev/tain/config"
	"tain.dev/tain/console"
	"tain.dev/tain/control"
	"tain.dev/tain/mirror"
	"tain.dev/tain/netloop"
	"tain.dev/tain/proxy"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/source/file"
	"tain.dev/tain/store"
	"tain.dev/tain/tlsconf"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// system is tain as it runs. Its stages are strangers to each other: each gets function values of
// the next one, so they are built from the sink upwards.
type system struct {
	cfg     *config.Config
	log     *slog.Logger
	started time.Time
	end     context.CancelFunc // begins the end of run, see untilEnded
	unseen  bool               // the terminal is gone that the report would go to; set before end

	table     atomic.Pointer[route.Table]
	reload    atomic.Pointer[console.Reload]
	notReady  atomic.Pointer[string]
	listeners listeners

	memory    *traffic.Memory
	store     *store.Store
	unkept    error // why the store keeps nothing on disk, though it should
	compare   *compare.Comparer
	analyze   *analyze.Worker
	certs     *tlsconf.Store
	access    *accesslog.Log // nil keeps none
	upstreams *upstream.Set
	loops     []*netloop.Loop
	mirror    *mirror.Mirror
	desk      *control.Desk
	proxy     *proxy.Proxy
	console   *console.Console
	watcher   *file.Watcher               // nil when there is no file to follow
	watch     func(context.Context) error // runs the watcher, in the goroutine that has the next field
	pending   []change                    // what waits for a restart, as it was last told
}

// build makes every stage and opens every listener, so that what can't be had is known before
// anything runs.
func build(cfg *config.Config, log *slog.Logger) (s *system, err error) {
	s = &system{cfg: cfg, log: log, started: time.Now()}
	if s.memory, err = traffic.NewMemory(cfg.Mirror.Memory); err != nil {
		return nil, environment(fmt.Errorf("--mirror-memory %s: %w", config.FormatSize(cfg.Mirror.Memory), err), "")
	}
	// The loops need a processor each, the analysers one, and one is left for all else: a loop
	// that shares its processor with an analyser answers late.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), cfg.Loops+2))
	for i := range cfg.Loops {
		loop, err := netloop.New(i, log)
		if err != nil {
			return nil, environment(err, "")
		}
		s.loops = append(s.loops, loop)
	}
	mask := redact.New(cfg.Mask...)
	s.store = s.openStore()
	s.compare = compare.New(compare.Config{Mask: mask, HasBaseline: s.hasBaseline, Keep: s.store.Offer})
	s.analyze = analyze.New(analyze.Config{Lanes: cfg.Loops, Analysers: []analyze.Analyser{s.compare.Pair}, Log: log})
	s.certs = tlsconf.NewStore(log)
	s.upstreams = upstream.NewSet(log)
	s.upstreams.TLS = s.backendTLS
	if err := s.openAccessLog(mask); err != nil {
		return nil, err
	}
	s.mirror = mirror.New(cfg, s.loops, s.upstreams, s.memory, s.analyze.Offer)
	s.openDesk()
	s.proxy = proxy.New(cfg, s.loops, s.upstreams, s.mirror.Offer, s.access, log)
	s.proxy.Watch(s.mirror.Observe)
	s.setTable(cfg.Table)
	s.reload.Store(&console.Reload{OK: true, Time: s.started})
	s.console = console.New(*cfg, s.sources(), log)
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

// environment is an error of the system that tain runs on.
func environment(err error, hint string) error {
	return &exitError{code: exitConfig, err: err, hint: hint}
}

func (s *system) listen() error {
	s.listeners.certs, s.listeners.proxy = s.certs, s.proxy
	if _, err := s.listeners.set(s.cfg.Listen); err != nil {
		return err
	}
	if err := s.console.Listen(); err != nil {
		return environment(err, "")
	}
	return nil
}

func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "something else listens there, another tain perhaps; choose another address with --listen, or listen: in the file; port 0 takes a free one"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 need a privilege: choose a higher one with --listen, or listen: in the file, or grant CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, new(*net.DNSError)):
		return "it has to be an address of this machine; :port is all of them"
	}
	return "give --listen, or listen: in the file, as host:port or :port"
}

// setTable puts a table into force: first for the mirrors, so that no request finds a route that
// they do not know.
func (s *system) setTable(t *route.Table) {
	s.table.Store(t)
	s.mirror.SetTable(t)
	s.proxy.SetTable(t)
	used := upstreamsOf(t)
	s.upstreams.Retain(func(key string) bool { return used[key] })
}

// upstreamsOf are the keys of all upstreams that a table names.
func upstreamsOf(t *route.Table) map[string]bool {
	used := make(map[string]bool)
	for _, r := range t.Routes() {
		for _, b := range r.Backends {
			used[b.Key()] = true
		}
		for _, m := range r.Mirrors {
			for _, target := range m.Targets {
				used[target.Key()] = true
			}
		}
	}
	return used
}

// hasBaseline says whether a mirror has a target that serves as control.
func (s *system) hasBaseline(name string) bool {
	for _, r := range s.table.Load().Routes() {
		for _, m := range r.Mirrors {
			for _, t := range m.Targets {
				if m.Name == name && t.Baseline {
					return true
				}
			}
		}
	}
	return false
}

// openStore opens the store where the configuration says. A place that can't be written is said,
// and costs nothing else.
func (s *system) openStore() *store.Store {
	dir, keeps := dataDir(s.cfg)
	if !keeps {
		return store.InMemory()
	}
	st, err := store.Open(dir, s.cfg.Data.MaxBytes, s.log)
	if err != nil {
		s.log.Warn("nothing is kept on disk; name a folder that can be written with --data, or say --data off", "err", err)
		s.unkept = err
		return store.InMemory()
	}
	return st
}

// dataDir is the folder of what outlives tain, if anything is to.
func dataDir(cfg *config.Config) (dir string, keeps bool) {
	switch cfg.Data.Dir {
	case "off":
		return "", false
	case "":
		return stateDir(), true
	}
	return cfg.Data.Dir, true
}

// stateDir is where the XDG base directory specification puts state.
func stateDir() string {
	if base := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "tain")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "state", "tain")
}

// run serves until ctx ends, drains, and returns when everything has stopped. Stages stop in the
// order of the traffic: no new users, then no new copies, then no new pairs.
func (s *system) run(ctx context.Context) error {
	open, signals := openTerminals(), notify() // before anybody can see that tain runs
	var stages sync.WaitGroup
	start := func(run func(context.Context) error) (stop func()) {
		// Each has a context of its own: they must outlive the signal that begins the drain.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		stages.Go(func() {
			defer close(done)
			if err := run(own); err != nil {
				s.log.Error("a stage stopped", "err", err)
			}
		})
		return func() { cancel(); <-done }
	}
	stopConsole := start(s.console.Run)
	stopStore := start(s.store.Run)
	stopAnalyze := start(s.analyze.Run)
	stopCerts := start(s.certs.Run)
	stopUpstreams := start(s.upstreams.Run)
	stopMirror := start(func(ctx context.Context) error { return s.mirror.Run(ctx, s.log) })
	stopAccess := func() {}
	if s.access != nil {
		stopAccess = start(s.access.Run)
	}
	stopProxy := start(s.proxy.Run)
	stopSignals := start(func(ctx context.Context) error { s.onSignals(ctx, signals, open); return nil })
	stopWatch := func() {}
	if s.watcher != nil {
		stopWatch = start(s.watch)
	}
	for _, loop := range s.loops {
		stages.Go(loop.Run)
	}
	s.greet()

	<-ctx.Done()
	stopWatch()
	s.drain()
	stopSignals()
	for _, loop := range s.loops {
		loop.Stop()
	}
	for _, stop := range []func(){stopProxy, stopAccess, stopMirror, stopUpstreams, stopCerts, stopAnalyze, stopStore, stopConsole} {
		stop()
	}
	stages.Wait()
	if err := s.desk.Close(); err != nil {
		s.log.Error("the decisions of operators", "err", err)
	}
	return nil
}

// drain lets running requests and copies end, for as long as --drain allows.
func (s *system) drain() {
	reason := "draining"
	s.notReady.Store(&reason)
	s.log.Info("draining: no new connections; running requests may end", "drain", s.cfg.Drain.String())
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Drain)
	defer cancel()
	s.listeners.close() // who comes now is refused at once
	if left := s.proxy.Drain(ctx); left > 0 {
		s.log.Warn("--drain is over; connections are closed with requests under way", "connections", left)
	}
	copies, cancelCopies := context.WithTimeout(ctx, drainCopies)
	defer cancelCopies()
	s.mirror.Drain(copies)
}

// drainCopies is how long copies may take once the last live request has ended.
const drainCopies = 5 * time.Second

// greet says what runs, and what a person may not expect of it.
func (s *system) greet() {
	s.log.Info("serving", "listen", strings.Join(s.listeners.addrs(), " "), "admin", addrString(s.console.AdminAddr()), "loops", s.cfg.Loops, "startup", time.Since(s.started).Round(time.Microsecond).String())
	for _, r := range s.table.Load().Routes() {
		for _, m := range r.Mirrors {
			if !m.Writes {
				s.log.Info("only safe methods (GET, HEAD, OPTIONS, TRACE, QUERY) are copied; --writes, or writes: true, copies all", "route", r.Name, "mirror", m.Name)
			}
		}
		for _, b := range r.Backends {
			go s.probe(r.Name, b)
		}
	}
}

func addrString(a net.Addr) string {
	if a == nil {
		return "off"
	}
	return a.String()
}
