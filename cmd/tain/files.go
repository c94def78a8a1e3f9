package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"tain.dev/tain/config"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/tlsconf"
)

// fileCheck finds what tain run would miss beside the configuration: certificates that can't be
// loaded, and a template of the access log that means nothing. It does what tain run does, and throws
// the result away.
type fileCheck struct {
	path string          // of the configuration
	dry  system          // no more of it than the checks need
	seen map[string]bool // upstreams, by their keys
	errs []error
}

// checkFiles returns the errors. known is what is wrong with the configuration itself, which is not
// said again. log hears of certificates that can be loaded and need a look, such as those that expire
// soon.
func checkFiles(path string, cfg *config.Config, known []error, log *slog.Logger) []error {
	c := fileCheck{path: path, dry: system{certs: tlsconf.NewStore(log)}, seen: make(map[string]bool)}
	if !concerns(known, "listen") {
		c.checkListeners(cfg.Listen)
	}
	for _, r := range cfg.Table.Routes() {
		c.checkRoute(r)
	}
	if !concerns(known, "accessLog") {
		c.checkAccessLog(cfg.AccessLog)
	}
	return c.errs
}

// concerns says whether an error is about the setting or a part of it.
func concerns(errs []error, setting string) bool {
	return slices.ContainsFunc(errs, func(err error) bool {
		var e *config.Error
		return errors.As(err, &e) && strings.HasPrefix(e.Setting, setting)
	})
}

func (c *fileCheck) fail(setting string, err error) {
	if err != nil {
		c.errs = append(c.errs, &config.Error{File: c.path, Setting: setting, Text: err.Error()})
	}
}

func (c *fileCheck) checkListeners(all []config.Listener) {
	l := listeners{certs: c.dry.certs}
	for i := range all {
		_, err := l.entry(&all[i])
		c.fail("", err)
	}
}

func (c *fileCheck) checkRoute(r *route.Route) {
	for _, b := range r.Backends {
		c.checkUpstream(b.Key(), b.URL, b.Options, "route %s: backend %s", r.Name, b.URL)
	}
	for _, m := range r.Mirrors {
		for _, t := range m.Targets {
			c.checkUpstream(t.Key(), t.URL, t.Options, "route %s: target %s", r.Name, t.URL)
		}
	}
}

// checkUpstream looks at an upstream where it is named first.
func (c *fileCheck) checkUpstream(key, url string, o *route.Options, format string, args ...any) {
	address := route.SplitURL(url)
	if c.seen[key] || !address.TLS {
		return
	}
	c.seen[key] = true
	_, err := c.dry.backendTLS(o, address.Host)
	c.fail(fmt.Sprintf(format, args...), err)
}

// checkAccessLog opens the log, but not the one that is meant.
func (c *fileCheck) checkAccessLog(log config.AccessLog) {
	if log.Path == "" {
		return
	}
	log.Path = os.DevNull
	c.dry.cfg = &config.Config{AccessLog: log, Loops: 1}
	c.fail("", c.dry.openAccessLog(redact.New()))
}
