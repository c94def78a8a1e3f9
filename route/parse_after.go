package route

import (
	"fmt"
	"time"
)

// openAfter begins the block of a mirror's After.
func (p *parser) openAfter(keyword word) {
	if p.mirror.After != nil {
		p.fail(keyword.column, "a mirror has one after; write all its conditions into that")
		return
	}
	if !p.need(keyword, 0, 0, "after alone, then conditions, and end") {
		return
	}
	after := new(After)
	p.mirror.After = after
	p.open(block{opened: keyword, field: "after", parse: func(keyword word, field string) bool { return p.parseAfter(keyword, after, field) }})
}

// parseAfter reads a line of an After whose fields begin with field. It reports whether there is such a
// line.
func (p *parser) parseAfter(keyword word, a *After, field string) bool {
	switch keyword.text {
	case "not":
		parseNot(p, keyword, &a.Not, field+"not", p.parseOutcome, p.parseAfter)
	case "any":
		parseAny(p, keyword, &a.Any, field+"any", p.parseAfter)
	case "when":
		parseExpression(p, keyword, &a.When, &a.Func, field+"when", p.compile.After)
	default:
		return p.parseOutcome(keyword, a, field)
	}
	return true
}

// parseOutcome reads a criterion that may also stand in a not.
func (p *parser) parseOutcome(keyword word, a *After, field string) bool {
	switch keyword.text {
	case "json":
		p.parseCondition(keyword, &a.Fields, field+"fields")
	case "size":
		p.parseSize(keyword, &a.Size, field+"size")
	case "status":
		parseValues(p, keyword, &a.Status, field+"status", ParseStatusRange)
	case "response-header":
		p.parseCondition(keyword, &a.Headers, field+"headers")
	case "latency":
		parseRange(p, keyword, &a.Latency, field+"latency", "200ms", parseNanoseconds)
	case "backend":
		p.parseList(keyword, &a.Backends, field+"backends")
	case "fault":
		if p.need(keyword, 0, 0, "fault alone") {
			p.mark(field+"fault", keyword)
			a.Fault = true
		}
	default:
		return p.parseCriterion(keyword, &a.Request, field+"request.")
	}
	return true
}

func parseNanoseconds(text string) (int64, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration; use one such as 200ms", text)
	}
	return int64(d), nil
}
