package route

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseMatch reads a line of a match whose fields begin with field. It reports whether there is such a
// line.
func (p *parser) parseMatch(keyword word, m *Match, field string) bool {
	switch keyword.text {
	case "not":
		parseNot(p, keyword, &m.Not, field+"not", p.parseCriterion, p.parseMatch)
	case "any":
		parseAny(p, keyword, &m.Any, field+"any", p.parseMatch)
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

func (p *parser) parseWhen(keyword word, m *Match, field string) {
	parseExpression(p, keyword, &m.When, &m.Func, field, p.compile.When)
}

// parseExpression reads the rest of the line as one expression.
func parseExpression[T any](p *parser, keyword word, text *string, f *func(T) bool, field string, compile func(string) (func(T) bool, error)) {
	if len(p.words) == 0 || *text != "" {
		p.fail(keyword.column, "when needs one expression")
		return
	}
	first := p.words[0]
	*text = first.expression()
	p.mark(field, first)
	if compile == nil {
		p.fail(first.column, "when %s: expressions can't be compiled here", *text)
		return
	}
	var err error
	if *f, err = compile(*text); err != nil {
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
	parseRange(p, keyword, size, field, "BYTES", func(text string) (int64, error) {
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number of bytes", text)
		}
		return int64(n), nil
	})
}

// parseRange reads an operator and a number, and narrows the range.
func parseRange(p *parser, keyword word, narrowed **Range, field, unit string, parse func(string) (int64, error)) {
	if !p.need(keyword, 2, 2, keyword.text+" <= "+unit+", or with another of <, =, >= and >") {
		return
	}
	p.mark(field, p.words[0])
	n, err := parse(p.words[1].text)
	if err != nil {
		p.fail(p.words[1].column, "%v", err)
		return
	}
	r, err := ParseRange(p.words[0].text, n)
	if err != nil {
		p.fail(p.words[0].column, "%v", err)
		return
	}
	*narrowed = both(*narrowed, &r)
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
