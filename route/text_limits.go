package route

import "strings"

func (b *Breaker) settings() []setting {
	return []setting{
		numberOf("percent", &b.Percent),
		numberOf("sends", &b.Sends),
		numberOf("streak", &b.Streak),
		durationOf("pause", &b.Pause),
		durationOf("max-pause", &b.MaxPause),
	}
}

// limits writes a line for each limit that there is.
func (p *printer) limits(indent string, l *Limits) {
	line := func(words ...string) { p.line(indent+"limit", words...) }
	if l.Rate.Count != 0 {
		line(append([]string{"rate"}, strings.Split(l.Rate.String(), " ")...)...)
	}
	if l.Bytes.Count != 0 {
		line(append([]string{"bytes"}, strings.Split(l.Bytes.String(), " ")...)...)
	}
	if l.Concurrency != 0 {
		p.settings(indent+"limit", nil, l.simple(), new(Limits).simple())
	}
	if l.Adaptive {
		line("adaptive")
	}
	if l.Breaker.On {
		all := l.Breaker.withDefaults()
		byDefault := Breaker{On: true, Pause: all.Pause}.withDefaults()
		byDefault.Pause = defaultBreaker.Pause
		p.settings(indent+"limit", []string{"breaker"}, all.settings(), byDefault.settings())
	}
	if l.Strain {
		line("strain")
	}
}

func (l *Limits) simple() []setting { return []setting{numberOf("concurrency", &l.Concurrency)} }

// parseLimit reads a limit line of the mirror.
func (p *parser) parseLimit(keyword word, l *Limits) {
	if len(p.words) == 0 {
		p.fail(keyword.column, "limit needs a kind; use rate, bytes, concurrency, adaptive, breaker or strain")
		return
	}
	kind := p.words[0]
	p.mark("limits."+kind.text, kind)
	switch kind.text {
	case "rate":
		p.parseRate(kind, &l.Rate)
	case "bytes":
		p.parseRate(kind, &l.Bytes)
	case "concurrency":
		p.parseSettings(p.words, l.simple(), "limits")
	case "adaptive":
		l.Adaptive = p.need(keyword, 1, 1, "limit adaptive")
	case "breaker":
		l.Breaker = Breaker{On: true}
		p.parseSettings(p.words[1:], l.Breaker.settings(), "limits.breaker")
	case "strain":
		l.Strain = p.need(keyword, 1, 1, "limit strain")
	default:
		p.fail(kind.column, "%q is no kind of limit; use rate, bytes, concurrency, adaptive, breaker or strain", kind.text)
	}
}

func (p *parser) parseRate(kind word, r *Rate) {
	var err error
	if *r, err = ParseRate(strings.Join(textsOf(p.words[1:]), " "), nil); err != nil {
		p.fail(kind.column, "%v", err)
	}
}
