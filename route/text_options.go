package route

import "strings"

// The words for the kinds of options, in the text form as in configuration files.
var (
	policyWords = []string{RoundRobin: "round-robin", LeastRequest: "least-request", Random: "random", Maglev: "maglev"}
	hashWords   = []string{HashAddress: "address", HashHeader: "header", HashCookie: "cookie", HashQuery: "query", HashPath: "path"}
	checkWords  = []string{CheckHTTP: "http", CheckTCP: "tcp", CheckGRPC: "grpc"}
)

// ParsePolicy reads round-robin, least-request, random or maglev. [Policy.String] is its inverse.
func ParsePolicy(text string) (Policy, error) {
	i, err := indexOf(policyWords, text, "policy")
	return Policy(i), err
}

func (p Policy) String() string { return wordOf(policyWords, p) }

// ParseHashOn reads address, header, cookie, query or path. [HashOn.String] is its inverse.
func ParseHashOn(text string) (HashOn, error) {
	i, err := indexOf(hashWords, text, "part of a request to hash")
	return HashOn(i), err
}

func (h HashOn) String() string { return wordOf(hashWords, h) }

// ParseCheckKind reads http, tcp or grpc. [CheckKind.String] is its inverse.
func ParseCheckKind(text string) (CheckKind, error) {
	i, err := indexOf(checkWords, text, "kind of health check")
	return CheckKind(i), err
}

func (k CheckKind) String() string { return wordOf(checkWords, k) }

func (t *TLS) settings() []setting {
	return []setting{
		stringOf("ca", &t.CA),
		stringOf("server-name", &t.ServerName),
		stringOf("cert", &t.Cert),
		stringOf("key", &t.Key),
		flagOf("insecure", &t.Insecure),
	}
}

func (c *Check) settings() []setting {
	return []setting{
		stringOf("path", &c.Path),
		stringOf("host", &c.Host),
		stringOf("service", &c.Service),
		listOf("statuses", &c.Statuses, StatusRange.String, ParseStatusRange),
		durationOf("interval", &c.Interval),
		durationOf("timeout", &c.Timeout),
		numberOf("healthy", &c.Healthy),
		numberOf("unhealthy", &c.Unhealthy),
	}
}

func (x *Outlier) settings() []setting {
	return []setting{
		flagOf("disabled", &x.Off),
		numberOf("failures", &x.Failures),
		numberOf("gateway-errors", &x.GatewayErrors),
		durationOf("eject", &x.Eject),
		durationOf("max-eject", &x.MaxEject),
		numberOf("max-percent", &x.MaxPercent),
	}
}

func (b *Budget) settings() []setting {
	return []setting{
		numberOf("percent", &b.Percent),
		numberOf("min-concurrent", &b.MinConcurrent),
	}
}

// simple are the options that have a line of their own, whose keyword is their name.
func (o *Options) simple() []setting {
	return []setting{
		flagOf("follow-version", &o.FollowVersion),
		numberOf("max-requests", &o.MaxRequests),
		numberOf("max-conns", &o.MaxConns),
		durationOf("connect-timeout", &o.ConnectTimeout),
		numberOf("proxy-protocol", &o.ProxyProtocol),
	}
}

// options writes the options that are not the defaults, a line each. o is complete.
func (p *printer) options(indent string, o *Options) {
	d := defaultOptions
	if o.TLS != nil {
		p.settings(indent+"tls", nil, o.TLS.settings(), new(TLS).settings())
	}
	if b := o.Balance; b != (Balance{}) {
		p.line(indent+"balance", b.words()...)
	}
	if o.Check != nil {
		byDefault := Check{Kind: o.Check.Kind}.withDefaults()
		p.settings(indent+"check", []string{o.Check.Kind.String()}, o.Check.settings(), byDefault.settings())
	}
	if o.Outlier.Off {
		p.line(indent+"outlier", "disabled")
	} else if o.Outlier != d.Outlier {
		p.settings(indent+"outlier", nil, o.Outlier.settings(), d.Outlier.settings())
	}
	if o.RetryBudget != d.RetryBudget {
		p.settings(indent+"retry-budget", nil, o.RetryBudget.settings(), d.RetryBudget.settings())
	}
	p.simple(indent, o.simple(), d.simple())
}

// simple writes a line for each setting that is not as in defaults.
func (p *printer) simple(indent string, all, defaults []setting) {
	for i, s := range all {
		switch value := s.get(); {
		case value == defaults[i].get():
		case s.flag:
			p.line(indent + s.name)
		default:
			p.line(indent+s.name, value)
		}
	}
}

func (b *Balance) words() []string {
	words := []string{b.Policy.String()}
	if b.Policy == Maglev {
		words = append(words, b.HashOn.String())
	}
	if b.HashName != "" {
		words = append(words, b.HashName)
	}
	return words
}

// parseOption reads a line that belongs to the last backend or target. It reports whether there is
// such a line.
func (p *parser) parseOption(keyword word, pointer **Options, field string) bool {
	o := *pointer
	if o == nil {
		o = new(Options)
	}
	below := field + "." + camel(keyword.text)
	switch keyword.text {
	case "tls":
		o.TLS = new(TLS)
		p.parseSettings(p.words, o.TLS.settings(), below)
	case "balance":
		p.parseBalance(keyword, &o.Balance, below)
	case "check":
		p.parseCheck(keyword, o, below)
	case "outlier":
		p.parseSettings(p.words, o.Outlier.settings(), below)
	case "retry-budget":
		p.parseSettings(p.words, o.RetryBudget.settings(), below)
	default:
		if !p.parseSimple(keyword, o.simple(), field) {
			return false
		}
	}
	p.mark(below, keyword)
	*pointer = o
	return true
}

// parseSimple reads a line that is a setting by itself.
func (p *parser) parseSimple(keyword word, all []setting, field string) bool {
	for _, s := range all {
		if s.name == keyword.text {
			p.parseSettings(append([]word{keyword}, p.words...), all, field)
			return true
		}
	}
	return false
}

func (p *parser) parseBalance(keyword word, b *Balance, field string) {
	if !p.need(keyword, 1, 3, "balance "+strings.Join(policyWords, ", ")+", which with what it hashes and its name") {
		return
	}
	var err error
	p.mark(field+".policy", p.words[0])
	if b.Policy, err = ParsePolicy(p.words[0].text); err != nil {
		p.fail(p.words[0].column, "%v", err)
	}
	if len(p.words) > 1 {
		p.mark(field+".hash", p.words[1])
		if b.HashOn, err = ParseHashOn(p.words[1].text); err != nil {
			p.fail(p.words[1].column, "%v", err)
		}
	}
	if len(p.words) > 2 {
		p.mark(field+".name", p.words[2])
		b.HashName = p.words[2].text
	}
}

func (p *parser) parseCheck(keyword word, o *Options, field string) {
	if len(p.words) == 0 {
		p.fail(keyword.column, "check needs a kind; use one of %s", strings.Join(checkWords, ", "))
		return
	}
	o.Check = new(Check)
	p.mark(field+".type", p.words[0])
	var err error
	if o.Check.Kind, err = ParseCheckKind(p.words[0].text); err != nil {
		p.fail(p.words[0].column, "%v", err)
	}
	p.parseSettings(p.words[1:], o.Check.settings(), field)
}
