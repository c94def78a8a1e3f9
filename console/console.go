package console

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"tain.dev/tain/config"
)

// Limits of both listeners.
const (
	maxConns     = 64 // connections at a time; more wait
	maxHeader    = 16 << 10
	headTimeout  = 5 * time.Second
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 60 * time.Second
	stopTimeout  = 5 * time.Second // for running requests, when the console stops
)

// Console serves the admin API and the health listener.
type Console struct {
	cfg config.Config
	src Sources
	log *slog.Logger

	metrics       http.Handler
	admin, health net.Listener // nil where the configuration names none
}

// New returns a console that shows src. It serves nothing before [Console.Listen] and [Console.Run].
func New(cfg config.Config, src Sources, log *slog.Logger) *Console {
	return &Console{cfg: cfg, src: src, log: log, metrics: newMetrics(src)}
}

// Run serves until ctx ends, then lets running requests finish for a few seconds. It returns nil
// after that, or the error that kept it from serving. It is called once, after [Console.Listen].
func (c *Console) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	var servers []*http.Server
	serve := func(l net.Listener, h http.Handler) {
		if l == nil {
			return
		}
		s := newServer(h, c.log)
		servers = append(servers, s)
		go func() { failed <- s.Serve(netutil.LimitListener(l, maxConns)) }()
	}
	serve(c.admin, c.adminHandler())
	serve(c.health, c.healthHandler())

	var err error
	serving := len(servers)
	select {
	case <-ctx.Done():
	case err = <-failed:
		serving--
	}
	for _, s := range servers {
		stop(s)
	}
	for range serving {
		<-failed // its listener is closed from now on, even if it had not begun to serve
	}
	return err
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// stop ends a server: in good order if it can, else by breaking its connections.
func stop(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := s.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		s.Close()
	}
}
