package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/route"
)

// named starts backends that answer with their numbers, and returns their addresses, with commas.
func named(t testing.TB, n int) string {
	t.Helper()
	var addrs []string
	for i := range n {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%d", i)
		}))
		t.Cleanup(s.Close)
		addrs = append(addrs, s.Listener.Addr().String())
	}
	return strings.Join(addrs, ",")
}

// asker asks by net/http.
type asker struct {
	t   testing.TB
	url string
	http.Client
}

func (r *rig) asker(t testing.TB) *asker {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &asker{t, "http://" + r.addr, http.Client{Transport: transport, Timeout: framePatience}}
}

// ask sends a request with header fields, "name: value" each, and returns who answered, and the head.
func (a *asker) ask(path string, fields ...string) (who string, head http.Header) {
	a.t.Helper()
	req, err := http.NewRequest("GET", a.url+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, field := range fields {
		if name, value, ok := strings.Cut(field, ": "); ok {
			req.Header.Add(name, value)
		}
	}
	resp, err := a.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %d %q, %v", path, resp.StatusCode, body, err)
	}
	return string(body), resp.Header
}

// Whoever has a session stays with its server.
func TestSession(t *testing.T) {
	f := func(session string, backends string, field func(http.Header) string) {
		t.Helper()
		r := start(t, plain(), "route all\n"+session+"\n"+backends, nil)
		user := r.asker(t)
		seen := map[string]bool{}
		for range 20 {
			who, head := user.ask("/")
			seen[who] = true
			bound := field(head)
			for range 5 {
				again, head := user.ask("/", "Cookie: a=b", bound)
				if again != who || field(head) != "" {
					t.Fatalf("%s: %q asked %s after %s, and got %v", session, bound, again, who, head)
				}
			}
		}
		if len(seen) != 3 {
			t.Errorf("%s: new users got the servers %v alone", session, seen)
		}
	}
	cookie := func(h http.Header) string {
		value, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
		if value == "" {
			return ""
		}
		return "Cookie: x=y; " + value + "; z"
	}
	header := func(h http.Header) string {
		if value := h.Get("X-Server"); value != "" {
			return "x-server: " + value
		}
		return ""
	}
	together := "backend http://" + named(t, 3)
	apart := "backend http://" + strings.ReplaceAll(named(t, 3), ",", "\nbackend http://")
	f("session cookie shop", together, cookie)
	f("session header X-Server", together, header)
	f("session cookie shop", apart, cookie)
}

// What an answer says of a session, by what the request bore. Times count from now.
func TestBinding(t *testing.T) {
	f := func(settings, path string, token func(*rig) uint64, began, used time.Duration, want string) {
		t.Helper()
		r := start(t, plain(), "route all\nsession cookie shop"+settings+"\nbackend http://"+named(t, 1), nil)
		now := time.Now()
		b := binding{token(r), now.Add(began).Unix(), now.Add(used).Unix()}
		_, head := r.asker(t).ask(path, "Cookie: shop="+string(b.appendTo(nil)))
		got := head.Get("Set-Cookie")
		if value, rest, ok := strings.Cut(got, ";"); ok {
			answer, valid := parseBinding([]byte(strings.TrimPrefix(value, "shop=")))
			age := func(at int64) time.Duration {
				return time.Unix(at, 0).Sub(now).Round(4 * time.Second)
			}
			got = fmt.Sprintf("%v %v %v;%s", valid && answer.token == r.token(0), age(answer.began), age(answer.used), rest)
		}
		if got != want {
			t.Errorf("session%s: the answer says %q, want %q", settings, got, want)
		}
	}
	right := func(r *rig) uint64 { return r.token(0) }
	wrong := func(*rig) uint64 { return 0x1234567890 }
	none := func(*rig) uint64 { return 0 }
	f("", "/", right, -time.Hour, -time.Hour, "")
	f("", "/", wrong, 0, 0, "true 0s 0s; Path=/; HttpOnly; SameSite=Lax")
	f("", "/", none, 0, 0, "true 0s 0s; Path=/; HttpOnly; SameSite=Lax")
	f(" path /shop", "/shop/a", wrong, 0, 0, "true 0s 0s; Path=/shop; HttpOnly; SameSite=Lax")
	f(" max-age 1h", "/", right, -50*time.Minute, 0, "")
	f(" max-age 1h", "/", right, -70*time.Minute, 0, "true 0s 0s; Path=/; HttpOnly; SameSite=Lax")
	f(" idle 1h", "/", right, -70*time.Minute, -50*time.Minute, "true -1h10m0s 0s; Path=/; HttpOnly; SameSite=Lax")
	f(" idle 1h", "/", right, -70*time.Minute, -70*time.Minute, "true 0s 0s; Path=/; HttpOnly; SameSite=Lax")
	f(" max-age 1h permanent", "/", wrong, 0, 0, "true 0s 0s; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax")
}

