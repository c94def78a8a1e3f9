package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"tain.dev/tain/test/pki"
)

// TestUserAddress asks for the user's address by routes, each of which answers with a number of its own.
func TestUserAddress(t *testing.T) {
	cfg := plain()
	const table = `
route ten
  source 10.0.0.0/8
  respond 210
route six
  source 2001:db8::/32
  respond 206
route proxies
  source 192.168.0.0/16
  respond 219
route local
  source 127.0.0.1
  respond 212
`
	const believed, doubted = "127.0.0.0/8,192.168.0.0/16", ""
	f := func(trusted string, want int, lines ...string) {
		t.Helper()
		cfg.Proxy.TrustedPeers = nil
		for _, text := range strings.FieldsFunc(trusted, func(r rune) bool { return r == ',' }) {
			cfg.Proxy.TrustedPeers = append(cfg.Proxy.TrustedPeers, netip.MustParsePrefix(text))
		}
		r := start(t, cfg, table, noOffer)
		if got := ask(t, r, lines...); got != want {
			t.Errorf("%q: %d, want %d", lines, got, want)
		}
	}
	f(believed, 212)
	f(doubted, 212, "X-Forwarded-For: 10.0.0.1")
	f("11.0.0.0/8", 212, "X-Forwarded-For: 10.0.0.1")
	f(believed, 210, "X-Forwarded-For: 10.0.0.1")
	f(believed, 210, "X-Forwarded-For: 11.0.0.1, 10.0.0.1, 192.168.0.1")
	f(believed, 210, "X-Forwarded-For: nonsense, 10.0.0.1:4711,, 192.168.0.1 ,")
	f(believed, 210, "X-Forwarded-For: 11.0.0.1", "x-forwarded-for: 10.0.0.1")
	f(believed, 210, "X-Forwarded-For: ::ffff:10.0.0.1")
	f(believed, 206, "X-Forwarded-For: 10.0.0.1, 2001:db8::1")
	f(believed, 206, "X-Forwarded-For: 10.0.0.1, [2001:db8::1]:443")
	f(believed, 219, "X-Forwarded-For: 192.168.7.7, 192.168.0.1")
	f(believed, 212, "X-Forwarded-For: 10.0.0.1, unknown")
	f(believed, 212, "X-Forwarded-For: ,")
	f(believed, 212, "X-Forwarded-For: 10.0.0.1"+strings.Repeat(",192.168.0.1", maxHops))
	f(believed, 210, "X-Forwarded-For: 10.0.0.1"+strings.Repeat(",192.168.0.1", maxHops-1))
	f(believed, 210, "Forwarded: for=11.0.0.1, proto=http;for=10.0.0.1;by=_a")
	f(believed, 206, `Forwarded: For="[2001:db8::1]:4711"`)
	f(believed, 210, "Forwarded: for=11.0.0.1", "X-Forwarded-For: 10.0.0.1")
	f(believed, 212, "Forwarded: for=10.0.0.1, by=_a")
	f(believed, 212, "Connection: X-Forwarded-For", "X-Forwarded-For: nonsense")
	f(believed, 210, "Connection: X-Forwarded-For", "X-Forwarded-For: 10.0.0.1")
}

// The port and the address behind a PROXY header are those that the user knows.
func TestConditionsBehindProxyHeader(t *testing.T) {
	r := start(t, plain(), "route yes\nport 443\nsource 192.0.2.1\nrespond 200\nroute no\nrespond 404\n", noOffer)
	r.entry.Store(&Entry{ProxyProtocol: true})
	if got := askBehind(t, r, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n"); got != 200 {
		t.Errorf("the user's port and address: %d", got)
	}
	if got := askBehind(t, r, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 444\r\n"); got != 404 {
		t.Errorf("another port: %d", got)
	}
}

// ask sends a request with header lines, and returns the status of its answer.
func ask(t *testing.T, r *rig, lines ...string) int {
	t.Helper()
	return askBehind(t, r, "", lines...)
}

