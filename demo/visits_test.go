package demo

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func testVisits(t *testing.T, rate int, send direct) *Visits {
	t.Helper()
	v, err := NewVisits("http://shop.example", rate)
	if err != nil {
		t.Fatal(err)
	}
	v.load.client.Transport = send
	return v
}

// TestVisits has users visit version 1 for ten seconds: there is something of all that rules are about.
func TestVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop, asked := Shop(1, 1), make(chan string, 10_000)
		v := testVisits(t, 400, func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			asked <- string(body)
			return serve(shop, r).Result(), nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		v.Run(ctx)
		close(asked)
		bodies := make(map[string]bool)
		for body := range asked {
			bodies[body] = true
		}
		ids, seen := make(map[string]bool), make(map[string]int)
		for _, visit := range v.All() {
			ids[visit.ID()] = true
			s := theShoppers()[visit.User-1]
			if visit.Country != s.Country || visit.Header.Get(CountryField) != s.Country || sessionOf(visit.Header) != s.Session || !strings.Contains(visit.text(), s.Email) {
				t.Fatalf("user %d has sent %+v", visit.User, visit)
			}
			if !bodies[visit.Body] {
				t.Fatalf("the diary has a body that was not sent: %s", visit.Body)
			}
			seen[kind(&visit)]++
		}
		if n := len(v.All()); len(ids) != n || n < 3900 {
			t.Errorf("%d visits have %d ids", n, len(ids))
		}
		want := map[string]int{"GET 200": 0, "POST 201": 0, "pay 201": 0, "GET 404": 0}
		for what := range want {
			if seen[what] < 200 {
				t.Errorf("%d visits are %s, want 200 at least", seen[what], what)
			}
			delete(seen, what)
		}
		if len(seen) > 0 {
			t.Errorf("there are visits that nobody planned: %v", maps.Collect(maps.All(seen)))
		}
	})
}

// kind is the method of a visit, or that it is a payment, and what it was answered.
func kind(v *Visit) string {
	method, _, _ := strings.Cut(v.Line, " ")
	if v.Payment {
		method = "pay"
	}
	switch v.Status {
	case http.StatusOK:
		return method + " 200"
	case http.StatusCreated:
		return method + " 201"
	case http.StatusNotFound:
		return method + " 404"
	}
	return method + " otherwise"
}

func TestWishesAreWhole(t *testing.T) {
	sum := 0
	for _, w := range wishes {
		sum += w.percent
	}
	if sum != 100 {
		t.Errorf("the wishes are %d percent, want 100", sum)
	}
}

// TestVisitsEndWithTheirAnswers ends the visits while requests run.
func TestVisitsEndWithTheirAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := testVisits(t, 100, func(r *http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Second) // on the fake clock
			return &http.Response{StatusCode: 200, Body: http.NoBody}, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v.Run(ctx)
		for _, visit := range v.All() {
			if visit.Status != 200 {
				t.Errorf("%s has status %d", visit.ID(), visit.Status)
			}
		}
		if n := len(v.All()); n != loadWorkers {
			t.Errorf("%d visits, want %d", n, loadWorkers)
		}
	})
}

func TestVisitsWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := testVisits(t, 100, func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v.Run(ctx)
		if n := len(v.All()); n < 90 {
			t.Errorf("%d visits, want about 100", n)
		}
		for _, visit := range v.All() {
			if visit.Status != 0 {
				t.Errorf("%s has status %d", visit.ID(), visit.Status)
			}
		}
	})
}

func TestNewVisitsRefuses(t *testing.T) {
	if _, err := NewVisits("shop", 1); err == nil || !strings.Contains(err.Error(), `base "shop"`) {
		t.Errorf(`NewVisits("shop", 1): error %v`, err)
	}
}
