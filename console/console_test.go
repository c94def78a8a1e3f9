package console

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/finding"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// world is what the sources of a test show. Tests change its fields before they ask.
type world struct {
	status   Status
	live     Live
	books    []traffic.Books
	latency  Latency
	ups      []Upstream
	certs    []Certificate
	routes   []*route.Route
	pairs    []traffic.Record
	findings []finding.Finding
	mirrors  []control.Mirror
	desk     *control.Desk
	unkept   error // what Decide says once a decision is in force

	log bytes.Buffer
}

func newWorld() *world {
	w := &world{
		status: Status{
			Version: "v0.1.0", Revision: "abc", Started: time.Now().Add(-time.Minute),
			Listen: []string{":8080"}, Loops: 2,
			Config: Reload{OK: true, Time: time.Unix(1_700_000_000, 500e6)},
			Memory: Memory{Used: 2048, Ceiling: 64 << 20},
		},
		live: Live{
			Requests: map[string]uint64{"2xx": 90, "5xx": 10},
			Refused:  map[int]uint64{400: 3},
			Errors:   map[string]uint64{"connect": 10},
			BytesIn:  1000, BytesOut: 5000, Connections: 7,
			LogWritten: 98, LogLost: 2,
		},
		ups: []Upstream{someUpstream()},
		certs: []Certificate{
			{Cert: "/etc/tain/ca.pem", Names: []string{"CN=Shop Root"}, NotAfter: time.Unix(1_900_000_000, 0).UTC(), Loaded: time.Unix(1_700_000_000, 0).UTC()},
			{Cert: "/etc/tain/shop.pem", Key: "/etc/tain/shop.key", Names: []string{"shop.example.com"}, Serial: "1f", NotAfter: time.Unix(1_800_000_000, 0).UTC(), Loaded: time.Unix(1_700_000_000, 0).UTC(), Error: "the key is of another certificate"},
		},
		books:   []traffic.Books{someBooks("v2", "127.0.0.1:9001")},
		latency: Latency{Count: 4, Sum: 8 * time.Millisecond, P50: 1500 * time.Microsecond, P90: 2 * time.Millisecond, P99: 3 * time.Millisecond},
		routes: []*route.Route{{
			Name: "shop", Hosts: []string{"shop.example.com"},
			Backends: []route.Backend{{URL: "http://127.0.0.1:9000", Weight: 1}},
			Mirrors: []*route.Mirror{{
				Name: "v2", Sample: route.Sample{PerMillion: 125_000},
				Targets: []route.Target{{Name: "127.0.0.1:9001", URL: "http://127.0.0.1:9001"}},
			}},
		}},
		pairs:    []traffic.Record{{ID: 2, Mirror: "v2"}, {ID: 1, Mirror: "v2"}},
		findings: []finding.Finding{{ID: "f1", Mirror: "v2", Kind: finding.Status, Severity: finding.High, Text: "500 instead of 200"}},
		mirrors:  []control.Mirror{{Mirror: "v2", Configured: []control.Share{125_000}}},
		desk:     control.InMemory(func(control.State) {}),
	}
	for i := range w.latency.Below {
		w.latency.Below[i] = uint64(min(i, 4))
	}
	w.live.Latency = w.latency
	return w
}

// someUpstream has one server that is well, and one that is not.
func someUpstream() Upstream {
	return Upstream{
		Name: "shop:9000", URL: "http://shop:9000", Options: []string{"balance least-request", "max-requests 200"},
		LookupError: "resolving shop: the name server did not answer",
		Requests:    Limit{Running: 2, Limit: 200, Refused: 5},
		Connections: Limit{Running: 9},
		Retries:     Limit{Running: 1, Limit: 3, Refused: 4},
		Servers: []Server{
			{Address: "192.0.2.1:9000", Host: "shop", Weight: 1, Well: true, Active: 2, Requests: 1000, Failed: 3, Busy: 2.5},
			{Address: "192.0.2.2:9000", Host: "shop", Weight: 1, Why: "5 requests in a row failed", EjectedUntil: time.Unix(1700000030, 0).UTC(), Requests: 40, Failed: 15, Busy: 0.25, Ejections: 1},
		},
	}
}

// someBooks is an account that balances.
func someBooks(mirror, target string) traffic.Books {
	b := traffic.Books{Mirror: mirror, Target: target, Seen: 100, Unsampled: 10, Sent: 80, Answered: 70, Compared: 60, Queued: 2, InFlight: 4, Comparing: 3}
	b.Unmatched[traffic.UnmatchedMethod] = 5
	b.Dropped[traffic.DroppedQueue] = 3
	b.Failed[traffic.FailedTimeout] = 6
	b.Uncompared[traffic.UncomparedLive] = 7
	b.Throttle = &traffic.Throttle{Limit: 6.5, Breaker: "half-open", BreakerWhy: "the probe failed", BreakerOpened: 3, Share: 0.25, ShareWhy: "live is slow"}
	return b
}

