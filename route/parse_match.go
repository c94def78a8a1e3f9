package route

import (
	"errors"
	"math"
	"strings"
)

// parseCriterion reads a criterion that may also stand in a not, except hosts.
func (p *parser) parseCriterion(keyword word, m *Match, field string) bool {
	switch keyword.text {
	case "scheme":
		p.parseScheme(keyword, m, field+"scheme")
	case "path":
		p.parsePath(keyword, m, field+"path")
	case "method":
		p.parseList(keyword, &m.Methods, field+"methods")
	case "header":
		p.parseCondition(keyword, &m.Headers, field+"headers")
	case "query":
		p.parseCondition(keyword, &m.Query, field+"query")
	default:
		return false
	}
	return true
}

func (p *parser) parseNot(keyword word, m *Match) {
	if len(p.words) == 0 {
		p.fail(keyword.column, "not needs a criterion; write one such as not method POST")
		return
	}
	inner := p.words[0]
	p.words = p.words[1:]
	field := at("match.not", len(m.Not))
	m.Not = append(m.Not, Match{})
	not := &m.Not[len(m.Not)-1]
	p.mark(field, inner)
	if inner.text == "host" {
		p.parseList(inner, &not.Hosts, field+".hosts")
	} else if !p.parseCriterion(inner, not, field+".") {
		p.fail(inner.column, "not %s is unknown; use scheme, host, path, method, header or query", inner.text)
	}
}

func (p *parser) parseWhen(keyword word, m *Match) {
	if len(p.words) == 0 || m.When != "" {
		p.fail(keyword.column, "when needs one expression")
		return
	}
	first := p.words[0]
	m.When = strings.TrimRight(first.raw, " \t\r")
	if m.When[0] == '"' {
		m.When = first.text
	}
	p.mark("match.when", first)
	if p.compile == nil {
		p.fail(first.column, "when %s: expressions can't be compiled here", m.When)
		return
	}
	var err error
	if m.Func, err = p.compile(m.When); err != nil {
		column := first.column
		var pointed interface{ Column() int }
		if errors.As(err, &pointed) && first.raw[0] != '"' {
			column += pointed.Column() - 1
		}
		p.fail(column, "when: %v", err)
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
	if !p.need(keyword, 1, 2, "path /exact, /elements/*, /bytes*, or path ~ REGEXP") {
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
	p.fail(p.words[0].column, "%q is no kind of path; use exact, elements, bytes or ~", p.words[0].text)
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
