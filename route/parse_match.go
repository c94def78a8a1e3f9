package route

import (
	"math"
	"strconv"
	"strings"
)

// parseMatch reads a line of a match whose fields begin with field. It reports whether there is such a
// line.
func (p *parser) parseMatch(keyword word, m *Match, field string) bool {
	switch keyword.text {
	case "not":
		p.parseNot(keyword, m, field)
	case "any":
		p.openAny(keyword, m, field)
	case "when":
		p.parseWhen(keyword, m, field+"when")
	default:
		return p.parseCriterion(keyword, m, field)
	}
	return true
}

// parseCriterion reads a criterion that may also stand in a not.
func (p *parser) parseCriterion(keyword word, m *Match, field string) bool {
	switch keyword.text {
	case "scheme":
		p.parseScheme(keyword, m, field+"scheme")
	case "host":
		p.parseList(keyword, &m.Hosts, field+"hosts")
	case "path":
		p.parsePath(keyword, m, field+"path")
	case "method":
		p.parseList(keyword, &m.Methods, field+"methods")
	case "header":
		p.parseCondition(keyword, &m.Headers, field+"headers")
	case "query":
		p.parseCondition(keyword, &m.Query, field+"query")
	case "cookie":
		p.parseCondition(keyword, &m.Cookies, field+"cookies")
	case "source":
		parseValues(p, keyword, &m.Sources, field+"sources", ParsePrefix)
	case "cert":
		p.parseList(keyword, &m.Certs, field+"certs")
	case "sni":
		p.parseList(keyword, &m.SNI, field+"sni")
	case "port":
		parseValues(p, keyword, &m.Ports, field+"ports", ParsePort)
	case "grpc":
		p.parseList(keyword, &m.GRPC, field+"grpc")
	case "type":
		p.parseList(keyword, &m.Types, field+"types")
	case "size":
		p.parseSize(keyword, &m.Size, field+"size")
	default:
		return false
	}
	return true
}

// block is an any or a not of several lines, whose end is still to come.
type block struct {
	opened       word
	match        *Match   // whose lines are being read
	alternatives *[]Match // which match is the last of; nil in a not
	field        string   // of alternatives, or of match
	line         int
}

func (p *parser) open(b block) {
	if len(p.blocks) == maxNesting {
		p.fail(b.opened.column, "%s is nested too deeply; use up to %d blocks in each other", b.opened.text, maxNesting)
	}
	p.mark(b.field, b.opened)
	b.line = p.line
	p.blocks = append(p.blocks, b)
}

func (p *parser) openAny(keyword word, m *Match, field string) {
	if !p.need(keyword, 0, 0, "any alone, then lines, or, other lines, and end") {
		return
	}
	field = at(field+"any", len(m.Any))
	m.Any = append(m.Any, make([]Match, 1))
	list := &m.Any[len(m.Any)-1]
	p.open(block{opened: keyword, match: &(*list)[0], alternatives: list, field: field})
}

// parseInBlock reads a line of the innermost block.
func (p *parser) parseInBlock(keyword word) {
	b := &p.blocks[len(p.blocks)-1]
	switch keyword.text {
	case "end":
		p.need(keyword, 0, 0, "end alone")
		p.blocks = p.blocks[:len(p.blocks)-1]
	case "or":
		if b.alternatives == nil {
			p.fail(keyword.column, "or stands between the alternatives of an any; this is a %s", b.opened.text)
		} else if p.need(keyword, 0, 0, "or alone") {
			*b.alternatives = append(*b.alternatives, Match{})
			b.match = &(*b.alternatives)[len(*b.alternatives)-1]
			p.mark(b.lineField(), keyword)
		}
	default:
		if !p.parseMatch(keyword, b.match, b.lineField()+".") {
			p.fail(keyword.column, "%q is no condition; the %s of line %d ends with end", keyword.text, b.opened.text, b.line)
		}
	}
}

// lineField is the field of the match whose lines are being read.
func (b *block) lineField() string {
	if b.alternatives == nil {
		return b.field
	}
	return at(b.field, len(*b.alternatives)-1)
}

// closeBlocks complains about blocks that do not end before something else begins.
func (p *parser) closeBlocks() {
	for _, b := range p.blocks {
		line := p.line
		p.line = b.line
		p.fail(b.opened.column, "%s does not end; write end after its conditions", b.opened.text)
		p.line = line
	}
	p.blocks = nil
}

