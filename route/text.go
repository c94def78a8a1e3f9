package route

import (
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// String is the text form of the table, which [Parse] reads.
func (t *Table) String() string {
	var p printer
	for i, r := range t.routes {
		if i > 0 {
			p.WriteByte('\n')
		}
		p.route(r)
	}
	return p.String()
}

// WriteTo writes the text form of the table.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, t.String())
	return int64(n), err
}

// String is the text form of the route.
func (r *Route) String() string {
	var p printer
	p.route(r)
	return p.String()
}

// String is the text form of the mirror, without indentation.
func (m *Mirror) String() string {
	var p printer
	p.mirror("", m)
	return p.String()
}

// String is the text form of the conditions, one a line.
func (m *Match) String() string {
	var p printer
	p.match("", m)
	return p.String()
}

// printer writes lines of words.
type printer struct{ strings.Builder }

// line writes a keyword as it is, and words quoted where they need it.
func (p *printer) line(keyword string, words ...string) {
	p.WriteString(keyword)
	for _, word := range words {
		p.WriteByte(' ')
		p.WriteString(quoteWord(word))
	}
	p.WriteByte('\n')
}

func quoteWord(word string) string {
	if word == "" || word[0] == '"' || word[0] == '#' || !only(word, isVisible) {
		return strconv.Quote(word)
	}
	return word
}

func isVisible(c byte) bool { return '!' <= c && c <= '~' }

func (p *printer) route(r *Route) {
	p.line("route", r.Name)
	if len(r.Hosts) > 0 {
		p.line("  host", r.Hosts...)
	}
	p.match("  ", &r.Match)
	if r.Timeout != 0 {
		p.line("  timeout", r.Timeout.String())
	}
	if r.RequestTimeout != 0 {
		p.line("  request-timeout", r.RequestTimeout.String())
	}
	p.retry("  ", r)
	if r.Filters != nil {
		p.filters("  ", r.Filters)
	}
	for i := range r.Backends {
		p.backend(&r.Backends[i])
	}
	for _, m := range r.Mirrors {
		p.mirror("  ", m)
	}
}

func (p *printer) backend(b *Backend) {
	if b.Weight == 1 {
		p.line("  backend", b.URL)
	} else {
		p.line("  backend", b.URL, "weight", strconv.FormatUint(uint64(b.Weight), 10))
	}
	p.options("    ", b.Options.WithDefaults())
	if b.Filters != nil {
		p.filters("    ", b.Filters)
	}
}

func (p *printer) match(indent string, m *Match) {
	p.criteria(indent, m)
	for _, alternatives := range m.Any {
		for i := range alternatives {
			p.line(indent + alternativeWord(i))
			p.match(indent+"  ", &alternatives[i])
		}
		p.line(indent + "end")
	}
	for i := range m.Not {
		p.not(indent, &m.Not[i])
	}
	if m.When != "" {
		p.WriteString(indent + "when " + quoteExpression(m.When) + "\n")
	}
}

// alternativeWord begins an alternative.
func alternativeWord(i int) string {
	if i == 0 {
		return "any"
	}
	return "or"
}

// not writes one criterion in a line, and others as a block.
func (p *printer) not(indent string, m *Match) {
	if m.isCriterion() {
		p.criteria(indent+"not ", m)
		return
	}
	p.line(indent + "not")
	p.match(indent+"  ", m)
	p.line(indent + "end")
}

// isCriterion says that criteria writes m in one line.
func (m *Match) isCriterion() bool {
	return m.count() == 1 && len(m.Any)+len(m.Not)+len(m.When) == 0 && (m.Size == nil || len(m.Size.conditions()) == 1)
}

