package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/console"
	"tain.dev/tain/source"
	"tain.dev/tain/source/file"
)

// follow makes the system serve what w watches, whenever it changes. problems are what was wrong with
// the configuration that the system was built from.
func (s *system) follow(w *file.Watcher, problems []error) {
	keeper := source.New(s.setTable, s.reloaded)
	keeper.Take(s.cfg, problems)
	s.watcher = w
	s.watch = func(ctx context.Context) error {
		return w.Run(ctx, s.log, func(cfg *config.Config, errs []error) {
			keeper.Take(cfg, errs)
			s.followListeners(cfg, errs)
			s.warnOfRestart(cfg)
		})
	}
}

// reloaded hears of every reading of the configuration.
func (s *system) reloaded(status source.Status) {
	r := &console.Reload{OK: status.OK, Time: status.At}
	for _, err := range status.Errors {
		r.Errors = append(r.Errors, err.Error())
		s.log.Error("the configuration is wrong; what was good before goes on", "err", err)
	}
	s.reload.Store(r)
	s.log.Info("the configuration was read", "ok", status.OK, "routes", status.Routes)
}

// followListeners opens and closes listeners as cfg says, unless it is wrong in more than routes.
func (s *system) followListeners(cfg *config.Config, errs []error) {
	for _, err := range errs {
		if e, ok := err.(*config.Error); !ok || e.Route == "" {
			return
		}
	}
	if err := s.listeners.set(cfg.Listen); err != nil {
		err = keptListeners(err)
		s.log.Error(err.Error())
		s.reload.Store(&console.Reload{Time: time.Now(), Errors: []string{err.Error()}})
	}
}

// warnOfRestart says which kind of change has no effect yet.
func (s *system) warnOfRestart(cfg *config.Config) {
	then, now := *s.cfg, *cfg
	then.Table, now.Table = nil, nil
	then.Listen, now.Listen = nil, nil
	takeAdmin(&now)
	if !reflect.DeepEqual(then, now) {
		s.log.Warn("settings other than listeners, routes and mirrors differ from those that tain started with: they need a restart")
	}
}

// notify begins to listen to the signals that onSignals handles. Before, each of them ends the process.
func notify() chan os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return signals
}

// onSignals reads the configuration again on SIGHUP, and is the kill switch for those who have no
// HTTP client at hand: SIGUSR1 stops all mirroring, SIGUSR2 allows it again.
func (s *system) onSignals(ctx context.Context, signals chan os.Signal) error {
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return nil
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				s.hangUp()
			} else {
				s.kill(sig == syscall.SIGUSR1)
			}
		}
	}
}

// hangUp takes what changed on disk: certificates, the configuration, and the place of the access log,
// which something may have moved away.
func (s *system) hangUp() {
	s.certs.Reload()
	if s.access != nil {
		s.access.Reopen()
	}
	if s.watcher != nil {
		s.watcher.Reload()
	}
}

func (s *system) kill(on bool) {
	s.mirror.Kill(on)
	if on {
		s.log.Warn("the kill switch is on: nothing is mirrored; SIGUSR2, or POST /api/v1/unkill, allows it again")
		return
	}
	s.log.Warn("the kill switch is off: mirrors copy again")
}
