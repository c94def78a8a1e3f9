package route

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of filters.
const (
	maxEdits    = 64       // of one header
	maxOrigins  = 64       // of CORS, and as many methods and headers
	maxRespond  = 64 << 10 // bytes of a body
	maxAttempts = 10       // retries
	maxBackoff  = time.Minute
)

// defaultRedirect is the status of a redirect that names none.
const defaultRedirect = 302

// answers says whether the filters answer in live's place.
func (f *Filters) answers() bool { return f != nil && (f.Redirect != nil || f.Respond != nil) }

// checkFilters checks filters, and returns nil where they change nothing. The fields are those of
// the owner, which ends with a dot if it is not the route itself.
func (c *checker) checkFilters(owner string, f *Filters) *Filters {
	if f == nil {
		return nil
	}
	c.checkEdits(owner+"request", &f.Request)
	c.checkEdits(owner+"response", &f.Response)
	if f.Host != "" {
		c.checkAuthority(CodeFilter, owner+"rewrite.host", f.Host)
	}
	c.checkRewritePath(owner+"rewrite.path", &f.Path, c.route.Match.Path)
	if owner == "" {
		c.checkAnswers(f)
	} else {
		c.refuseAnswers(owner, f)
	}
	if f.Request.Empty() && f.Response.Empty() && f.Host == "" && f.Path.Kind == RewriteNone && f.CORS == nil && !f.answers() {
		return nil
	}
	return f
}

// checkAnswers checks what tain answers by itself, and what that excludes.
func (c *checker) checkAnswers(f *Filters) {
	if f.CORS != nil {
		c.checkCORS("cors", f.CORS)
	}
	if f.Redirect != nil {
		c.checkRedirect("redirect", f.Redirect)
	}
	if f.Respond != nil {
		c.checkRespond("respond", f.Respond)
	}
	rewrites := f.Host != "" || f.Path.Kind != RewriteNone || !f.Request.Empty()
	switch {
	case f.Redirect != nil && f.Respond != nil:
		c.fail(CodeFilter, "respond", "there is a redirect already; a request gets one answer")
	case f.answers() && rewrites:
		c.fail(CodeFilter, c.answerField(), "answers in live's place, so nothing of the request is left to change; choose one")
	}
}

// refuseAnswers says that a backend has no answers that tain gives by itself.
func (c *checker) refuseAnswers(owner string, f *Filters) {
	refuse := func(name string, set bool) {
		if set {
			c.fail(CodeFilter, owner+name, "is for a route, not for one of its backends; move it there")
		}
	}
	refuse("cors", f.CORS != nil)
	refuse("redirect", f.Redirect != nil)
	refuse("respond", f.Respond != nil)
}

// answerField is the filter that answers in live's place.
func (c *checker) answerField() string {
	if c.route.Filters.Redirect != nil {
		return "redirect"
	}
	return "respond"
}

// untouchable are fields of which tain itself takes care, because they are about the connection or
// tell where a message ends.
var untouchable = []string{
	"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

func (c *checker) checkEdits(field string, e *HeaderEdits) {
	c.checkCount(field, len(e.Set)+len(e.Add)+len(e.Remove), maxEdits)
	seen := map[string]bool{}
	check := func(verb, name string) {
		at, folded := field+"."+verb+"."+name, strings.ToLower(name)
		switch {
		case name == "" || !only(name, isTokenByte) || len(name) > maxName:
			c.fail(CodeFilter, at, "%q is not the name of a header", name)
		case folded == "host":
			c.fail(CodeFilter, at, "can't be edited as a header; use rewrite.host, in a mirror host")
		case slices.Contains(untouchable, folded):
			c.fail(CodeFilter, at, "can't be edited: it is about the connection or the end of a message; leave it out")
		case seen[folded]:
			c.fail(CodeDuplicate, at, "is edited twice; do it once")
		}
		seen[folded] = true
	}
	for _, f := range e.Set {
		check("set", f.Name)
		c.checkValue(field+".set."+f.Name, f.Value)
	}
	for _, f := range e.Add {
		check("add", f.Name)
		c.checkValue(field+".add."+f.Name, f.Value)
	}
	for _, name := range e.Remove {
		check("remove", name)
	}
}

// checkValue checks the value of a field (RFC 9110, section 5.5).
func (c *checker) checkValue(field, value string) {
	if !only(value, isValueByte) || strings.Trim(value, " \t") != value {
		c.fail(CodeFilter, field, "%q can't be the value of a header; use no control characters, and no blanks around it", value)
	}
	c.checkCount(field, len(value), maxValue)
}

// isValueByte is for the values of fields: no control characters but the tab.
func isValueByte(b byte) bool { return b >= ' ' && b != 0x7f || b == '\t' }

// isPathByte is for what may stand in a path as it is sent (RFC 3986, section 3.3).
func isPathByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~!$&'()*+,;=:@/%", c) >= 0
}

