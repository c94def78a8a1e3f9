package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tain.dev/tain/test/wire"
)

// asking returns a client of servers, which have one port in common.
func asking(servers ...*nameServer) *dns {
	d := &dns{parseResolvConf(""), servers[0].addr.Port()}
	d.timeout, d.servers = 10*time.Second, nil
	for _, s := range servers {
		d.servers = append(d.servers, s.addr.Addr())
	}
	return d
}

func texts(addrs []netip.Addr) string {
	var all []string
	for _, a := range addrs {
		all = append(all, a.String())
	}
	return strings.Join(all, " ")
}

// expectHosts holds what a client finds for a name: addresses and a time to live, or an error's text.
func expectHosts(t *testing.T, d *dns, name, want string) {
	t.Helper()
	h, err := d.hosts(t.Context(), name)
	got := fmt.Sprintf("%s for %v", texts(h.addrs), h.ttl)
	if err != nil {
		got = err.Error()
	}
	if !strings.Contains(got, want) {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
}

func TestNameServerKnows(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	d := asking(s)
	s.set("v4.test", at("v4.test", 60, "10.0.0.2"), at("v4.test", 50, "10.0.0.1"))
	s.set("v6.test", at("v6.test", 7, "fd00::1"))
	s.set("both.test", at("both.test", 60, "10.0.0.1"), at("both.test", 20, "fd00::1"), at("both.test", 60, "10.0.0.2"), at("both.test", 60, "10.0.0.3"))
	s.set("alias.test", cname("alias.test", 30, "b.test"), cname("b.test", 12, "c.test"), at("c.test", 3600, "10.0.0.1"))
	s.set("nothing.test", record("nothing.test", 5, &dnsmessage.TXTResource{TXT: []string{"hi"}}))
	s.set("dangling.test", cname("dangling.test", 30, "gone.test"))
	s.set("old.test", at("old.test", 1<<31, "10.0.0.1"))
	s.set("mapped.test", record("mapped.test", 9, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("::ffff:10.0.0.1").As16()}))

	expectHosts(t, d, "v4.test", "10.0.0.2 10.0.0.1 for 50s")
	expectHosts(t, d, "V4.Test", "10.0.0.2 10.0.0.1 for 50s")
	expectHosts(t, d, "v6.test", "fd00::1 for 7s")
	expectHosts(t, d, "both.test", "10.0.0.1 fd00::1 10.0.0.2 10.0.0.3 for 20s")
	expectHosts(t, d, "alias.test", "10.0.0.1 for 12s")
	expectHosts(t, d, "old.test", "10.0.0.1 for 0s")
	expectHosts(t, d, "mapped.test", "10.0.0.1 for 9s")
	for _, missing := range []string{"nothing.test", "dangling.test", "gone.test", strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 126) + "toolong", ""} {
		if _, err := d.hosts(t.Context(), missing); !errors.Is(err, errNoName) {
			t.Errorf("%q: %v", missing, err)
		}
	}
}

func TestForgedAnswersArePassedOver(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.test", at("shop.test", 60, "10.0.0.1"))
	s.do(func() { s.mangle = forged })
	expectHosts(t, asking(s), "shop.test", "10.0.0.1 for 1m0s")
}

func TestEachQueryHasItsPortAndID(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.test", at("shop.test", 60, "10.0.0.1"))
	ids := make(map[[2]byte]bool)
	s.do(func() {
		s.mangle = func(msg []byte) [][]byte {
			ids[[2]byte(msg)] = true
			return [][]byte{msg}
		}
	})
	d := asking(s)
	for range 20 {
		expectHosts(t, d, "shop.test", "10.0.0.1")
	}
	s.do(func() {
		if len(ids) < 35 || len(s.askedFrom) < 20 {
			t.Errorf("40 queries had %d IDs and %d ports", len(ids), len(s.askedFrom))
		}
	})
}

