package route

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Compile turns expressions into functions: of when lines, and of keys of samples. An error may have
// a method Column() int, from 1, that points into the expression.
type Compile struct {
	When  func(expression string) (func(*Request) bool, error)
	After func(expression string) (func(*Exchanged) bool, error)
	Key   CompileKey
}

// maxErrors is how many errors of one text are reported.
const maxErrors = 100

// Parse reads the text form. A route that is wrong is left out and reported, each error an
// [*Error] with its line and column; the others serve. Expressions are wrong here, see [ParseWith].
func Parse(text string) (*Table, []error) { return ParseWith(text, Compile{}) }

// ParseWith is [Parse] for texts with expressions.
func ParseWith(text string, compile Compile) (*Table, []error) {
	p := parser{compile: compile}
	for line := range strings.SplitSeq(text, "\n") {
		p.line++
		p.parseLine(line)
	}
	p.closeBlocks()
	var routes []*Route
	var places []map[string]place
	for i, r := range p.routes {
		if !p.broken[r] {
			routes, places = append(routes, r), append(places, p.places[i])
		}
	}
	table, errs := New(routes)
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			at := findPlace(places[e.Index], e.Field)
			e.Line, e.Column = at.line, at.column
		}
		p.errs = append(p.errs, err)
	}
	return table, p.errs[:min(len(p.errs), maxErrors)]
}

// place is where something stands in the text.
type place struct{ line, column int }

