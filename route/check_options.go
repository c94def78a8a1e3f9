package route

import (
	"strings"
	"time"
)

// The limits of options.
const (
	maxInterval = 24 * time.Hour
	minInterval = 100 * time.Millisecond // of health checks, that they are no load
	maxRow      = 1000                   // of results in a row that count
	maxAtATime  = 1 << 30                // requests, connections
)

// checkOptions checks how to talk to an upstream, and returns it complete. The fields are those of
// the backend or target itself.
func (c *checker) checkOptions(field string, a Address, o *Options) *Options {
	if o == nil {
		return defaultOptions
	}
	if o.TLS != nil {
		c.checkTLS(field+".tls", a, o.TLS)
	}
	c.checkBalance(field+".balance", &o.Balance)
	if o.Check != nil {
		c.checkHealth(field+".check", o.Check)
	}
	c.checkOutlier(field+".outlier", &o.Outlier)
	c.between(CodeOption, field+".maxRequests", o.MaxRequests, 0, maxAtATime)
	c.between(CodeOption, field+".maxConns", o.MaxConns, 0, maxAtATime)
	c.between(CodeOption, field+".retryBudget.percent", int(o.RetryBudget.Percent), 0, 100)
	c.between(CodeOption, field+".retryBudget.minConcurrent", o.RetryBudget.MinConcurrent, 0, maxAtATime)
	c.between(CodeOption, field+".proxyProtocol", int(o.ProxyProtocol), 0, 2)
	c.checkTimeout(field+".connectTimeout", o.ConnectTimeout)
	return o.WithDefaults()
}

// between checks that a number lies in a range.
func (c *checker) between(code, field string, n, low, high int) {
	if n < low || n > high {
		c.fail(code, field, "%d is out of range; use %d to %d", n, low, high)
	}
}

// period checks that a duration lies in a range, or is 0.
func (c *checker) period(field string, d, low, high time.Duration) {
	if d != 0 && (d < low || d > high) {
		c.fail(CodeOption, field, "%s is out of range; use %s to %s", d, low, high)
	}
}