func TestLongAnswersComeByTCP(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	var many []dnsmessage.Resource
	for i := range 500 {
		many = append(many, at("many.test", 60, fmt.Sprintf("10.0.%d.%d", i/250, i%250)))
	}
	s.set("many.test", many...)
	s.do(func() { s.cut = true })
	d := asking(s)
	h, err := d.hosts(t.Context(), "many.test")
	if err != nil || len(h.addrs) != 500 {
		t.Errorf("%d addresses, %v", len(h.addrs), err)
	}
	asked := s.questions()
	slices.Sort(asked)
	if want := []string{"many.test A tcp", "many.test A udp", "many.test AAAA tcp", "many.test AAAA udp"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	d.tcp = true
	expectHosts(t, d, "many.test", "10.0.0.0 10.0.0.1 ")
	if asked := s.questions(); len(asked) != 2 || !strings.HasSuffix(asked[0], "tcp") {
		t.Errorf("with use-vc: asked %v", asked)
	}
}

// twoServers starts two servers, of which both know a name.
func twoServers(t *testing.T) (a, b *nameServer, d *dns) {
	if probe, err := net.ListenPacket("udp", "127.0.0.2:0"); err != nil {
		t.Skip("this system has one loopback address: ", err)
	} else {
		probe.Close()
	}
	port := netip.MustParseAddrPort(wire.FreeAddr(t)).Port() // of both
	a, b = serveNames(t, "127.0.0.1", port), serveNames(t, "127.0.0.2", port)
	for _, s := range []*nameServer{a, b} {
		s.set("shop.test", at("shop.test", 60, s.addr.Addr().String()))
	}
	return a, b, asking(a, b)
}

func TestNextServerTakesOver(t *testing.T) {
	f := func(what string, breakIt func(*nameServer)) {
		t.Helper()
		a, _, d := twoServers(t)
		d.timeout = 50 * time.Millisecond
		expectHosts(t, d, "shop.test", "127.0.0.1 for")
		a.do(func() { breakIt(a) })
		expectHosts(t, d, "shop.test", "127.0.0.2 for")
		if len(a.questions()) < 4 {
			t.Errorf("%s: the first server was not asked", what)
		}
	}
	f("silent", func(s *nameServer) { s.silent = true })
	f("SERVFAIL", func(s *nameServer) { s.rcode = dnsmessage.RCodeServerFailure })
	f("REFUSED", func(s *nameServer) { s.rcode = dnsmessage.RCodeRefused })
	f("FORMERR", func(s *nameServer) { s.rcode = dnsmessage.RCodeFormatError })
	f("NOTIMP", func(s *nameServer) { s.rcode = dnsmessage.RCodeNotImplemented })
	f("some other code", func(s *nameServer) { s.rcode = 11 })
	f("refers", func(s *nameServer) { s.refers = true })
	f("garbage", func(s *nameServer) { s.mangle = func(msg []byte) [][]byte { return [][]byte{msg[:len(msg)-3]} } })
}

// TestANameThatIsMissingIsMissing holds that the second server is not asked for a better answer.
func TestANameThatIsMissingIsMissing(t *testing.T) {
	_, b, d := twoServers(t)
	expectHosts(t, d, "gone.test", errNoName.Error())
	if asked := b.questions(); len(asked) > 0 {
		t.Errorf("the second server was asked %v", asked)
	}
}

func TestNoServerKnows(t *testing.T) {
	a, b, d := twoServers(t)
	d.timeout = 20 * time.Millisecond
	a.do(func() { a.silent = true })
	b.do(func() { b.rcode = dnsmessage.RCodeServerFailure })
	_, err := d.hosts(t.Context(), "shop.test")
	if err == nil || errors.Is(err, errNoName) || !strings.Contains(err.Error(), "name server 127.0.0.2:") || !strings.Contains(err.Error(), "SERVFAIL") {
		t.Errorf("the reason is %v", err)
	}
	if n := len(a.questions()); n != 4 {
		t.Errorf("the silent server was asked %d times, want twice for each family", n)
	}
	b.do(func() { b.silent = true })
	if _, err := d.hosts(t.Context(), "shop.test"); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("the reason is %v", err)
	}
}

