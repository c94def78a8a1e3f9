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

// All is the PerMillion of a mirror that copies every request.
const All = 1_000_000

// Route says what should happen to the requests that it matches. [New] takes it over: nobody
// changes it afterwards.
type Route struct {
	// Name is unique in the table. It appears in logs, metrics and findings.
	Name string
	// Hosts are host names without port, or wildcards such as *.example.com, which stand for one
	// or more labels. None means any host.
	Hosts []string
	// Match holds the further conditions. Its own Hosts is empty: they are given above.
	Match Match
	// Timeout bounds the wait for the head of the live answer. 0 leaves it to the proxy's setting.
	Timeout time.Duration
	// Backends answer the user. There is at least one, and at least one with a weight.
	Backends []Backend
	// Mirrors get copies, each decided by itself. Their names are unique in the route.
	Mirrors []*Mirror

	compiled bool // a table serves it: it is right, and nobody writes to it any more
}

// Backend is where live requests go.
type Backend struct {
	URL    string // http://host:port
	Weight uint32 // its share of the requests is its weight over the sum; 0 gets none
}

// Addr is the backend's host:port, in a compiled table.
func (b Backend) Addr() string { return strings.TrimPrefix(b.URL, scheme) }

// Mirror is a policy: which requests of a route are copied, how, and where to.
type Mirror struct {
	Name string
	// Match must hold in addition to the route's. The zero value always does.
	Match Match
	// PerMillion is the share of the matching requests: [All] is every one, 0 is none.
	PerMillion uint32
	// Writes allows copies of requests whose method is not safe, see [Safe].
	Writes bool
	// Targets get a copy each. There is at least one.
	Targets []Target
	// Host says which Host the copies bear.
	Host HostRewrite
	// Timeout bounds a copy from the connect to the last byte of the answer. 0 means
	// [DefaultMirrorTimeout]; a compiled table holds no 0.
	Timeout time.Duration
	// MaxBody is the largest request body in bytes that is copied; a request with a larger one
	// is not copied at all. 0 means [DefaultMaxBody]; a compiled table holds no 0.
	MaxBody int64
}

// Target is where a mirror sends its copies.
type Target struct {
	// Name is unique in the mirror. "" means host:port; a compiled table holds no "".
	Name string
	URL  string // http://host:port
	// Baseline says that the target runs the live version and serves as control.
	Baseline bool
}

// Addr is the target's host:port, in a compiled table.
func (t Target) Addr() string { return strings.TrimPrefix(t.URL, scheme) }

// Safe says whether requests of the method promise to change nothing (RFC 9110, section 9.2.1,
// and QUERY). Methods are case-sensitive.
func Safe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "QUERY":
		return true
	}
	return false
}

// Sampled decides about one request by 32 random bits. Every request with the same bits gets the
// same answer, and one that is in a sample is in every larger sample too.
func (m *Mirror) Sampled(random uint32) bool {
	return uint64(random)*All>>32 < uint64(m.PerMillion)
}
