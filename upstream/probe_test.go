package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// serveHTTP serves handler over every version of HTTP, with TLS if there is a certificate. It
// returns host:port.
func serveHTTP(t *testing.T, cert *pki.Pair, handler http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetHTTP2(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(srv.Close)
	if cert == nil {
		srv.Start()
		return strings.TrimPrefix(srv.URL, "http://")
	}
	srv.EnableHTTP2 = true
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert.TLS(t)}}
	srv.StartTLS()
	return strings.TrimPrefix(srv.URL, "https://")
}

// checkOf asks the first server of an upstream once. Its TLS trusts ca.
func checkOf(t *testing.T, ca *pki.CA, url string, check route.Check, change ...func(*route.Options)) error {
	t.Helper()
	s := NewSet(discard())
	s.TLS = func(_ *route.Options, host string, alpn ...string) (*tls.Config, error) {
		return &tls.Config{ServerName: host, NextProtos: alpn, RootCAs: ca.Pool()}, nil
	}
	o := &route.Options{Check: &check}
	for _, c := range change {
		c(o)
	}
	c, err := s.Cluster(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return c.askOnce(t.Context(), c.Servers()[0], make(chan struct{}, 1))
}

// expectCheck holds what a check says: "" is well.
func expectCheck(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestCheckByHTTP(t *testing.T) {
	f := func(what string, check route.Check, status int, want string) {
		t.Helper()
		at := serveHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
		expectCheck(t, what, checkOf(t, nil, "http://"+at, check), want)
	}
	only204 := []route.StatusRange{{From: 204, To: 204}}
	two := []route.StatusRange{{From: 200, To: 200}, {From: 500, To: 599}}
	f("200", route.Check{}, 200, "")
	f("399", route.Check{}, 399, "")
	f("a redirect that is not followed", route.Check{}, 302, "")
	f("404", route.Check{Path: "/healthz"}, 404, "it answers /healthz with 404")
	f("503", route.Check{}, 503, "it answers / with 503")
	f("200 for 204", route.Check{Statuses: only204}, 200, "with 200")
	f("204 for 204", route.Check{Statuses: only204}, 204, "")
	f("503 for 200 and 5xx", route.Check{Statuses: two}, 503, "")
}

func TestWhatAnHTTPCheckSends(t *testing.T) {
	var got atomic.Pointer[http.Request]
	ca := pki.New(t)
	pair := ca.Issue(t, "127.0.0.1")
	handler := func(_ http.ResponseWriter, r *http.Request) { got.Store(r) }
	clear, secure := serveHTTP(t, nil, handler), serveHTTP(t, &pair, handler)
	f := func(url, host, wantHost string, major int) {
		t.Helper()
		expectCheck(t, url, checkOf(t, ca, url, route.Check{Path: "/health?deep=1", Host: host}), "")
		r := got.Load()
		if r.Method != "GET" || r.RequestURI != "/health?deep=1" || r.Host != wantHost || r.ProtoMajor != major || r.UserAgent() != "tain health check" {
			t.Errorf("%s: %s %s of %q over HTTP/%d by %q; want Host %q over HTTP/%d", url, r.Method, r.RequestURI, r.Host, r.ProtoMajor, r.UserAgent(), wantHost, major)
		}
	}
	f("http://"+clear, "", clear, 1)
	f("http://"+clear, "shop.example", "shop.example", 1)
	f("h2c://"+clear, "", clear, 2)
	f("https://"+secure, "", secure, 1)
	f("h2://"+secure, "shop.example", "shop.example", 2)
}

func TestAuthorityOfChecks(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		c := newTestCluster(t, url, nil)
		if got := c.origins[0].authority(c.address.TLS); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	f("http://shop", "shop")
	f("http://shop:443", "shop:443")
	f("https://shop", "shop")
	f("https://shop:80", "shop:80")
	f("http://[::1]", "[::1]")
	f("http://[::1]:81", "[::1]:81")
	f("http+unix:///run/app.sock", "localhost")
	f("srv+http://_http._tcp.shop", "shop")
}

func TestChecksTrustNoWrongCertificate(t *testing.T) {
	ca := pki.New(t)
	f := func(what string, pair pki.Pair, kind route.CheckKind, want string) {
		t.Helper()
		at := serveHTTP(t, &pair, func(http.ResponseWriter, *http.Request) {})
		expectCheck(t, what, checkOf(t, ca, "https://"+at, route.Check{Kind: kind}), want)
	}
	without := scripted(t, func(c net.Conn) {
		tls.Server(c, &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1").TLS(t)}}).Read(make([]byte, 1))
	})
	expectCheck(t, "a server without HTTP/2", checkOf(t, ca, "h2://"+without, route.Check{}), errNoH2.Error())
	for _, kind := range []route.CheckKind{route.CheckHTTP, route.CheckTCP} {
		f("good", ca.Issue(t, "127.0.0.1"), kind, "")
		f("expired", ca.Expired(t, "127.0.0.1"), kind, "expired")
		f("another name", ca.Issue(t, "10.0.0.1"), kind, "127.0.0.1")
		f("self-signed", pki.SelfSigned(t, "127.0.0.1"), kind, "self-signed and not trusted; set ca")
	}
	expectCheck(t, "without files", newTestCluster(t, "https://127.0.0.1:1", nil).loadError(), errNoTLS.Error())
}

func (c *Cluster) loadError() error {
	_, err := c.Servers()[0].TLS(protocolHTTP1)
	return err
}

func TestCheckBySocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go srv.Serve(ln)
	expectCheck(t, "socket", checkOf(t, nil, "http+unix://"+path, route.Check{}), "with 404")
	expectCheck(t, "socket by TCP", checkOf(t, nil, "http+unix://"+path, route.Check{Kind: route.CheckTCP}), "")
	srv.Close()
	expectCheck(t, "socket that is gone", checkOf(t, nil, "http+unix://"+path, route.Check{}), "app.sock")
}

// scripted accepts one connection after another, and lets serve have them.
func scripted(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return ln.Addr().String()
}

func TestChecksOfServersThatMisbehave(t *testing.T) {
	long := route.Check{Timeout: 20 * time.Second}
	short := route.Check{Timeout: 50 * time.Millisecond}
	read := func(c net.Conn) { bufio.NewReader(c).ReadString('\n') }
	f := func(what string, check route.Check, want string, serve func(net.Conn)) {
		t.Helper()
		expectCheck(t, what, checkOf(t, nil, "http://"+scripted(t, serve), check), want)
	}
	f("closes", long, "EOF", read)
	f("closes after its answer", long, "", func(c net.Conn) { read(c); io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n") })
	f("is silent", short, "no answer within 50ms (the check's timeout)", func(c net.Conn) { io.Copy(io.Discard, c) })
	f("interim answers", long, "with 404", func(c net.Conn) {
		read(c)
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n")
	})
	f("endless interim answers", long, "reading the answer", func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return
			}
		}
	})
	f("no HTTP", long, "malformed HTTP", func(c net.Conn) { read(c); io.WriteString(c, "220 mail.example ESMTP\r\n") })
	f("an endless head", long, "reading the answer", func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-Filler: "+strings.Repeat("x", 4000)+"\r\n"); err != nil {
				return
			}
		}
	})
	f("an endless body", long, "", func(c net.Conn) {
		read(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		for {
			if _, err := c.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	refusing := closedAddr(t)
	expectCheck(t, "refuses", checkOf(t, nil, "http://"+refusing, long), "refused")
	expectCheck(t, "refuses TCP", checkOf(t, nil, "http://"+refusing, route.Check{Kind: route.CheckTCP}), "refused")
}

func closedAddr(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestChecksBeginWithTheirPROXYHeader(t *testing.T) {
	f := func(version uint8, want string) {
		t.Helper()
		got := make(chan string, 1)
		at := scripted(t, func(c net.Conn) {
			b := make([]byte, len(want)+len("GET / "))
			io.ReadFull(c, b)
			got <- string(b)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			io.Copy(io.Discard, c)
		})
		err := checkOf(t, nil, "http://"+at, route.Check{}, func(o *route.Options) { o.ProxyProtocol = version })
		expectCheck(t, "with a PROXY header", err, "")
		if begin := <-got; begin != want+"GET / " {
			t.Errorf("version %d: the connection begins with %q", version, begin)
		}
	}
	f(0, "")
	f(1, "PROXY UNKNOWN\r\n")
	f(2, "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x20\x00\x00\x00")
}

// healthService is a server of grpc.health.v1 whose answer is given in full.
func healthService(t *testing.T, cert *pki.Pair, status int, body []byte, trailer map[string]string) string {
	t.Helper()
	return serveHTTP(t, cert, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/grpc.health.v1.Health/Check" || r.Method != "POST" || r.ProtoMajor != 2 ||
			r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("TE") != "trailers" ||
			!bytes.Equal(sent, []byte("\x00\x00\x00\x00\x06\x0a\x04shop")) {
			t.Errorf("called with %s %s, %v, %q", r.Method, r.URL.Path, r.Header, sent)
		}
		w.Header().Set("Content-Type", "application/grpc")
		if body == nil { // a head that is the trailer, too
			for name, value := range trailer {
				w.Header().Set(name, value)
			}
		}
		w.WriteHeader(status)
		if body != nil {
			w.Write(body)
			for name, value := range trailer {
				w.Header().Set(http.TrailerPrefix+name, value)
			}
		}
	})
}

func TestCheckByGRPC(t *testing.T) {
	ca := pki.New(t)
	pair := ca.Issue(t, "127.0.0.1")
	check := route.Check{Kind: route.CheckGRPC, Service: "shop"}
	f := func(what string, status int, body string, trailer map[string]string, want string) {
		t.Helper()
		message := []byte(body)
		if body == "" {
			message = nil
		}
		expectCheck(t, what, checkOf(t, ca, "h2c://"+healthService(t, nil, status, message, trailer), check), want)
		expectCheck(t, what+" over TLS", checkOf(t, ca, "h2://"+healthService(t, &pair, status, message, trailer), check), want)
	}
	ok := map[string]string{"Grpc-Status": "0"}
	f("serving", 200, "\x00\x00\x00\x00\x02\x08\x01", ok, "")
	f("not serving", 200, "\x00\x00\x00\x00\x02\x08\x02", ok, "it says NOT_SERVING")
	f("unknown", 200, "\x00\x00\x00\x00\x00", ok, "it says UNKNOWN")
	f("unknown service", 200, "\x00\x00\x00\x00\x02\x08\x03", ok, "it says SERVICE_UNKNOWN")
	f("a new status", 200, "\x00\x00\x00\x00\x02\x08\x63", ok, "it says status 99")
	f("not found", 200, "", map[string]string{"Grpc-Status": "5"}, "does not know the service")
	f("not implemented", 200, "", map[string]string{"Grpc-Status": "12"}, "does not implement")
	f("unavailable", 200, "", map[string]string{"Grpc-Status": "14", "Grpc-Message": "shutting down"}, `gRPC status 14 "shutting down"`)
	f("no gRPC", 200, "hello", nil, "no grpc-status")
	f("garbage", 200, "hello", ok, "not a HealthCheckResponse")
	f("an HTTP error", 503, "sorry", nil, "HTTP status 503")
	f("too long", 200, strings.Repeat("x", 2*maxHealth), ok, "not a HealthCheckResponse")
}

func TestCheckByGRPCOfHTTP1(t *testing.T) {
	at := healthService(t, nil, 200, []byte("\x00\x00\x00\x00\x02\x08\x01"), map[string]string{"Grpc-Status": "0"})
	expectCheck(t, "http:// checked by gRPC", checkOf(t, nil, "http://"+at, route.Check{Kind: route.CheckGRPC, Service: "shop"}), "")
}

// TestSetChecksServers is the whole way from a server's answers to who is picked.
func TestSetChecksServers(t *testing.T) {
	var status atomic.Int32
	status.Store(200)
	changing := serveHTTP(t, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	steady := serveHTTP(t, nil, func(http.ResponseWriter, *http.Request) {})
	s := NewSet(discard())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	check := &route.Check{Path: "/ready", Interval: 10 * time.Millisecond, Timeout: 10 * time.Second}
	c, err := s.Cluster("http://"+changing+","+steady, &route.Options{Check: check})
	if err != nil {
		t.Fatal(err)
	}
	picked := func() int { return picks(c, 10, nil)[c.Servers()[0]] }
	status.Store(503)
	wire.Until(t, "the server to be found ill", func() bool { return picked() == 0 })
	if got := s.Status()[0].Servers[0].Why; got != "health check: it answers /ready with 503" {
		t.Errorf("the status says %q", got)
	}
	status.Store(200)
	wire.Until(t, "the server to be found well", func() bool { return picked() == 5 })
}