func (w *world) sources() Sources {
	return Sources{
		Status:       func() Status { return w.status },
		Live:         func() Live { return w.live },
		Books:        func() []traffic.Books { return w.books },
		Latency:      func(string, string) Latency { return w.latency },
		Upstreams:    func() []Upstream { return w.ups },
		Certificates: func() []Certificate { return w.certs },
		Table:        func() *route.Table { t, _ := route.New(w.routes); return t },
		Pairs:        func(limit int) []traffic.Record { return w.pairs[:min(limit, len(w.pairs))] },
		Findings:     func() []finding.Finding { return w.findings },
		Control:      func() control.Report { return w.desk.Report(w.mirrors...) },
		Decide:       func(d control.Decision) error { return cmp.Or(w.desk.Decide(d), w.unkept) },
	}
}

func (w *world) console(cfg config.Config) *Console {
	return New(cfg, w.sources(), slog.New(slog.NewTextHandler(&w.log, nil)))
}

const adminAddr = "127.0.0.1:9780"

// ask sends a request to the admin API as curl would, changed by the given functions.
func (w *world) ask(method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return w.askConsole(config.Config{Admin: adminAddr, Pprof: true}, method, target, body, change...)
}

func (w *world) askConsole(cfg config.Config, method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+adminAddr+target, strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", jsonType)
	}
	for _, f := range change {
		f(r)
	}
	rec := httptest.NewRecorder()
	w.console(cfg).adminHandler().ServeHTTP(rec, r)
	return rec
}

// running starts a console with both listeners on free ports, which ends with the test.
func running(t *testing.T, w *world) (c *Console, stop func() error) {
	t.Helper()
	c = w.console(config.Config{Admin: "127.0.0.1:0", Health: "127.0.0.1:0"})
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { stop() })
	return c, stop
}

func TestRunServesBothListeners(t *testing.T) {
	c, stop := running(t, newWorld())
	f := func(addr net.Addr, path string, want int) {
		t.Helper()
		resp, err := http.Get("http://" + addr.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		f(c.AdminAddr(), path, 200)
		f(c.HealthAddr(), path, 200)
	}
	f(c.AdminAddr(), "/api/v1/status", 200)
	f(c.HealthAddr(), "/api/v1/status", 404)
	f(c.HealthAddr(), "/", 404)
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if nc, err := net.Dial("tcp", c.AdminAddr().String()); err == nil {
		nc.Close()
		t.Error("the admin API still listens after Run")
	}
}

func TestRunLetsRequestsFinish(t *testing.T) {
	w := newWorld()
	asked, finish := make(chan bool), make(chan bool)
	src := w.sources()
	src.Findings = func() []finding.Finding {
		asked <- true
		<-finish
		return w.findings
	}
	c := New(config.Config{Admin: "127.0.0.1:0"}, src, slog.New(slog.DiscardHandler))
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()

	status := make(chan int)
	go func() {
		resp, err := http.Get("http://" + c.AdminAddr().String() + "/api/v1/findings")
		if err != nil {
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-asked
	cancel()
	close(finish)
	if got := <-status; got != 200 {
		t.Errorf("the running request got %d, want 200", got)
	}
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestRunReportsWhyItEnds(t *testing.T) {
	c := newWorld().console(config.Config{Admin: "127.0.0.1:0", Health: "127.0.0.1:0"})
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	c.health.Close()
	if err := c.Run(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run: %v, want %v", err, net.ErrClosed)
	}
	if nc, err := net.Dial("tcp", c.AdminAddr().String()); err == nil {
		nc.Close()
		t.Error("the other listener is left open")
	}
}

func TestRunWithoutListeners(t *testing.T) {
	c := newWorld().console(config.Config{})
	if err := c.Listen(); err != nil || c.AdminAddr() != nil || c.HealthAddr() != nil {
		t.Fatalf("Listen: %v, %v, %v; want nothing", err, c.AdminAddr(), c.HealthAddr())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestHeaderSizeIsBounded(t *testing.T) {
	c, _ := running(t, newWorld())
	nc, err := net.Dial("tcp", c.AdminAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(nc, "GET / HTTP/1.1\r\nHost: localhost\r\nA: "+strings.Repeat("a", 2*maxHeader)+"\r\n\r\n")
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil || !strings.Contains(line, " 431 ") {
		t.Errorf("status line %q, %v; want 431", line, err)
	}
}

func TestServerIsBounded(t *testing.T) {
	s := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 {
		t.Errorf("a timeout is missing: %+v", s)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	c, _ := running(t, newWorld())
	var held []net.Conn
	defer func() {
		for _, nc := range held {
			nc.Close()
		}
	}()
	for range maxConns {
		nc, err := net.Dial("tcp", c.AdminAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, nc)
		nc.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(nc, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if _, err := nc.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	one, err := net.Dial("tcp", c.AdminAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	io.WriteString(one, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	one.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := one.Read(make([]byte, 1)); err == nil {
		t.Fatalf("connection %d is served: %d bytes", maxConns+1, n)
	}
	held[0].Close()
	one.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := one.Read(make([]byte, 1)); err != nil {
		t.Errorf("it is not served when another one ends: %v", err)
	}
}
