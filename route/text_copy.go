package route

import (
	"slices"
	"strings"
)

var sampledWords = []string{SampledInherit: "inherit", SampledOn: "on", SampledOff: "off"}

// ParseSampled reads inherit, on or off. [Sampled.String] is its inverse.
func ParseSampled(text string) (Sampled, error) {
	i, err := indexOf(sampledWords, text, "way to sample")
	return Sampled(i), err
}

func (s Sampled) String() string { return wordOf(sampledWords, s) }

func (t *Trace) settings() []setting {
	return []setting{
		flagOf("baggage", &t.Baggage),
		flagOf("child", &t.Child),
		flagOf("start", &t.Start),
		{
			name: "sampled",
			get:  func() string { return t.Sampled.String() },
			set:  func(text string) (err error) { t.Sampled, err = ParseSampled(text); return err },
		},
	}
}

func (s *Secret) settings() []setting { return []setting{stringOf("prefix", &s.Prefix)} }

// copy writes how copies look, in the order of the fields.
func (p *printer) copy(indent string, c *Copy) {
	p.rewrite(indent+"copy-path", &c.Path)
	p.queryEdits(indent+"copy-query ", &c.Query)
	p.copyEdits(indent+"copy-header ", &c.Header)
	for _, verb := range c.Credentials.verbs() {
		if names := verb.get(); len(names) > 0 {
			p.line(indent+"credentials "+verb.name, names...)
		}
	}
	p.secrets(indent, c.Credentials.Set)
	if c.HideClient {
		p.line(indent+"client", "drop")
	}
	if c.Trace != (Trace{}) {
		p.settings(indent+"trace", nil, c.Trace.settings(), new(Trace).settings())
	}
	p.redaction(indent, &c.Redact)
}

func (p *printer) copyEdits(keyword string, e *CopyEdits) {
	for _, like := range e.RemoveLike {
		p.line(keyword+"remove-like", like)
	}
	p.edits(keyword, &e.HeaderEdits)
	for _, f := range e.Default {
		p.line(keyword+"default", f.Name, f.Value)
	}
	for _, f := range e.Replace {
		p.line(keyword+"replace", f.Name, f.Value)
	}
}

func (p *printer) queryEdits(keyword string, q *QueryEdits) {
	if q.Pattern != "" {
		p.line(keyword+"regexp", q.Pattern, q.Value)
	}
	for _, name := range q.Remove {
		p.line(keyword+"remove", name)
	}
	for _, s := range q.Set {
		p.line(keyword+"set", s.Name, s.Value)
	}
}

func (p *printer) secrets(indent string, secrets []Secret) {
	for i := range secrets {
		s := &secrets[i]
		keyword := indent + "bear"
		if s.Query {
			keyword += "-query"
		}
		p.settings(keyword, []string{s.Name, s.File}, s.settings(), new(Secret).settings())
	}
}

// dropVerb is what becomes of credentials of some names.
type dropVerb struct {
	name string // as in the text form
	get  func() []string
	add  func(name string)
}

// usualCredentials is the word that stands for [UsualHeaders] and [UsualParams].
const usualCredentials = "usual"

func (c *Credentials) verbs() []dropVerb {
	list := func(name string, names *[]string) dropVerb {
		return dropVerb{name, func() []string { return *names }, func(name string) { *names = append(*names, name) }}
	}
	drop := list("drop", &c.Headers)
	get, add := drop.get, drop.add
	drop.get = func() []string {
		if c.Usual {
			return append([]string{usualCredentials}, get()...)
		}
		return get()
	}
	drop.add = func(name string) {
		if name == usualCredentials {
			c.Usual = true
			return
		}
		add(name)
	}
	return []dropVerb{drop, list("drop-query", &c.Params), list("drop-cookies", &c.DropCookies), list("keep-cookies", &c.KeepCookies)}
}

// Drop drops a header, or all that is usual where the name is usual.
func (c *Credentials) Drop(name string) { c.verbs()[0].add(name) }

