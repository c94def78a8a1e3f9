package mirror

import (
	"net/netip"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

const (
	typicalGet = "GET /items/7?fields=name HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0\r\n" +
		"Accept: application/json\r\nAccept-Encoding: gzip\r\nCookie: session=0f4c1a6d9e\r\nConnection: keep-alive\r\n\r\n"
	typicalJSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n" + `{"id":7,"name":"green tea","ok":true}`
)

// startTypical starts a proxy and a mirror as they are by default, before a backend and a target
// that give the same answer to every such request.
func startTypical(t testing.TB, request string) *rig {
	cfg := config.Defaults()
	end := "\r\n\r\n"
	if strings.Contains(request, "chunked") {
		end = "0\r\n\r\n"
	}
	live, target := wire.Answerer(t, end, typicalJSON), wire.Answerer(t, end, typicalJSON)
	r := start(t, &cfg, "route shop\nbackend http://"+live+"\nmirror v2 100%\nwrites\nhost-as -shadow\nto http://"+target+" v2\n")
	r.onLoop(func() { r.silent = true })
	return r
}

// TestAllocatesNothing holds that a steady request costs no allocation, nor does its copy, nor the
// pair that they make.
func TestAllocatesNothing(t *testing.T) {
	const requests = 10_000
	f := func(what, request string) {
		t.Helper()
		r := startTypical(t, request)
		user := wire.NewAsker(t, r.addr, request, typicalJSON)
		if n := user.AllocsPerAsk(requests); n >= 0.1 {
			t.Errorf("%s: %.2f allocations per request, want 0", what, n)
		}
		user.Close()
		r.settled(t)
		if n := r.total("compared"); n < requests {
			t.Errorf("%s: only %d copies of %d were compared:\n%s", what, n, requests, r.books("v2"))
		}
	}
	f("a plain request", typicalGet)
	post := strings.Replace(typicalGet, "GET", "POST", 1)
	f("a body", strings.Replace(post, "Connection: keep-alive\r\n", "Content-Length: 5\r\n", 1)+"hello")
	f("an upload", strings.Replace(post, "Connection: keep-alive\r\n", "Transfer-Encoding: chunked\r\n", 1)+"5\r\nhello\r\n0\r\n\r\n")
}

// BenchmarkMirror carries one request after the other over one connection, and copies each.
func BenchmarkMirror(b *testing.B) {
	r := startTypical(b, typicalGet)
	user := wire.NewAsker(b, r.addr, typicalGet, typicalJSON)
	user.Ask()
	b.ReportAllocs()
	for b.Loop() {
		user.Ask()
	}
	user.Close()
}

// tenConditions are lines of a mirror that hold for typicalGet: ten conditions, a consistent sample with all of
// it, and five changes of the header.
const tenConditions = `
path /items/*
method GET HEAD
header User-Agent ^= Mozilla/
header Accept present
query fields = name
cookie session present
source 127.0.0.0/8 10.0.0.0/8
size <= 1000
not header X-Payment present
not path /items/pay/*
sample cookie session
copy-header set X-Env test
copy-header set X-Version v2
copy-header add X-Copied 1
copy-header remove X-Debug
copy-header remove User-Agent
`

// BenchmarkRules decides about a request and writes the head of its copy: what rules add to that.
func BenchmarkRules(b *testing.B) {
	f := func(name, lines string) {
		b.Run(name, func(b *testing.B) {
			r := start(b, plain(), strings.Replace(all, "writes\n", "writes"+lines+"\n", 1))
			var p *plan
			for _, plans := range r.plans.Load().byRoute {
				p = &plans[0]
			}
			head := strings.Replace(strings.TrimSuffix(typicalGet, "\r\n"), "Connection: keep-alive\r\n", "", 1)
			q := &route.Request{
				Method: "GET", Host: "shop.example", Path: "/items/7", Query: "fields=name", Scheme: "http",
				Client: func() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) },
				Header: func(name string) (string, bool) { return route.FindField(head, name) },
			}
			a := &traffic.Arrival{Head: []byte(head), LineEnd: strings.Index(head, "Host:"), HostEnd: strings.Index(head, "User-Agent:")}
			var out []byte
			b.ReportAllocs()
			for draw := uint64(0); b.Loop(); draw++ {
				if v := r.decide(p, q, a, draw); v.kind != copyIt {
					b.Fatalf("the request is not copied: %+v", v)
				}
				out = p.shapes[0].Append(out[:0], a.Head, a.LineEnd, a.HostEnd, draw)
			}
		})
	}
	f("none", "")
	f("many", tenConditions)
}
