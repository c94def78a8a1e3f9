//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// admin stands for tain's admin API.
func admin(t *testing.T, answer http.HandlerFunc) *server {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &server{name: "tain", admin: strings.TrimPrefix(s.URL, "http://")}
}

func TestSettledWaitsForCopies(t *testing.T) {
	pages := []string{
		`{"mirrors":[{"seen":9,"dropped":{},"sent":8,"queued":1,"inflight":2,"comparing":1}],"total":1}`,
		`{"mirrors":[{"seen":9,"dropped":{"queue":1},"sent":8,"answered":6,"failed":{"reset":1,"limit":1},"compared":5,"uncompared":{"backlog":1}}],"total":1}`,
	}
	s := admin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/mirrors" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Write([]byte(pages[0]))
		pages = pages[1:]
	})
	a, err := (&bench{ctx: t.Context()}).settled(s, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if a.Seen != 9 || a.Compared != 5 || a.Answered != 6 || a.Imbalance != "" {
		t.Errorf("%+v", a)
	}
	if got := a.losses(); got != "dropped{queue} 1, failed{limit} 1, failed{reset} 1, uncompared{backlog} 1" {
		t.Errorf("losses: %s", got)
	}
}

func TestAccountComplains(t *testing.T) {
	f := func(status int, page, complaint string) {
		t.Helper()
		s := admin(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte(page))
		})
		if _, err := s.account(); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("error %v, want %q", err, complaint)
		}
	}
	f(200, `{"mirrors":[]}`, "books of 0 targets, want 1")
	f(200, `{"mirrors":`, "unexpected EOF")
	f(503, `{}`, "503 Service Unavailable")
}

func TestNoLosses(t *testing.T) {
	if got := (&account{Seen: 1}).losses(); got != "" {
		t.Errorf("%q", got)
	}
}
