package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// machine is a system with files of its own.
type machine struct {
	*testing.T
	*system
	folder string
}

func newMachine(t *testing.T, port uint16) *machine {
	m := &machine{t, newSystem(), t.TempDir()}
	m.etcHosts.path = filepath.Join(m.folder, "hosts")
	m.resolvConf.path = filepath.Join(m.folder, "resolv.conf")
	m.port = port
	m.routable = func(netip.Addr) bool { return true }
	return m
}

// write gives a file other content; its time is told from the one before by its number.
func (m *machine) write(name, text string, number int) {
	m.Helper()
	path := filepath.Join(m.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.Fatal(err)
	}
	at := time.Unix(1e9+int64(number), 0)
	if err := os.Chtimes(path, at, at); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) expect(name, addrs string, ttl time.Duration) {
	m.Helper()
	h, err := m.hosts(m.Context(), name)
	if err != nil || texts(h.addrs) != addrs || h.ttl != ttl {
		m.Errorf("%s: %s for %v, %v; want %s for %v", name, texts(h.addrs), h.ttl, err, addrs, ttl)
	}
}

func TestFilesOfTheSystem(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.test", at("shop.test", 60, "10.0.0.1"))
	s.set("shop.other", at("shop.other", 70, "10.0.0.2"))
	m := newMachine(t, s.addr.Port())
	m.write("resolv.conf", "nameserver 127.0.0.1\nsearch test\n", 1)
	m.expect("shop", "10.0.0.1", time.Minute)
	m.write("resolv.conf", "nameserver 127.0.0.1\nsearch other\n", 2)
	m.expect("shop", "10.0.0.2", 70*time.Second)

	m.write("hosts", "192.0.2.1 shop\nfd00::9 shop\n", 1)
	m.expect("shop", "192.0.2.1 fd00::9", hostsTTL)
	m.write("hosts", "192.0.2.2 shop\n", 2)
	m.expect("shop", "192.0.2.2", hostsTTL)
	m.write("hosts", "192.0.2.2 shopping\n", 3)
	m.expect("shop", "10.0.0.2", 70*time.Second)
}

func TestNamesThatNeedNoServer(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	m := newMachine(t, s.addr.Port())
	m.write("resolv.conf", "nameserver 127.0.0.1\n", 1)
	m.expect("10.0.0.1", "10.0.0.1", maxTTL)
	m.expect("localhost", "127.0.0.1", maxTTL)
	m.expect("app.localhost", "127.0.0.1", maxTTL)
	m.write("hosts", "127.0.0.7 localhost\n", 1)
	m.expect("localhost", "127.0.0.7", hostsTTL)
	if asked := s.questions(); len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
}

// TestWithoutResolvConf lets package net ask, as on darwin.
func TestWithoutResolvConf(t *testing.T) {
	s := serveNames(t, "127.0.0.1", 0)
	s.set("shop.test", at("shop.test", 7, "10.0.0.1"))
	name := "_http._tcp.web.test"
	s.set(name, srv(name, 7, 1, 2, 80, "Shop.test"))
	s.set("_none._tcp.web.test", srv("_none._tcp.web.test", 7, 0, 0, 0, ""))
	m := newMachine(t, s.addr.Port())
	m.net = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.addr.String())
	}}
	m.expect("shop.test", "10.0.0.1", netTTL)
	if _, err := m.hosts(t.Context(), "gone.test"); err != errNoName {
		t.Errorf("a name that is not there: %v", err)
	}
	got, err := m.services(t.Context(), name)
	if err != nil || len(got.records) != 1 || got.records[0].host != "shop.test" || got.records[0].port != 80 || got.ttl != netTTL {
		t.Errorf("services %+v, %v", got, err)
	}
	for _, none := range []string{"_gone._tcp.web.test", "_none._tcp.web.test"} {
		if _, err := m.services(t.Context(), none); !errors.Is(err, errNoName) {
			t.Errorf("%s: %v", none, err)
		}
	}
}

func TestAddressesWithoutRoute(t *testing.T) {
	m := newMachine(t, 53)
	m.routable = netip.Addr.Is4
	f := func(want string, ips ...string) {
		t.Helper()
		var all []netip.Addr
		for _, ip := range ips {
			all = append(all, netip.MustParseAddr(ip))
		}
		if got := texts(m.reachable(all)); got != want {
			t.Errorf("%v: %s, want %s", ips, got, want)
		}
	}
	f("")
	f("10.0.0.1", "10.0.0.1", "fd00::1")
	f("fd00::1 fd00::2", "fd00::1", "fd00::2")
	if !routable(netip.MustParseAddr("127.0.0.1")) {
		t.Error("there is no route to this machine itself")
	}
}

// TestSetOverDNS follows a real server's times to live.
func TestSetOverDNS(t *testing.T) {
	names := serveNames(t, "127.0.0.1", 0)
	names.set("shop.test", at("shop.test", 1, "10.0.0.1"))
	m := newMachine(t, names.addr.Port())
	m.write("resolv.conf", "nameserver 127.0.0.1\n", 1)
	s := NewSet(discard())
	s.lookups = m.lookups()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	c := mustCluster(t, s, "http://shop.test:8080")
	wire.Until(t, "the first answer", func() bool { return addrs(c.Servers()) == "10.0.0.1:8080" })
	names.set("shop.test", at("shop.test", 1, "10.0.0.2"), at("shop.test", 1, "10.0.0.3"))
	wire.Until(t, "the second answer", func() bool { return addrs(c.Servers()) == "10.0.0.2:8080 10.0.0.3:8080" })
	names.do(func() { names.silent = true })
	names.questions()
	wire.Until(t, "questions without answers", func() bool { return len(names.questions()) > 0 })
	if len(c.Servers()) != 2 {
		t.Error("a silent name server has taken servers away")
	}
}
