package route

import (
	"strings"
	"time"
)

// Options says how to talk to an upstream: a backend or a target. A compiled table holds them
// complete, see [Options.WithDefaults]. Upstreams with the same [Key] share their connections,
// their health and their limits.
type Options struct {
	// FollowVersion speaks the version of HTTP that the user speaks, h2c where the URL says http,
	// h2 where it says https, and the other way round. Without it the scheme decides.
	FollowVersion bool
	TLS           *TLS    // nil: the system's authorities, and the name of the URL
	Balance       Balance // which server of several answers
	Check         *Check  // asks the servers whether they are well; nil: nobody asks
	Outlier       Outlier // judges the servers by their answers
	MaxRequests   int     // running at a time, over all servers; 0 is no limit
	MaxConns      int     // open at a time, over all servers; 0 is no limit
	RetryBudget   Budget  // bounds the retries of all requests together
	ProxyProtocol uint8   // version of the PROXY header that begins a connection: 1 or 2; 0 is none
	// ConnectTimeout bounds the connect and the TLS handshake. 0 leaves it to the proxy's setting.
	ConnectTimeout time.Duration
}

// TLS says how to be sure of an upstream, and who tain is to it. Paths are those of PEM files.
type TLS struct {
	CA         string // the authorities that are trusted; "" is the system's
	ServerName string // the name that is asked for and must be in the certificate; "" is the URL's
	Cert, Key  string // what tain shows if it is asked; "" is none
	Insecure   bool   // take any certificate
}

// Policy says how one of several servers is chosen.
type Policy uint8

// The policies.
const (
	RoundRobin   Policy = iota // one after the other
	LeastRequest               // of two at random, the one with fewer requests running
	Random
	Maglev // by a hash: the same server for the same user, as far as the servers stay the same
)

// HashOn says what [Maglev] hashes.
type HashOn uint8

// What is hashed. A request that has no such header, cookie or parameter goes to any server.
const (
	HashAddress HashOn = iota // the user's address, without its port
	HashHeader
	HashCookie
	HashQuery // a parameter of the query
	HashPath  // of the request, without the query
)

// Balance is a policy with its details.
type Balance struct {
	Policy   Policy
	HashOn   HashOn // only for [Maglev]
	HashName string // of the header, cookie or parameter; else ""
}

// CheckKind says what a health check sends.
type CheckKind uint8

// The kinds of health checks.
const (
	CheckHTTP CheckKind = iota // GET of a path, in the version and with the TLS of the upstream
	CheckTCP                   // a connect
	CheckGRPC                  // the service grpc.health.v1
)

// Check is an active health check. Until its first answer a server counts as well.
type Check struct {
	Kind     CheckKind
	Path     string        // of [CheckHTTP]; "" is /
	Host     string        // of [CheckHTTP] and [CheckGRPC]; "" is the URL's
	Service  string        // of [CheckGRPC]; "" is the server as a whole
	Statuses []StatusRange // of [CheckHTTP], that mean well; none is 200-399
	Interval time.Duration // between two checks of a server; 0 is 10s
	Timeout  time.Duration // of a check; 0 is 2s, or Interval if that is shorter
	// Healthy and Unhealthy are how many checks in a row must say so, before a server counts as
	// well again, or as not well. 0 is 2 and 3.
	Healthy, Unhealthy int
}

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ From, To int }

// Outlier takes a server out of the choice for a while when its answers say that it is not well.
type Outlier struct {
	Failures      int           // connects, resets and time-outs in a row; 0 is 5
	GatewayErrors int           // answers of 502, 503 and 504 in a row; 0: they do not count
	Eject         time.Duration // for how long, times how often in a row; 0 is 30s
	MaxEject      time.Duration // the longest; 0 is 300s, or Eject if that is longer
	MaxPercent    uint32        // of the servers that may be out, at least one of several; 0 is 50
	Off           bool          // never; then everything else is 0
}

// Budget bounds how many retries may run at a time: so many percent of the requests that run, but
// at least MinConcurrent.
type Budget struct {
	Percent       uint32 // 1 to 100; 0 is 20
	MinConcurrent int    // 0 is 3
}

// The defaults of [Options].
var (
	defaultOutlier = Outlier{Failures: 5, Eject: 30 * time.Second, MaxEject: 300 * time.Second, MaxPercent: 50}
	defaultBudget  = Budget{Percent: 20, MinConcurrent: 3}
	defaultCheck   = Check{Path: "/", Interval: 10 * time.Second, Timeout: 2 * time.Second, Healthy: 2, Unhealthy: 3}
	defaultStatus  = StatusRange{200, 399}
	defaultOptions = (*Options)(nil).WithDefaults()
)

// WithDefaults returns a copy of its own in which every zero that stands for a default is replaced
// by it. o may be nil, which are the defaults alone.
func (o *Options) WithDefaults() *Options {
	all := Options{}
	if o != nil {
		all = *o
	}
	if all.TLS != nil {
		tls := *all.TLS
		all.TLS = &tls
	}
	if all.Check != nil {
		check := all.Check.withDefaults()
		all.Check = &check
	}
	all.Outlier = all.Outlier.withDefaults()
	all.RetryBudget.Percent = defaulted(all.RetryBudget.Percent, defaultBudget.Percent)
	all.RetryBudget.MinConcurrent = defaulted(all.RetryBudget.MinConcurrent, defaultBudget.MinConcurrent)
	return &all
}

func (c Check) withDefaults() Check {
	if c.Kind == CheckHTTP {
		c.Path = defaulted(c.Path, defaultCheck.Path)
		if len(c.Statuses) == 0 {
			c.Statuses = []StatusRange{defaultStatus}
		}
	}
	c.Interval = defaulted(c.Interval, defaultCheck.Interval)
	c.Timeout = defaulted(c.Timeout, min(defaultCheck.Timeout, c.Interval))
	c.Healthy = defaulted(c.Healthy, defaultCheck.Healthy)
	c.Unhealthy = defaulted(c.Unhealthy, defaultCheck.Unhealthy)
	return c
}

func (x Outlier) withDefaults() Outlier {
	if x.Off {
		return Outlier{Off: true}
	}
	x.Failures = defaulted(x.Failures, defaultOutlier.Failures)
	x.Eject = defaulted(x.Eject, defaultOutlier.Eject)
	x.MaxEject = defaulted(x.MaxEject, max(defaultOutlier.MaxEject, x.Eject))
	x.MaxPercent = defaulted(x.MaxPercent, defaultOutlier.MaxPercent)
	return x
}

// Key is one text for all that says how an upstream is talked to: its canonical URL and its
// options, of which nil means the defaults. Equal texts mean that the two are interchangeable.
func Key(url string, o *Options) string { return keyOf(url, o.WithDefaults()) }

// keyOf is [Key] for complete options.
func keyOf(url string, o *Options) string {
	if *o == *defaultOptions {
		return url
	}
	var p printer
	p.options("", o)
	return strings.TrimSuffix(url+"\n"+p.String(), "\n")
}