// isPathText says whether a text may be a part of a path, with whole escapes.
func isPathText(text string) bool {
	for rest := text; ; {
		_, after, escape := strings.Cut(rest, "%")
		if !escape {
			return only(text, isPathByte)
		}
		if len(after) < 2 || !isHex(after[0]) || !isHex(after[1]) {
			return false
		}
		rest = after[2:]
	}
}

// checkRewritePath checks a rewrite of paths that match, and compiles its expression.
func (c *checker) checkRewritePath(field string, p *PathRewrite, match Path) {
	c.checkCount(field, len(p.Value), maxValue)
	if p.Kind == RewritePrefix && p.Value == "" {
		p.Value = "/"
	}
	switch {
	case p.Kind != RewriteRegexp && p.Pattern != "" || p.Kind == RewriteNone && p.Value != "":
		c.fail(CodeFilter, field, "has parts that belong to another kind of rewrite; choose one")
	case p.Kind == RewriteNone:
	case p.Kind == RewriteRegexp:
		p.re = c.checkReplacement(field, p.Pattern, p.Value)
	case p.Kind == RewritePrefix && (match.Kind == PathRegexp || match.Kind == PathTemplate):
		c.fail(CodeFilter, field, "the path is matched by a regular expression or a template, which has no prefix; rewrite by a regular expression")
	case int(p.Kind) >= len(rewriteWords):
		c.fail(CodeFilter, field, "is no kind of rewrite that is known")
	case p.Value == "" || p.Value[0] != '/' || !isPathText(p.Value):
		c.fail(CodeFilter, field, "%q is not a path; begin with /, percent-encode what else is special, and leave the query out", p.Value)
	}
}

// checkReplacement checks a regular expression, and the text that takes the place of what it matches.
func (c *checker) checkReplacement(field, pattern, value string) *regexp.Regexp {
	c.checkCount(field, len(pattern), maxValue)
	re, err := regexp.Compile(pattern)
	if err != nil {
		c.fail(CodeRegexp, field, "%q: %v; use RE2's syntax", pattern, err)
		return nil
	}
	if err := checkTemplate(value, re); err != nil {
		c.fail(CodeFilter, field, "%q: %v", value, err)
		return nil
	}
	return re
}

// checkTemplate checks that a text uses groups that are there, and is else fit for a path or a query.
func checkTemplate(text string, re *regexp.Regexp) error {
	for text != "" {
		before, after, found := strings.Cut(text, "$")
		if !isPathText(before) {
			return fmt.Errorf("%q is not fit for a URL; percent-encode it", before)
		}
		if !found {
			return nil
		}
		if rest, ok := strings.CutPrefix(after, "$"); ok {
			text = rest
			continue
		}
		name, rest := cutGroup(after)
		if name == "" {
			return errors.New("a $ stands before no group; use $1 or ${1}, ${name}, or $$ for a dollar")
		}
		n, err := strconv.Atoi(name)
		if err == nil && n > re.NumSubexp() || err != nil && re.SubexpIndex(name) < 0 {
			return fmt.Errorf("there is no group %s in the regular expression", name)
		}
		text = rest
	}
	return nil
}

// cutGroup cuts the name of a group, as [regexp.Regexp.Expand] reads it after a dollar.
func cutGroup(text string) (name, rest string) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		name, rest, ok = strings.Cut(inner, "}")
		if !ok {
			return "", ""
		}
		return name, rest
	}
	end := 0
	for end < len(text) && (isAlphanumeric(text[end]) || text[end] == '_') {
		end++
	}
	return text[:end], text[end:]
}

func (c *checker) checkRedirect(field string, r *Redirect) {
	r.Status = defaulted(r.Status, defaultRedirect)
	if !slices.Contains([]int{301, 302, 303, 307, 308}, r.Status) {
		c.fail(CodeFilter, field+".status", "%d is not a redirect; use 301, 302, 303, 307 or 308", r.Status)
	}
	if r.Scheme != "" && !isScheme(r.Scheme) {
		c.fail(CodeFilter, field+".scheme", unknownScheme, r.Scheme)
	}
	if r.Host != "" {
		if _, err := checkHost(r.Host); err != nil {
			c.fail(CodeFilter, field+".host", "%v; use a name without port", err)
		}
	}
	c.checkRewritePath(field+".path", &r.Path, c.route.Match.Path)
	if r.Scheme == "" && r.Host == "" && r.Port == 0 && r.Path.Kind == RewriteNone {
		c.fail(CodeFilter, field, "leads back to where the user asked; set scheme, host, port or path")
	}
}

func (c *checker) checkRespond(field string, r *Respond) {
	c.between(CodeFilter, field+".status", r.Status, 200, 599)
	if (r.Status == 204 || r.Status == 304) && r.Body != "" {
		c.fail(CodeFilter, field+".body", "an answer with status %d has none; leave it out", r.Status)
	}
	c.checkCount(field+".body", len(r.Body), maxRespond)
	c.checkValue(field+".type", r.ContentType)
}

