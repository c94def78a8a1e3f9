//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// await waits for what another goroutine brings about.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("waited for %s in vain", what)
		}
		<-time.After(time.Millisecond)
	}
}

func (u *users) count() (served, failed int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range u.served {
		served += n
	}
	return served, u.failed
}

// TestUsersAreServed lets users of each protocol use up several connections.
func TestUsersAreServed(t *testing.T) {
	cleartext := startOrigin(t)
	secure := httptest.NewUnstartedServer(newOrigin())
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	f := func(p protocol, addr string, sharing, serials int) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			u := newUsers()
			for range 4 / sharing {
				u.start("user", p, addr, sharing)
			}
			await(t, "many requests", func() bool { served, _ := u.count(); return served > 20 })
			u.leave()
			if served, failed := u.count(); failed > 0 || served != u.served["user"] || len(u.serials) != serials {
				t.Errorf("%d served, %d failed, %d certificates: %q", served, failed, len(u.serials), u.reasons)
			}
		})
	}
	f(http1, cleartext.addr, 1, 0)
	f(http2, cleartext.addr, 4, 0)
	f(http1TLS, strings.TrimPrefix(secure.URL, "https://"), 1, 1)
	f(http2TLS, strings.TrimPrefix(secure.URL, "https://"), 4, 1)
}

// TestUsersLeave holds that an answer which ends its connection is no failure of the next request.
func TestUsersLeave(t *testing.T) {
	s := httptest.NewUnstartedServer(newOrigin())
	s.Config.SetKeepAlivesEnabled(false)
	s.Start()
	t.Cleanup(s.Close)
	u := newUsers()
	u.start("user", http1, s.Listener.Addr().String(), 1)
	await(t, "several requests", func() bool { served, _ := u.count(); return served > 5 })
	u.leave()
	if served, failed := u.count(); failed > 0 {
		t.Errorf("%d served, %d failed: %q", served, failed, u.reasons)
	}
}

// TestUsersNotice holds that nothing that goes wrong is hidden by another try.
func TestUsersNotice(t *testing.T) {
	f := func(answer http.HandlerFunc, reason string) {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(answer)
			t.Cleanup(s.Close)
			u := newUsers()
			u.start("user", http1, strings.TrimPrefix(s.URL, "http://"), 1)
			await(t, "a failure", func() bool { _, failed := u.count(); return failed > 5 })
			u.leave()
			if len(u.reasons) != 5 || !strings.Contains(u.reasons[0], reason) {
				t.Errorf("reasons: %q, want five with %q", u.reasons, reason)
			}
			all := newUsers()
			all.served["user"] = 7
			all.join(u)
			if served, failed := all.count(); served != 7+u.served["user"] || failed != u.failed || len(all.reasons) != 5 {
				t.Errorf("joined: %d served, %d failed, %q", served, failed, all.reasons)
			}
		})
	}
	f(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "failed to read from server: EOF")
	f(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, "user: GET: answered with 502 Bad Gateway")
	f(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("another")) }, `and "another", want`)
	f(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.Write([]byte("half"))
	}, "user: GET: reading the answer: unexpected EOF")
}

func TestGenerations(t *testing.T) {
	r := &reloading{secure: "127.0.0.1:2", visitable: "127.0.0.1:3", certificates: "/c", target: &server{addr: "127.0.0.1:4"}}
	r.lives = [2]*server{{addr: "127.0.0.1:5"}, {addr: "127.0.0.1:6"}}
	f := func(generation int, want string) {
		t.Helper()
		r.generation = generation
		if got := r.text(); got != want {
			t.Errorf("generation %d:\n%s\nwant:\n%s", generation, got, want)
		}
	}
	secure := "listen:\n- ADDR\n- {address: \"127.0.0.1:2\", tls: {certificates: [{cert: /c/cert.pem, key: /c/key.pem}]}}\n"
	mirror := "  mirrors:\n  - {name: all, targets: \"http://127.0.0.1:4\", writes: true}\n"
	f(1, secure+"routes:\n- name: generation-1\n  backends: http://127.0.0.1:6\n"+mirror)
	f(2, secure+"routes:\n- name: generation-2\n  backends: http://127.0.0.1:5\n")
	f(20, secure+"- 127.0.0.1:3\nroutes:\n- name: generation-20\n  backends: http://127.0.0.1:5\n")
	f(40, secure+"routes:\n- name: generation-40\n  backends: http://127.0.0.1:5\n"+mirror)
}

// TestLook holds when a generation counts as in effect, and that a listener that stays is noticed.
func TestLook(t *testing.T) {
	table := `{"routes":[{"name":"generation-1"}]}`
	r := &reloading{users: newUsers(), tain: admin(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(table)) })}
	r.visitable = startOrigin(t).addr
	f := func(generation, inEffect, lingering int, visited bool) {
		t.Helper()
		r.generation = generation
		if err := r.look(); err != nil {
			t.Fatal(err)
		}
		if r.inEffect != inEffect || r.lingering != lingering || (r.visitors != nil) != visited {
			t.Errorf("generation %d: %d in effect, %d lingering, visitors %v", generation, r.inEffect, r.lingering, r.visitors)
		}
	}
	f(1, 1, 0, false)
	f(2, 1, 0, false)
	table = `{"routes":[{"name":"generation-24"}],"listen":["127.0.0.1:1"]}` // it opens later than the routes
	f(24, 2, 0, false)
	table = `{"routes":[{"name":"generation-25"}],"listen":["127.0.0.1:1","` + r.visitable + `"]}`
	f(25, 3, 0, true)
	await(t, "visitors", func() bool { served, _ := r.visitors.count(); return served > 0 })
	r.seeOff()
	if served, failed := r.users.count(); served == 0 || failed > 0 || r.visits != 1 {
		t.Errorf("%d visitors served, %d failed, %d visits: %q", served, failed, r.visits, r.users.reasons)
	}
	table = `{"routes":[{"name":"generation-59"}]}`
	f(59, 4, 1, false)
}

func TestConfigure(t *testing.T) {
	s := &server{file: filepath.Join(t.TempDir(), "tain.yaml"), addr: "127.0.0.1:1", admin: "127.0.0.1:2"}
	if err := s.configure("listen: ADDR\n"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.file)
	if want := "admin: 127.0.0.1:2\nloops: 1\ndata: {dir: " + filepath.Join(filepath.Dir(s.file), "data") + "}\nlisten: 127.0.0.1:1\n"; err != nil || string(text) != want {
		t.Errorf("%v:\n%s\nwant:\n%s", err, text, want)
	}
}
