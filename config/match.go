package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// ParseMatch reads conditions that must all hold. Each is one of the short forms
//
//	scheme=https  method=GET  method=GET,HEAD  host=*.example.com
//	path=/exact  path=/elements/*  path=/bytes*  path=/template/{name}  path=/rest/**
//	header.X-Env=prod  header.X-Env  query.debug=1  query.debug  cookie.beta=1  cookie.beta
//	source=10.0.0.0/8,192.168.0.7  cert=spiffe://example.com/*  cert  sni=*.example.com  port=443
//	grpc=shop.v1.Cart/Add  type=application/json  size>1MiB  size<=64KiB
//
// with = (equal), ^= (a prefix), ~= (a regular expression that matches the whole value), != or !~=,
// without blanks around it, and ! before a name alone; else it is a CEL expression. A negation also
// holds where there is no such thing. The errors are each an [*Error] whose Setting is match[i], and
// whose Column, if there is one, points into the text.
func ParseMatch(texts []string) (route.Match, []error) {
	conditions := make([]v1alpha1.Condition, len(texts))
	for i, text := range texts {
		conditions[i].If = text
	}
	m, errs := matches.all("match", conditions)
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			e.Setting = strings.TrimSuffix(e.Setting, ".if")
		}
	}
	return m, errs
}

// matches makes matches of conditions.
var matches = combiner[route.Match]{
	parse: parseCondition,
	and:   and,
	join:  andInner,
	any:   func(m *route.Match, alternatives []route.Match) { m.Any = append(m.Any, alternatives) },
	not:   func(m *route.Match, inner route.Match) { m.Not = append(m.Not, inner) },

	counts: matchCounts,
}

// shortForm is a name, and an operator with a value or none. A value that begins with = or a quote
// is CEL's.
var shortForm = regexp.MustCompile(`^(!?)(scheme|method|host|path|source|cert|sni|port|grpc|type|size|(header|query|cookie)\.([^\s=!~^<>."'\[\]()]+))` +
	`(?:(=|\^=|~=|!=|!~=|<=|>=|<|>)([^="'].*)?)?$`)

// short is a short form.
type short struct{ subject, kind, name, op, value string }

func parseCondition(text string) (route.Match, error) {
	m, ok, err := parseShort(text)
	if !ok {
		return compileExpression(text)
	}
	return m, err
}

// parseShort reads a short form. It reports whether the text is one.
func parseShort(text string) (m route.Match, ok bool, err error) {
	groups := shortForm.FindStringSubmatch(text)
	if groups == nil {
		return m, false, nil
	}
	negated, s := groups[1] != "", short{groups[2], groups[3], groups[4], groups[5], groups[6]}
	if s.subject != "size" && strings.ContainsAny(s.op, "<>") {
		return m, false, nil
	}
	if s.op == "" && s.kind == "" && s.subject != "cert" || negated && s.op != "" {
		return m, true, fmt.Errorf("has no value; use one such as %s=…", s.subject)
	}
	if strings.HasPrefix(s.op, "!") {
		negated, s.op = true, s.op[1:]
	}
	m, err = s.match()
	if err == nil && negated {
		m = route.Match{Not: []route.Match{m}}
	}
	return m, true, err
}

// conditionOps are the operators of conditions on texts.
var conditionOps = map[string]route.Op{"": route.OpPresent, "=": route.OpEqual, "^=": route.OpPrefix, "~=": route.OpRegexp}

// match makes the match of a short form that is not negated.
func (s *short) match() (m route.Match, err error) {
	op, known := conditionOps[s.op]
	switch {
	case s.kind != "" && known:
		return condition(s.kind, route.Condition{Name: s.name, Op: op, Value: s.value}), nil
	case s.subject == "path" && s.op == "=":
		m.Path = route.ParsePath(s.value)
	case s.subject == "path" && s.op == "^=":
		m.Path = route.Path{Kind: route.PathBytes, Value: s.value}
	case s.subject == "path" && s.op == "~=":
		m.Path = route.Path{Kind: route.PathRegexp, Value: s.value}
	case s.subject == "cert" && s.op == "":
		m.Certs = []string{"*"}
	case s.subject == "size":
		m.Size, err = parseRange(s.op, s.value, ParseSize)
	case s.op == "=":
		err = s.list(&m)
	default:
		err = fmt.Errorf("%s can't be used with %s; use = or !=, or an expression such as %s.startsWith(\"x\")", s.op, s.subject, s.subject)
	}
	return m, err
}

