package route

// block is an any, a not or an after of several lines, whose end is still to come.
type block struct {
	opened word
	line   int
	field  string
	// parse reads a line whose field begins so. It reports whether there is such a line.
	parse func(keyword word, field string) bool
	or    func() // begins another alternative; nil where there are none
	parts int    // alternatives that have begun; 0 where there are none
}

func (p *parser) open(b block) {
	if len(p.blocks) > maxNesting {
		p.fail(b.opened.column, "%s is nested too deeply; use up to %d blocks in each other", b.opened.text, maxNesting)
	}
	p.mark(b.field, b.opened)
	b.line = p.line
	p.blocks = append(p.blocks, b)
}

// lineField is the field of what is being read.
func (b *block) lineField() string {
	if b.parts == 0 {
		return b.field
	}
	return at(b.field, b.parts-1)
}

// parseInBlock reads a line of the innermost block.
func (p *parser) parseInBlock(keyword word) {
	b := &p.blocks[len(p.blocks)-1]
	switch {
	case keyword.text == "end":
		p.need(keyword, 0, 0, "end alone")
		p.blocks = p.blocks[:len(p.blocks)-1]
	case keyword.text == "or" && b.or == nil:
		p.fail(keyword.column, "or stands between the alternatives of an any; this is a block of %s", b.opened.text)
	case keyword.text == "or":
		if p.need(keyword, 0, 0, "or alone") {
			b.or()
			b.parts++
			p.mark(b.lineField(), keyword)
		}
	case !b.parse(keyword, b.lineField()+"."):
		p.fail(keyword.column, "%q is no condition; the %s of line %d ends with end", keyword.text, b.opened.text, b.line)
	}
}

// closeBlocks complains about blocks that do not end before something else begins.
func (p *parser) closeBlocks() {
	here := p.line
	for _, b := range p.blocks {
		p.line = b.line
		p.fail(b.opened.column, "%s does not end; write end after its conditions", b.opened.text)
	}
	p.line, p.blocks = here, nil
}

// parseAny opens a block of alternatives, each read by parse.
func parseAny[T any](p *parser, keyword word, lists *[][]T, field string, parse func(word, *T, string) bool) {
	if !p.need(keyword, 0, 0, "any alone, then lines, or, other lines, and end") {
		return
	}
	field = at(field, len(*lists))
	*lists = append(*lists, make([]T, 1))
	list := &(*lists)[len(*lists)-1] // which does not move before the block ends
	p.open(block{
		opened: keyword, field: field, parts: 1,
		or:    func() { *list = append(*list, *new(T)) },
		parse: func(keyword word, field string) bool { return parse(keyword, &(*list)[len(*list)-1], field) },
	})
}

// parseNot reads one criterion that must not hold, or opens a block of several that must not hold
// together, each line read by parse.
func parseNot[T any](p *parser, keyword word, list *[]T, field string, criterion, parse func(word, *T, string) bool) {
	field = at(field, len(*list))
	*list = append(*list, *new(T))
	not := &(*list)[len(*list)-1] // which does not move before the block ends
	if len(p.words) == 0 {
		p.open(block{opened: keyword, field: field, parse: func(keyword word, field string) bool { return parse(keyword, not, field) }})
		return
	}
	inner := p.words[0]
	p.words = p.words[1:]
	p.mark(field, inner)
	if !criterion(inner, not, field+".") {
		p.fail(inner.column, "not %s is unknown; use it before a condition other than any, not and when, or alone before a block of conditions that ends with end", inner.text)
	}
}
