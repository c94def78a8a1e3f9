package config

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestQuick(t *testing.T) {
	f := func(q Quick, want string) {
		t.Helper()
		c, errs := q.Config()
		if len(errs) > 0 {
			t.Fatalf("%+v: %v", q, errs)
		}
		if got := c.Table.String(); got != want {
			t.Errorf("%+v:\n%swant\n%s", q, got, want)
		}
		if errs := c.Validate(); len(errs) > 0 {
			t.Errorf("%+v: %v", q, errs)
		}
	}
	f(Quick{Live: "http://127.0.0.1:9000", To: []string{"http://127.0.0.1:9001"}, Percent: 100}, `route all
  backend http://127.0.0.1:9000
  mirror mirror 100%
    to http://127.0.0.1:9001
`)
	f(Quick{
		Live: "http://a", To: []string{"http://b", "http://c"}, Baseline: "http://d", Percent: 0.0001,
		Match: []string{"method=POST", `path == "/x"`}, Writes: true, MaxCopyBody: 10, Host: "-shadow", Timeout: time.Second,
	}, `route all
  backend http://a:80
  mirror mirror 0.0001%
    path /x
    method POST
    writes
    host-as -shadow
    timeout 1s
    max-body 10
    to http://b:80
    to http://c:80
    baseline http://d:80 baseline
`)
	f(Quick{Live: "http://a", To: []string{"http://b"}, Percent: 5, SampleBy: []string{"cookie session", "address /64"}}, `route all
  backend http://a:80
  mirror mirror 5%
    sample cookie session
    sample address /64
    to http://b:80
`)
	f(Quick{Live: "http://a", To: []string{"http://b"}, Percent: 100, MaxRate: "30/m burst 2"}, `route all
  backend http://a:80
  mirror mirror 100%
    limit rate 30/m burst 2
    to http://b:80
`)
	f(Quick{Live: "http://a", Baseline: "http://d"}, `route all
  backend http://a:80
  mirror mirror 0%
    baseline http://d:80 baseline
`)
}

// TestQuickTLS checks that the flags about TLS go to the listeners, and to the URLs that speak it.
func TestQuickTLS(t *testing.T) {
	f := func(q Quick, listeners, table string) {
		t.Helper()
		q.Percent = 100
		c, errs := q.Config()
		if errs = append(errs, c.Validate()...); len(errs) > 0 {
			t.Fatalf("%+v: %v", q, errs)
		}
		got, err := json.Marshal(c.Listen)
		if err != nil || string(got) != listeners {
			t.Errorf("%+v: %s, want %s", q, got, listeners)
		}
		if got := c.Table.String(); got != table {
			t.Errorf("%+v:\n%swant\n%s", q, got, table)
		}
	}
	f(Quick{Live: "http://a", Baseline: "http://b", Listen: []string{":1", ":2"}, TLSCert: "c", TLSKey: "k"},
		`[{"address":":1","tls":{"certificates":[{"cert":"c","key":"k"}],"minVersion":"1.2","alpn":["h2","http/1.1"]}},`+
			`{"address":":2","tls":{"certificates":[{"cert":"c","key":"k"}],"minVersion":"1.2","alpn":["h2","http/1.1"]}}]`, `route all
  backend http://a:80
  mirror mirror 100%
    baseline http://b:80 baseline
`)
	f(Quick{Live: "https://a", To: []string{"h2://b", "http://c"}, Baseline: "https://d", TLSCert: "c", TLSClientCA: "ca", BackendCA: "b.pem"},
		`[{"address":":8080","tls":{"certificates":[{"cert":"c","key":"c"}],"minVersion":"1.2","alpn":["h2","http/1.1"],"clientCA":"ca","clientAuth":"required"}}]`, `route all
  backend https://a:443
    tls ca b.pem
  mirror mirror 100%
    to h2://b:443
      tls ca b.pem
    to http://c:80
    baseline https://d:443 baseline
      tls ca b.pem
`)
	f(Quick{Live: "http://a", To: []string{"https://b"}, BackendInsecure: true}, `[{"address":":8080"}]`, `route all
  backend http://a:80
  mirror mirror 100%
    to https://b:443
      tls insecure
`)
}

