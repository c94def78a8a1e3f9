package route

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// backendOf is the backend of lines that are separated by semicolons.
func backendOf(t testing.TB, lines string) Backend {
	t.Helper()
	return routeOf(t, "backend "+lines).Backends[0]
}

func TestKey(t *testing.T) {
	// same checks which of two ways to write a backend mean the same.
	same := func(one, other string, want bool) {
		t.Helper()
		a, b := backendOf(t, one).Key(), backendOf(t, other).Key()
		if (a == b) != want {
			t.Errorf("%s and %s: %q and %q", one, other, a, b)
		}
	}
	same("http://a", "http://A:80/", true)
	same("http://a weight 2", "http://a; request set X 1", true)
	same("http://a; max-requests 0", "http://a", true)
	same("http://a; check http", "http://a; check http path / interval 10s", true)
	same("http://a; outlier failures 5", "http://a; retry-budget percent 20", true)
	same("http://a", "h2c://a", false)
	same("https://a", "https://a; tls insecure", false)
	same("https://a; tls ca a cert b key b", `https://a; tls ca "a cert b" cert c key b`, false)
	same("http://a", "http://a; check tcp", false)
	same("http://a:1,b:2", "http://b:2,a:1", false)
	for _, option := range []string{
		"follow-version", "max-requests 1", "max-conns 1", "connect-timeout 1s", "proxy-protocol 1",
		"outlier disabled", "outlier gateway-errors 1", "retry-budget min-concurrent 1", "balance random", "balance maglev",
		"balance maglev path", "balance maglev header X", "balance maglev cookie X", "check http", "check grpc service a",
	} {
		same("http://a", "http://a; "+option, false)
	}
}

func TestKeyOfDefaults(t *testing.T) {
	if got := Key("http://a:80", nil); got != "http://a:80" || got != Key("http://a:80", new(Options)) || got != Key("http://a:80", new(Options).WithDefaults()) {
		t.Errorf("the key is %q", got)
	}
	o := &Options{Check: &Check{Kind: CheckTCP}, MaxRequests: 5}
	want := "http://a:80\ncheck tcp\nmax-requests 5"
	if got := Key("http://a:80", o); got != want {
		t.Errorf("the key is %q, want %q", got, want)
	}
	uncompiled := Backend{URL: "http://a:80", Options: o}
	if target := (Target{URL: "http://a:80", Options: o}); uncompiled.Key() != want || target.Key() != want {
		t.Errorf("keys %q and %q", uncompiled.Key(), target.Key())
	}
	table := mustParse(t, "route r\nbackend http://a\nmirror m 1%\nto http://a\n")
	compiled := table.Routes()[0].Mirrors[0].Targets[0]
	if n := testing.AllocsPerRun(100, func() { _ = compiled.Key() }); n > 0 || compiled.Key() != "http://a:80" {
		t.Errorf("%v allocations for the key %q", n, compiled.Key())
	}
}

func TestWithDefaults(t *testing.T) {
	var none *Options
	want := Options{
		Outlier:     Outlier{Failures: 5, Eject: 30 * time.Second, MaxEject: 300 * time.Second, MaxPercent: 50},
		RetryBudget: Budget{Percent: 20, MinConcurrent: 3},
	}
	if got := none.WithDefaults(); !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, want %+v", *got, want)
	}
	given := &Options{TLS: &TLS{CA: "a"}, Check: new(Check), Outlier: Outlier{Off: true, Failures: 1}}
	got := given.WithDefaults()
	check := Check{
		Path: "/", Statuses: []StatusRange{{200, 399}}, Interval: 10 * time.Second, Timeout: 2 * time.Second, Healthy: 2, Unhealthy: 3,
	}
	if !reflect.DeepEqual(*got.Check, check) || got.Outlier != (Outlier{Off: true}) || *got.TLS != (TLS{CA: "a"}) {
		t.Errorf("%+v, %+v", got, got.Check)
	}
	if got.TLS == given.TLS || got.Check == given.Check || !reflect.DeepEqual(given.Check, new(Check)) {
		t.Error("the copy is not one of its own")
	}
	if again := got.WithDefaults(); !reflect.DeepEqual(again, got) {
		t.Errorf("again: %+v, want %+v", again, got)
	}
}

// TestOptionsAreNotShared holds that a new table writes to nothing that another serves, where both
// were given the same options.
func TestOptionsAreNotShared(t *testing.T) {
	shared := &Options{Check: &Check{Kind: CheckTCP}}
	build := func(name string) *Options {
		table, errs := New([]*Route{{Name: name, Backends: []Backend{{URL: "http://b", Weight: 1, Options: shared}}}})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		return table.Routes()[0].Backends[0].Options
	}
	one, other := build("a"), build("b")
	if one == other || one == shared || shared.Check.Interval != 0 {
		t.Errorf("%p, %p, %p with %+v", shared, one, other, shared.Check)
	}
}

// TestUnknownKinds gives numbers that no word stands for, as a program may.
func TestUnknownKinds(t *testing.T) {
	f := func(o *Options, session *Session, want string) {
		t.Helper()
		_, errs := New([]*Route{{Name: "r", Session: session, Backends: []Backend{{URL: "https://b", Weight: 1, Options: o}}}})
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%v, want %s", errs, want)
		}
	}
	f(&Options{Balance: Balance{Policy: 9}}, nil, "backends[0].balance: is none that is known; use one of round-robin")
	f(&Options{Balance: Balance{Policy: Maglev, HashOn: 9}}, nil, "backends[0].balance: is none that is known")
	f(&Options{Check: &Check{Kind: 9}}, nil, "backends[0].check.type: is none that is known; use one of http")
	f(&Options{TLS: &TLS{CA: "a\x00"}}, nil, "backends[0].tls.ca: is no path of a file")
	f(nil, &Session{Kind: 9, Name: "x"}, "session.type: is none that is known")
	if got := Policy(9).String() + HashOn(9).String() + CheckKind(9).String() + SessionKind(9).String(); got != "9999" {
		t.Errorf("as text: %s", got)
	}
}

func TestParseStatusRange(t *testing.T) {
	f := func(text string, want StatusRange) {
		t.Helper()
		got, err := ParseStatusRange(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	f("200", StatusRange{200, 200})
	f("200-399", StatusRange{200, 399})
	for _, wrong := range []string{"", "-", "200-", "-200", "2xx", "200-300-400", "70000"} {
		if got, err := ParseStatusRange(wrong); err == nil {
			t.Errorf("%q was read as %v", wrong, got)
		}
	}
}
