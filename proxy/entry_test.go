package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"

	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// secure makes the rig's connections TLS ones, and returns the configuration of their users.
func (r *rig) secure(t testing.TB, clientCA *pki.CA) *tls.Config {
	t.Helper()
	ca := pki.New(t)
	conf := &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1", "shop.example").TLS(t)},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if clientCA != nil {
		conf.ClientAuth, conf.ClientCAs = tls.RequireAndVerifyClientCert, clientCA.Pool()
	}
	r.entry.Store(&Entry{TLS: conf})
	return &tls.Config{RootCAs: ca.Pool(), ServerName: "shop.example"}
}

// Over TLS, each version is told by ALPN, or by the preface where there is no ALPN, and says https.
func TestTLS(t *testing.T) {
	cfg := plain()
	cfg.Proxy.Forwarded, cfg.Proxy.Via = "append", "tain"
	table := "route old\npath /old\nredirect host b\nroute all\nsession cookie shop\nbackend http://" + startEcho(t)
	r := start(t, cfg, table, noOffer)
	conf := r.secure(t, nil)
	f := func(version int, protocols ...string) {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: conf.Clone(), Protocols: new(http.Protocols), DisableKeepAlives: true}
		transport.Protocols.SetHTTP1(version == 1)
		transport.Protocols.SetHTTP2(version == 2)
		client := http.Client{Transport: transport, Timeout: framePatience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Post("https://"+r.addr+"/x", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Errorf("HTTP/%d: %v", version, err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		head := resp.Header
		if err != nil || resp.ProtoMajor != version || string(body) != "hello" || head.Get("X-Proto") != "https" ||
			!strings.HasPrefix(head.Get("X-Via"), map[int]string{1: "1.1 tain-", 2: "2 tain-"}[version]) ||
			!strings.Contains(head.Get("Set-Cookie"), "; Secure; ") {
			t.Errorf("HTTP/%d: %s %q, %v, %v", version, resp.Proto, body, head, err)
		}
		if resp, err = client.Get("https://" + r.addr + "/old"); err != nil || resp.Header.Get("Location") != "https://b:"+r.port()+"/old" {
			t.Errorf("HTTP/%d: redirected to %v, %v", version, resp, err)
		}
	}
	f(1)
	f(2)

	c, err := tls.Dial("tcp", r.addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	resp := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(c, resp); err != nil || string(resp) != "HTTP/1.1 200" {
		t.Errorf("without ALPN: %q, %v", resp, err)
	}
}

func (r *rig) port() string {
	_, port, _ := net.SplitHostPort(r.addr)
	return port
}

// startEcho starts a backend of net/http that sends back the body, and what it heard of the way here.
// It speaks both versions.
func startEcho(t testing.TB) string {
	t.Helper()
	return wire.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Header.Get("X-Forwarded-Proto"))
		w.Header().Set("X-Via", r.Header.Get("Via"))
		w.Header().Set("Trailer", "X-Sum")
		http.NewResponseController(w).EnableFullDuplex()
		n, err := io.Copy(w, r.Body)
		w.Header().Set("X-Sum", fmt.Sprint(n, err, r.Trailer.Get("X-Sum")))
	})
}

// Who does not get through the handshake is counted, and nobody else notices.
func TestHandshakeFails(t *testing.T) {
	cfg := plain()
	cfg.Proxy.HandshakeTimeout = 100e6
	r := start(t, cfg, "route all\nbackend http://"+startEcho(t), noOffer)
	ca := pki.New(t)
	conf := r.secure(t, ca)

	bystander := conf.Clone()
	bystander.Certificates = []tls.Certificate{ca.Client(t, "me").TLS(t)}
	c, err := tls.Dial("tcp", r.addr, bystander)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	user := r.user(t)
	user.Sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n") // no TLS at all
	user.SeesBreak()
	wire.Becomes(t, "errors", "handshake 1\n", r.errors)
	user = r.user(t)
	user.Sends("\x16\x03\x01\x02\x00") // and nothing more
	user.SeesBreak()
	wire.Becomes(t, "errors", "handshake 2\n", r.errors)
	if _, err := tls.Dial("tcp", r.addr, &tls.Config{ServerName: "shop.example"}); err == nil {
		t.Error("a user who does not trust the authority goes on")
	}
	wire.Becomes(t, "errors", "handshake 3\n", r.errors)
	other, err := tls.Dial("tcp", r.addr, conf) // without a certificate
	if err == nil {
		_, err = other.Read(make([]byte, 1))
	}
	if err == nil {
		t.Error("a user without a certificate goes on")
	}
	wire.Becomes(t, "errors", "handshake 4\n", r.errors)

	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if n, err := c.Read(make([]byte, 12)); n == 0 {
		t.Errorf("a bystander gets no answer: %v", err)
	}
}