func (c *checker) checkTLS(field string, a Address, t *TLS) {
	if !a.TLS && a.Scheme != "" {
		c.fail(CodeOption, field, "the URL is cleartext; use https or h2 in it, or leave tls out")
	}
	for _, file := range []setting{stringOf("ca", &t.CA), stringOf("cert", &t.Cert), stringOf("key", &t.Key)} {
		if path := file.get(); len(path) > maxValue || strings.IndexByte(path, 0) >= 0 {
			c.fail(CodeOption, field+"."+file.name, "is no path of a file; use one up to %d bytes", maxValue)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		c.fail(CodeOption, field, "a certificate and its key come together; set both cert and key, or none")
	}
	if t.Insecure && t.CA != "" {
		c.fail(CodeOption, field+".insecure", "takes any certificate, so ca means nothing; choose one of them")
	}
	if t.ServerName != "" {
		if _, err := checkHost(t.ServerName); err != nil {
			c.fail(CodeOption, field+".serverName", "%v; use the name that is in the certificate", err)
		}
	}
}

func (c *checker) checkBalance(field string, b *Balance) {
	named := b.Policy == Maglev && (b.HashOn == HashHeader || b.HashOn == HashCookie || b.HashOn == HashQuery)
	switch {
	case int(b.Policy) >= len(policyWords) || int(b.HashOn) >= len(hashWords):
		c.fail(CodeOption, field, "is none that is known; use one of %s", strings.Join(policyWords, ", "))
	case b.Policy != Maglev && b.HashOn != HashAddress:
		c.fail(CodeOption, field+".hash", "%s hashes nothing; use maglev, or leave it out", b.Policy)
	case b.HashName != "" && !named:
		c.fail(CodeOption, field+".name", "%q is the name of nothing; use it with header, cookie or query", b.HashName)
	case named && b.HashName == "":
		c.fail(CodeOption, field+".name", "is missing; name the %s", b.HashOn)
	case named && b.HashOn != HashQuery && !only(b.HashName, isTokenByte):
		c.fail(CodeOption, field+".name", "%q is not the name of a %s", b.HashName, b.HashOn)
	}
	c.checkCount(field+".name", len(b.HashName), maxValue)
}

func (c *checker) checkHealth(field string, h *Check) {
	if int(h.Kind) >= len(checkWords) {
		c.fail(CodeOption, field+".type", "is none that is known; use one of %s", strings.Join(checkWords, ", "))
		return
	}
	alien := func(name string, set bool, kinds ...CheckKind) {
		for _, kind := range kinds {
			if set && h.Kind == kind {
				c.fail(CodeOption, field+"."+name, "means nothing to a check of %s; leave it out", kind)
			}
		}
	}
	alien("path", h.Path != "", CheckTCP, CheckGRPC)
	alien("host", h.Host != "", CheckTCP)
	alien("service", h.Service != "", CheckTCP, CheckHTTP)
	alien("statuses", len(h.Statuses) > 0, CheckTCP, CheckGRPC)
	path, query, _ := strings.Cut(h.Path, "?")
	if h.Path != "" && (!strings.HasPrefix(path, "/") || !isPathText(path) || !isPathText(query)) {
		c.fail(CodeOption, field+".path", "%q is not a path; use one such as /healthz, percent-encoded", h.Path)
	}
	c.checkCount(field+".path", len(h.Path), maxValue)
	if h.Host != "" {
		c.checkAuthority(CodeOption, field+".host", h.Host)
	}
	if !only(h.Service, isVisible) || len(h.Service) > maxName {
		c.fail(CodeOption, field+".service", "%q is not the name of a service; use one such as shop.v1.Cart", h.Service)
	}
	c.checkStatuses(field+".statuses", h.Statuses)
	c.period(field+".interval", h.Interval, minInterval, maxInterval)
	c.period(field+".timeout", h.Timeout, time.Millisecond, maxInterval)
	c.between(CodeOption, field+".healthy", h.Healthy, 0, maxRow)
	c.between(CodeOption, field+".unhealthy", h.Unhealthy, 0, maxRow)
}

func (c *checker) checkStatuses(field string, ranges []StatusRange) {
	c.checkCount(field, len(ranges), maxConditions)
	for i, r := range ranges {
		if r.From < 100 || r.To > 599 || r.From > r.To {
			c.fail(CodeOption, at(field, i), "%s is no range of statuses; use one such as 200-399", r)
		}
	}
}

func (c *checker) checkOutlier(field string, x *Outlier) {
	if x.Off && *x != (Outlier{Off: true}) {
		c.fail(CodeOption, field, "is disabled, and has settings besides; choose one")
	}
	c.between(CodeOption, field+".failures", x.Failures, 0, maxRow)
	c.between(CodeOption, field+".gatewayErrors", x.GatewayErrors, 0, maxRow)
	c.between(CodeOption, field+".maxPercent", int(x.MaxPercent), 0, 100)
	c.period(field+".eject", x.Eject, time.Millisecond, maxInterval)
	c.period(field+".maxEject", x.MaxEject, time.Millisecond, maxInterval)
	if whole := x.withDefaults(); whole.MaxEject < whole.Eject {
		c.fail(CodeOption, field+".maxEject", "%s is shorter than eject, %s; use at least as much", whole.MaxEject, whole.Eject)
	}
}

// checkAuthority checks a host with or without port.
func (c *checker) checkAuthority(code, field, host string) {
	name, port := splitPort(host)
	if _, err := checkHost(name); err != nil || !only(strings.TrimPrefix(port, ":"), isDigit) || port == ":" {
		c.fail(code, field, "%q is not a host; use a name, with or without port", host)
	}
}
