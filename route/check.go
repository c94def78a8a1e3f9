package route

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The limits of one route, which keep the time of a decision bounded.
const (
	maxConditions = 16   // of one kind, in one match
	maxValue      = 4096 // bytes of a path, a value, a regular expression
	maxName       = 253  // bytes
	maxTargets    = 16   // of one mirror
	maxNesting    = 8    // matches in a match in a match
	maxCriteria   = 128  // of a match with all that is in it
	maxListed     = 256  // ranges, names, ports or types in one list
)

// checker checks one route, completes it, and collects what is wrong with it.
type checker struct {
	index int
	route *Route
	errs  []error
}

func (c *checker) fail(code, field, format string, args ...any) {
	c.errs = append(c.errs, &Error{
		Index: c.index, Route: c.route.Name, Field: field, code: code, Text: fmt.Sprintf(format, args...),
	})
}

func (c *checker) check() {
	r := c.route
	c.checkName("name", r.Name)
	c.checkHosts("hosts", r.Hosts)
	if len(r.Match.Hosts) > 0 {
		c.fail(CodeMatch, "match.hosts", "a route's hosts are given by its hosts, not by its match")
	}
	c.checkMatch("match.", &r.Match)
	c.checkTimeout("timeout", r.Timeout)
	c.checkTimeout("requestTimeout", r.RequestTimeout)
	r.Filters = c.checkFilters("", r.Filters)
	if r.Retry != nil {
		c.checkRetry(r.Retry)
	}
	if r.Session != nil {
		c.checkSession(r.Session)
	}
	if r.Filters.answers() {
		c.checkAnswered()
		return
	}
	c.checkBackends()
	names := map[string]bool{}
	for i, m := range r.Mirrors {
		field := at("mirrors", i)
		c.checkMirror(field+".", m)
		if names[m.Name] {
			c.fail(CodeDuplicate, field+".name", "%q is used twice in this route; names are unique", m.Name)
		}
		names[m.Name] = true
	}
	if len(c.errs) == 0 {
		for i, m := range r.Mirrors {
			c.checkReach(at("mirrors", i)+".", m)
		}
	}
}

func (c *checker) checkName(field, name string) {
	if name == "" {
		c.fail(CodeName, field, "is missing; use letters, digits and -._/:[]")
	} else if len(name) > maxName || !only(name, isNameByte) {
		c.fail(CodeName, field, "%q is not a name; use up to %d letters, digits and -._/:[]", name, maxName)
	}
}

func (c *checker) checkHosts(field string, hosts []string) {
	for i, host := range hosts {
		rest, wild := strings.CutPrefix(host, "*.")
		folded, err := checkHost(rest)
		if err != nil {
			c.fail(CodeHost, at(field, i), "%v; use a name without port, or *.name", err)
			continue
		}
		if wild {
			folded = "*." + folded
		}
		if slices.Contains(hosts[:i], folded) {
			c.fail(CodeDuplicate, at(field, i), "%q is listed twice", host)
		}
		hosts[i] = folded
	}
}

func (c *checker) checkPattern(field, text string) *pattern {
	c.checkCount(field, len(text), maxValue)
	p, err := compilePattern(text)
	if err != nil {
		c.fail(CodeRegexp, field, "%q: %v; use RE2's syntax", text, err)
	}
	return p
}

func (c *checker) checkCount(field string, n, limit int) {
	if n > limit {
		c.fail(CodeLimit, field, "%d are too many; use up to %d", n, limit)
	}
}

func (c *checker) checkTimeout(field string, d time.Duration) {
	if d < 0 {
		c.fail(CodeLimit, field, "%s is negative; use a duration such as 10s", d)
	}
}

// checkServer checks the URL and the options of a backend or target. It returns them canonical and
// complete, with their key; what is wrong is as it was.
func (c *checker) checkServer(field, url string, o *Options) (string, *Options, string) {
	a, err := parseURL(url)
	if err != nil {
		c.fail(CodeURL, field+".url", "%v", err)
	} else {
		url = a.String()
	}
	o = c.checkOptions(field, a, o)
	return url, o, keyOf(url, o)
}

