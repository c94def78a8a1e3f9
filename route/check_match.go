package route

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
)

// checkMatch checks a whole match, and then whether it can ever hold.
func (c *checker) checkMatch(field string, m *Match) {
	before := len(c.errs)
	criteria := 0
	c.checkConditionsOf(field, m, 0, &criteria)
	if criteria > maxCriteria {
		c.fail(CodeLimit, strings.TrimSuffix(field, "."), "%d conditions are too many; use up to %d", criteria, maxCriteria)
	}
	if len(c.errs) == before {
		c.checkSense(field, m)
	}
}

// checkConditionsOf checks what is in a match, which lies so deep in another. It adds the number of
// criteria to criteria.
func (c *checker) checkConditionsOf(field string, m *Match, depth int, criteria *int) {
	if m.Scheme != "" && !isScheme(m.Scheme) {
		c.fail(CodeMatch, field+"scheme", unknownScheme, m.Scheme)
	}
	c.checkHosts(field+"hosts", m.Hosts)
	c.checkPath(field+"path", &m.Path)
	for i, method := range m.Methods {
		if method == "" || !only(method, isTokenByte) {
			c.fail(CodeMatch, at(field+"methods", i), "%q is not a method; use a word such as GET", method)
		}
	}
	c.checkConditions(field+"headers", m.Headers)
	c.checkConditions(field+"query", m.Query)
	c.checkHeaderNames(field+"headers", m.Headers)
	c.checkConditions(field+"cookies", m.Cookies)
	for i := range m.Cookies {
		if name := m.Cookies[i].Name; !only(name, isTokenByte) {
			c.fail(CodeMatch, at(field+"cookies", i), "%q is not the name of a cookie", name)
		}
	}
	c.checkConnection(field, m)
	c.checkBody(field, m)
	if (m.When == "") != (m.Func == nil) {
		c.fail(CodeMatch, field+"when", "the expression %q and its function must come together", m.When)
	}
	if len(m.When) > maxValue {
		c.fail(CodeLimit, field+"when", "the expression is longer than %d bytes", maxValue)
	}
	*criteria += m.count() - len(m.Any) - len(m.Not)
	c.checkInner(field, m, depth, criteria)
}

// checkInner checks the matches in a match.
func (c *checker) checkInner(field string, m *Match, depth int, criteria *int) {
	if depth == maxNesting && len(m.Any)+len(m.Not) > 0 {
		c.fail(CodeLimit, strings.TrimSuffix(field, "."), "is nested too deeply; use up to %d matches in each other", maxNesting)
		return
	}
	inner := func(field string, n *Match) {
		if n.count() == 0 {
			c.fail(CodeMatch, field, "has no condition, so it always holds; write one, or leave it out")
			return
		}
		c.checkConditionsOf(field+".", n, depth+1, criteria)
	}
	for i, alternatives := range m.Any {
		if len(alternatives) == 0 {
			c.fail(CodeMatch, at(field+"any", i), "has no alternative, so it never holds; write one, or leave it out")
		}
		for j := range alternatives {
			inner(at(at(field+"any", i), j), &alternatives[j])
		}
	}
	for i := range m.Not {
		inner(at(field+"not", i), &m.Not[i])
	}
}

const unknownScheme = "%q is unknown; use http or https"

func isScheme(word string) bool { return word == SchemeHTTP || word == SchemeHTTPS }

// checkConnection checks what is about the connection, and makes it canonical.
func (c *checker) checkConnection(field string, m *Match) {
	c.checkHosts(field+"sni", m.SNI)
	c.checkCount(field+"sources", len(m.Sources), maxListed)
	for i, source := range m.Sources {
		if !source.IsValid() {
			c.fail(CodeMatch, at(field+"sources", i), "is no range of addresses; use one such as 10.0.0.0/8")
		}
	}
	c.checkUnique(field+"sources", textOf(m.Sources, netip.Prefix.String))
	c.checkCount(field+"ports", len(m.Ports), maxListed)
	for i, port := range m.Ports {
		if port == 0 || slices.Contains(m.Ports[:i], port) {
			c.fail(CodeMatch, at(field+"ports", i), "%d is no port, or is listed already; use 1 to 65535, each once", port)
		}
	}
	c.checkCount(field+"certs", len(m.Certs), maxListed)
	for i, cert := range m.Certs {
		if m.Certs[i] = c.checkCert(at(field+"certs", i), cert); strings.Count(cert, "*") > 1 {
			c.fail(CodeMatch, at(field+"certs", i), "%q has more than one asterisk; use one", cert)
		}
	}
	c.checkUnique(field+"certs", m.Certs)
}