func (c *checker) checkCORS(field string, cors *CORS) {
	if len(cors.AllowOrigins) == 0 {
		c.fail(CodeFilter, field+".origins", "are missing; name at least one such as https://shop.example.com")
	}
	c.checkWords(field+".origins", cors.AllowOrigins, "an origin; use one such as https://shop.example.com, https://*.example.com, or *", isOrigin)
	isToken := func(word string) bool { return word != "" && only(word, isTokenByte) }
	c.checkWords(field+".methods", cors.AllowMethods, "a method; use a word such as PUT, or *", isToken)
	c.checkWords(field+".headers", cors.AllowHeaders, "the name of a header", isToken)
	c.checkWords(field+".expose", cors.ExposeHeaders, "the name of a header", isToken)
	c.checkTimeout(field+".maxAge", cors.MaxAge)
	if cors.MaxAge%time.Second != 0 {
		c.fail(CodeFilter, field+".maxAge", "%s is sent in whole seconds; use them", cors.MaxAge)
	}
}

// checkWords checks a list of CORS, in which * stands alone.
func (c *checker) checkWords(field string, words []string, what string, is func(string) bool) {
	c.checkCount(field, len(words), maxOrigins)
	for i, word := range words {
		switch {
		case word == everything && len(words) > 1:
			c.fail(CodeFilter, at(field, i), "* is every one; leave the others out")
		case word != everything && (!is(word) || len(word) > maxValue):
			c.fail(CodeFilter, at(field, i), "%q is not %s", word, what)
		}
	}
}

// isOrigin says whether a pattern is an origin, with at most one * for the first labels of its host.
func isOrigin(pattern string) bool {
	scheme, host, ok := strings.Cut(pattern, "://")
	name, port := splitPort(strings.TrimPrefix(host, "*."))
	_, err := checkHost(name)
	return ok && scheme != "" && only(scheme, isSchemeByte) && err == nil && port != ":" && only(strings.TrimPrefix(port, ":"), isDigit)
}

// isSchemeByte is for the schemes of origins: those of apps and extensions have signs too.
func isSchemeByte(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("+-.", c) >= 0 }

func (c *checker) checkRetry(r *Retry) {
	c.between(CodeRetry, "retry.attempts", r.Attempts, 0, maxAttempts)
	if r.On >= 1<<len(retryOnWords) {
		c.fail(CodeRetry, "retry.after", "has failures that are unknown; use %s", strings.Join(retryOnWords, ", "))
	}
	c.checkCount("retry.statuses", len(r.Statuses), maxConditions)
	for i, status := range r.Statuses {
		c.between(CodeRetry, at("retry.statuses", i), status, 400, 599)
		if slices.Contains(r.Statuses[:i], status) {
			c.fail(CodeDuplicate, at("retry.statuses", i), "%d is listed twice", status)
		}
	}
	c.checkTimeout("retry.perTry", r.PerTry)
	if r.Backoff < 0 || r.Backoff > maxBackoff {
		c.fail(CodeRetry, "retry.backoff", "%s is out of range; use 0s to %s", r.Backoff, maxBackoff)
	}
	if whole := c.route.RequestTimeout; whole > 0 && r.PerTry > whole {
		c.fail(CodeRetry, "retry.perTry", "%s is more than the whole request has, requestTimeout %s; use less", r.PerTry, whole)
	}
	*r = r.withDefaults()
}

func (c *checker) checkSession(s *Session) {
	header := s.Kind == SessionHeader
	switch {
	case int(s.Kind) >= len(sessionWords):
		c.fail(CodeSession, "session.type", "is none that is known; use cookie or header")
	case s.Name == "" || !only(s.Name, isTokenByte) || len(s.Name) > maxName:
		c.fail(CodeSession, "session.name", "%q is not the name of a %s", s.Name, s.Kind)
	case header && slices.Contains(untouchable, strings.ToLower(s.Name)):
		c.fail(CodeSession, "session.name", "%s is about the connection or the end of a message; use another name", s.Name)
	case header && (s.Path != "" || s.Permanent):
		c.fail(CodeSession, "session", "path and permanent are for cookies; leave them out")
	case s.Permanent && s.MaxAge < time.Second:
		c.fail(CodeSession, "session.maxAge", "is missing; a permanent session needs one, of at least 1s")
	case s.MaxAge > 0 && s.Idle > s.MaxAge:
		c.fail(CodeSession, "session.idle", "%s is longer than the session lasts, maxAge %s; use less", s.Idle, s.MaxAge)
	}
	if s.Path != "" && (s.Path[0] != '/' || !isPathText(s.Path) || strings.Contains(s.Path, ";") || len(s.Path) > maxValue) {
		c.fail(CodeSession, "session.path", "%q is not a path; use one such as /shop", s.Path)
	}
	c.checkTimeout("session.maxAge", s.MaxAge)
	c.checkTimeout("session.idle", s.Idle)
}