// parseNot reads one criterion that must not hold, or opens a block of several that must not hold
// together.
func (p *parser) parseNot(keyword word, m *Match, field string) {
	field = at(field+"not", len(m.Not))
	m.Not = append(m.Not, Match{})
	not := &m.Not[len(m.Not)-1]
	if len(p.words) == 0 {
		p.open(block{opened: keyword, match: not, field: field})
		return
	}
	inner := p.words[0]
	p.words = p.words[1:]
	p.mark(field, inner)
	if !p.parseCriterion(inner, not, field+".") {
		p.fail(inner.column, "not %s is unknown; use one of %s", inner.text, strings.Join(criteria, ", "))
	}
}

// criteria are the words for what may stand in a not.
var criteria = []string{
	"scheme", "host", "path", "method", "header", "query", "cookie", "source", "cert", "sni", "port", "grpc", "type", "size",
}

func (p *parser) parseWhen(keyword word, m *Match, field string) {
	if len(p.words) == 0 || m.When != "" {
		p.fail(keyword.column, "when needs one expression")
		return
	}
	first := p.words[0]
	m.When = first.expression()
	p.mark(field, first)
	if p.compile.When == nil {
		p.fail(first.column, "when %s: expressions can't be compiled here", m.When)
		return
	}
	var err error
	if m.Func, err = p.compile.When(m.When); err != nil {
		p.fail(first.columnOf(err), "when: %v", err)
	}
}

func (p *parser) parseList(keyword word, list *[]string, field string) {
	if !p.need(keyword, 1, math.MaxInt, keyword.text+" ONE OR MORE") {
		return
	}
	p.mark(field, p.words[0])
	for _, w := range p.words {
		p.mark(at(field, len(*list)), w)
		*list = append(*list, w.text)
	}
}

// parseValues is parseList of something else than text.
func parseValues[T any](p *parser, keyword word, list *[]T, field string, parse func(string) (T, error)) {
	if !p.need(keyword, 1, math.MaxInt, keyword.text+" ONE OR MORE") {
		return
	}
	p.mark(field, p.words[0])
	for _, w := range p.words {
		value, err := parse(w.text)
		if err != nil {
			p.fail(w.column, "%v", err)
		}
		p.mark(at(field, len(*list)), w)
		*list = append(*list, value)
	}
}

func (p *parser) parseSize(keyword word, size **Range, field string) {
	if !p.need(keyword, 2, 2, keyword.text+" <= BYTES, or with another of <, =, >= and >") {
		return
	}
	p.mark(field, p.words[0])
	n, err := strconv.ParseUint(p.words[1].text, 10, 63)
	if err != nil {
		p.fail(p.words[1].column, "%q is not a number of bytes", p.words[1].text)
		return
	}
	r, err := ParseRange(p.words[0].text, int64(n))
	if err != nil {
		p.fail(p.words[0].column, "%v", err)
		return
	}
	*size = both(*size, &r)
}

func (p *parser) parseScheme(keyword word, m *Match, field string) {
	if m.Scheme != "" {
		p.fail(keyword.column, "a match has one scheme")
		return
	}
	if !p.need(keyword, 1, 1, "scheme http or scheme https") {
		return
	}
	p.mark(field, p.words[0])
	if m.Scheme = p.words[0].text; !isScheme(m.Scheme) {
		p.fail(p.words[0].column, unknownScheme, m.Scheme)
	}
}

func (p *parser) parsePath(keyword word, m *Match, field string) {
	if m.Path.Kind != PathAny {
		p.fail(keyword.column, "a match has one path")
		return
	}
	if !p.need(keyword, 1, 2, "path /exact, /elements/*, /bytes*, /template/{name}, or path ~ REGEXP") {
		return
	}
	p.mark(field, p.words[0])
	if len(p.words) == 1 {
		m.Path = ParsePath(p.words[0].text)
		return
	}
	for kind, name := range pathWords {
		if name != "" && name == p.words[0].text {
			m.Path = Path{Kind: PathKind(kind), Value: p.words[1].text}
			return
		}
	}
	p.fail(p.words[0].column, "%q is no kind of path; use exact, elements, bytes, template or ~", p.words[0].text)
}

func (p *parser) parseCondition(keyword word, list *[]Condition, field string) {
	form := keyword.text + " NAME present, or NAME with =, ^= or ~ and a value"
	if !p.need(keyword, 2, 3, form) {
		return
	}
	p.mark(at(field, len(*list)), p.words[0])
	c := Condition{Name: p.words[0].text}
	for op, name := range opWords {
		if name == p.words[1].text && (Op(op) == OpPresent) == (len(p.words) == 2) {
			c.Op = Op(op)
			c.Value = strings.Join(textsOf(p.words[2:]), "")
			*list = append(*list, c)
			return
		}
	}
	p.fail(p.words[1].column, "%q is no condition; write %s", p.words[1].text, form)
}
