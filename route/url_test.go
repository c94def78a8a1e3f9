package route

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		got, err := ParseURL(url)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
	f("http://127.0.0.1:9000", "http://127.0.0.1:9000")
	f("HTTP://Shop.Example./", "http://shop.example:80")
	f("http://[::1]:81", "http://[::1]:81")
	f("http://a_b:080", "http://a_b:80")
	f("http://x:", "http://x:80")
	f("https://x", "https://x:443")
	f("h2c://x", "h2c://x:80")
	f("H2://X:8443", "h2://x:8443")
	f("http://A:1,b,[::1]:2/", "http://a:1,b:80,[::1]:2")
	f("https://a,b:1", "https://a:443,b:1")
	f("http+unix:///run/App.sock", "http+unix:///run/App.sock")
	f("H2C+Unix:///a:b", "h2c+unix:///a:b")
	f("srv+http://_http._tcp.Shop.", "srv+http://_http._tcp.shop")
	f("SRV+https://shop", "srv+https://shop")
	f("srv+h2c://shop", "srv+h2c://shop")
	f("srv+h2://shop", "srv+h2://shop")

	f("htp:/x", "has no scheme that is known")
	f("127.0.0.1:9000", "has no scheme that is known")
	f("shop:9000", "has no scheme that is known")
	f("", "is missing; use http, https, h2c or h2 with ://host:port")
	f("://x", "has no scheme that is known")
	f("grpc://x", "has no scheme that is known")
	f("unix:///x", "has no scheme that is known")
	f("https+unix:///x", "has no scheme that is known")
	f("h2+unix:///x", "has no scheme that is known")
	f("srv+http+unix:///x", "has no scheme that is known")
	f("srv+srv+http://x", "has no scheme that is known")
	f("http://", "the host is missing")
	f("http://:80", "the host is missing")
	f("http://a,,b", "the host is missing")
	f("http://a,", "the host is missing")
	f("http://x/y", "more than a host and a port; use http://host:port")
	f("h2://x?", "more than a host and a port; use h2://host:port")
	f("http://u@x", "more than a host and a port")
	f("http://x#y", "more than a host and a port")
	f(`http://x\y`, "more than a host and a port")
	f("http://x:0", "no port 0")
	f("http://x:65536", "no port 65536")
	f("http://x:+1", "no port +1")
	f("http://x:http", "no port http")
	f("http://x:1:2", "is not a host name")
	f("http://-x", "not a host name")
	f("http://x..y", "not a host name")
	f("http://x%41", "not a host name")
	f("http://[::1%25eth0]", "not an IPv6 address")
	f("http://[::1", "not an IPv6 address")
	f("http://::1", "not a host name")
	f("http://"+strings.Repeat("x.", 200)+"x", "longer than 255 bytes")
	f("http://"+strings.Repeat("x,", 4096), "longer than 4096 bytes")
	f("http://a:1,A:1", "names a:1 twice")
	f("srv+http://x:1", "SRV records give the ports; use srv+http://name")
	f("srv+h2://", "the host is missing; use srv+h2://name")
	f("srv+http://a,b", "is not a host name")
	f("http+unix://run/x", "no path of a socket; use http+unix:///run/app.sock, up to 103 bytes")
	f("http+unix:///", "no path of a socket")
	f("h2c+unix:///a b", "no path of a socket")
	f("h2c+unix:///"+strings.Repeat("x", 103), "no path of a socket")

	var many strings.Builder
	for i := range maxHosts + 1 {
		fmt.Fprintf(&many, ",h%d", i)
	}
	f("http://"+many.String()[1:], "has 257 hosts; use up to 256")
}

func TestSplitURL(t *testing.T) {
	f := func(url string, want Address) {
		t.Helper()
		if got := SplitURL(url); fmt.Sprint(got.Hosts) != fmt.Sprint(want.Hosts) || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%q: %#v, want %#v", url, got, want)
		}
	}
	f("http://a:80", Address{Scheme: "http", Host: "a", Port: 80, Hosts: []HostPort{{"a", 80}}})
	f("https://[::1]:443", Address{Scheme: "https", TLS: true, Host: "[::1]", Port: 443, Hosts: []HostPort{{"[::1]", 443}}})
	f("h2c://a:1,b:2", Address{Scheme: "h2c", HTTP2: true, Host: "a", Port: 1, Hosts: []HostPort{{"a", 1}, {"b", 2}}})
	f("h2://a:1", Address{Scheme: "h2", TLS: true, HTTP2: true, Host: "a", Port: 1, Hosts: []HostPort{{"a", 1}}})
	f("srv+h2://a", Address{Scheme: "h2", TLS: true, HTTP2: true, SRV: true, Host: "a"})
	f("http+unix:///a/b", Address{Scheme: "http", Path: "/a/b"})
	f("h2c+unix:///a", Address{Scheme: "h2c", HTTP2: true, Path: "/a"})
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "BUG: ") {
			t.Errorf("a URL that is none ends with %s", got)
		}
	}()
	SplitURL("shop")
}

func TestAddr(t *testing.T) {
	f := func(url, addr, name string) {
		t.Helper()
		m := routeOf(t, "backend "+url+"; mirror m 1%; to "+url).Mirrors[0]
		target := m.Targets[0]
		if backend := (Backend{URL: target.URL}); backend.Addr() != addr || target.Addr() != addr || target.Name != name {
			t.Errorf("%s: %q, %q, name %q, want %q and %q", url, backend.Addr(), target.Addr(), target.Name, addr, name)
		}
	}
	f("http://a", "a:80", "a:80")
	f("https://a", "a:443", "a:443")
	f("h2c://[::1]", "[::1]:80", "[::1]:80")
	f("http://a:1,b:2", "a:1,b:2", "a:1")
	f("srv+http://_x._tcp.a", "_x._tcp.a", "_x._tcp.a")
	f("http+unix:///run/app.sock", "/run/app.sock", "/run/app.sock")
}

// FuzzParseURL checks that the canonical form is one, and says the same as its parts.
func FuzzParseURL(f *testing.F) {
	for _, url := range []string{"http://a", "HTTPS://[::1]:80/", "h2c://a:1,b", "srv+h2://_a._tcp.b.", "http+unix:///x"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, text string) {
		url, err := ParseURL(text)
		if err != nil {
			return
		}
		again, err := ParseURL(url)
		if err != nil || again != url {
			t.Errorf("%q becomes %q and then %q, %v", text, url, again, err)
		}
		a := SplitURL(url)
		if a.String() != url || (a.Path != "") == (a.Host != "") || (a.Port == 0) != (a.SRV || a.Path != "") || a.TLS && a.Path != "" {
			t.Errorf("%q is %+v", url, a)
		}
	})
}
