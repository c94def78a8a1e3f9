package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/netloop"
	"tain.dev/tain/proxy"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// A rehearsal sends a request through a proxy of its own, on loopback, that is the one that serves live
// traffic in all but this: no backend is behind it. So whatever is said of a request is said of what the
// proxy makes of it: who asked, what is refused, which head live gets.

// rehearsalTime bounds a rehearsal.
const rehearsalTime = 10 * time.Second

// asked is a request as a user sends it.
type asked struct {
	head   []byte // up to the empty line
	body   []byte
	host   string // without port
	port   uint16 // that the user connects to
	secure bool   // over TLS
	from   netip.Addr
}

// rehearse sends the request, and calls seen, on a loop, if the proxy would ask live. answer is what tain
// would say to the user if live said nothing.
func rehearse(cfg *config.Config, t *route.Table, a *asked, seen proxy.Offer) (answer *http.Response, err error) {
	log := slog.New(slog.DiscardHandler)
	loop, err := netloop.New(0, log)
	if err != nil {
		return nil, err
	}
	listener, err := netloop.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	p := proxy.New(cfg, []*netloop.Loop{loop}, upstream.NewSet(log), seen, nil, log)
	p.SetTable(t)
	entry := &proxy.Entry{ProxyProtocol: true}
	if a.secure {
		if entry.TLS, err = passingTLS(); err != nil {
			return nil, err
		}
	}
	p.Listen(listener, func() *proxy.Entry { return entry })
	stopped := make(chan struct{})
	go func() { loop.Run(); close(stopped) }()
	defer func() { loop.Stop(); <-stopped }()
	return a.send(listener.Addr().String())
}

// send sends the request, and reads the whole answer.
func (a *asked) send(addr string) (*http.Response, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(rehearsalTime)) // never fails on an open connection
	family, here := "TCP4", "127.0.0.1"
	if a.from.Is6() {
		family, here = "TCP6", "::1"
	}
	if _, err := fmt.Fprintf(conn, "PROXY %s %s %s 49152 %d\r\n", family, a.from, here, a.port); err != nil {
		return nil, err
	}
	if a.secure {
		conn = tls.Client(conn, &tls.Config{ServerName: a.host, InsecureSkipVerify: true}) // it is the proxy above
	}
	if _, err := conn.Write(slices.Concat(a.head, a.body)); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10)) // what is there of it
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// passingTLS is that of a server whose certificate lives as long as the rehearsal.
func passingTLS() (*tls.Config, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}, nil
}

// nowhere is the URL of a backend that nobody listens at.
const nowhere = "http+unix:///nonexistent/tain-explain.sock"

// staged is a table that leads nowhere. If answers is false, no route of it answers by itself, and one
// of the name noRoute takes the requests that no other one takes.
func staged(t *route.Table, answers bool) *route.Table {
	var routes []*route.Route
	for _, r := range t.Routes() {
		copied := *r
		copied.Retry, copied.Session, copied.Timeout, copied.RequestTimeout = nil, nil, 0, 0
		if answers && len(r.Backends) == 0 {
			routes = append(routes, &copied)
			continue
		}
		copied.Backends = []route.Backend{{URL: nowhere, Weight: 1, Options: (*route.Options)(nil).WithDefaults()}}
		if r.Filters != nil && !answers {
			filters := *r.Filters
			filters.CORS, filters.Redirect, filters.Respond = nil, nil, nil
			copied.Filters = &filters
		}
		routes = append(routes, &copied)
	}
	if !answers {
		routes = append(routes, &route.Route{Name: noRoute(t), Backends: []route.Backend{{URL: nowhere, Weight: 1}}})
	}
	next, errs := route.New(routes)
	if len(errs) > 0 {
		panic("BUG: a checked table can't be staged: " + joinErrors(errs).Error())
	}
	return next
}

// noRoute is a name that no route of the table has.
func noRoute(t *route.Table) string {
	name := "none"
	for slices.ContainsFunc(t.Routes(), func(r *route.Route) bool { return r.Name == name }) {
		name += "-"
	}
	return name
}

// watch is an [proxy.Offer] that copies nothing.
func watch(see func(q *route.Request, a *traffic.Arrival)) proxy.Offer {
	return func(_ int, _ *route.Route, q *route.Request, a *traffic.Arrival) *traffic.Exchange {
		see(q, a)
		return nil
	}
}
