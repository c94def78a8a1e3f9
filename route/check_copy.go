package route

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// checkCopy checks how copies look, and compiles its expressions.
func (c *checker) checkCopy(mirror string, m *Mirror) {
	copied, field := &m.Copy, mirror+"copy."
	c.checkCopyPath(field+"path", m)
	c.checkQuery(field+"query", &copied.Query)
	c.checkCopyEdits(field+"headers", &copied.Header)
	c.checkCredentials(field+"credentials", &copied.Credentials)
	if copied.Trace.Sampled > SampledOff {
		c.fail(CodeCopy, field+"trace.sampled", "is no value that is known; use inherit, on or off")
	}
	c.checkRedaction(field, &copied.Redact)
	c.checkHeld(mirror, m)
}

// checkCopyPath checks the rewrite of a path. The prefix that it may replace must be known.
func (c *checker) checkCopyPath(field string, m *Mirror) {
	p := &m.Copy.Path
	prefix := m.Match.Path
	if prefix.Kind == PathAny {
		prefix = c.route.Match.Path
	}
	c.checkRewritePath(field, p, prefix)
	if f := c.route.Filters; p.Kind == RewritePrefix && f != nil && f.Path.Kind != RewriteNone {
		c.fail(CodeCopy, field, "the route rewrites the path already, so that its prefix is not known; rewrite by a regular expression")
	}
}

// checkCopyEdits checks the edits of a header, and compiles their expressions.
func (c *checker) checkCopyEdits(field string, e *CopyEdits) {
	all := HeaderEdits{Set: e.Set, Add: e.Add, Remove: e.Remove}
	c.checkEdits(field, &all)
	seen := append(fieldNames(append(slices.Clone(e.Set), e.Add...)), e.Remove...)
	check := func(verb string, fields []HeaderField) {
		c.checkCount(field+"."+verb, len(fields), maxEdits/2)
		for _, f := range fields {
			at := field + "." + verb + "." + f.Name
			c.checkField(at, f.Name)
			c.checkValue(at, f.Value)
			if containsFold(seen, f.Name) {
				c.fail(CodeDuplicate, at, "is edited twice; do it once")
			}
			seen = append(seen, f.Name)
		}
	}
	check("default", e.Default)
	check("replace", e.Replace)
	c.checkCount(field+".removeLike", len(e.RemoveLike), maxConditions)
	e.likes = nil
	for i, text := range e.RemoveLike {
		c.checkCount(at(field+".removeLike", i), len(text), maxValue)
		if _, err := regexp.Compile(text); err != nil {
			c.fail(CodeRegexp, at(field+".removeLike", i), "%q: %v; use RE2's syntax", text, err)
			continue
		}
		e.likes = append(e.likes, regexp.MustCompile("(?i:^(?:"+text+")$)"))
	}
}

func fieldNames(fields []HeaderField) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

func (c *checker) checkQuery(field string, q *QueryEdits) {
	c.checkCount(field, len(q.Set)+len(q.Remove), maxEdits)
	switch {
	case q.Pattern != "":
		q.re = c.checkReplacement(field+".regexp", q.Pattern, q.Value)
	case q.Value != "":
		c.fail(CodeCopy, field+".to", "stands in for what a regular expression matches, and there is none; set regexp")
	}
	var seen []string
	check := func(verb, name string) {
		field := field + "." + verb + "." + name
		c.checkParam(field, name)
		if slices.Contains(seen, name) {
			c.fail(CodeDuplicate, field, "is edited twice; do it once")
		}
		seen = append(seen, name)
	}
	for _, name := range q.Remove {
		check("remove", name)
	}
	for _, p := range q.Set {
		check("set", p.Name)
		c.checkCount(field+".set."+p.Name, len(p.Value), maxValue)
	}
}

func (c *checker) checkParam(field, name string) {
	if name == "" || len(name) > maxName {
		c.fail(CodeCopy, field, "%q is not the name of a parameter; use 1 to %d bytes", name, maxName)
	}
}