// A drain ends connections whose handshake is over and that have not asked anything, and the log tells
// who the users of the others are.
func TestTLSDrainAndLog(t *testing.T) {
	cfg := plain()
	configure(t, cfg, map[string]string{"log": `$ssl_protocol $ssl_server_name "$ssl_client_s_dn" $server_protocol $upstream_addr`})
	backend := startEcho(t)
	r := start(t, cfg, "route all\nbackend http://"+backend, noOffer)
	ca := pki.New(t)
	conf := r.secure(t, ca)
	conf.Certificates = []tls.Certificate{ca.Client(t, "me").TLS(t)}
	var silent []*tls.Conn
	for _, protocols := range [][]string{nil, {"http/1.1"}, {"h2"}} {
		conf := conf.Clone()
		conf.NextProtos = protocols
		c, err := tls.Dial("tcp", r.addr, conf)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	c, err := tls.Dial("tcp", r.addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	line := `TLSv1.3 shop.example "CN=me" HTTP/1.1 ` + backend + "\n"
	for i := range 2 {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if n, err := c.Read(make([]byte, 1000)); n == 0 {
			t.Errorf("no answer: %v", err)
		}
		wire.Becomes(t, "the log", strings.Repeat(line, i+1), func() string {
			got, _ := os.ReadFile(cfg.AccessLog.Path)
			return string(got)
		})
	}
	wire.Until(t, "all to be connected", func() bool { return r.Counts().Clients == 4 })
	r.turns()
	drained := make(chan int64, 1)
	go func() { drained <- r.Drain(t.Context()) }()
	for _, c := range silent {
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("a connection without a request ends with %v", err)
		}
		c.Close()
	}
	c.Close()
	if n := <-drained; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// The user's address counts behind PROXY headers and TLS, too.
func TestProxyHeaderAndTLS(t *testing.T) {
	cfg := plain()
	configure(t, cfg, map[string]string{"log": "$remote_addr $server_protocol"})
	r := start(t, cfg, "route all\nbackend http://"+startEcho(t), noOffer)
	conf := r.secure(t, nil)
	conf.NextProtos = []string{"h2"}
	entry := *r.entry.Load()
	entry.ProxyProtocol = true
	r.entry.Store(&entry)
	user := r.user(t)
	user.Sends("PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n")
	c := tls.Client(user.Conn(), conf)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Protocols: new(http.Protocols), DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
	transport.Protocols.SetHTTP2(true)
	resp, err := (&http.Client{Transport: transport}).Get("https://shop.example/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	wire.Becomes(t, "the log", "192.0.2.1 HTTP/2.0\n", func() string {
		got, _ := os.ReadFile(cfg.AccessLog.Path)
		return string(got)
	})
	c.Close()
}

// backendTLS is how the rig's proxy makes sure of its backends.
func backendTLS(o *route.Options, host string, alpn ...string) (*tls.Config, error) {
	ca, err := os.ReadFile(o.TLS.CA)
	conf := &tls.Config{ServerName: host, NextProtos: alpn, RootCAs: x509.NewCertPool()}
	conf.RootCAs.AppendCertsFromPEM(ca)
	return conf, err
}

// A backend that is not who it should be is refused, with the reason; so is one that speaks no HTTP/2
// where it should. The others get the request in the version of their scheme.
func TestBackendTLS(t *testing.T) {
	ca := pki.New(t)
	right := func(scheme, proto string) {
		t.Helper()
		backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
		backend.EnableHTTP2 = true
		backend.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1").TLS(t)}}
		backend.StartTLS()
		defer backend.Close()
		r := start(t, plain(), "route all\nbackend "+scheme+"://"+backend.Listener.Addr().String()+"\ntls ca "+ca.File, noOffer)
		if got, _ := r.asker(t).ask("/"); got != proto {
			t.Errorf("a backend of %s gets %s, want %s", scheme, got, proto)
		}
	}
	right("https", "HTTP/1.1")
	right("h2", "HTTP/2.0")
	f := func(pair pki.Pair, scheme, protocol, want string) {
		t.Helper()
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair.TLS(t)}, NextProtos: []string{protocol}})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				go func() { io.Copy(io.Discard, c); c.Close() }()
			}
		}()
		r := start(t, plain(), "route all\nbackend "+scheme+"://"+l.Addr().String()+"\ntls ca "+ca.File, noOffer)
		user := r.user(t)
		user.Sends(get)
		user.Gets(refused(502, "the backend can't be trusted, or does not speak TLS"))
		wire.Becomes(t, "errors", want, r.errors)
		user.Closes()
	}
	f(ca.Expired(t, "127.0.0.1"), "https", "http/1.1", "backend_tls 1\n")
	f(ca.Issue(t, "127.0.0.2"), "https", "http/1.1", "backend_tls 1\n")
	f(pki.SelfSigned(t, "127.0.0.1"), "https", "http/1.1", "backend_tls 1\n")
	f(ca.Issue(t, "127.0.0.1"), "h2", "http/1.1", "backend_tls 1\n")
}

func TestSeats(t *testing.T) {
	s := newSeats(2)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	first, second := s.take(a), s.take(a)
	if first == nil || second == nil || s.take(a) != nil || s.take(b) == nil {
		t.Error("an address does not get the two seats that it may have")
	}
	second.leave()
	if s.take(a) == nil || s.take(a) != nil {
		t.Error("a seat that is free again is not taken, or twice")
	}
	first.leave()
	(*seat)(nil).leave()
}
