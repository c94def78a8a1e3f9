package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"golang.org/x/term"

	"tain.dev/tain/control"
)

// untilEnded returns a context that ends with the first of Ctrl-C, SIGTERM, and the system's own end.
// From then on, Ctrl-C and SIGTERM end the process at once. free gives back what it holds.
func (s *system) untilEnded() (ctx context.Context, free func()) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, s.end = context.WithCancel(ctx)
	context.AfterFunc(ctx, stop)
	return ctx, s.end
}

// terminals are those of the standard files that are terminals.
type terminals []int

// openTerminals returns none if SIGHUP is ignored, as it is for what nohup starts: then the end of a
// terminal means nothing. It has to be called before notify, which begins to listen to it.
func openTerminals() (open terminals) {
	if signal.Ignored(syscall.SIGHUP) {
		return nil
	}
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if fd := int(f.Fd()); term.IsTerminal(fd) {
			open = append(open, fd)
		}
	}
	return open
}

// gone says whether a terminal has been closed at its other end.
func (t terminals) gone() bool {
	return slices.ContainsFunc(t, func(fd int) bool { return !term.IsTerminal(fd) })
}

// notify begins to listen to the signals that onSignals handles. Before, each of them ends the
// process; after, none does, even while tain drains.
func notify() chan os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return signals
}

// onSignals is for those who have no HTTP client at hand. SIGHUP reads again what changed on disk, but
// ends tain if it is the last that is heard of the terminal that tain was started on. SIGUSR1 stops all
// mirroring, SIGUSR2 allows it again.
func (s *system) onSignals(ctx context.Context, signals <-chan os.Signal, open terminals) {
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-signals:
			switch {
			case sig == syscall.SIGUSR1:
				_ = s.decide(control.Decision{What: control.Kill, From: "SIGUSR1"}) // the log has the error
			case sig == syscall.SIGUSR2:
				_ = s.decide(control.Decision{What: control.Unkill, From: "SIGUSR2"})
			case open.gone():
				s.log.Warn("the terminal is gone, so tain ends; to outlive it, use nohup or a service manager")
				s.unseen = true
				s.end()
				open = nil // more of these signals come, of the shell and of the system
			default:
				s.hangUp()
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
