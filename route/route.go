package route

import (
	"strings"
	"time"
)

// The limits that apply where a [Mirror] names none.
const (
	DefaultMirrorTimeout = 10 * time.Second
	DefaultMaxBody       = 1 << 20 // bytes
)

// Route says what should happen to the requests that it matches. [New] takes it over: nobody
// changes it afterwards.
type Route struct {
	// Name is unique in the table. It appears in logs, metrics and findings.
	Name string
	// Place is where people find the route, such as tain.yaml:12; "" where nobody knows. It is for them
	// alone, and no part of the text form.
	Place string
	// Hosts are host names without port, or wildcards such as *.example.com, which stand for one
	// or more labels. None means any host.
	Hosts []string
	// Match holds the further conditions. Its own Hosts is empty: they are given above.
	Match Match
	// Timeout bounds the wait for the head of the live answer. 0 leaves it to the proxy's setting.
	Timeout time.Duration
	// RequestTimeout bounds the whole request, from its head to the last byte of the answer, with
	// all retries. 0 is no limit.
	RequestTimeout time.Duration
	// Filters of every request and answer of the route; nil is none.
	Filters *Filters
	// Retry says when a request is tried again; nil is never.
	Retry *Retry
	// Session binds users to servers; nil does not.
	Session *Session
	// Backends answer the user. There is at least one, and at least one with a weight, unless the
	// filters answer in live's place: then there is none, and no mirror.
	Backends []Backend
	// Mirrors get copies, each decided by itself. Their names are unique in the route.
	Mirrors []*Mirror

	compiled bool // a table serves it: it is right, and nobody writes to it any more
}

// Backend is where live requests go.
type Backend struct {
	URL     string   // see [ParseURL]; canonical in a compiled table
	Weight  uint32   // its share of the requests is its weight over the sum; 0 gets none
	Options *Options // how to talk to it; nil is the defaults, of which a compiled table holds none
	// Filters of the requests to this backend, after those of the route, and of its answers, before
	// them. nil is none. They have no CORS, Redirect or Respond.
	Filters *Filters

	key string
}

// Addr is the backend's URL without its scheme, in a compiled table: host:port, as a rule.
func (b Backend) Addr() string { return name(b.URL) }

// Key is the [Key] of the backend's URL and options. In a compiled table it costs nothing.
func (b Backend) Key() string {
	if b.key != "" {
		return b.key
	}
	return Key(b.URL, b.Options)
}

// Mirror is a policy: which requests of a route are copied, how, and where to.
type Mirror struct {
	Name string
	// Match must hold in addition to the route's. The zero value always does.
	Match Match
	// After must hold besides, once the request or live's answer is over: a copy waits for that, see
	// [After.Stage]. nil does not wait, and is the same as one without a condition; a compiled table
	// holds none of those.
	After *After
	// Sample says which of the matching requests are copied. The zero value takes none.
	Sample Sample
	// Writes allows copies of requests whose method is not safe, see [Safe].
	Writes bool
	// Targets get a copy each. There is at least one.
	Targets []Target
	// Host says which Host the copies bear.
	Host HostRewrite
	// Copy says how else the copies differ from what live got.
	Copy Copy
	// Limits say how many copies each target gets.
	Limits Limits
	// ChooseBy is a header whose first value names the one target that gets a copy; a request whose
	// value names none is not copied. "" copies to every target.
	ChooseBy string
	// Timeout bounds a copy from the connect to the last byte of the answer. 0 means
	// [DefaultMirrorTimeout]; a compiled table holds no 0.
	Timeout time.Duration
	// MaxBody is the largest request body in bytes that is copied; a request with a larger one
	// is not copied at all. 0 means [DefaultMaxBody]; a compiled table holds no 0.
	MaxBody int64
}

// Target is where a mirror sends its copies.
type Target struct {
	// Name is unique in the mirror. "" means host:port, of several servers that of the first; a
	// compiled table holds no "".
	Name string
	URL  string // see [ParseURL]; canonical in a compiled table
	// Baseline says that the target runs the live version and serves as control.
	Baseline bool
	// Secrets are the target's own credentials, which its copies bear instead of the mirror's of the
	// same names.
	Secrets []Secret
	Options *Options // how to talk to it; nil is the defaults, of which a compiled table holds none

	key string
}

// Addr is the target's URL without its scheme, in a compiled table: host:port, as a rule.
func (t Target) Addr() string { return name(t.URL) }

// defaultName is the name of a target that has none.
func (t Target) defaultName() string {
	first, _, _ := strings.Cut(t.Addr(), ",")
	return first
}

// Key is the [Key] of the target's URL and options. In a compiled table it costs nothing.
func (t Target) Key() string {
	if t.key != "" {
		return t.key
	}
	return Key(t.URL, t.Options)
}

// Safe says whether requests of the method promise to change nothing (RFC 9110, section 9.2.1,
// and QUERY). Methods are case-sensitive.
func Safe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "QUERY":
		return true
	}
	return false
}
