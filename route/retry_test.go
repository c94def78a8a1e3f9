package route

import (
	"testing"
	"time"
)

func TestRetryStatus(t *testing.T) {
	f := func(retry string, status int, want bool) {
		t.Helper()
		if got := routeOf(t, "retry "+retry+"; backend http://b").Retry.Status(status); got != want {
			t.Errorf("%s after %d: %v", retry, status, got)
		}
	}
	f("1", 503, false)
	f("1 after gateway-error", 502, true)
	f("1 after gateway-error", 503, true)
	f("1 after gateway-error", 504, true)
	f("1 after gateway-error", 500, false)
	f("1 after gateway-error", 501, false)
	f("1 after gateway-error", 505, false)
	f("1 statuses 500,429", 429, true)
	f("1 statuses 500,429", 503, false)
}

func TestRetryDefaults(t *testing.T) {
	f := func(retry string, on RetryOn, backoff time.Duration) {
		t.Helper()
		if got := routeOf(t, "retry "+retry+"; backend http://b").Retry; got.On != on || got.Backoff != backoff {
			t.Errorf("%s: on %s, backoff %s", retry, got.On, got.Backoff)
		}
	}
	f("1", RetryConnect|RetryReset|RetryRefused, 25*time.Millisecond)
	f("1 after timeout after connect backoff 1s", RetryConnect|RetryTimeout, time.Second)
	f("1 statuses 503", 0, 25*time.Millisecond)
}

func TestUnknownRetryOn(t *testing.T) {
	_, errs := New([]*Route{{Name: "r", Retry: &Retry{On: 1 << 7}, Backends: []Backend{{URL: "http://b", Weight: 1}}}})
	want := `route "r": retry.after: has failures that are unknown; use connect, reset, refused, timeout, gateway-error`
	if len(errs) != 1 || errs[0].Error() != want {
		t.Errorf("%v, want %s", errs, want)
	}
}

func TestIdempotent(t *testing.T) {
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true, "QUERY": true, "PUT": true, "DELETE": true,
		"POST": false, "PATCH": false, "CONNECT": false, "put": false, "": false,
	} {
		if got := Idempotent(method); got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
}

func TestSessionCookie(t *testing.T) {
	f := func(session, path string, age time.Duration) {
		t.Helper()
		s := routeOf(t, "session cookie x "+session+"; backend http://b").Session
		if s.CookiePath() != path || s.CookieAge() != age {
			t.Errorf("%s: path %s, age %s", session, s.CookiePath(), s.CookieAge())
		}
	}
	f("", "/", 0)
	f("path /a", "/a", 0)
	f("max-age 1h", "/", 0)
	f("max-age 1h permanent", "/", time.Hour)
}
