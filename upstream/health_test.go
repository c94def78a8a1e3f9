package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// end sends requests that end with the given outcomes.
func end(s *Server, outcomes ...Outcome) {
	for _, o := range outcomes {
		s.Began()
		s.Ended(o, time.Millisecond)
	}
}

func times(n int, o Outcome) []Outcome {
	var all []Outcome
	for range n {
		all = append(all, o)
	}
	return all
}

// outliers runs a test in fake time on a cluster of n servers.
func outliers(t *testing.T, n int, limits route.Outlier, fn func(t *testing.T, c *Cluster, s []*Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := numbered(t, n, route.RoundRobin)
		c.options.Outlier = (&route.Options{Outlier: limits}).WithDefaults().Outlier
		fn(t, c, c.Servers())
	})
}

// expectWell holds who is well, once what was begun has been done.
func expectWell(t *testing.T, what string, servers []*Server, want ...bool) {
	t.Helper()
	synctest.Wait()
	for i, w := range want {
		if got := servers[i].well(); got != w {
			t.Errorf("%s: server %d is well: %v, want %v", what, i, got, w)
		}
	}
}

func TestFailuresInARowEject(t *testing.T) {
	f := func(what string, limits route.Outlier, well bool, outcomes ...Outcome) {
		t.Helper()
		outliers(t, 2, limits, func(t *testing.T, _ *Cluster, s []*Server) {
			t.Helper()
			end(s[0], outcomes...)
			expectWell(t, what, s, well, true)
		})
	}
	byDefault := route.Outlier{}
	f("four connects", byDefault, true, times(4, ConnectFailed)...)
	f("five connects", byDefault, false, times(5, ConnectFailed)...)
	f("five resets", byDefault, false, times(5, Reset)...)
	f("five time-outs", byDefault, false, times(5, TimedOut)...)
	f("five of all kinds", byDefault, false, ConnectFailed, Reset, TimedOut, ConnectFailed, Reset)
	f("an answer among them", byDefault, true, Reset, Reset, Reset, Reset, OK, Reset, Reset, Reset, Reset)
	f("an error answer among them", byDefault, true, Reset, Reset, Reset, Reset, ServerError, Reset, Reset, Reset, Reset)
	f("a user who left among them", byDefault, false, Reset, Reset, Reset, Reset, Ignored, Reset)
	f("users who leave", byDefault, true, times(100, Ignored)...)
	f("error answers", byDefault, true, times(100, ServerError)...)
	f("gateway errors, which do not count by default", byDefault, true, times(100, GatewayError)...)
	f("gateway errors", route.Outlier{GatewayErrors: 3}, false, times(3, GatewayError)...)
	f("two gateway errors", route.Outlier{GatewayErrors: 3}, true, GatewayError, GatewayError)
	f("another error among gateway errors", route.Outlier{GatewayErrors: 3}, true, GatewayError, GatewayError, ServerError, GatewayError)
	f("a limit of one", route.Outlier{Failures: 1}, false, Reset)
	f("off", route.Outlier{Off: true}, true, times(100, Reset)...)
}

