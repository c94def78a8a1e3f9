package main

import (
	"errors"
	"testing"
	"time"

	"tain.dev/tain/tlsconf"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

func TestIllness(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	server := func(addr, why string) upstream.ServerStatus { return upstream.ServerStatus{Addr: addr, Why: why} }
	cluster := func(err error, servers ...upstream.ServerStatus) []upstream.ClusterStatus {
		return []upstream.ClusterStatus{{Name: "shop:9000", Err: err, Servers: servers}}
	}
	cert := func(life, left time.Duration, problem string) []tlsconf.Status {
		return []tlsconf.Status{{Cert: "/etc/tain/shop.pem", Names: []string{"a.example", "b.example"}, NotAfter: now.Add(left), Loaded: now.Add(left - life), Error: problem}}
	}
	f := func(upstreams []upstream.ClusterStatus, certs []tlsconf.Status, want string) {
		t.Helper()
		if got := illness(upstreams, nil, certs, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(nil, nil, "")
	one, two := server("192.0.2.1:9000", ""), server("192.0.2.2:9000", "5 requests in a row failed")
	f(cluster(nil, one), nil, "")
	f(cluster(errors.New("no answer"), one), nil, "") // what was found before serves on
	f(cluster(nil), nil, "")                          // nobody has looked yet
	f(cluster(errors.New("resolving shop: no such name")), nil, "shop:9000 has no address: resolving shop: no such name")
	f(cluster(nil, two), nil, "192.0.2.2:9000 is not well: 5 requests in a row failed")
	f(cluster(nil, one, two), nil, "192.0.2.2:9000 is not well (1 of 2 servers): 5 requests in a row failed")

	f(nil, cert(90*day, 60*day, ""), "")
	f(nil, cert(90*day, 8*day, ""), "")
	f(nil, cert(90*day, 6*day+time.Hour, ""), "shop.pem expires in 6 days (a.example, b.example)")
	f(nil, cert(90*day, 47*time.Hour, ""), "shop.pem expires in 47 hours (a.example, b.example)")
	f(nil, cert(day, 9*time.Hour, ""), "")
	f(nil, cert(day, 119*time.Minute, ""), "shop.pem expires in 119 min (a.example, b.example)")
	f(nil, cert(90*day, 0, ""), "shop.pem has expired (a.example, b.example)")
	f(nil, cert(90*day, 60*day, "the key is of another certificate"), "shop.pem is no good and its last content stays in use: the key is of another certificate")

	f(cluster(nil, two), cert(90*day, -day, ""), "2 things need a look, first 192.0.2.2:9000 is not well: 5 requests in a row failed")
}

func TestWarning(t *testing.T) {
	f := func(text string, width int, color bool, want string) {
		t.Helper()
		if got := warning(text, width, color); got != want {
			t.Errorf("%q at %d: %q, want %q", text, width, got, want)
		}
	}
	f("not well", 8, false, "not well")
	f("not well", 7, false, "not we…")
	f("not well", 1, false, "…")
	f("not well", 0, false, "…")
	f("not well", 80, true, "\x1b[33mnot well\x1b[0m")
	f("a\x1b[2Jb\n\u202ec", 80, false, "a·[2Jb··c")
	f("shöp", 4, false, "shöp")
}

func TestIllTarget(t *testing.T) {
	f := func(throttle *traffic.Throttle, want string) {
		t.Helper()
		books := []traffic.Books{{Target: "v2:9001", Throttle: throttle}}
		if got := illness(nil, books, nil, time.Time{}); got != want {
			t.Errorf("%+v: %q, want %q", throttle, got, want)
		}
	}
	f(nil, "")
	f(&traffic.Throttle{Limit: 3, Share: 1}, "")
	f(&traffic.Throttle{Breaker: "closed", BreakerWhy: "it was ill", Share: 1}, "")
	f(&traffic.Throttle{Breaker: "open", BreakerWhy: "20 of 20 sends failed within 10s", Share: 0}, "v2:9001 gets no copies: 20 of 20 sends failed within 10s")
	f(&traffic.Throttle{Breaker: "half-open", BreakerWhy: "the probe failed", Share: 1}, "v2:9001 gets no copies: the probe failed")
	f(&traffic.Throttle{Share: 0.05, ShareWhy: "live is slow"}, "v2:9001 gets 5 % of its copies: live is slow")
}