// findPlace returns the place of a field, or else of what it is a part of.
func findPlace(places map[string]place, field string) place {
	for field != "" {
		if at, ok := places[field]; ok {
			return at
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return places[""]
}

// parser reads one line after the other.
type parser struct {
	compile Compile
	line    int
	words   []word // of the line, without its keywords
	routes  []*Route
	places  []map[string]place // of each route's fields; "" is the route itself
	broken  map[*Route]bool    // routes with an error
	mirror  *Mirror            // of the last route, when its lines are being read
	blocks  []block            // that are open, the innermost last
	server  bool               // the last backend, or the last target of mirror, may get options
	errs    []error
}

// word is a word of a line, unquoted.
type word struct {
	text   string
	column int
	raw    string // the rest of the line from here on, as it stands
}

func (p *parser) route() *Route {
	if len(p.routes) == 0 {
		return nil
	}
	return p.routes[len(p.routes)-1]
}

// fail reports an error and leaves the running route out.
func (p *parser) fail(column int, format string, args ...any) {
	e := &Error{code: CodeSyntax, Line: p.line, Column: column, Text: fmt.Sprintf(format, args...)}
	if r := p.route(); r != nil {
		e.Index, e.Route = len(p.routes)-1, r.Name
		if p.broken == nil {
			p.broken = map[*Route]bool{}
		}
		p.broken[r] = true
	}
	p.errs = append(p.errs, e)
}

// mark notes that a field of the running route, or of its running mirror, stands at a word.
func (p *parser) mark(field string, w word) {
	if p.mirror != nil {
		field = at("mirrors", len(p.route().Mirrors)-1) + "." + field
	}
	p.places[len(p.places)-1][field] = place{p.line, w.column}
}

func (p *parser) parseLine(line string) {
	words, err := splitWords(line)
	if err != nil {
		p.fail(err.column, "%s", err.text)
		return
	}
	if len(words) == 0 {
		return
	}
	keyword := words[0]
	p.words = words[1:]
	if keyword.text == "route" {
		p.closeBlocks()
		p.startRoute(keyword)
		return
	}
	if p.route() == nil {
		p.fail(keyword.column, "%q stands before the first route", keyword.text)
		return
	}
	if keyword.text == "mirror" {
		p.closeBlocks()
		p.startMirror(keyword)
		return
	}
	switch {
	case len(p.blocks) > 0:
		p.parseInBlock(keyword)
	case p.parseServer(keyword):
	case p.parseCommon(keyword):
	case p.mirror != nil:
		p.parseMirror(keyword)
	default:
		p.parseRoute(keyword)
	}
}

// need reports whether the line has from low to high words after its keyword.
func (p *parser) need(keyword word, low, high int, form string) bool {
	if n := len(p.words); n < low || n > high {
		p.fail(keyword.column, "the number of words is wrong; write %s", form)
		return false
	}
	return true
}

func (p *parser) startRoute(keyword word) {
	p.mirror, p.server = nil, false
	p.routes = append(p.routes, new(Route))
	p.places = append(p.places, map[string]place{"": {p.line, keyword.column}})
	if p.need(keyword, 1, 1, "route NAME") {
		p.route().Name = p.words[0].text
		p.mark("name", p.words[0])
	}
}

func (p *parser) startMirror(keyword word) {
	p.server = false
	p.mirror = &Mirror{Timeout: DefaultMirrorTimeout, MaxBody: DefaultMaxBody}
	p.places[len(p.places)-1][at("mirrors", len(p.route().Mirrors))] = place{p.line, keyword.column}
	p.route().Mirrors = append(p.route().Mirrors, p.mirror)
	if !p.need(keyword, 2, 2, "mirror NAME 10%") {
		return
	}
	p.mirror.Name = p.words[0].text
	p.mark("name", p.words[0])
	var err error
	if p.mirror.Sample.PerMillion, err = parseShare(p.words[1].text); err != nil {
		p.fail(p.words[1].column, "%v", err)
	}
}

// parseServer reads a line that belongs to the last backend or target. It reports whether there is
// such a line.
func (p *parser) parseServer(keyword word) bool {
	if !p.server {
		return false
	}
	if p.mirror != nil {
		last := len(p.mirror.Targets) - 1
		t, field := &p.mirror.Targets[last], at("targets", last)
		return p.parseOption(keyword, &t.Options, field) || p.parseSecret(keyword, &t.Secrets, field+".credentials")
	}
	last := len(p.route().Backends) - 1
	b, field := &p.route().Backends[last], at("backends", last)
	return p.parseOption(keyword, &b.Options, field) || p.parseFilter(keyword, &b.Filters, field)
}

// parseCommon reads what a route and a mirror have both. It reports whether there is such a line.
func (p *parser) parseCommon(keyword word) bool {
	r := p.route()
	match, timeout := &r.Match, &r.Timeout
	if p.mirror != nil {
		match, timeout = &p.mirror.Match, &p.mirror.Timeout
	}
	switch {
	case keyword.text == "host" && p.mirror == nil:
		p.parseList(keyword, &r.Hosts, "hosts")
	case keyword.text == "timeout":
		p.parseTimeout(keyword, timeout)
	default:
		return p.parseMatch(keyword, match, "match.")
	}
	return true
}

func (p *parser) parseTimeout(keyword word, d *time.Duration) {
	if !p.need(keyword, 1, 1, keyword.text+" 10s") {
		return
	}
	p.mark(camel(keyword.text), p.words[0])
	var err error
	if *d, err = time.ParseDuration(p.words[0].text); err != nil {
		p.fail(p.words[0].column, "%q is not a duration; use one such as 10s", p.words[0].text)
	}
}

func textsOf(words []word) []string {
	var texts []string
	for _, w := range words {
		texts = append(texts, w.text)
	}
	return texts
}

func (p *parser) parseRoute(keyword word) {
	r := p.route()
	switch keyword.text {
	case "request-timeout":
		p.parseTimeout(keyword, &r.RequestTimeout)
	case "retry":
		p.parseRetry(keyword, r)
	case "session":
		p.parseSession(keyword, r)
	case "backend":
		p.parseBackend(keyword)
	default:
		if !p.parseFilter(keyword, &r.Filters, "") {
			p.fail(keyword.column, "%q is no line of a route", keyword.text)
		}
	}
}

func (p *parser) parseBackend(keyword word) {
	if !p.need(keyword, 1, 3, "backend http://host:port weight 2") {
		return
	}
	b := Backend{URL: p.words[0].text, Weight: 1}
	p.mark(at("backends", len(p.route().Backends)), p.words[0])
	p.mark("backends", p.words[0])
	if len(p.words) > 1 {
		weight := p.words[len(p.words)-1]
		n, err := strconv.ParseUint(weight.text, 10, 32)
		if len(p.words) != 3 || p.words[1].text != "weight" || err != nil {
			p.fail(p.words[1].column, "the weight is wrong; write weight and a number")
		}
		b.Weight = uint32(n)
	}
	p.route().Backends = append(p.route().Backends, b)
	p.server = true
}

func (p *parser) parseMirror(keyword word) {
	m := p.mirror
	switch keyword.text {
	case "after":
		p.openAfter(keyword)
	case "writes":
		m.Writes = p.need(keyword, 0, 0, "writes")
	case "host-as":
		if p.need(keyword, 1, 1, "host-as NAME, or a suffix such as -shadow") {
			m.Host = ParseHostRewrite(p.words[0].text)
			p.mark("host", p.words[0])
		}
	case "sample":
		p.parseSample(keyword)
	case "sample-salt":
		p.parseSalt(keyword)
	case "limit":
		p.parseLimit(keyword, &m.Limits)
	case "max-body":
		if p.need(keyword, 1, 1, "max-body BYTES") {
			p.mark("maxBody", p.words[0])
			var err error
			if m.MaxBody, err = strconv.ParseInt(p.words[0].text, 10, 64); err != nil {
				p.fail(p.words[0].column, "%q is not a number of bytes", p.words[0].text)
			}
		}
	case "to", "baseline":
		if p.need(keyword, 1, 2, keyword.text+" http://host:port NAME") {
			p.mark("targets", p.words[0])
			p.mark(at("targets", len(m.Targets)), p.words[0])
			t := Target{URL: p.words[0].text, Baseline: keyword.text == "baseline"}
			t.Name = strings.Join(textsOf(p.words[1:]), "")
			m.Targets = append(m.Targets, t)
			p.server = true
		}
	case "backend":
		p.fail(keyword.column, "the backends of a route stand before its mirrors")
	case "choose-by":
		if p.need(keyword, 1, 1, "choose-by HEADER") {
			m.ChooseBy = p.words[0].text
			p.mark("chooseBy", p.words[0])
		}
	default:
		if !p.parseCopy(keyword, &m.Copy) {
			p.fail(keyword.column, "%q is no line of a mirror", keyword.text)
		}
	}
}
