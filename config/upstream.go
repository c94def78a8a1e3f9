package config

import (
	"fmt"
	"strings"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// Use finds a backend that is defined once for several uses.
type Use func(name string) (url string, o *route.Options, err error)

// serverSpec says which servers are meant, and how to talk to them: by the name of a backend, or by
// URLs and options of its own.
type serverSpec struct {
	Use  string   `json:"use"`
	URL  string   `json:"url" short:"true"`
	URLs []string `json:"urls"`
	v1alpha1.Upstream
}

// compile returns the URL and the options. They can be checked even if there are complaints.
func (s *serverSpec) compile(use Use) (url string, o *route.Options, errs complaints) {
	if s.Use == "" {
		o, errs = compileUpstream(&s.Upstream)
		return s.url(o, &errs), o, errs
	}
	if s.URL != "" || len(s.URLs) > 0 || s.Upstream != (v1alpha1.Upstream{}) {
		errs.fail("", "uses the backend %q and has a URL or options of its own; choose one", s.Use)
		return wrongURL(nil), nil, errs
	}
	url, o, err := use(s.Use)
	if err != nil {
		errs.fail("", "%v", err)
		return wrongURL(nil), nil, errs
	}
	return url, o, nil
}

// url is the one URL, or the several as one.
func (s *serverSpec) url(o *route.Options, errs *complaints) string {
	if len(s.URLs) == 0 {
		return s.URL
	}
	if s.URL != "" {
		errs.fail("urls", "there is a url besides; use one of them")
		return wrongURL(o)
	}
	url, wrong := joinURLs(s.URLs)
	if len(wrong) > 0 {
		*errs = append(*errs, wrong...)
		return wrongURL(o)
	}
	return url
}

// wrongURL stands for one that is wrong, which was said already, so that the rest can be checked.
func wrongURL(o *route.Options) string {
	if o != nil && o.TLS != nil {
		return "https://wrong"
	}
	return "http://wrong"
}

// joinURLs makes one URL of those of several servers.
func joinURLs(urls []string) (string, complaints) {
	var errs complaints
	var joined string
	for i, text := range urls {
		field := fmt.Sprintf("urls[%d]", i)
		url, err := route.ParseURL(text)
		if err != nil {
			errs.fail(field, "%v", err)
			continue
		}
		scheme, hosts, _ := strings.Cut(url, "://")
		switch first, _, _ := strings.Cut(joined, "://"); {
		case joined == "":
			joined = url
		case scheme != first || len(route.SplitURL(url).Hosts) == 0:
			errs.fail(field, "%q can't go together with %q; use URLs of one scheme, each of a host", text, urls[0])
		default:
			joined += "," + hosts
		}
	}
	if _, err := route.ParseURL(joined); err != nil && len(errs) == 0 {
		errs.fail("urls", "%v", err)
	}
	return joined, errs
}

// compileUpstream makes the options, or nil if there are none. What it could not read is in the
// complaints; [route.New] checks the rest.
func compileUpstream(u *v1alpha1.Upstream) (*route.Options, complaints) {
	if *u == (v1alpha1.Upstream{}) {
		return nil, nil
	}
	var errs complaints
	o := &route.Options{
		FollowVersion:  u.FollowVersion,
		MaxRequests:    u.MaxRequests,
		MaxConns:       u.MaxConns,
		ConnectTimeout: read(&errs, "connectTimeout", u.ConnectTimeout, parseDuration),
		ProxyProtocol:  fit[uint8](&errs, "proxyProtocol", u.ProxyProtocol, 2),
	}
	if t := u.TLS; t != nil {
		o.TLS = &route.TLS{CA: t.CA, ServerName: t.ServerName, Cert: t.Cert, Key: t.Key, Insecure: t.Insecure}
	}
	if b := u.Balance; b != nil {
		o.Balance = route.Balance{
			Policy:   read(&errs, "balance.policy", b.Policy, route.ParsePolicy),
			HashOn:   read(&errs, "balance.hash", b.Hash, route.ParseHashOn),
			HashName: b.Name,
		}
	}
	if u.Check != nil {
		o.Check = compileCheck(&errs, u.Check)
	}
	if x := u.Outlier; x != nil {
		o.Outlier = route.Outlier{
			Failures:      x.Failures,
			GatewayErrors: x.GatewayErrors,
			Eject:         read(&errs, "outlier.eject", x.Eject, parseDuration),
			MaxEject:      read(&errs, "outlier.maxEject", x.MaxEject, parseDuration),
			MaxPercent:    fit[uint32](&errs, "outlier.maxPercent", x.MaxPercent, 100),
			Off:           x.Disabled,
		}
	}
	if b := u.RetryBudget; b != nil {
		o.RetryBudget = route.Budget{Percent: fit[uint32](&errs, "retryBudget.percent", b.Percent, 100), MinConcurrent: b.MinConcurrent}
	}
	return o, errs
}

func compileCheck(errs *complaints, c *v1alpha1.Check) *route.Check {
	return &route.Check{
		Kind:      read(errs, "check.type", c.Type, route.ParseCheckKind),
		Path:      c.Path,
		Host:      c.Host,
		Service:   c.Service,
		Statuses:  readAll(errs, "check.statuses", c.Statuses, route.ParseStatusRange),
		Interval:  read(errs, "check.interval", c.Interval, parseDuration),
		Timeout:   read(errs, "check.timeout", c.Timeout, parseDuration),
		Healthy:   c.Healthy,
		Unhealthy: c.Unhealthy,
	}
}
