package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tain.dev/tain/tlsconf"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// illness says in one line what an operator should look at, "" if all is well: the log said it when it
// happened, but in a live summary the log scrolls away.
func illness(upstreams []upstream.ClusterStatus, books []traffic.Books, certs []tlsconf.Status, now time.Time) string {
	var all []string
	for i := range upstreams {
		if text := illUpstream(&upstreams[i]); text != "" {
			all = append(all, text)
		}
	}
	for i := range books {
		if text := illTarget(&books[i]); text != "" {
			all = append(all, text)
		}
	}
	for i := range certs {
		if text := illCertificate(&certs[i], now); text != "" {
			all = append(all, text)
		}
	}
	switch len(all) {
	case 0:
		return ""
	case 1:
		return all[0]
	}
	return fmt.Sprintf("%d things need a look, first %s", len(all), all[0])
}

// illUpstream speaks of the first server that is not well: there is no room for more.
func illUpstream(c *upstream.ClusterStatus) string {
	if len(c.Servers) == 0 && c.Err != nil {
		return fmt.Sprintf("%s has no address: %v", c.Name, c.Err)
	}
	var first *upstream.ServerStatus
	ill := 0
	for i := range c.Servers {
		if s := &c.Servers[i]; s.Why != "" {
			first = cmp.Or(first, s)
			ill++
		}
	}
	switch {
	case ill == 0:
		return ""
	case len(c.Servers) == 1:
		return fmt.Sprintf("%s is not well: %s", first.Addr, first.Why)
	}
	return fmt.Sprintf("%s is not well (%d of %d servers): %s", first.Addr, ill, len(c.Servers), first.Why)
}

// illTarget speaks of a target that gets less than is configured.
func illTarget(b *traffic.Books) string {
	switch t := b.Throttle; {
	case t == nil:
		return ""
	case t.Breaker == "open", t.Breaker == "half-open":
		return fmt.Sprintf("%s gets no copies: %s", b.Target, t.BreakerWhy)
	case t.Share < 1:
		return fmt.Sprintf("%s gets %.0f %% of its copies: %s", b.Target, 100*t.Share, t.ShareWhy)
	}
	return ""
}

// expiresSoon is when a certificate that is about to expire is spoken of, at the earliest: one that
// lives for longer has been renewed by then, where that happens by itself.
const expiresSoon = 7 * 24 * time.Hour

// illCertificate reckons the life of a certificate from when it was loaded, so that one that lives for a
// day is not called ill all day.
func illCertificate(c *tlsconf.Status, now time.Time) string {
	file, left := filepath.Base(c.Cert), c.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return fmt.Sprintf("%s has expired (%s)", file, names(c))
	case c.Error != "":
		return fmt.Sprintf("%s is no good and its last content stays in use: %s", file, c.Error)
	case left <= min(expiresSoon, c.NotAfter.Sub(c.Loaded)/3):
		return fmt.Sprintf("%s expires in %s (%s)", file, roughly(left), names(c))
	}
	return ""
}

func names(c *tlsconf.Status) string { return strings.Join(c.Names, ", ") }

// roughly is a duration in its largest unit.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}
