package config

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"tain.dev/tain/route"
)

// native translates an expression into conditions that the table computes itself: they hold where the
// expression is want. To look at what is missing is an error in CEL, and then an expression is neither
// true nor false; so what is compared must be there in both cases.
func native(e ast.Expr, want bool) (route.Match, bool) {
	if e.Kind() == ast.SelectKind {
		m, ok := nativePresence(e)
		return sign(m, want), ok
	}
	if e.Kind() != ast.CallKind {
		return route.Match{}, false
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		if (call.FunctionName() == operators.LogicalAnd) == want {
			return nativeAll(e, want)
		}
		return nativeAny(e, want)
	case operators.LogicalNot:
		return native(call.Args()[0], !want)
	case operators.Equals:
		return nativeComparison(call, route.OpEqual, want)
	case operators.NotEquals:
		return nativeComparison(call, route.OpEqual, !want)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return nativeOrder(call, want)
	case overloads.StartsWith:
		return nativeComparison(call, route.OpPrefix, want)
	case overloads.Matches:
		return nativeComparison(call, route.OpRegexp, want)
	case containsIP:
		return nativeRange(call, want)
	case operators.In:
		return nativeIn(call, want)
	}
	return route.Match{}, false
}

// operands are what && or || join in e.
func operands(e ast.Expr, function string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return []ast.Expr{e}
	}
	var list []ast.Expr
	for _, arg := range e.AsCall().Args() {
		list = append(list, operands(arg, function)...)
	}
	return list
}

func nativeAll(e ast.Expr, want bool) (all route.Match, ok bool) {
	for _, operand := range operands(e, e.AsCall().FunctionName()) {
		m, ok := native(operand, want)
		if !ok {
			return all, false
		}
		all = andInner(all, m)
	}
	return all, true
}

func nativeAny(e ast.Expr, want bool) (route.Match, bool) {
	var alternatives []route.Match
	for _, operand := range operands(e, e.AsCall().FunctionName()) {
		m, ok := native(operand, want)
		if !ok {
			return m, false
		}
		alternatives = append(alternatives, m)
	}
	return route.Match{Any: [][]route.Match{alternatives}}, true
}

// sign is m, or what holds where m does not.
func sign(m route.Match, want bool) route.Match {
	if want {
		return m
	}
	return route.Match{Not: []route.Match{m}}
}

// nativePresence is for has(header.name).
func nativePresence(e ast.Expr) (route.Match, bool) {
	variable, name, ok := lookup(e)
	if !ok || !isTest(e) {
		return route.Match{}, false
	}
	return condition(variable, route.Condition{Name: name, Op: route.OpPresent}), true
}

// condition is the match of one condition on a header, a parameter of the query or a cookie.
func condition(variable string, c route.Condition) (m route.Match) {
	list := []route.Condition{c}
	switch variable {
	case "header":
		m.Headers = list
	case "query":
		m.Query = list
	case "cookie":
		m.Cookies = list
	}
	return m
}

// nativeComparison is for what compares a part of the request with a constant.
func nativeComparison(call ast.CallExpr, op route.Op, want bool) (route.Match, bool) {
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	subject, constant := args[0], args[1]
	if op == route.OpEqual && subject.Kind() == ast.LiteralKind {
		subject, constant = constant, subject
	}
	if n, ok := number(constant); ok && op == route.OpEqual {
		return compareNumber(subject, want, n)
	}
	value, ok := literal(constant)
	if !ok {
		return route.Match{}, false
	}
	if op == route.OpRegexp {
		value = "(?s:.*)(?:" + value + ")(?s:.*)" // CEL's matches finds, the table's matches whole
	}
	return compare(subject, op, want, value)
}

// compare is for a text that is one of the values.
func compare(subject ast.Expr, op route.Op, want bool, values ...string) (route.Match, bool) {
	if variable, name, ok := lookup(subject); ok && !isTest(subject) {
		value := values[0]
		if len(values) > 1 {
			op, value = route.OpRegexp, alternatives(values)
		}
		m := sign(condition(variable, route.Condition{Name: name, Op: op, Value: value}), want)
		if want {
			return m, true
		}
		return andInner(m, condition(variable, route.Condition{Name: name, Op: route.OpPresent})), true
	}
	if subject.Kind() != ast.IdentKind {
		return route.Match{}, false
	}
	variable := subject.AsIdent()
	m, ok := compareText(variable, op, values)
	m = sign(m, want)
	if variable == "source" && !want {
		m.Sources = everywhere
	}
	return m, ok
}

// everywhere are all addresses: where a source is in them, it is known.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// compareText is compare for a variable that is a text, if its own kind of condition says the same.
func compareText(variable string, op route.Op, values []string) (m route.Match, ok bool) {
	equal := op == route.OpEqual
	switch variable {
	case "path":
		m.Path, ok = comparePath(op, values), true
	case "scheme":
		m.Scheme, ok = values[0], equal && len(values) == 1 && values[0] != ""
	case "method":
		m.Methods, ok = values, equal
	case "host":
		m.Hosts, ok = values, equal && !slices.ContainsFunc(values, isNoHost)
	case "sni":
		m.SNI, ok = values, equal && !slices.ContainsFunc(values, isNoHost)
	case "content_type":
		m.Types, ok = values, equal && !slices.ContainsFunc(values, func(kind string) bool {
			return kind != strings.ToLower(kind) || strings.Contains(kind, "*")
		})
	case "source":
		addrs, err := parseEach(values, netip.ParseAddr)
		for i, addr := range addrs {
			m.Sources = append(m.Sources, netip.PrefixFrom(addr, addr.BitLen()))
			equal = equal && addr.String() == values[i] && addr.Zone() == "" && !addr.Is4In6()
		}
		ok = equal && err == nil
	case "grpc":
		m.GRPC, ok = compareCall(op, values)
	}
	return m, ok
}

