package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/console"
	"tain.dev/tain/source"
	"tain.dev/tain/source/file"
	"tain.dev/tain/tlsconf"
)

// follow makes the system serve what w watches, whenever it changes. problems are what was wrong with
// the configuration that the system was built from.
func (s *system) follow(w *file.Watcher, problems []error) {
	keeper := source.New(s.setTable, s.reloaded)
	keeper.Take(s.cfg, problems)
	s.warnOfUseless(s.cfg)
	read := time.Now() // when certificates that were loaded before were known
	s.tellReload(moves{}, read)
	s.watcher = w
	s.watch = func(ctx context.Context) error {
		return w.Run(ctx, s.log, func(cfg *config.Config, errs []error) {
			keeper.Take(cfg, errs)
			s.warnOfUseless(cfg)
			var m moves
			if onlyRoutes(errs) {
				m = s.followListeners(cfg)
				s.warnOfRestart(cfg)
			}
			s.tellReload(m, read)
			read = time.Now()
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
}

// warnOfUseless says what of a configuration is right, and does nothing.
func (s *system) warnOfUseless(cfg *config.Config) {
	for _, warning := range cfg.Warnings {
		s.log.Warn("of no use", "what", warning)
	}
}

// tellReload says in one line how a reading went, and what came of it. before is when the last one
// was told.
func (s *system) tellReload(m moves, before time.Time) {
	attrs := []any{"ok", s.reload.Load().OK, "routes", len(s.table.Load().Routes())}
	for _, of := range []struct {
		what string
		all  []string
	}{{"opened", m.opened}, {"changed", m.changed}, {"closed", m.closed}, {"certificates", loadedSince(s.certs.Status(), before)}} {
		if len(of.all) > 0 {
			attrs = append(attrs, of.what, strings.Join(of.all, " "))
		}
	}
	s.log.Info("the configuration was read", attrs...)
}

// loadedSince are the files of certificates, and of authorities, whose content is new.
func loadedSince(all []tlsconf.Status, before time.Time) (files []string) {
	for _, c := range all {
		if c.Loaded.After(before) {
			files = append(files, c.Cert)
		}
	}
	return files
}

// onlyRoutes says that nothing but single routes of a configuration is wrong, so that the rest of it is
// what was meant.
func onlyRoutes(errs []error) bool {
	return !slices.ContainsFunc(errs, func(err error) bool {
		var e *config.Error
		return !errors.As(err, &e) || e.Route == ""
	})
}

// followListeners opens and closes listeners as cfg says.
func (s *system) followListeners(cfg *config.Config) moves {
	m, err := s.listeners.set(cfg.Listen)
	if err != nil {
		err = keptListeners(err)
		s.log.Error(err.Error())
		s.reload.Store(&console.Reload{Time: time.Now(), Errors: []string{err.Error()}})
	}
	return m
}
