package config

import (
	"regexp"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"tain.dev/tain/route"
)

// native translates an expression into conditions that the table computes itself, if it is a
// conjunction of simple comparisons.
func native(e ast.Expr) (route.Match, bool) {
	if e.Kind() == ast.SelectKind {
		return nativePresence(e)
	}
	if e.Kind() != ast.CallKind {
		return route.Match{}, false
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return nativeAnd(call)
	case operators.LogicalNot:
		return nativeNot(call)
	case operators.Equals:
		return nativeComparison(call, route.OpEqual)
	case operators.NotEquals:
		m, ok := nativeComparison(call, route.OpEqual)
		return negate(m, ok)
	case overloads.StartsWith:
		return nativeComparison(call, route.OpPrefix)
	case overloads.Matches:
		return nativeComparison(call, route.OpRegexp)
	case operators.In:
		return nativeIn(call)
	}
	return route.Match{}, false
}

func nativeAnd(call ast.CallExpr) (route.Match, bool) {
	var all route.Match
	for _, arg := range call.Args() {
		m, ok := native(arg)
		if !ok {
			return all, false
		}
		var err error
		if all, err = and(all, m); err != nil {
			return all, false
		}
	}
	return all, true
}

func nativeNot(call ast.CallExpr) (route.Match, bool) {
	arg := call.Args()[0]
	m, ok := native(arg)
	if len(m.Headers)+len(m.Query) == 1 && isPresence(m) {
		return route.Match{Not: []route.Match{m}}, ok
	}
	return negate(m, ok)
}

func isPresence(m route.Match) bool {
	for _, c := range append(m.Headers, m.Query...) {
		return c.Op == route.OpPresent
	}
	return false
}

// negate negates a match of one criterion. To compare what is missing is an error in CEL, and an
// error doesn't hold, negated or not: so what is compared must be there.
func negate(m route.Match, ok bool) (route.Match, bool) {
	criteria := min(len(m.Scheme), 1) + min(len(m.Hosts), 1) + min(int(m.Path.Kind), 1) + min(len(m.Methods), 1) + len(m.Headers) + len(m.Query)
	if !ok || criteria != 1 || len(m.Not) > 0 {
		return m, false
	}
	negated := route.Match{Not: []route.Match{m}}
	for _, c := range m.Headers {
		negated.Headers = []route.Condition{{Name: c.Name, Op: route.OpPresent}}
	}
	for _, c := range m.Query {
		negated.Query = []route.Condition{{Name: c.Name, Op: route.OpPresent}}
	}
	return negated, true
}

// nativePresence is for has(header.name).
func nativePresence(e ast.Expr) (route.Match, bool) {
	variable, name, ok := lookup(e)
	if !ok || !e.AsSelect().IsTestOnly() {
		return route.Match{}, false
	}
	return condition(variable, route.Condition{Name: name, Op: route.OpPresent}), true
}

func condition(variable string, c route.Condition) route.Match {
	if variable == "header" {
		return route.Match{Headers: []route.Condition{c}}
	}
	return route.Match{Query: []route.Condition{c}}
}

// nativeComparison is for what compares a part of the request with a constant.
func nativeComparison(call ast.CallExpr, op route.Op) (route.Match, bool) {
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	subject, constant := args[0], args[1]
	if op == route.OpEqual && subject.Kind() == ast.LiteralKind {
		subject, constant = constant, subject
	}
	value, ok := literal(constant)
	if !ok {
		return route.Match{}, false
	}
	if op == route.OpRegexp {
		value = "(?s:.*)(?:" + value + ")(?s:.*)" // CEL's matches finds, the table's matches whole
	}
	return compare(subject, op, value)
}

func compare(subject ast.Expr, op route.Op, values ...string) (route.Match, bool) {
	value := values[0]
	if len(values) > 1 {
		op, value = route.OpRegexp, alternatives(values)
	}
	if variable, name, ok := lookup(subject); ok && !isTest(subject) {
		return condition(variable, route.Condition{Name: name, Op: op, Value: value}), true
	}
	if subject.Kind() != ast.IdentKind {
		return route.Match{}, false
	}
	switch subject.AsIdent() {
	case "path":
		kind := map[route.Op]route.PathKind{
			route.OpEqual: route.PathExact, route.OpPrefix: route.PathBytes, route.OpRegexp: route.PathRegexp,
		}[op]
		return route.Match{Path: route.Path{Kind: kind, Value: value}}, true
	case "scheme":
		return route.Match{Scheme: value}, op == route.OpEqual && value != ""
	case "method":
		return route.Match{Methods: values}, op == route.OpEqual || len(values) > 1
	case "host":
		for _, host := range values {
			if route.Hostname(host) != host || strings.HasPrefix(host, "*") {
				return route.Match{}, false // no request has such a host
			}
		}
		return route.Match{Hosts: values}, op == route.OpEqual || len(values) > 1
	}
	return route.Match{}, false
}

// alternatives is the regular expression that matches the values, and nothing else.
func alternatives(values []string) string {
	var quoted []string
	for _, value := range values {
		quoted = append(quoted, regexp.QuoteMeta(value))
	}
	return strings.Join(quoted, "|")
}

// nativeIn is for a name in a map, and for a part of the request in a list of constants.
func nativeIn(call ast.CallExpr) (route.Match, bool) {
	if variable, name, ok := membership(call); ok {
		return condition(variable, route.Condition{Name: name, Op: route.OpPresent}), true
	}
	subject, list := call.Args()[0], call.Args()[1]
	if list.Kind() != ast.ListKind || list.AsList().Size() == 0 {
		return route.Match{}, false
	}
	var values []string
	for _, element := range list.AsList().Elements() {
		value, ok := literal(element)
		if !ok {
			return route.Match{}, false
		}
		values = append(values, value)
	}
	return compare(subject, route.OpEqual, values...)
}

// lookup reads header["name"], header.name and has(header.name), and the same of query.
func lookup(e ast.Expr) (variable, name string, ok bool) {
	var operand ast.Expr
	switch e.Kind() {
	case ast.SelectKind:
		operand, name, ok = e.AsSelect().Operand(), e.AsSelect().FieldName(), true
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index {
			return "", "", false
		}
		operand = call.Args()[0]
		name, ok = literal(call.Args()[1])
	}
	variable = mapOf(operand)
	return variable, name, ok && variable != ""
}

// membership reads "name" in header, and the same of query.
func membership(call ast.CallExpr) (variable, name string, ok bool) {
	name, ok = literal(call.Args()[0])
	variable = mapOf(call.Args()[1])
	return variable, name, ok && variable != ""
}

// mapOf is the name of the map that e stands for.
func mapOf(e ast.Expr) string {
	if e == nil || e.Kind() != ast.IdentKind || e.AsIdent() != "header" && e.AsIdent() != "query" {
		return ""
	}
	return e.AsIdent()
}

func isTest(e ast.Expr) bool { return e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() }

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}
