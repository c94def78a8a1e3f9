package console

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func host(h string) func(*http.Request) {
	return func(r *http.Request) { r.Host = h }
}

func TestHost(t *testing.T) {
	f := func(configured, localIP, host string, want int) {
		t.Helper()
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		local := &net.TCPAddr{IP: net.ParseIP(localIP), Port: 9780}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
		rec := httptest.NewRecorder()
		guard(configured, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("--admin %s, Host %q: status %d, want %d", configured, host, rec.Code, want)
		}
	}
	const loop = "127.0.0.1:9780"
	f(loop, "127.0.0.1", "127.0.0.1:9780", 200)
	f(loop, "127.0.0.1", "127.0.0.1", 200)
	f(loop, "127.0.0.1", "127.8.9.1:80", 200)
	f(loop, "127.0.0.1", "localhost:31234", 200) // a tunnel
	f(loop, "127.0.0.1", "LocalHost", 200)
	f(loop, "127.0.0.1", "[::1]:9780", 200)
	f(loop, "127.0.0.1", "[::1]", 200)
	f(loop, "127.0.0.1", "[::ffff:127.0.0.1]:9780", 200)
	f(loop, "127.0.0.1", "evil.example:9780", 403)
	f(loop, "127.0.0.1", "localhost.evil.example", 403)
	f(loop, "127.0.0.1", "127.0.0.1.evil.example:9780", 403)
	f(loop, "127.0.0.1", "127.0.0.1.", 403)
	f(loop, "127.0.0.1", "192.0.2.7:9780", 403)
	f(loop, "127.0.0.1", "0.0.0.0:9780", 403)
	f(loop, "127.0.0.1", "", 403)

	f("Admin.Internal:9780", "192.0.2.7", "admin.internal:9780", 200)
	f("admin.internal:9780", "192.0.2.7", "other.internal:9780", 403)

	f(":9780", "192.0.2.7", "192.0.2.7:9780", 200)
	f(":9780", "::ffff:192.0.2.7", "192.0.2.7:9780", 200)
	f(":9780", "192.0.2.7", "192.0.2.8:9780", 403)
	f(":9780", "192.0.2.7", "node.internal:9780", 403)
	f(":9780", "192.0.2.7", "", 403)
	f("0.0.0.0:9780", "192.0.2.7", "0.0.0.0:9780", 200)
}

func TestOrigin(t *testing.T) {
	f := func(want int, change ...func(*http.Request)) {
		t.Helper()
		for _, method := range []string{"GET", "POST"} {
			path := map[string]string{"GET": "/api/v1/status", "POST": "/api/v1/kill"}[method]
			w := newWorld()
			rec := w.ask(method, path, "", change...)
			if rec.Code != want {
				t.Errorf("%s: status %d, want %d: %s", method, rec.Code, want, rec.Body)
			}
			if changed := len(w.desk.Report().Latest) > 0; changed != (want == 200 && method == "POST") {
				t.Errorf("%s with status %d: changed %v", method, rec.Code, changed)
			}
		}
	}
	f(200)
	f(200, header("Origin", "http://127.0.0.1:9780"))
	f(200, host("localhost:9780"), header("Origin", "http://LOCALHOST:9780"))
	f(200, header("Sec-Fetch-Site", "same-origin"))
	f(200, header("Sec-Fetch-Site", "none"))
	f(200, header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "navigate"))
	f(403, header("Origin", "http://evil.example"))
	f(403, header("Origin", "http://127.0.0.1:8000")) // another service of the machine
	f(403, header("Origin", "http://localhost:9780")) // another name is another site
	f(403, header("Origin", "https://127.0.0.1:9780"))
	f(403, header("Origin", "null"))
	f(403, header("Origin", ""))
	f(403, header("Origin", "http://127.0.0.1:9780"), header("Origin", "http://evil.example"))
	f(403, header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "no-cors"))
	f(403, host("evil.example:9780"), header("Origin", "http://evil.example:9780"))
}

// TestStateChangesOnlyByJSONPost tries what a page of another site can send without being asked.
func TestStateChangesOnlyByJSONPost(t *testing.T) {
	f := func(method, contentType string, want int) {
		t.Helper()
		for _, path := range []string{"/api/v1/kill", "/api/v1/mirrors/v2/pause"} {
			w := newWorld()
			rec := w.ask(method, path, "", func(r *http.Request) {
				r.Header.Del("Content-Type")
				if contentType != "" {
					r.Header.Set("Content-Type", contentType)
				}
			})
			if rec.Code != want {
				t.Errorf("%s %s as %q: status %d, want %d", method, path, contentType, rec.Code, want)
			}
			if changed := len(w.desk.Report().Latest) > 0; changed != (want == 200) {
				t.Errorf("%s %s as %q: changed %v", method, path, contentType, changed)
			}
		}
	}
	f("POST", "application/json", 200)
	f("POST", "Application/JSON; charset=utf-8", 200)
	f("POST", "", 415)
	f("POST", "text/plain", 415)
	f("POST", "application/x-www-form-urlencoded", 415)
	f("POST", "multipart/form-data; boundary=x", 415)
	f("POST", "text/plain; application/json", 415)
	f("GET", "application/json", 405)
	f("HEAD", "application/json", 405)
	f("PUT", "application/json", 405)
	f("DELETE", "application/json", 405)
	f("OPTIONS", "", 405)
}

func TestMethodsOfReads(t *testing.T) {
	f := func(method string, want int) {
		t.Helper()
		rec := newWorld().ask(method, "/api/v1/status", "")
		if rec.Code != want {
			t.Errorf("%s: status %d, want %d", method, rec.Code, want)
		}
		if allow := rec.Header().Get("Allow"); want == 405 && allow != "GET" {
			t.Errorf("%s: Allow %q, want GET", method, allow)
		}
	}
	f("GET", 200)
	f("HEAD", 200)
	f("POST", 405)
	f("OPTIONS", 405)
}

func TestNoAnswerIsOpenToOtherSites(t *testing.T) {
	f := func(path string, change ...func(*http.Request)) {
		t.Helper()
		h := newWorld().ask("GET", path, "", change...).Header()
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s is set", path, name)
			}
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	f("/")
	f("/api/v1/pairs")
	f("/api/v1/pairs", header("Origin", "http://evil.example"))
	f("/nothing")
}