// token is that of a server of the only upstream.
func (r *rig) token(i int) uint64 {
	for _, cluster := range r.serving.Load().upstreams {
		return cluster.Servers()[i].Token
	}
	return 0
}

func TestParseBinding(t *testing.T) {
	f := func(value string, want binding, wantOK bool) {
		t.Helper()
		if got, ok := parseBinding([]byte(value)); ok != wantOK || ok && got != want {
			t.Errorf("%q is %v, %v; want %v, %v", value, got, ok, want, wantOK)
		}
	}
	b := binding{0x0123456789abcdef, 0x60000000, 0x6000000f}
	f("0123456789abcdef600000006000000f", b, true)
	f(string(b.appendTo(nil)), b, true)
	f("0123456789ABCDEF600000006000000F", b, true)
	f("0000000000000000600000006000000f", b, false)
	f("0123456789abcdef600000006000000", b, false)
	f("0123456789abcdef600000006000000ff", b, false)
	f("0123456789abcdeg600000006000000f", b, false)
	f("0123456789abcdef-0000000600000ff", b, false)
	f("0123456789abcdef60000000+000000f", b, false)
	f("", b, false)
}

// FuzzSession reads cookies and sessions that could be anything.
func FuzzSession(f *testing.F) {
	f.Add("a=b; shop=0123456789abcdef600000006000000f")
	f.Add(";;=;shop=;shop=x")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) || strings.TrimSpace(line) != line {
			return
		}
		var r request
		if r.in.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: "+line+"\r\n\r\n")) != nil {
			return
		}
		value := r.cookie("shop")
		if value != nil && !strings.Contains(line, "shop="+string(value)) {
			t.Errorf("%q has the cookie %q", line, value)
		}
		if b, ok := parseBinding(value); ok && !strings.EqualFold(string(b.appendTo(nil)), string(value)) {
			t.Errorf("%q is read as %v", value, b)
		}
	})
}

// Requests that are alike in what is hashed go to the same server, and others to all of them.
func TestHash(t *testing.T) {
	f := func(on string, same bool, request func(i int) (path, field string)) {
		t.Helper()
		r := start(t, plain(), "route all\nbackend http://"+named(t, 3)+"\nbalance maglev "+on, nil)
		user := r.asker(t)
		var seen []string
		for i := range 40 {
			who, _ := user.ask(request(i))
			seen = append(seen, who)
		}
		slices.Sort(seen)
		if n := len(slices.Compact(seen)); same != (n == 1) {
			t.Errorf("%s: %d servers were asked", on, n)
		}
	}
	f("address", true, func(i int) (string, string) { return fmt.Sprintf("/%d", i), "" })
	f("header X-User", true, func(i int) (string, string) { return fmt.Sprintf("/%d", i), "X-User: a" })
	f("header X-User", false, func(i int) (string, string) { return "/", fmt.Sprintf("X-User: %d", i) })
	f("header X-User", false, func(i int) (string, string) { return "/", "" })
	f("cookie user", true, func(i int) (string, string) { return "/", fmt.Sprintf("Cookie: x=%d; user=a", i) })
	f("cookie user", false, func(i int) (string, string) { return "/", fmt.Sprintf("Cookie: user=%d; x=a", i) })
	f("query user", true, func(i int) (string, string) { return fmt.Sprintf("/%d?user=a&x=%d", i, i), "" })
	f("query user", false, func(i int) (string, string) { return fmt.Sprintf("/?user=%d", i), "" })
	f("path", true, func(i int) (string, string) { return fmt.Sprintf("/?user=%d", i), "" })
	f("path", false, func(i int) (string, string) { return fmt.Sprintf("/%d", i), "" })
}

// The Host of a request that has none is that of the first backend.
func TestHostOf(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		if got := hostOf(route.Backend{URL: url}); got != want {
			t.Errorf("the Host of %s is %q, want %q", url, got, want)
		}
	}
	f("http://shop", "shop")
	f("http://shop:8080,other:80", "shop:8080")
	f("https://shop", "shop")
	f("https://shop:80", "shop:80")
	f("h2c://[::1]:80", "[::1]")
	f("http://[::1]:8080", "[::1]:8080")
	f("srv+http://_http._tcp.shop.example", "shop.example")
	f("srv+http://shop.example", "shop.example")
	f("http+unix:///run/shop.sock", "localhost")
}