func TestRotate(t *testing.T) {
	a, b, d := twoServers(t)
	d.rotate = true
	for range 30 {
		if _, err := d.hosts(t.Context(), "shop.test"); err != nil {
			t.Fatal(err)
		}
	}
	if n, m := len(a.questions()), len(b.questions()); n == 0 || m == 0 || n+m != 60 {
		t.Errorf("the servers were asked %d and %d times", n, m)
	}
}

func TestCutOffByTCP(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.test", at("shop.test", 60, "10.0.0.1"))
	r := reply{header: dnsmessage.Header{Truncated: true, RecursionAvailable: true}}
	if err := r.failure(); err == nil || errors.Is(err, errNoName) {
		t.Errorf("an answer that is cut off by TCP is taken for %v", err)
	}
}

func TestOneFamilyFails(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.test", at("shop.test", 60, "10.0.0.1"), at("shop.test", 60, "fd00::1"))
	s.set("four.test", at("four.test", 60, "10.0.0.1"))
	d := asking(s)
	s.do(func() { s.fails[dnsmessage.TypeAAAA] = true })
	expectHosts(t, d, "shop.test", "10.0.0.1 for 1m0s")
	s.do(func() { s.fails = map[dnsmessage.Type]bool{dnsmessage.TypeA: true} })
	expectHosts(t, d, "shop.test", "fd00::1 for 1m0s")
	expectHosts(t, d, "four.test", "SERVFAIL")
}

func TestSearchList(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.ns.svc.test", at("shop.ns.svc.test", 60, "10.0.0.1"))
	s.set("shop.other.svc.test", at("shop.other.svc.test", 60, "10.0.0.2"))
	s.set("api.example.com", at("api.example.com", 60, "10.0.0.3"))
	d := asking(s)
	d.search, d.ndots = []string{"ns.svc.test", "svc.test"}, 5
	expectHosts(t, d, "shop", "10.0.0.1 ")
	expectHosts(t, d, "shop.other", "10.0.0.2 ")
	expectHosts(t, d, "api.example.com", "10.0.0.3 ")
	s.questions()
	d.ndots = 1
	expectHosts(t, d, "api.example.com", "10.0.0.3 ")
	if n := len(s.questions()); n != 2 {
		t.Errorf("a name with a dot was asked for %d times, want twice", n)
	}

	// A failure must not lead to another host of that name.
	d.ndots = 5
	s.do(func() { s.fails[dnsmessage.TypeA] = true })
	expectHosts(t, d, "shop", "SERVFAIL")
}

func TestServiceRecords(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	name := "_http._tcp.web.test"
	s.set(name,
		srv(name, 60, 1, 10, 8001, "a.test"), srv(name, 60, 1, 20, 8002, "B.test"), srv(name, 60, 2, 0, 8003, "c.test"),
		at("b.test", 30, "10.0.0.2"), at("b.test", 40, "fd00::2"), at("stranger.test", 60, "10.0.0.9"))
	s.set("none.test", srv("none.test", 60, 0, 0, 0, ""))
	d := asking(s)
	got, err := d.services(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range got.records {
		all = append(all, fmt.Sprintf("%s:%d/%d/%d[%s]", r.host, r.port, r.priority, r.weight, texts(r.addrs)))
	}
	if text, want := strings.Join(all, " "), "a.test:8001/1/10[] b.test:8002/1/20[10.0.0.2 fd00::2] c.test:8003/2/0[]"; text != want || got.ttl != 30*time.Second {
		t.Errorf("%s for %v, want %s for 30s", text, got.ttl, want)
	}
	for _, missing := range []string{"none.test", "gone.test", "a.test"} {
		if _, err := d.services(t.Context(), missing); !errors.Is(err, errNoName) {
			t.Errorf("%s: %v", missing, err)
		}
	}
	s.do(func() { s.cut = true })
	if got, err := d.services(t.Context(), name); err != nil || len(got.records) != 3 {
		t.Errorf("by TCP: %v, %v", got, err)
	}
}

func TestLookupEndsWithItsContext(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.do(func() { s.silent = true })
	d := asking(s)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := d.hosts(ctx, "shop.test"); err == nil {
				t.Error("an answer of a silent server")
			}
		})
	}
	cancel()
	all.Wait() // much sooner than the 20 s of two attempts
}