// askBehind is ask with something before the request.
func askBehind(t *testing.T, r *rig, before string, lines ...string) int {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%sGET / HTTP/1.1\r\nHost: h\r\n%s\r\n", before, strings.Join(append(lines, ""), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestParseHop(t *testing.T) {
	f := func(text, plain, forwarded string) {
		t.Helper()
		for want, parse := range map[*string]func([]byte) (netip.Addr, bool){&plain: parseHop, &forwarded: parseForwarded} {
			addr, ok := parse([]byte(text))
			if got := addr.String(); ok != (*want != "") || ok && got != *want {
				t.Errorf("%q: %s %v, want %q", text, got, ok, *want)
			}
		}
	}
	f("", "", "")
	f("10.0.0.1", "10.0.0.1", "")
	f("10.0.0.1:80", "10.0.0.1", "")
	f("::1", "::1", "")
	f("[::1]", "::1", "")
	f("[::1", "", "")
	f("fe80::1%eth0", "", "")
	f("_hidden", "", "")
	f("for=10.0.0.1", "", "10.0.0.1")
	f("by=a;For=10.0.0.1:80", "", "10.0.0.1")
	f(`for="[::1]:80"`, "", "::1")
	f(`for="[::1]`, "", "")
	f(`for=unknown`, "", "")
	f("for", "", "")
}

// FuzzHop checks that no text is read beyond its end, and that an address is one.
func FuzzHop(f *testing.F) {
	f.Add([]byte(`for="[::1]:80";by=a`))
	f.Add([]byte("10.0.0.1:80"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, parse := range []func([]byte) (netip.Addr, bool){parseHop, parseForwarded} {
			if addr, ok := parse(text); ok && (!addr.IsValid() || addr.Zone() != "") {
				t.Errorf("%q is %s", text, addr)
			}
		}
	})
}

// TestConditionsOnConnection asks for what a connection tells, in both versions of HTTP.
func TestConditionsOnConnection(t *testing.T) {
	cfg := plain()
	r := start(t, cfg, "route none\nrespond 404\n", noOffer)
	authority := pki.New(t)
	conf := r.secure(t, authority)
	pair := authority.Client(t, "shop.internal").TLS(t)
	conf.Certificates = []tls.Certificate{pair}
	_, port, _ := net.SplitHostPort(r.addr)
	f := func(conditions string, want int, prepare func(*http.Request)) {
		t.Helper()
		r.setTable(t, "route yes\n"+conditions+"\nrespond 200\nroute none\nrespond 404\n")
		for version := 1; version <= 2; version++ {
			transport := &http.Transport{TLSClientConfig: conf.Clone(), Protocols: new(http.Protocols), DisableKeepAlives: true}
			transport.Protocols.SetHTTP1(version == 1)
			transport.Protocols.SetHTTP2(version == 2)
			req, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+r.addr+"/shop.v1.Cart/Add", strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			prepare(req)
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatalf("%q over HTTP/%d: %v", conditions, version, err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%q over HTTP/%d: %d, want %d", conditions, version, resp.StatusCode, want)
			}
		}
	}
	plain := func(*http.Request) {}
	f("sni *.example", 200, plain)
	f("sni other.example", 404, plain)
	f("port "+port, 200, plain)
	f("port 1", 404, plain)
	f("cert shop.internal", 200, plain)
	f("cert other", 404, plain)
	f("not cert *", 404, plain)
	f("size = 5", 200, plain)
	f("size > 5", 404, plain)
	f("size >= 0", 404, func(req *http.Request) {
		endless, w := io.Pipe()
		t.Cleanup(func() { w.Close() })
		req.Body, req.ContentLength = endless, -1
	})
	f("cookie b = 2", 200, func(req *http.Request) { req.Header["Cookie"] = []string{"a=1", "b=2"} })
	f("grpc shop.v1.Cart", 200, func(req *http.Request) { req.Header.Set("Content-Type", "application/grpc") })
	f("type application/json", 404, plain)
}
