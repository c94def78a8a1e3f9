package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tain.dev/tain/route"
)

// Quick is the quick start: one live service, its mirror, and what may be said about it in flags.
type Quick struct {
	Listen      []string      // --listen: where users connect; none is the default
	Live        string        // --live: see [route.ParseURL]
	To          []string      // --to: the targets
	Baseline    string        // --baseline: a target that runs the live version; "" is none
	Percent     float64       // --percent: 0 to 100, down to 0.0001; 0 copies nothing
	SampleBy    []string      // --sample-by: see [route.ParseSampleKey]
	MaxRate     string        // --max-rate: see [route.ParseRate]; "" is none
	Match       []string      // --match: see [ParseMatch]
	Writes      bool          // --writes: copy unsafe methods too
	MaxCopyBody int64         // --max-copy-body in bytes; 0 is the default
	Host        string        // --host: see [route.ParseHostRewrite]
	Timeout     time.Duration // --timeout of a copy; 0 is the default

	TLSCert     string // --tls-cert: file of the certificate that users see; "" is cleartext
	TLSKey      string // --tls-key: file of its key; "" is the same file
	TLSClientCA string // --tls-client-ca: file of the authorities of users' certificates, which then are required; "" is none

	BackendCA       string // --backend-ca: file of the authorities of live's and the targets' certificates; "" is the system's
	BackendInsecure bool   // --backend-insecure: take any certificate of live and of the targets
}

// The names that the quick start gives.
const (
	quickRoute    = "all"
	quickMirror   = "mirror"
	quickBaseline = "baseline"
)

// Config is the default configuration with its listeners, and with a table of one route for every
// request. The errors are each an [*Error] whose Setting is the flag.
func (q Quick) Config() (*Config, []error) {
	c := Defaults()
	var errs []error
	fail := func(flag, format string, args ...any) {
		errs = append(errs, &Error{Setting: flag, Text: fmt.Sprintf(format, args...)})
	}
	if q.Live == "" {
		fail("--live", "is missing; use --live http://host:port")
	}
	if len(q.To) == 0 && q.Baseline == "" {
		fail("--to", "is missing; use --to http://host:port")
	}
	q.listen(&c, fail)
	q.checkTLS(fail)
	m := q.mirror(fail)
	if len(errs) > 0 {
		return &c, append(errs, q.checkURLs()...)
	}
	table, tableErrs := route.New([]*route.Route{{
		Name:     quickRoute,
		Backends: []route.Backend{{URL: q.Live, Weight: 1, Options: q.options(q.Live)}},
		Mirrors:  []*route.Mirror{m},
	}})
	for _, err := range tableErrs {
		var e *route.Error
		if errors.As(err, &e) {
			fail(q.flagOf(e.Field), "%s", e.Text)
		}
	}
	c.Table = table
	return &c, errs
}

// listen makes the listeners that the flags describe.
func (q Quick) listen(c *Config, fail func(flag, format string, args ...any)) {
	if len(q.Listen) > 0 {
		c.Listen = Listeners(q.Listen...)
	}
	if q.TLSCert == "" {
		for _, other := range []struct{ flag, value string }{{"--tls-key", q.TLSKey}, {"--tls-client-ca", q.TLSClientCA}} {
			if other.value != "" {
				fail(other.flag, "means nothing without a certificate; use --tls-cert too")
			}
		}
		return
	}
	for i := range c.Listen {
		c.Listen[i].TLS = &ListenerTLS{Certificates: []Certificate{{q.TLSCert, q.TLSKey}}, ClientCA: q.TLSClientCA}
	}
}

// options are those of live or a target: nil, unless it speaks TLS and something is said about that.
func (q Quick) options(url string) *route.Options {
	canonical, err := route.ParseURL(url)
	if err != nil || !route.SplitURL(canonical).TLS || q.BackendCA == "" && !q.BackendInsecure {
		return nil
	}
	return &route.Options{TLS: &route.TLS{CA: q.BackendCA, Insecure: q.BackendInsecure}}
}

// checkTLS finds flags about TLS that mean nothing, or not both.
func (q Quick) checkTLS(fail func(flag, format string, args ...any)) {
	flag := "--backend-ca"
	if q.BackendInsecure {
		flag = "--backend-insecure"
	}
	spoken := slices.ContainsFunc(append([]string{q.Live, q.Baseline}, q.To...), func(url string) bool { return q.options(url) != nil })
	switch {
	case q.BackendCA != "" && q.BackendInsecure:
		fail(flag, "takes any certificate, so --backend-ca means nothing; choose one of them")
	case (q.BackendCA != "" || q.BackendInsecure) && !spoken:
		fail(flag, "means nothing, because no URL begins with https:// or h2://; use one that does")
	}
}

// mirror makes the mirror that the flags describe.
func (q Quick) mirror(fail func(flag, format string, args ...any)) *route.Mirror {
	m := &route.Mirror{
		Name:    quickMirror,
		Writes:  q.Writes,
		MaxBody: q.MaxCopyBody,
		Timeout: q.Timeout,
		Host:    route.ParseHostRewrite(q.Host),
	}
	perMillion := math.Round(q.Percent * 10_000)
	if perMillion < 0 || perMillion > route.All || perMillion == 0 && q.Percent != 0 || math.IsNaN(q.Percent) {
		fail("--percent", "%v is not a percentage; use 0 to 100 with up to four decimals", q.Percent)
	} else {
		m.Sample.PerMillion = uint32(perMillion)
	}
	m.Sample.By = readKeys(q.SampleBy, func(_ int, text string, err error) { fail("--sample-by", "%q: %v", text, err) })
	if q.MaxRate != "" {
		var err error
		if m.Limits.Rate, err = parseRate(q.MaxRate); err != nil {
			fail("--max-rate", "%v", err)
		}
	}
	match, errs := ParseMatch(q.Match)
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			fail("--match", "%s", e.Text)
		}
	}
	m.Match = match
	for _, url := range q.To {
		m.Targets = append(m.Targets, route.Target{URL: url, Options: q.options(url)})
	}
	if q.Baseline != "" {
		m.Targets = append(m.Targets, route.Target{URL: q.Baseline, Name: quickBaseline, Baseline: true, Options: q.options(q.Baseline)})
	}
	return m
}

// checkURLs finds what is wrong with the URLs where there is no table that would say it.
func (q Quick) checkURLs() []error {
	var errs []error
	check := func(flag, url string) {
		if url == "" {
			return
		}
		if _, err := route.ParseURL(url); err != nil {
			errs = append(errs, &Error{Setting: flag, Text: err.Error()})
		}
	}
	check("--live", q.Live)
	for _, url := range q.To {
		check("--to", url)
	}
	check("--baseline", q.Baseline)
	return errs
}

// flagOf is the flag that set a field of the route.
func (q Quick) flagOf(field string) string {
	if q.Baseline != "" && strings.HasPrefix(field, fmt.Sprintf("mirrors[0].targets[%d]", len(q.To))) {
		return "--baseline"
	}
	for _, known := range []struct{ prefix, flag string }{
		{"backends", "--live"},
		{"mirrors[0].targets", "--to"},
		{"mirrors[0].match", "--match"},
		{"mirrors[0].sample", "--sample-by"},
		{"mirrors[0].limits.rate", "--max-rate"},
		{"mirrors[0].host", "--host"},
		{"mirrors[0].timeout", "--timeout"},
		{"mirrors[0].maxBody", "--max-copy-body"},
	} {
		if strings.HasPrefix(field, known.prefix) {
			return known.flag
		}
	}
	return cmp.Or(field, "route")
}