// criteria writes everything of a match that may stand in a not.
func (p *printer) criteria(indent string, m *Match) {
	if m.Scheme != "" {
		p.line(indent+"scheme", m.Scheme)
	}
	p.list(indent+"host", m.Hosts)
	if m.Path.Kind != PathAny {
		p.line(indent+"path", m.Path.words()...)
	}
	p.list(indent+"method", m.Methods)
	p.conditions(indent+"header", m.Headers)
	p.conditions(indent+"query", m.Query)
	p.conditions(indent+"cookie", m.Cookies)
	p.list(indent+"source", textOf(m.Sources, netip.Prefix.String))
	p.list(indent+"cert", m.Certs)
	p.list(indent+"sni", m.SNI)
	p.list(indent+"port", textOf(m.Ports, func(port uint16) string { return strconv.Itoa(int(port)) }))
	p.list(indent+"grpc", m.GRPC)
	p.list(indent+"type", m.Types)
	p.ranges(indent+"size", m.Size, formatInt)
}

// list writes a line of several words, if there are any.
func (p *printer) list(keyword string, words []string) {
	if len(words) > 0 {
		p.line(keyword, words...)
	}
}

func (p *printer) conditions(keyword string, conditions []Condition) {
	for i := range conditions {
		p.line(keyword, conditions[i].words()...)
	}
}

func textOf[T any](list []T, format func(T) string) []string {
	var texts []string
	for _, item := range list {
		texts = append(texts, format(item))
	}
	return texts
}

// pathWords are the words for the kinds of paths in their long form.
var pathWords = [...]string{PathExact: "exact", PathElements: "elements", PathBytes: "bytes", PathRegexp: "~", PathTemplate: "template"}

// words is the short form where there is one, else the long one.
func (p *Path) words() []string {
	short := p.Value
	switch {
	case p.Kind == PathElements && p.Value == "/":
		short = "/*"
	case p.Kind == PathElements:
		short += "/*"
	case p.Kind == PathBytes:
		short += "*"
	}
	if read := ParsePath(short); strings.HasPrefix(short, "/") && read.Kind == p.Kind && read.Value == p.Value {
		return []string{short}
	}
	return []string{pathWords[p.Kind], p.Value}
}

// opWords are the words for the operators of conditions.
var opWords = [...]string{OpEqual: "=", OpPrefix: "^=", OpRegexp: "~", OpPresent: "present"}

func (c *Condition) words() []string {
	if c.Op == OpPresent {
		return []string{c.Name, opWords[c.Op]}
	}
	return []string{c.Name, opWords[c.Op], c.Value}
}

// quoteExpression leaves an expression as it is, if it reads back so as the rest of a line.
func quoteExpression(text string) string {
	visibleOrSpace := func(c byte) bool { return isVisible(c) || c == ' ' }
	if text[0] == '"' || strings.TrimSpace(text) != text || !only(text, visibleOrSpace) {
		return strconv.Quote(text)
	}
	return text
}

func (p *printer) mirror(indent string, m *Mirror) {
	p.line(indent+"mirror", m.Name, FormatPercent(m.Sample.PerMillion))
	indent += "  "
	p.match(indent, &m.Match)
	p.mirrorAfter(indent, m.After)
	p.sample(indent, &m.Sample)
	p.limits(indent, &m.Limits)
	if m.Writes {
		p.line(indent + "writes")
	}
	if m.Host.Kind != HostKeep {
		p.line(indent+"host-as", m.Host.Value)
	}
	p.copy(indent, &m.Copy)
	if m.ChooseBy != "" {
		p.line(indent+"choose-by", m.ChooseBy)
	}
	if m.Timeout != DefaultMirrorTimeout {
		p.line(indent+"timeout", m.Timeout.String())
	}
	if m.MaxBody != DefaultMaxBody {
		p.line(indent+"max-body", strconv.FormatInt(m.MaxBody, 10))
	}
	for _, t := range m.Targets {
		keyword := indent + "to"
		if t.Baseline {
			keyword = indent + "baseline"
		}
		if t.Name == t.defaultName() {
			p.line(keyword, t.URL)
		} else {
			p.line(keyword, t.URL, t.Name)
		}
		p.options(indent+"  ", t.Options.WithDefaults())
		p.secrets(indent+"  ", t.Secrets)
	}
}
