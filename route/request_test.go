package route

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"testing"
)

func TestCertificate(t *testing.T) {
	c := NewCertificate(&x509.Certificate{
		Raw:            []byte("raw"),
		DNSNames:       []string{"Shop.example.com"},
		URIs:           []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/Shop"}},
		EmailAddresses: []string{"a@example.com"},
		Subject:        pkix.Name{CommonName: "Shop"},
	})
	if want := []string{"shop.example.com", "spiffe://example.com/Shop", "a@example.com", "Shop"}; !slices.Equal(c.Names(), want) {
		t.Errorf("names %q", c.Names())
	}
	digest := sha256.Sum256([]byte("raw"))
	if want := "sha256:" + hex.EncodeToString(digest[:]); c.Fingerprint() != want {
		t.Errorf("fingerprint %s, want %s", c.Fingerprint(), want)
	}
	if empty := NewCertificate(&x509.Certificate{}); !empty.is("*") || empty.is("") || empty.is("a*") {
		t.Error("a certificate without names")
	}
}

func TestRequestValues(t *testing.T) {
	r := request(t, "POST h/shop.v1.Cart/Add?a=%41&b Cookie=a=1;b=2;a=3 Content-Type=application/GRPC+proto;x=y @::ffff:10.0.0.1")
	f := func(what, got string, ok bool, want string) {
		t.Helper()
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", what, got, ok, want)
		}
	}
	value, ok := r.CookieValue("a")
	f("cookie a", value, ok, "1")
	value, ok = r.CookieValue("c")
	f("cookie c", value, ok, "")
	value, ok = r.QueryValue("a")
	f("parameter a", value, ok, "A")
	value, ok = r.QueryValue("c")
	f("parameter c", value, ok, "")
	value, ok = r.HeaderValue("cookie")
	f("header", value, ok, "a=1;b=2;a=3")
	f("type", r.MediaType(), true, "application/grpc+proto")
	f("call", r.GRPCCall(), true, "shop.v1.Cart/Add")
	f("source", r.Source().String(), true, "10.0.0.1")

	var none Request
	_, ok = none.CookieValue("a")
	if ok || none.MediaType() != "" || none.GRPCCall() != "" || none.Source().IsValid() {
		t.Error("a request that says nothing has values")
	}
	if plain := request(t, "GET h/a/b Content-Type=text/plain"); plain.GRPCCall() != "" {
		t.Errorf("call %q", plain.GRPCCall())
	}
}

func TestRange(t *testing.T) {
	f := func(op string, n int64, want Range) {
		t.Helper()
		got, err := ParseRange(op, n)
		if err != nil || got != want {
			t.Errorf("%s %d: %v, error %v", op, n, got, err)
		}
	}
	const most = 1<<63 - 1
	f("<", 5, Range{0, 4})
	f("<=", 5, Range{0, 5})
	f("=", 5, Range{5, 5})
	f(">=", 5, Range{5, most})
	f(">", 5, Range{6, most})
	for _, wrong := range []string{"", "==", "~", "=>"} {
		if got, err := ParseRange(wrong, 5); err == nil {
			t.Errorf("%q: %v", wrong, got)
		}
	}
	if got, err := ParseRange(">", most); err == nil {
		t.Errorf("more than the most: %v", got)
	}
}

func TestParsePrefix(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := ParsePrefix(text)
		if ok := err == nil; ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %s, error %v", text, got, err)
		}
	}
	f("10.1.2.3/8", "10.0.0.0/8")
	f("10.1.2.3", "10.1.2.3/32")
	f("2001:db8::1", "2001:db8::1/128")
	f("::ffff:10.1.2.3", "10.1.2.3/32")
	f("::ffff:10.1.2.3/104", "10.0.0.0/8")
	f("::/90", "::/90")
	f("fe80::1%eth0", "")
	f("10.0.0.0/33", "")
	f("10.0.0/8", "")
	f("", "")
	if port, err := ParsePort("65535"); port != 65535 || err != nil {
		t.Errorf("port %d, error %v", port, err)
	}
	for _, wrong := range []string{"0", "65536", "-1", "http", ""} {
		if port, err := ParsePort(wrong); err == nil {
			t.Errorf("%q: %d", wrong, port)
		}
	}
}

// tenConditions is a mirror as somebody with many wishes writes it.
const tenConditions = `
  host *.example.com
  path /orders/{id}/items/{item}
  method GET HEAD
  header X-Env = prod
  cookie beta = 1
  query debug = 1
  source 10.0.0.0/8 192.168.0.0/16
  port 8443
  type application/json application/*+json
  not header X-Internal present
`

func tenTimesRight(t testing.TB) (*Match, *Request) {
	r := request(t, "GET shop.example.com/orders/42/items/7?a=1&debug=1 X-Env=prod Cookie=session=abc;beta=1 Content-Type=application/json;charset=utf-8 @192.168.3.4 :8443")
	values := map[string]string{"X-Env": "prod", "Cookie": "session=abc; beta=1", "Content-Type": "application/json;charset=utf-8"}
	r.Header = func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
	addr := netip.MustParseAddr("192.168.3.4")
	r.Client = func() netip.Addr { return addr }
	return matchOf(t, tenConditions), r
}

func TestTenConditionsAllocateNothing(t *testing.T) {
	m, r := tenTimesRight(t)
	if n := testing.AllocsPerRun(100, func() {
		if !m.Matches(r) {
			t.Fatal("no match")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTenConditions must not take more than 300 ns.
func BenchmarkTenConditions(b *testing.B) {
	m, r := tenTimesRight(b)
	b.ReportAllocs()
	for b.Loop() {
		if !m.Matches(r) {
			b.Fatal("no match")
		}
	}
}

// BenchmarkAfter is five conditions on an answer and one on the body.
func BenchmarkAfter(b *testing.B) {
	a := afterOf(b, "status 200-299;latency < 1s;response-header X-Cache = HIT;backend *:80;size < 10000;json $.user.country = CH")
	x := exchanged(b, `200 1ms x-cache=HIT a:80 {"user":{"name":"a","country":"CH"},"items":[1,2,3]}`)
	body, _ := x.Body()
	x.Body = func() ([]byte, bool) { return body, true }
	x.Header = func(string) (string, bool) { return "HIT", true }
	b.ReportAllocs()
	for b.Loop() {
		if !a.Matches(x) {
			b.Fatal("no match")
		}
	}
}

// BenchmarkWalk reads a body of the largest size that is read.
func BenchmarkWalk(b *testing.B) {
	a := afterOf(b, "json $.items[*].sku = none")
	body := []byte(`{"items":[{"sku":"a-1","price":12.5,"tags":["x","y"]}`)
	for len(body) < MaxJSON-100 {
		body = append(body, `, {"sku": "b-2", "price": 1250, "name": "something that has a longer name", "in_stock": true}`...)
	}
	body = append(body, "]}"...)
	x := &Exchanged{BodySize: int64(len(body)), Body: func() ([]byte, bool) { return body, true }}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if a.Matches(x) {
			b.Fatal("found what is not there")
		}
	}
}
