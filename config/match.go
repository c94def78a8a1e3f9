package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tain.dev/tain/route"
)

// ParseMatch reads conditions that must all hold. Each is one of the short forms
//
//	scheme=https  method=GET  method=GET,HEAD  host=*.example.com  path=/exact  path=/elements/*  path=/bytes*
//	header.X-Env=prod  header.X-Env  query.debug=1  query.debug
//
// with = (equal), ^= (a prefix), ~= (a regular expression that matches the whole value), != or !~=,
// without blanks around it, and ! before a name alone; else it is a CEL expression. A negation also
// holds where there is no such header or parameter. The errors are each an [*Error] whose Setting is
// match[i], and whose Column, if there is one, points into the text.
func ParseMatch(texts []string) (route.Match, []error) {
	var all route.Match
	var errs []error
	for i, text := range texts {
		m, err := parseCondition(text)
		if err == nil {
			all, err = and(all, m)
		}
		if err != nil {
			errs = append(errs, errorIn(text, fmt.Sprintf("match[%d]", i), err))
		}
	}
	return all, errs
}

// shortForm is a name, and an operator with a value or none. A value that begins with = or a quote
// is CEL's.
var shortForm = regexp.MustCompile(`^(!?)(scheme|method|host|path|header\.([^\s=!~^."'\[\]()]+)|query\.([^\s=!~^"'\[\]()]+))(?:(=|\^=|~=|!=|!~=)([^="'].*)?)?$`)

func parseCondition(text string) (route.Match, error) {
	groups := shortForm.FindStringSubmatch(text)
	if groups == nil {
		return compileExpression(text)
	}
	negated, subject, header, query, op, value := groups[1] != "", groups[2], groups[3], groups[4], groups[5], groups[6]
	if op == "" && header == "" && query == "" || negated && op != "" {
		return route.Match{}, fmt.Errorf("has no value; use one such as %s=…", subject)
	}
	if strings.HasPrefix(op, "!") {
		negated, op = true, op[1:]
	}
	m, err := shortMatch(subject, header, query, op, value)
	if err == nil && negated {
		m = route.Match{Not: []route.Match{m}}
	}
	return m, err
}

// shortMatch makes the match of a short form that is not negated.
func shortMatch(subject, header, query, op, value string) (route.Match, error) {
	var m route.Match
	condition, known := map[string]route.Op{
		"": route.OpPresent, "=": route.OpEqual, "^=": route.OpPrefix, "~=": route.OpRegexp,
	}[op]
	switch {
	case header != "" && known:
		m.Headers = []route.Condition{{Name: header, Op: condition, Value: value}}
	case query != "" && known:
		m.Query = []route.Condition{{Name: query, Op: condition, Value: value}}
	case subject == "path" && op == "=":
		m.Path = route.ParsePath(value)
	case subject == "path" && op == "^=":
		m.Path = route.Path{Kind: route.PathBytes, Value: value}
	case subject == "path" && op == "~=":
		m.Path = route.Path{Kind: route.PathRegexp, Value: value}
	case subject == "method" && op == "=":
		m.Methods = strings.Split(value, ",")
	case subject == "scheme" && op == "=":
		if m.Scheme = value; value != route.SchemeHTTP && value != route.SchemeHTTPS {
			return m, fmt.Errorf("there is no scheme %q; use http or https", value)
		}
	case subject == "host" && op == "=":
		m.Hosts = strings.Split(value, ",")
	default:
		return m, fmt.Errorf("%s can't be used with %s; use = or !=, or an expression such as %s.startsWith(\"x\")", op, subject, subject)
	}
	return m, nil
}

// and is the match that holds where both do.
func and(a, b route.Match) (route.Match, error) {
	switch {
	case a.Path.Kind != route.PathAny && b.Path.Kind != route.PathAny:
		return a, errors.New("there is a path already; join them to one expression with &&")
	case a.Scheme != "" && b.Scheme != "":
		return a, errors.New("there is a scheme already; leave one of them out")
	case len(a.Methods) > 0 && len(b.Methods) > 0:
		return a, errors.New("there is a method already; list them as method=GET,HEAD")
	case len(a.Hosts) > 0 && len(b.Hosts) > 0:
		return a, errors.New("there is a host already; list them as host=a,b")
	}
	if b.Path.Kind != route.PathAny {
		a.Path = b.Path
	}
	a.Scheme = cmp.Or(a.Scheme, b.Scheme)
	a.Methods = append(a.Methods, b.Methods...)
	a.Hosts = append(a.Hosts, b.Hosts...)
	a.Headers = append(a.Headers, b.Headers...)
	a.Query = append(a.Query, b.Query...)
	a.Not = append(a.Not, b.Not...)
	if a.Func == nil {
		a.When, a.Func = b.When, b.Func
	} else if f, g := a.Func, b.Func; g != nil {
		a.When = "(" + a.When + ") && (" + b.When + ")"
		a.Func = func(r *route.Request) bool { return f(r) && g(r) }
	}
	return a, nil
}