func TestEjectionEnds(t *testing.T) {
	outliers(t, 2, route.Outlier{}, func(t *testing.T, c *Cluster, s []*Server) {
		// ejected lets the server fail, and holds that it is out for exactly d.
		ejected := func(what string, d time.Duration) {
			t.Helper()
			end(s[0], times(5, Reset)...)
			synctest.Wait()
			time.Sleep(d - time.Nanosecond)
			expectWell(t, what, s, false, true)
			if n := picks(c, 10, nil)[s[0]]; n != 0 {
				t.Errorf("%s: an ejected server was picked %d times", what, n)
			}
			time.Sleep(time.Nanosecond)
			expectWell(t, what, s, true, true)
			if n := picks(c, 10, nil)[s[0]]; n != 5 {
				t.Errorf("%s: a server that is back was picked %d times of 10", what, n)
			}
		}
		ejected("the first time", 30*time.Second)
		ejected("the second in a row", 60*time.Second)
		ejected("the third in a row", 90*time.Second)
		time.Sleep(60 * time.Second)
		ejected("after it was well for twice the base", 60*time.Second)
		for range 7 {
			end(s[0], times(5, Reset)...)
			synctest.Wait()
			time.Sleep(300 * time.Second)
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		ejected("after it was well for long", 30*time.Second)
		if n := c.status().Servers[0].Ejections; n != 12 {
			t.Errorf("%d ejections are counted, want 12", n)
		}
	})
}

func TestLongestEjection(t *testing.T) {
	outliers(t, 2, route.Outlier{MaxEject: 45 * time.Second}, func(t *testing.T, _ *Cluster, s []*Server) {
		for i, d := range []time.Duration{30 * time.Second, 45 * time.Second, 45 * time.Second} {
			end(s[0], times(5, Reset)...)
			synctest.Wait()
			time.Sleep(d - 1)
			expectWell(t, fmt.Sprint("ejection ", i), s, false)
			time.Sleep(time.Nanosecond)
			expectWell(t, fmt.Sprint("ejection ", i), s, true)
		}
	})
}

// TestFailuresWhileEjected holds that requests which were under way do not prolong an ejection, nor
// bring the next one.
func TestFailuresWhileEjected(t *testing.T) {
	outliers(t, 2, route.Outlier{}, func(t *testing.T, _ *Cluster, s []*Server) {
		end(s[0], times(5, Reset)...)
		synctest.Wait()
		time.Sleep(10 * time.Second)
		end(s[0], times(50, Reset)...)
		expectWell(t, "amid the ejection", s, false)
		time.Sleep(20 * time.Second)
		expectWell(t, "after it", s, true)
		end(s[0], times(4, Reset)...)
		expectWell(t, "four failures later", s, true)
		end(s[0], Reset)
		expectWell(t, "five failures later", s, false)
	})
}

func TestOnlySoManyAreEjected(t *testing.T) {
	f := func(n int, percent uint32, want int) {
		t.Helper()
		outliers(t, n, route.Outlier{MaxPercent: percent}, func(t *testing.T, _ *Cluster, servers []*Server) {
			t.Helper()
			for _, s := range servers {
				end(s, times(5, Reset)...)
				synctest.Wait()
			}
			out := 0
			for _, s := range servers {
				if !s.well() {
					out++
				}
			}
			if out != want {
				t.Errorf("%d of %d servers are ejected at %d %%, want %d", out, n, percent, want)
			}
		})
	}
	f(1, 100, 0)
	f(2, 50, 1)
	f(2, 1, 1)
	f(3, 50, 1)
	f(4, 50, 2)
	f(10, 50, 5)
	f(10, 35, 3)
	f(3, 100, 3)
}

func TestRefusedEjectionIsTriedAgain(t *testing.T) {
	outliers(t, 2, route.Outlier{}, func(t *testing.T, _ *Cluster, s []*Server) {
		end(s[0], times(5, Reset)...)
		synctest.Wait()
		end(s[1], times(5, Reset)...)
		expectWell(t, "half are out", s, false, true)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		end(s[1], times(4, Reset)...)
		expectWell(t, "four more failures", s, true, true)
		end(s[1], Reset)
		expectWell(t, "five more failures", s, true, false)
	})
}

// TestEjectionsOfManyLoops is for the race detector, and for the bound.
func TestEjectionsOfManyLoops(t *testing.T) {
	outliers(t, 8, route.Outlier{}, func(t *testing.T, _ *Cluster, servers []*Server) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 20 {
					for _, s := range servers {
						end(s, Reset)
					}
				}
			})
		}
		all.Wait()
		synctest.Wait()
		out := 0
		for _, s := range servers {
			if !s.well() {
				out++
			}
		}
		if out != 4 {
			t.Errorf("%d of 8 servers are ejected, want 4", out)
		}
	})
}

