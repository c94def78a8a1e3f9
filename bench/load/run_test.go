//go:build linux

package load

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestRunKeepsTheSchedule(t *testing.T) {
	var served atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		w.Write([]byte("hello"))
	})
	r, err := Run(t.Context(), Options{Addr: addr, Path: "/", Rate: 2000, Conns: 8, Warm: 100 * time.Millisecond, Duration: 400 * time.Millisecond, Grace: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if r.Intended != 800 || r.OK != 800 || r.Failed+r.Lost != 0 || r.Latency.Count() != 800 || served.Load() != 1000 {
		t.Errorf("intended %d, ok %d, failed %d, lost %d, latencies %d, served %d", r.Intended, r.OK, r.Failed, r.Lost, r.Latency.Count(), served.Load())
	}
}

// TestRunSeesAStall holds the reason for this package: a stall of one answer delays everything
// that was scheduled meanwhile, and all of it shows.
func TestRunSeesAStall(t *testing.T) {
	var served atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1) == 50 {
			<-time.After(200 * time.Millisecond)
		}
		w.Write([]byte("hello"))
	})
	r, err := Run(t.Context(), Options{Addr: addr, Path: "/", Rate: 1000, Conns: 1, Duration: 400 * time.Millisecond, Grace: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	// 200 of 400 requests fall into the stall, on average half of it away from its end.
	if p75 := r.Latency.Quantile(0.75); p75 < 50*time.Millisecond {
		t.Errorf("p75 is %v: the stall is hidden", p75)
	}
}

func TestRunCountsFailures(t *testing.T) {
	var served atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch served.Add(1) % 10 {
		case 0:
			panic(http.ErrAbortHandler)
		case 1:
			http.Error(w, "no", http.StatusServiceUnavailable)
		}
	})
	r, err := Run(t.Context(), Options{Addr: addr, Path: "/", Rate: 1000, Conns: 4, Duration: 200 * time.Millisecond, Grace: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != 40 || r.OK != 160 {
		t.Errorf("failed %d, ok %d, want 40 and 160", r.Failed, r.OK)
	}
}

func TestRunCountsTheLost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := Run(t.Context(), Options{Addr: l.Addr().String(), Path: "/", Rate: 1000, Conns: 2, Duration: 50 * time.Millisecond, Grace: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 50 || r.Latency.Count() != 50 || r.Latency.Max() < 60*time.Millisecond {
		t.Errorf("lost %d, latencies %d up to %v", r.Lost, r.Latency.Count(), r.Latency.Max())
	}
}

func TestRunRefuses(t *testing.T) {
	f := func(o Options, complaint string) {
		t.Helper()
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%+v: error %v, want %q", o, err, complaint)
		}
	}
	good := Options{Addr: "127.0.0.1:1", Path: "/", Rate: 10, Conns: 1, Duration: time.Second}
	f(good, "connection refused")
	bad := good
	bad.Rate = 0
	f(bad, "must be positive")
	bad = good
	bad.Conns = 20_000
	f(bad, "1 to 10,000")
	bad = good
	bad.Addr = "localhost:1"
	f(bad, "use ip:port")
}

func TestRunStopsWithItsContext(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Options{Addr: addr, Path: "/", Rate: 1000, Conns: 2, Duration: time.Hour, Grace: time.Second}); err == nil {
		t.Error("no error, though the context ended")
	}
}