// parseCopy reads a line on how copies look. It reports whether there is such a line.
func (p *parser) parseCopy(keyword word, c *Copy) bool {
	switch keyword.text {
	case "copy-path":
		p.parseRewrite(keyword, &c.Path, "copy.path")
	case "copy-query":
		p.parseQueryEdit(keyword, &c.Query)
	case "copy-header":
		p.parseCopyEdit(keyword, &c.Header)
	case "credentials":
		p.parseCredentials(keyword, &c.Credentials)
	case "client":
		if p.need(keyword, 1, 1, "client drop") && p.words[0].text != "drop" {
			p.fail(p.words[0].column, "%q is unknown here; write client drop", p.words[0].text)
		}
		c.HideClient = true
	case "trace":
		p.mark("copy.trace", keyword)
		p.parseSettings(p.words, c.Trace.settings(), "copy.trace")
	default:
		return p.parseRedaction(keyword, &c.Redact) || p.parseSecret(keyword, &c.Credentials.Set, "copy.credentials")
	}
	return true
}

// parseCopyEdit reads an edit that only copies have, or one that requests have too.
func (p *parser) parseCopyEdit(keyword word, e *CopyEdits) {
	verb := strings.Join(textsOf(p.words[:min(1, len(p.words))]), "")
	field := "copy.headers." + camel(verb)
	switch {
	case verb == "remove-like" && len(p.words) == 2:
		p.mark(at(field, len(e.RemoveLike)), p.words[1])
		e.RemoveLike = append(e.RemoveLike, p.words[1].text)
	case (verb == "default" || verb == "replace") && len(p.words) == 3:
		p.mark(field+"."+p.words[1].text, p.words[1])
		list := &e.Default
		if verb == "replace" {
			list = &e.Replace
		}
		*list = append(*list, HeaderField{p.words[1].text, p.words[2].text})
	case slices.Contains([]string{"set", "add", "remove"}, verb):
		p.parseEdit(keyword, &e.HeaderEdits, "copy.headers")
	default:
		p.fail(keyword.column, "the words are wrong; write copy-header set, add, default or replace NAME VALUE, remove NAME, or remove-like PATTERN")
	}
}

func (p *parser) parseQueryEdit(keyword word, q *QueryEdits) {
	const form = "copy-query set NAME VALUE, remove NAME, or regexp PATTERN TEXT"
	if !p.need(keyword, 2, 3, form) {
		return
	}
	verb, name := p.words[0].text, p.words[1]
	switch {
	case verb == "remove" && len(p.words) == 2:
		q.Remove = append(q.Remove, name.text)
	case verb == "set" && len(p.words) == 3:
		q.Set = append(q.Set, QueryParam{name.text, p.words[2].text})
	case verb == "regexp" && len(p.words) == 3 && q.Pattern == "" && name.text != "":
		q.Pattern, q.Value = name.text, p.words[2].text
		p.mark("copy.query.regexp", name)
		return
	default:
		p.fail(p.words[0].column, "copy-query %s is wrong; write %s", verb, form)
		return
	}
	p.mark("copy.query", name)
	p.mark("copy.query."+verb+"."+name.text, name)
}

func (p *parser) parseCredentials(keyword word, c *Credentials) {
	const form = "credentials drop, drop-query, drop-cookies or keep-cookies, and names"
	if len(p.words) < 2 {
		p.fail(keyword.column, "the number of words is wrong; write %s", form)
		return
	}
	verbs := c.verbs()
	i := slices.IndexFunc(verbs, func(v dropVerb) bool { return v.name == p.words[0].text })
	if i < 0 {
		p.fail(p.words[0].column, "%q is unknown here; write %s", p.words[0].text, form)
		return
	}
	field := "copy.credentials." + camel(p.words[0].text)
	p.mark(field, p.words[0])
	for _, w := range p.words[1:] {
		if w.text != usualCredentials || i > 0 {
			p.mark(at(field, len(verbs[i].get())), w)
		}
		verbs[i].add(w.text)
	}
}

// parseSecret reads a credential of the mirror or its last target, whose fields are those of owner.
func (p *parser) parseSecret(keyword word, secrets *[]Secret, owner string) bool {
	query := keyword.text == "bear-query"
	if !query && keyword.text != "bear" {
		return false
	}
	if len(p.words) < 2 {
		p.fail(keyword.column, "the number of words is wrong; write %s NAME /path/of/a/file", keyword.text)
		return true
	}
	s := Secret{Name: p.words[0].text, Query: query, File: p.words[1].text}
	field := owner + ".set"
	if query {
		field += "Query"
	}
	field += "." + s.Name
	p.mark(owner, keyword)
	p.mark(field, p.words[0])
	p.mark(field+".file", p.words[1])
	p.parseSettings(p.words[2:], s.settings(), field)
	*secrets = append(*secrets, s)
	return true
}