// list sets what is one of several values, with commas between them.
func (s *short) list(m *route.Match) (err error) {
	values := strings.Split(s.value, ",")
	switch s.subject {
	case "scheme":
		if m.Scheme = s.value; s.value != route.SchemeHTTP && s.value != route.SchemeHTTPS {
			return fmt.Errorf("there is no scheme %q; use http or https", s.value)
		}
	case "method":
		m.Methods = values
	case "host":
		m.Hosts = values
	case "source":
		m.Sources, err = parseEach(values, route.ParsePrefix)
	case "cert":
		m.Certs = values
	case "sni":
		m.SNI = values
	case "port":
		m.Ports, err = parseEach(values, route.ParsePort)
	case "grpc":
		m.GRPC = values
	case "type":
		m.Types = values
	}
	return err
}

func parseEach[T any](texts []string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	for _, text := range texts {
		value, err := parse(text)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

// parseRange reads what a number is compared with.
func parseRange[T ~int64](op, value string, parse func(string) (T, error)) (*route.Range, error) {
	n, err := parse(value)
	if err != nil {
		return nil, err
	}
	r, err := route.ParseRange(op, int64(n))
	return &r, err
}

// and is the match that holds where both do.
func and(a, b route.Match) (route.Match, error) {
	for _, twice := range []struct {
		both       bool
		name, hint string
	}{
		{a.Path.Kind != route.PathAny && b.Path.Kind != route.PathAny, "path", "join them to one expression with &&"},
		{a.Scheme != "" && b.Scheme != "", "scheme", "leave one of them out"},
		{len(a.Methods) > 0 && len(b.Methods) > 0, "method", "list them as method=GET,HEAD"},
		{len(a.Hosts) > 0 && len(b.Hosts) > 0, "host", "list them as host=a,b"},
		{len(a.Sources) > 0 && len(b.Sources) > 0, "source", "list them as source=10.0.0.0/8,192.168.0.7"},
		{len(a.Certs) > 0 && len(b.Certs) > 0, "cert", "list them as cert=a,b"},
		{len(a.SNI) > 0 && len(b.SNI) > 0, "sni", "list them as sni=a,b"},
		{len(a.Ports) > 0 && len(b.Ports) > 0, "port", "list them as port=80,443"},
		{len(a.GRPC) > 0 && len(b.GRPC) > 0, "grpc", "list them as grpc=a,b"},
		{len(a.Types) > 0 && len(b.Types) > 0, "type", "list them as type=a,b"},
	} {
		if twice.both {
			return a, fmt.Errorf("there is a %s already; %s", twice.name, twice.hint)
		}
	}
	if b.Path.Kind != route.PathAny {
		a.Path = b.Path
	}
	a.Scheme = cmp.Or(a.Scheme, b.Scheme)
	a.Methods = append(a.Methods, b.Methods...)
	a.Hosts = append(a.Hosts, b.Hosts...)
	a.Headers = append(a.Headers, b.Headers...)
	a.Query = append(a.Query, b.Query...)
	a.Cookies = append(a.Cookies, b.Cookies...)
	a.Sources = append(a.Sources, b.Sources...)
	a.Certs = append(a.Certs, b.Certs...)
	a.SNI = append(a.SNI, b.SNI...)
	a.Ports = append(a.Ports, b.Ports...)
	a.GRPC = append(a.GRPC, b.GRPC...)
	a.Types = append(a.Types, b.Types...)
	a.Size = andRange(a.Size, b.Size)
	a.Any = append(a.Any, b.Any...)
	a.Not = append(a.Not, b.Not...)
	if a.Func == nil {
		a.When, a.Func = b.When, b.Func
	} else if f, g := a.Func, b.Func; g != nil {
		a.When = "(" + a.When + ") && (" + b.When + ")"
		a.Func = func(r *route.Request) bool { return f(r) && g(r) }
	}
	return a, nil
}

// andInner is and where what is there twice becomes a match in the other.
func andInner(a, b route.Match) route.Match {
	joined, err := and(a, b)
	if err != nil {
		a.Any = append(a.Any, []route.Match{b})
		return a
	}
	return joined
}

func andRange(a, b *route.Range) *route.Range {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &route.Range{Low: max(a.Low, b.Low), High: min(a.High, b.High)}
}
