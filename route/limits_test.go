package route

import (
	"strings"
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	f := func(text string, want Rate, written string) {
		t.Helper()
		got, err := ParseRate(text, nil)
		if err != nil || got != want || got.String() != written {
			t.Errorf("%q: %+v %q, error %v", text, got, got, err)
		}
	}
	f("1000/s", Rate{1000, time.Second, 0}, "1000/s")
	f("1000/1s", Rate{1000, time.Second, 0}, "1000/s")
	f("30/m", Rate{30, time.Minute, 0}, "30/m")
	f("25/2s", Rate{25, 2 * time.Second, 0}, "25/2s")
	f("1/90s", Rate{1, 90 * time.Second, 0}, "1/90s")
	f("5/24h", Rate{5, 24 * time.Hour, 0}, "5/24h")
	f("7/1.5ms", Rate{7, 1500 * time.Microsecond, 0}, "7/1.5ms")
	f("10/s burst 5", Rate{10, time.Second, 5}, "10/s burst 5")
	f("1000/s burst 100", Rate{1000, time.Second, 100}, "1000/s")

	wrong := func(text, want string) {
		t.Helper()
		if got, err := ParseRate(text, nil); err == nil || !strings.Contains(err.Error(), want) || got != (Rate{}) {
			t.Errorf("%q: %+v, error %v; want %q", text, got, err, want)
		}
	}
	wrong("", "is not a rate")
	wrong("100", "is not a rate")
	wrong("100/", "is not a rate")
	wrong("100/d", "its time is wrong")
	wrong("a/s", `"a" is not a whole number`)
	wrong("-1/s", `"-1" is not a whole number`)
	wrong("0/s", "lets nothing through")
	wrong("1/s burst 0", "a burst of 0 lets nothing through")
	wrong("1/s burst x", `"x" is not a whole number`)
	wrong("1/s  burst 1", "its time is wrong")
}

func TestRateOfOtherNumbers(t *testing.T) {
	twice := func(text string) (int64, error) { n, err := parseCount(text); return 2 * n, err }
	if got, err := ParseRate("3/m burst 4", twice); err != nil || got != (Rate{6, time.Minute, 8}) {
		t.Errorf("%+v, error %v", got, err)
	}
}

// TestLimitsHaveDefaults holds what a compiled table completes.
func TestLimitsHaveDefaults(t *testing.T) {
	f := func(line string, want Limits) {
		t.Helper()
		r := routeOf(t, "backend http://b; mirror m 100%; "+line+"; to http://t")
		if got := r.Mirrors[0].Limits; got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
	f("limit rate 1000/s", Limits{Rate: Rate{1000, time.Second, 100}})
	f("limit rate 30/m", Limits{Rate: Rate{30, time.Minute, 1}})
	f("limit bytes 10485760/s burst 1", Limits{Bytes: Rate{10 << 20, time.Second, 1}})
	f("limit concurrency 3; limit adaptive; limit strain", Limits{Concurrency: 3, Adaptive: true, Strain: true})
	f("limit breaker", Limits{Breaker: defaultBreaker})
	f("limit breaker pause 2m", Limits{Breaker: Breaker{true, 50, 20, 5, 2 * time.Minute, 2 * time.Minute}})
}

// TestLimitsOutOfRange holds what the text form can't say, but a program.
func TestLimitsOutOfRange(t *testing.T) {
	f := func(l Limits, want string) {
		t.Helper()
		m := &Mirror{Name: "m", Limits: l, Targets: []Target{{URL: "http://t"}}}
		_, errs := New([]*Route{{Name: "r", Backends: []Backend{{URL: "http://b", Weight: 1}}, Mirrors: []*Mirror{m}}})
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%+v: %v, want %q", l, errs, want)
		}
	}
	f(Limits{Rate: Rate{Count: -1, Per: time.Second}}, "limits.rate: -1 is no rate")
	f(Limits{Rate: Rate{Count: 1}}, "limits.rate: the time 0s is out of range")
	f(Limits{Rate: Rate{Count: 1, Per: time.Second, Burst: -1}}, "limits.rate: a burst of -1")
	f(Limits{Concurrency: -1}, "limits.concurrency: -1 is out of range")
	f(Limits{Breaker: Breaker{Streak: 1}}, "limits.breaker: is off, and has settings")
	f(Limits{Breaker: Breaker{On: true, Sends: -1}}, "limits.breaker.sends: -1 is out of range")
}

// FuzzRate checks that a rate that is read is written so that it reads back the same.
func FuzzRate(f *testing.F) {
	f.Add("1000/s burst 7")
	f.Add("25/2s")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ParseRate(text, nil)
		if err != nil {
			return
		}
		first = first.withDefaults()
		second, err := ParseRate(first.String(), nil)
		if err != nil || second.withDefaults() != first {
			t.Errorf("%q is %+v, written %q, and read as %+v, error %v", text, first, first, second, err)
		}
	})
}