func TestQuickErrors(t *testing.T) {
	f := func(q Quick, want ...string) {
		t.Helper()
		c, errs := q.Config()
		var got []string
		for _, err := range errs {
			got = append(got, err.Error())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%+v:\n%s\nwant\n%s", q, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if c == nil || c.Table == nil {
			t.Errorf("%+v: no configuration", q)
		}
	}
	f(Quick{},
		"--live: is missing; use --live http://host:port",
		"--to: is missing; use --to http://host:port")
	f(Quick{Live: "https://", To: []string{"http://ok", "htp:/x"}, Baseline: "grpc://x"},
		`--live: "https://": the host is missing; use http, https, h2c or h2 with ://host:port`,
		`--to: "htp:/x" has no scheme that is known; use http, https, h2c or h2 with ://host:port`,
		`--baseline: "grpc://x" has no scheme that is known; use http, https, h2c or h2 with ://host:port`)
	f(Quick{Live: "a", To: []string{"htp:/x"}, Percent: 100.5},
		"--percent: 100.5 is not a percentage; use 0 to 100 with up to four decimals",
		`--live: "a" has no scheme that is known; use http, https, h2c or h2 with ://host:port`,
		`--to: "htp:/x" has no scheme that is known; use http, https, h2c or h2 with ://host:port`)
	f(Quick{Live: "http://a", To: []string{"http://b"}, Percent: 0.00001},
		"--percent: 1e-05 is not a percentage; use 0 to 100 with up to four decimals")
	f(Quick{Live: "http://a", To: []string{"http://b"}, MaxRate: "100"},
		`--max-rate: "100" is not a rate; use one such as 100/s, 30/m or 100/s burst 20`)
	f(Quick{Live: "http://a", To: []string{"http://b"}, MaxRate: "1/48h"},
		"--max-rate: the time 48h0m0s is out of range; use 1ms to 24h0m0s")
	f(Quick{Live: "http://a", To: []string{"http://b"}, SampleBy: []string{"session", "random"}},
		`--sample-by: "session": "session" is no key; use header, cookie, query, address, random or expression`)
	f(Quick{Live: "http://a", To: []string{"http://b"}, SampleBy: []string{"random", "address"}},
		"--sample-by: every request has it, so what follows means nothing; make it the last one")
	f(Quick{Live: "http://a", To: []string{"http://b", "http://b"}, Match: []string{"path~=("}, Host: "a b", MaxCopyBody: -1, Timeout: -1},
		"--match: \"(\": error parsing regexp: missing closing ): `(`; use RE2's syntax",
		`--host: "a b" is not a host; use a name, or a suffix such as -shadow`,
		"--timeout: -1ns is negative; use a duration such as 10s",
		"--max-copy-body: -1 is negative; use a size in bytes",
		`--to: "b:80" is used twice in this mirror; names are unique`)
	f(Quick{Live: "http://a", To: []string{"http://b"}, TLSKey: "k", TLSClientCA: "c", BackendCA: "b"},
		"--tls-key: means nothing without a certificate; use --tls-cert too",
		"--tls-client-ca: means nothing without a certificate; use --tls-cert too",
		"--backend-ca: means nothing, because no URL begins with https:// or h2://; use one that does")
	f(Quick{Live: "https://a", To: []string{"http://b"}, BackendCA: "b", BackendInsecure: true},
		"--backend-insecure: takes any certificate, so --backend-ca means nothing; choose one of them")
	f(Quick{Live: "http://a", To: []string{"http://b"}, BackendInsecure: true},
		"--backend-insecure: means nothing, because no URL begins with https:// or h2://; use one that does")
	f(Quick{Live: "http://a", To: []string{"http://b"}, Match: []string{"method"}},
		`--match: "method": has no value; use one such as method=…`)
}

func TestDefaultsAreValid(t *testing.T) {
	c := Defaults()
	if errs := c.Validate(); len(errs) > 0 {
		t.Error(errs)
	}
	c.Loops, c.Mirror.Instance = 0, ""
	if errs := c.Validate(); len(errs) > 0 || c.Loops < 1 || c.Mirror.Instance == "" {
		t.Errorf("%v, loops %d, instance %q", errs, c.Loops, c.Mirror.Instance)
	}
	c.Listen = nil
	if errs := c.Validate(); len(errs) != 1 || errs[0].Error() != "listen: is empty; use an address such as :8080" {
		t.Error(errs)
	}
}
