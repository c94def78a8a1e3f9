package upstream

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestResolvConf(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c := parseResolvConf(text)
		got := fmt.Sprintf("%s search=%s ndots=%d timeout=%v attempts=%d rotate=%v tcp=%v",
			texts(c.servers), strings.Join(c.search, ","), c.ndots, c.timeout, c.attempts, c.rotate, c.tcp)
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	const rest = " search= ndots=1 timeout=5s attempts=2 rotate=false tcp=false"
	f("", "127.0.0.1 ::1"+rest)
	f("nameserver 10.0.0.53\n", "10.0.0.53"+rest)
	f("  nameserver\t10.0.0.53   # not the end\r\n", "10.0.0.53"+rest)
	f("nameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver ::2\nnameserver 10.0.0.4\n", "10.0.0.1 fe80::1%eth0 ::2"+rest)
	f("#nameserver 10.0.0.1\n;nameserver 10.0.0.2\nnameserver\nnameserver dns.example\nnameserver 10.0.0.3", "10.0.0.3"+rest)
	f("nameserver 10.0.0.96\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
		"10.0.0.96 search=default.svc.cluster.local,svc.cluster.local,cluster.local ndots=5 timeout=5s attempts=2 rotate=false tcp=false")
	f("search a b\ndomain c. d\n", "127.0.0.1 ::1 search=c ndots=1 timeout=5s attempts=2 rotate=false tcp=false")
	f("search a\nsearch .\n", "127.0.0.1 ::1"+rest)
	f("options ndots:0 timeout:1 attempts:3 rotate use-vc edns0 unknown:7\n", "127.0.0.1 ::1 search= ndots=0 timeout=1s attempts=3 rotate=true tcp=true")
	f("options ndots:99 timeout:99 attempts:99\n", "127.0.0.1 ::1 search= ndots=15 timeout=30s attempts=5 rotate=false tcp=false")
	f("options ndots:-1 timeout:0 attempts:0\n", "127.0.0.1 ::1 search= ndots=1 timeout=1s attempts=1 rotate=false tcp=false")
	f("options ndots:x timeout attempts:\n", "127.0.0.1 ::1"+rest)
}

func TestNamesToAskFor(t *testing.T) {
	f := func(name string, ndots int, search, want string) {
		t.Helper()
		c := resolvConf{ndots: ndots, search: strings.Fields(search)}
		if got := strings.Join(c.names(name), " "); got != want {
			t.Errorf("%s with ndots %d, search %q: %s, want %s", name, ndots, search, got, want)
		}
	}
	f("shop", 1, "", "shop")
	f("shop", 1, "a b.c", "shop.a shop.b.c shop")
	f("shop.x", 1, "a b.c", "shop.x shop.x.a shop.x.b.c")
	f("shop.x", 2, "a", "shop.x.a shop.x")
	f("shop", 0, "a", "shop shop.a")
	long := strings.Repeat("x", 250)
	f(long, 1, "ab abc", long+".ab "+long)
}

func TestEtcHosts(t *testing.T) {
	all := parseHosts("127.0.0.1\tlocalhost\n" +
		"# 10.9.9.9 shop\n" +
		"10.0.0.1 Shop.Example. shop # 10.0.0.3 cart\n" +
		"::ffff:10.0.0.2 shop\r\n" +
		"fd00::1 shop\n" +
		"fe80::1%eth0 shop\n" +
		"nonsense shop\n" +
		"10.0.0.4\n")
	f := func(name, want string) {
		t.Helper()
		if got := texts(all[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	f("localhost", "127.0.0.1")
	f("shop.example", "10.0.0.1")
	f("shop", "10.0.0.1 10.0.0.2 fd00::1")
	f("cart", "")
}

func TestWatchedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	parsed := 0
	w := &watched[string]{path: path, parse: func(text string) string { parsed++; return text }}
	if _, err := w.load(); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	at := time.Now()
	f := func(text string, later time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		at = at.Add(later)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got, err := w.load(); got != text || err != nil {
				t.Errorf("loaded %q, %v; want %q", got, err, text)
			}
		}
	}
	f("a", 0)
	f("longer", 0)
	f("later!", time.Nanosecond*1000)
	if parsed != 3 {
		t.Errorf("parsed %d times, want once for each text", parsed)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := w.load(); err == nil {
		t.Error("a file that is gone is loaded")
	}
}

func FuzzResolvConf(f *testing.F) {
	f.Add("nameserver 10.0.0.1\nsearch a b c\noptions ndots:5 timeout:1 attempts:1 rotate\n", "shop")
	f.Add("nameserver ::1%lo\ndomain .\n", "a.b.c")
	f.Add("options timeout:999999999999999999999 ndots:\n# x\n;", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		c := parseResolvConf(text)
		if len(c.servers) == 0 || len(c.servers) > maxNameServers || c.attempts < 1 || c.attempts > maxAttempts ||
			c.timeout < time.Second || c.timeout > maxDNSTimeout*time.Second || c.ndots < 0 || c.ndots > maxNdots {
			t.Errorf("%q: %+v", text, c)
		}
		if names := c.names(name); !slices.Contains(names, name) {
			t.Errorf("%q in %q is never asked for as it is: %v", name, text, names)
		}
	})
}

func FuzzEtcHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost # me\n::1\tlocalhost Six\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, ips := range parseHosts(text) {
			if name != strings.ToLower(name) || len(ips) == 0 || slices.ContainsFunc(ips, netip.Addr.Is4In6) {
				t.Errorf("%q has %q as %v", text, name, ips)
			}
		}
	})
}