// checkCert returns a name of a certificate as it is, and a fingerprint as [Certificate.Fingerprint]
// writes it.
func (c *checker) checkCert(field, cert string) string {
	digits, ok := strings.CutPrefix(cert, fingerprintPrefix)
	if !ok {
		if cert == "" || len(cert) > maxValue {
			c.fail(CodeMatch, field, "%q is not a name in a certificate; use one such as shop.example.com or spiffe://example.com/shop", cert)
		}
		return cert
	}
	digits = strings.ToLower(strings.ReplaceAll(digits, ":", ""))
	if sum, err := hex.DecodeString(digits); err != nil || len(sum) != 32 {
		c.fail(CodeMatch, field, "%q is not a fingerprint; use sha256: and 64 hexadecimal digits", cert)
	}
	return fingerprintPrefix + digits
}

// checkUnique complains about an element of a list that is there twice.
func (c *checker) checkUnique(field string, list []string) {
	for i, item := range list {
		if slices.Contains(list[:i], item) {
			c.fail(CodeDuplicate, at(field, i), "%q is listed twice", item)
		}
	}
}

// checkBody checks what is about the body, and makes it canonical.
func (c *checker) checkBody(field string, m *Match) {
	c.checkCount(field+"grpc", len(m.GRPC), maxListed)
	for i, call := range m.GRPC {
		service, method, both := strings.Cut(call, "/")
		if service == "" || both && method == "" || strings.Contains(method, "/") || len(call) > maxValue {
			c.fail(CodeMatch, at(field+"grpc", i), "%q is neither a service nor a method; use one such as shop.v1.Cart or shop.v1.Cart/Add", call)
		}
	}
	c.checkUnique(field+"grpc", m.GRPC)
	c.checkCount(field+"types", len(m.Types), maxListed)
	for i, kind := range m.Types {
		main, sub, ok := strings.Cut(kind, "/")
		if !ok || main == "" || sub == "" || !only(main+sub, isTokenByte) || strings.Count(kind, "*") > 1 || len(kind) > maxType {
			c.fail(CodeMatch, at(field+"types", i), "%q is not a media type; use one such as application/json or application/*+json", kind)
		}
		m.Types[i] = strings.ToLower(kind)
	}
	c.checkUnique(field+"types", m.Types)
	c.checkRange(field+"size", m.Size, "size", formatInt)
}

func (c *checker) checkPath(field string, p *Path) {
	switch p.Kind {
	case PathAny:
		if p.Value != "" {
			c.fail(CodeMatch, field, "%q: any path has no value", p.Value)
		}
		return
	case PathRegexp:
		p.re = c.checkPattern(field, p.Value)
		return
	case PathTemplate:
		c.checkCount(field, len(p.Value), maxValue)
		var err error
		if p.template, err = parseTemplate(p.Value); err != nil {
			c.fail(CodeMatch, field, "%q %v", p.Value, err)
		}
		return
	}
	asterisk := p.Kind == PathExact && p.Value == "*" // of OPTIONS *
	if !strings.HasPrefix(p.Value, "/") && !asterisk {
		c.fail(CodeMatch, field, "%q does not begin with /", p.Value)
	}
	c.checkCount(field, len(p.Value), maxValue)
	if p.Kind == PathElements {
		p.Value = "/" + strings.Trim(p.Value, "/")
	}
}

func (c *checker) checkConditions(field string, conditions []Condition) {
	c.checkCount(field, len(conditions), maxConditions)
	for i := range conditions {
		condition := &conditions[i]
		if condition.Name == "" {
			c.fail(CodeMatch, at(field, i), "has no name")
		}
		if condition.Op == OpPresent && condition.Value != "" {
			c.fail(CodeMatch, at(field, i), "%q: a condition on presence has no value", condition.Value)
		}
		if condition.Op == OpRegexp {
			condition.re = c.checkPattern(at(field, i), condition.Value)
		}
		c.checkCount(at(field, i), len(condition.Name)+len(condition.Value), maxValue)
	}
}