func comparePath(op route.Op, values []string) route.Path {
	if len(values) > 1 {
		return route.Path{Kind: route.PathRegexp, Value: alternatives(values)}
	}
	kind := map[route.Op]route.PathKind{
		route.OpEqual: route.PathExact, route.OpPrefix: route.PathBytes, route.OpRegexp: route.PathRegexp,
	}[op]
	return route.Path{Kind: kind, Value: values[0]}
}

// isNoHost says that no request has such a host.
func isNoHost(host string) bool {
	return host == "" || route.Hostname(host) != host || strings.HasPrefix(host, "*")
}

// compareCall is for whole methods of gRPC, and for the services before them.
func compareCall(op route.Op, values []string) (calls []string, ok bool) {
	for _, value := range values {
		service, method, slash := strings.Cut(value, "/")
		switch {
		case !slash || service == "" || strings.Contains(method, "/"):
			return nil, false
		case op == route.OpEqual && method != "":
			calls = append(calls, value)
		case op == route.OpPrefix && method == "":
			calls = append(calls, service)
		default:
			return nil, false
		}
	}
	return calls, true
}

// compareNumber is for a number that is n, or is not.
func compareNumber(subject ast.Expr, want bool, n int64) (m route.Match, ok bool) {
	if subject.Kind() != ast.IdentKind {
		return m, false
	}
	switch subject.AsIdent() {
	case "port":
		m.Ports = []uint16{uint16(n)}
		return sign(m, want), n == int64(uint16(n))
	case "body_size":
		m.Size = &route.Range{Low: n, High: n}
		return m, want && n >= 0
	}
	return m, false
}

// nativeOrder is for the size of the body below or above a constant.
func nativeOrder(call ast.CallExpr, want bool) (m route.Match, ok bool) {
	subject, constant := call.Args()[0], call.Args()[1]
	n, ok := number(constant)
	if !ok || n < 0 || subject.Kind() != ast.IdentKind || subject.AsIdent() != "body_size" {
		return m, false
	}
	op := map[string]string{operators.Less: "<", operators.LessEquals: "<=", operators.Greater: ">", operators.GreaterEquals: ">="}[call.FunctionName()]
	if !want {
		op = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
	}
	r, err := route.ParseRange(op, n)
	m.Size = &r
	return m, err == nil
}

// containsIP is the function in cidr("10.0.0.0/8").containsIP(source).
const containsIP = "containsIP"

func nativeRange(call ast.CallExpr, want bool) (m route.Match, ok bool) {
	if !call.IsMemberFunction() || call.Target().Kind() != ast.CallKind || call.Target().AsCall().FunctionName() != "cidr" {
		return m, false
	}
	text, ok := literal(call.Target().AsCall().Args()[0])
	subject := call.Args()[0]
	prefix, err := netip.ParsePrefix(text)
	if !ok || err != nil || subject.Kind() != ast.IdentKind || subject.AsIdent() != "source" || prefix != prefix.Masked() {
		return m, false
	}
	m = sign(route.Match{Sources: []netip.Prefix{prefix}}, want)
	if !want {
		m.Sources = everywhere
	}
	return m, true
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
func nativeIn(call ast.CallExpr, want bool) (route.Match, bool) {
	if variable, name, ok := membership(call); ok {
		return sign(condition(variable, route.Condition{Name: name, Op: route.OpPresent}), want), true
	}
	subject, list := call.Args()[0], call.Args()[1]
	if name, ok := literal(subject); ok && list.Kind() == ast.IdentKind && list.AsIdent() == "cert" {
		return sign(route.Match{Certs: []string{name}}, want), !strings.Contains(name, "*")
	}
	if list.Kind() != ast.ListKind || list.AsList().Size() == 0 {
		return route.Match{}, false
	}
	var values []string
	var ports []uint16
	for _, element := range list.AsList().Elements() {
		if n, ok := number(element); ok && n == int64(uint16(n)) {
			ports = append(ports, uint16(n))
		}
		if value, ok := literal(element); ok {
			values = append(values, value)
		}
	}
	switch list.AsList().Size() {
	case len(values):
		return compare(subject, route.OpEqual, want, values...)
	case len(ports):
		return sign(route.Match{Ports: ports}, want), subject.Kind() == ast.IdentKind && subject.AsIdent() == "port"
	}
	return route.Match{}, false
}

// lookup reads header["name"], header.name and has(header.name), and the same of the other maps.
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

// membership reads "name" in header, and the same of the other maps.
func membership(call ast.CallExpr) (variable, name string, ok bool) {
	name, ok = literal(call.Args()[0])
	variable = mapOf(call.Args()[1])
	return variable, name, ok && variable != ""
}

// mapOf is the name of the map that e stands for.
func mapOf(e ast.Expr) string {
	if e == nil || e.Kind() != ast.IdentKind || !slices.Contains(namedVariables, e.AsIdent()) {
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

func number(e ast.Expr) (int64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	n, ok := e.AsLiteral().(types.Int)
	return int64(n), ok
}