func TestEjectionIsLogged(t *testing.T) {
	outliers(t, 2, route.Outlier{}, func(t *testing.T, c *Cluster, s []*Server) {
		var log bytes.Buffer
		c.log = slog.New(slog.NewTextHandler(&log, nil))
		end(s[0], Reset, Reset, Reset, Reset, TimedOut)
		synctest.Wait()
		why := "5 requests in a row failed, the last one: no answer in time"
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, why) || !strings.Contains(got, "server=10.0.0.0:80") || !strings.Contains(got, "for=30s") {
			t.Errorf("logged: %s", got)
		}
		if got := c.status().Servers[0]; got.Why != why || !got.Until.Equal(time.Now().Add(30*time.Second)) {
			t.Errorf("the status says %q until %v", got.Why, got.Until)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := log.String(); strings.Count(got, "\n") != 2 {
			t.Errorf("logged: %s", got)
		}
		if got := c.status().Servers[0]; got.Why != "" || !got.Until.IsZero() {
			t.Errorf("the status says %q until %v of a server that is well", got.Why, got.Until)
		}
	})
}

func TestLoadIsCounted(t *testing.T) {
	c := numbered(t, 1, route.RoundRobin)
	s := c.Servers()[0]
	s.Began()
	end(s, OK, GatewayError, Reset, Ignored)
	got := c.status().Servers[0]
	if got.Active != 1 || got.Requests != 3 || got.Failed != 2 || got.Busy != 3*time.Millisecond {
		t.Errorf("active %d, requests %d, failed %d, busy %v; want 1, 3, 2, 3ms", got.Active, got.Requests, got.Failed, got.Busy)
	}
}

func TestOutcomeOfError(t *testing.T) {
	f := func(err error, want Outcome) {
		t.Helper()
		if got := OutcomeOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
		if err == nil {
			return
		}
		if got := OutcomeOf(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v, wrapped: %s, want %s", err, got, want)
		}
	}
	addr := netloop.Addr{AddrPort: netip.MustParseAddrPort("10.0.0.1:80")}
	f(nil, OK)
	f(netloop.ErrCanceled, Ignored)
	f(netloop.ErrGuard, Ignored)
	f(ErrUnresolved, Ignored)
	f(&netloop.DialError{Addr: addr, Err: errors.New("refused")}, ConnectFailed)
	f(&netloop.DialError{Addr: addr, Err: netloop.ErrTimeout}, ConnectFailed)
	f(&netloop.DialError{Addr: addr, Err: netloop.ErrCanceled}, Ignored)
	f(&netloop.DialError{Addr: addr, Err: syscall.ECONNREFUSED}, ConnectFailed)
	f(&netloop.DialError{Addr: addr, Err: syscall.EMFILE}, Ignored)
	f(&netloop.DialError{Addr: addr, Err: syscall.EADDRNOTAVAIL}, Ignored)
	f(&HandshakeError{Addr: addr, Err: errors.New("expired")}, ConnectFailed)
	f(&HandshakeError{Addr: addr, Err: netloop.ErrTimeout}, ConnectFailed)
	f(errConns, Ignored)
	f(netloop.ErrTimeout, TimedOut)
	f(&http2.StreamError{Code: http2.RefusedStream}, Ignored)
	f(&http2.StreamError{Code: http2.InternalError}, Reset)
	f(io.ErrUnexpectedEOF, Reset)
	f(&http1.Error{Reason: "bad"}, Reset)
}

func TestOutcomeOfStatus(t *testing.T) {
	f := func(status int, want Outcome) {
		t.Helper()
		if got := outcomeOf(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
	f(101, OK)
	f(200, OK)
	f(404, OK)
	f(429, OK)
	f(500, ServerError)
	f(501, OK)
	f(502, GatewayError)
	f(503, GatewayError)
	f(504, GatewayError)
	f(505, ServerError)
	f(599, ServerError)
}