func (c *checker) checkBackends() {
	backends := c.route.Backends
	weights := uint64(0)
	for i := range backends {
		b, field := &backends[i], at("backends", i)
		b.URL, b.Options, b.key = c.checkServer(field, b.URL, b.Options)
		b.Filters = c.checkFilters(field+".", b.Filters)
		weights += uint64(b.Weight)
	}
	if len(backends) == 0 {
		c.fail(CodeBackend, "backends", "are missing; name at least one http://host:port")
	} else if weights == 0 {
		c.fail(CodeBackend, "backends", "all weights are 0, so nothing would answer; give one at least 1")
	}
}

// checkAnswered checks a route that does not need live.
func (c *checker) checkAnswered() {
	if len(c.route.Backends) > 0 {
		c.fail(CodeBackend, at("backends", 0), "would get nothing, because %s answers every request; choose one", c.answerField())
	}
	if len(c.route.Mirrors) > 0 {
		c.fail(CodeMirror, at("mirrors", 0), "would get nothing, because %s answers every request; choose one", c.answerField())
	}
}

func (c *checker) checkMirror(field string, m *Mirror) {
	c.checkName(field+"name", m.Name)
	c.checkMatch(field+"match.", &m.Match)
	m.After = c.checkAfter(field+"after", m.After)
	c.checkSample(field, &m.Sample)
	c.checkLimits(field+"limits", &m.Limits)
	c.checkRewrite(field+"host", m.Host)
	c.checkCopy(field, m)
	c.checkChoice(field+"chooseBy", m)
	c.checkTimeout(field+"timeout", m.Timeout)
	if m.MaxBody < 0 {
		c.fail(CodeMirror, field+"maxBody", "%d is negative; use a size in bytes", m.MaxBody)
	}
	m.Timeout = defaulted(m.Timeout, DefaultMirrorTimeout)
	m.MaxBody = defaulted(m.MaxBody, DefaultMaxBody)
	c.checkTargets(field+"targets", m.Targets)
}

func defaulted[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

func (c *checker) checkRewrite(field string, h HostRewrite) {
	host := h.Value
	switch h.Kind {
	case HostKeep:
		if host != "" {
			c.fail(CodeMirror, field, "%q: a kept host has no value", host)
		}
		return
	case HostSuffix:
		if host == "" || !only(host, isHostByte) {
			c.fail(CodeMirror, field, "%q is not a suffix; use one such as -shadow", host)
		}
		return
	}
	name, port := splitPort(host)
	if _, err := checkHost(name); err != nil || !only(strings.TrimPrefix(port, ":"), isAlphanumeric) {
		c.fail(CodeMirror, field, "%q is not a host; use a name, or a suffix such as -shadow", host)
	}
}

func (c *checker) checkTargets(field string, targets []Target) {
	c.checkCount(field, len(targets), maxTargets)
	if len(targets) == 0 {
		c.fail(CodeMirror, field, "are missing; name at least one http://host:port")
	}
	names := map[string]bool{}
	for i := range targets {
		t := &targets[i]
		t.URL, t.Options, t.key = c.checkServer(at(field, i), t.URL, t.Options)
		c.checkSecrets(at(field, i)+".credentials", t.Secrets)
		if t.Name == "" && t.defaultName() == "" {
			continue // the URL is wrong
		}
		t.Name = defaulted(t.Name, t.defaultName())
		c.checkName(at(field, i)+".name", t.Name)
		if names[t.Name] {
			c.fail(CodeDuplicate, at(field, i)+".name", "%q is used twice in this mirror; names are unique", t.Name)
		}
		names[t.Name] = true
	}
}

// checkRoom makes sure that a host's regular expressions stay few.
func (c *checker) checkRoom(field string, x *index) {
	if c.route.Match.Path.Kind == PathRegexp && x.regexpCount() >= MaxRegexps {
		c.fail(CodeLimit, field, "more than %d routes of one host have a regular expression as their path; use prefixes", MaxRegexps)
	}
}
