package route

import "time"

// RetryOn is a set of failures after which a request is tried again.
type RetryOn uint8

// The failures.
const (
	RetryConnect      RetryOn = 1 << iota // no connection could be made
	RetryReset                            // the connection broke before the head of an answer
	RetryRefused                          // the upstream said that it did nothing (HTTP/2's REFUSED_STREAM, GOAWAY)
	RetryTimeout                          // a try took longer than [Retry.PerTry], or than the route's Timeout
	RetryGatewayError                     // the answer's status was 502, 503 or 504

	// DefaultRetryOn are the failures where a [Retry] names none, and no status.
	DefaultRetryOn = RetryConnect | RetryReset | RetryRefused
)

// DefaultBackoff is the pause before the first retry where a [Retry] names none.
const DefaultBackoff = 25 * time.Millisecond

// Retry says when a request that failed is tried again, on another server if there is one. That
// is only possible as long as nothing of an answer has gone to the user and the request's body is
// still at hand. A request that reached a server, and whose method is not idempotent (see
// [Idempotent]), is not tried again unless Unsafe says so.
type Retry struct {
	Attempts int           // after the first one, 0 to 10
	On       RetryOn       // 0 is [DefaultRetryOn] if there are no Statuses; then a compiled table holds that
	Statuses []int         // of answers, besides those of [RetryGatewayError]
	PerTry   time.Duration // bounds one try, up to the head of its answer; 0 leaves it to the route's Timeout
	// Backoff is the pause before the first retry; it doubles with every further one, up to ten
	// times as much. 0 is [DefaultBackoff]; a compiled table holds no 0.
	Backoff time.Duration
	Unsafe  bool // also methods that are not idempotent, such as POST
}

func (r Retry) withDefaults() Retry {
	if r.On == 0 && len(r.Statuses) == 0 {
		r.On = DefaultRetryOn
	}
	r.Backoff = defaulted(r.Backoff, DefaultBackoff)
	return r
}

// Status says whether an answer with that status is reason for a retry.
func (r *Retry) Status(status int) bool {
	if r.On&RetryGatewayError != 0 && 502 <= status && status <= 504 {
		return true
	}
	for _, listed := range r.Statuses {
		if listed == status {
			return true
		}
	}
	return false
}

// Idempotent says whether several requests of the method do the same as one (RFC 9110, section
// 9.2.2). Methods are case-sensitive.
func Idempotent(method string) bool {
	return Safe(method) || method == "PUT" || method == "DELETE"
}

// SessionKind says where a session is kept.
type SessionKind uint8

// The kinds of sessions.
const (
	SessionCookie SessionKind = iota
	SessionHeader
)

// Session keeps the requests of one user on one server: an answer names the server, by a token in
// a cookie or header, and the requests that bear it go there as long as it is well.
type Session struct {
	Kind SessionKind
	Name string // of the cookie or header
	// MaxAge is how long a session lasts at most, and Idle how long it lasts without a request. 0
	// is no limit; one that is permanent has a MaxAge.
	MaxAge, Idle time.Duration
	Path         string // of the cookie; "" is /
	Permanent    bool   // the cookie outlives the user's browser
}

// CookiePath is the Path attribute of the cookie.
func (s *Session) CookiePath() string { return defaulted(s.Path, "/") }

// CookieAge is the Max-Age attribute of the cookie. 0 means that it has none, and ends with the
// browser.
func (s *Session) CookieAge() time.Duration {
	if !s.Permanent {
		return 0
	}
	return s.MaxAge
}