func (c *checker) checkCredentials(field string, k *Credentials) {
	c.checkCount(field, len(k.Headers)+len(k.Params)+len(k.DropCookies)+len(k.KeepCookies), maxEdits)
	for i, name := range k.Headers {
		c.checkField(at(field+".drop", i), name)
	}
	for i, name := range k.Params {
		c.checkParam(at(field+".dropQuery", i), name)
	}
	cookies := func(verb string, names []string) {
		for i, name := range names {
			if name == "" || !only(name, isTokenByte) || len(name) > maxName {
				c.fail(CodeCopy, at(field+verb, i), "%q is not the name of a cookie", name)
			}
		}
	}
	cookies(".dropCookies", k.DropCookies)
	cookies(".keepCookies", k.KeepCookies)
	all := k.Usual || containsFold(k.Headers, "Cookie")
	switch {
	case len(k.DropCookies) > 0 && len(k.KeepCookies) > 0:
		c.fail(CodeCopy, field+".dropCookies", "all but those of keepCookies are dropped already; use one of them")
	case len(k.DropCookies) > 0 && all:
		c.fail(CodeCopy, field+".dropCookies", "every cookie is dropped already; say with keepCookies which of them stay")
	}
	c.checkSecrets(field, k.Set)
}

// checkSecrets checks credentials of a mirror or a target.
func (c *checker) checkSecrets(field string, secrets []Secret) {
	c.checkCount(field, len(secrets), maxConditions)
	for i := range secrets {
		s := &secrets[i]
		field := field + ".set"
		if s.Query {
			field += "Query"
		}
		field += "." + s.Name
		if s.Query {
			c.checkParam(field, s.Name)
		} else {
			c.checkField(field, s.Name)
			c.checkSecretPrefix(field+".prefix", s.Prefix)
		}
		if !filepath.IsAbs(s.File) || len(s.File) > maxValue || strings.ContainsRune(s.File, 0) {
			c.fail(CodeCopy, field+".file", "%q is not the absolute path of a file", s.File)
		}
		if slices.ContainsFunc(secrets[:i], func(o Secret) bool { return o.standsInFor(s) }) {
			c.fail(CodeDuplicate, field, "is set twice; do it once")
		}
	}
}

// checkSecretPrefix checks what goes before a value: it may end with a blank.
func (c *checker) checkSecretPrefix(field, prefix string) {
	c.checkValue(field, strings.TrimRight(prefix, " "))
	c.checkCount(field, len(prefix), maxValue)
}

// checkField checks the name of a field that copies may do without.
func (c *checker) checkField(field, name string) {
	switch {
	case name == "" || !only(name, isTokenByte) || len(name) > maxName:
		c.fail(CodeCopy, field, "%q is not the name of a header", name)
	case containsFold(untouchable, name):
		c.fail(CodeCopy, field, "%s can't be edited: it is about the connection or the end of a message; leave it out", name)
	}
}

// checkHeld makes sure that no edit is made to the fields that other settings make: trace, cookies and
// credentials.
func (c *checker) checkHeld(mirror string, m *Mirror) {
	traced := m.Copy.Trace.fields()
	refuse := func(field, name string, made []string, by string) {
		if containsFold(made, name) {
			c.fail(CodeCopy, mirror+field, "%s is made as %s; use one of them", name, by)
		}
	}
	secrets := func(field string, all []Secret) (names []string) {
		for _, s := range all {
			if !s.Query {
				refuse(field+".set."+s.Name, s.Name, traced, "trace says")
				names = append(names, s.Name)
			}
		}
		return names
	}
	made := secrets("copy.credentials", m.Copy.Credentials.Set)
	for i := range m.Targets {
		made = append(made, secrets(at("targets", i)+".credentials", m.Targets[i].Secrets)...)
	}
	if k := &m.Copy.Credentials; len(k.DropCookies)+len(k.KeepCookies) > 0 {
		made = append(made, "Cookie")
	}
	for i, name := range m.Copy.Credentials.Headers {
		refuse(at("copy.credentials.drop", i), name, traced, "trace says")
	}
	h := &m.Copy.Header
	for _, edits := range []struct {
		verb  string
		names []string
	}{{"set", fieldNames(h.Set)}, {"add", fieldNames(h.Add)}, {"remove", h.Remove}, {"default", fieldNames(h.Default)}, {"replace", fieldNames(h.Replace)}} {
		for _, name := range edits.names {
			refuse("copy.headers."+edits.verb+"."+name, name, traced, "trace says")
			refuse("copy.headers."+edits.verb+"."+name, name, made, "credentials say")
		}
	}
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// checkChoice checks the header that chooses a target.
func (c *checker) checkChoice(field string, m *Mirror) {
	if m.ChooseBy != "" && (!only(m.ChooseBy, isTokenByte) || len(m.ChooseBy) > maxName) {
		c.fail(CodeMirror, field, "%q is not the name of a header", m.ChooseBy)
	}
}
