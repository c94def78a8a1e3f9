package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"tain.dev/tain/route"
)

// maxCost bounds one evaluation, in CEL's units of cost. An evaluation that costs more doesn't hold.
const maxCost = 10_000

// ExpressionError says what is wrong with an expression, and where.
type ExpressionError struct {
	column int
	text   string
}

func (e *ExpressionError) Error() string { return e.text }

// Column is where the error is, in characters from 1.
func (e *ExpressionError) Column() int { return e.column }

// environment has the variables of a request's head; docs/configuration.md lists them. header has names
// in lower case, query, header and cookie the first value of each. What is not known is no variable:
// source on a Unix socket, and body_size where the head doesn't tell it. It is made when the first
// expression is there, because most configurations have none.
var environment = sync.OnceValue(func() *cel.Env {
	texts := cel.MapType(cel.StringType, cel.StringType)
	env, err := cel.NewEnv(
		cel.Variable("scheme", cel.StringType),
		cel.Variable("method", cel.StringType),
		cel.Variable("host", cel.StringType),
		cel.Variable("path", cel.StringType),
		cel.Variable("header", texts),
		cel.Variable("query", texts),
		cel.Variable("cookie", texts),
		cel.Variable("source", cel.StringType),
		cel.Variable("cert", cel.ListType(cel.StringType)),
		cel.Variable("sni", cel.StringType),
		cel.Variable("port", cel.IntType),
		cel.Variable("grpc", cel.StringType),
		cel.Variable("content_type", cel.StringType),
		cel.Variable("body_size", cel.IntType),
		ext.Network(),
	)
	if err != nil {
		panic("BUG: the environment of expressions: " + err.Error())
	}
	return env
})

// outcomeEnvironment has besides the variables of an exchange.
var outcomeEnvironment = sync.OnceValue(func() *cel.Env {
	env, err := environment().Extend(
		cel.Variable("request.body_size", cel.IntType),
		cel.Variable("response.status", cel.IntType),
		cel.Variable(responseHeader, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("latency", cel.DurationType),
		cel.Variable("backend", cel.StringType),
		cel.Variable("fault", cel.StringType),
	)
	if err != nil {
		panic("BUG: the environment of expressions on exchanges: " + err.Error())
	}
	return env
})

const responseHeader = "response.header"

// CompileExpression makes the function of a CEL expression. It is a [route.Compile.When]. The error may
// be an [*ExpressionError].
func CompileExpression(text string) (func(*route.Request) bool, error) {
	checked, names, err := check(text, forCondition)
	if err != nil {
		return nil, err
	}
	return program(checked, names)
}

// CompileKey makes the function of a CEL expression whose value is a text. It is a [route.CompileKey].
func CompileKey(text string) (func(*route.Request) (string, bool), error) {
	checked, names, err := check(text, forKey)
	if err != nil {
		return nil, err
	}
	evaluate, err := evaluator(checked, names)
	return func(r *route.Request) (string, bool) {
		value, ok := evaluate(r).(types.String)
		return string(value), ok
	}, err
}

// purpose is what an expression is written for.
type purpose struct {
	value   *cel.Type
	wanted  string // in words
	unknown string // what text is that is not CEL
	within  func() *cel.Env
}

var (
	forCondition = purpose{cel.BoolType, "is true or false", "is neither a short form such as method=GET nor an expression: ", environment}
	forOutcome   = purpose{cel.BoolType, "is true or false", "is neither a short form such as status=2xx nor an expression: ", outcomeEnvironment}
	forKey       = purpose{cel.StringType, "is a text", "is not an expression: ", environment}
)

// compileExpression makes the match of an expression: of native conditions if that is possible,
// because they cost a hundredth, else with a function.
func compileExpression(text string) (route.Match, error) {
	checked, names, err := check(text, forCondition)
	if err != nil {
		return route.Match{}, err
	}
	if m, ok := native(checked.NativeRep().Expr(), true); ok && serves(m) {
		return m, nil
	}
	f, err := program(checked, names)
	return route.Match{When: text, Func: f}, err
}

// serves says whether a native match is within what a route may have.
func serves(m route.Match) bool {
	mirror := &route.Mirror{Name: "m", Match: m, Writes: true, Targets: []route.Target{{URL: "http://t"}}}
	_, errs := route.New([]*route.Route{{
		Name: "r", Backends: []route.Backend{{URL: "http://b", Weight: 1}}, Mirrors: []*route.Mirror{mirror},
	}})
	return len(errs) == 0
}

// check parses and checks an expression.
func check(text string, to purpose) (*cel.Ast, lookups, error) {
	if len(text) > 4096 {
		return nil, nil, fmt.Errorf("has %d bytes; use up to 4096", len(text))
	}
	checked, issues := to.within().Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, nil, &ExpressionError{first.Location.Column() + 1, to.unknown + first.Message}
	}
	if checked.OutputType() != to.value {
		return nil, nil, &ExpressionError{1, "has the type " + checked.OutputType().String() + "; use an expression that " + to.wanted}
	}
	names := lookups{}
	if err := names.collect(checked); err != nil {
		return nil, nil, err
	}
	return checked, names, nil
}

// lookups are the headers, parameters and cookies that an expression asks for, by the variable.
type lookups map[string][]string

// namedVariables are the variables that can be asked for a name, and for nothing else: a request's headers can be
// looked up, but not listed.
var namedVariables = []string{"header", "query", "cookie", responseHeader}

// collect finds the lookups, and makes sure that the maps are used for nothing else.
func (l lookups) collect(checked *cel.Ast) error {
	uses, named := 0, 0
	var wrong error
	note := func(variable, name string) {
		named++
		if (variable == "header" || variable == responseHeader) && name != strings.ToLower(name) {
			wrong = fmt.Errorf("the names of headers are in lower case; use %q", strings.ToLower(name))
		}
		if !slices.Contains(l[variable], name) {
			l[variable] = append(l[variable], name)
		}
	}
	ast.PostOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if mapOf(e) != "" {
			uses++
		}
		if variable, name, ok := lookup(e); ok {
			note(variable, name)
		}
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.In {
			if variable, name, ok := membership(e.AsCall()); ok {
				note(variable, name)
			}
		}
	}))
	if wrong == nil && uses != named {
		wrong = errors.New(`header, query and cookie can only be asked for a name, as in header["x-env"], "x-env" in header, has(header.env)`)
	}
	return wrong
}

// program makes the function of a checked expression.
func program(checked *cel.Ast, names lookups) (func(*route.Request) bool, error) {
	evaluate, err := evaluator(checked, names)
	return func(r *route.Request) bool { return evaluate(r) == types.True }, err
}

// evaluator computes a checked expression: nil where it has no value.
func evaluator(checked *cel.Ast, names lookups) (func(*route.Request) ref.Val, error) {
	p, err := runnable(environment(), checked)
	return func(r *route.Request) ref.Val { return value(p, &activation{r, names}) }, err
}

func runnable(env *cel.Env, checked *cel.Ast) (cel.Program, error) {
	p, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		return nil, fmt.Errorf("can't be computed: %w", err)
	}
	return p, nil
}

// value is what p computes, nil where it has no value.
func value(p cel.Program, a cel.Activation) ref.Val {
	result, _, err := p.Eval(a)
	if err != nil {
		return nil
	}
	return result
}

// activation gives an expression the parts of a request, each when it is asked for.
type activation struct {
	request *route.Request
	names   lookups
}

// ResolveName is for the interpreter.
func (a *activation) ResolveName(name string) (any, bool) {
	r := a.request
	switch name {
	case "scheme":
		return r.Scheme, true
	case "method":
		return r.Method, true
	case "host":
		return route.Hostname(r.Host), true
	case "path":
		return r.Path, true
	case "header", "query", "cookie":
		return a.named(name), true
	case "source":
		client := r.Source()
		return client.String(), client.IsValid()
	case "cert":
		if r.Cert == nil {
			return []string{}, true
		}
		return append(slices.Clone(r.Cert.Names()), r.Cert.Fingerprint()), true
	case "sni":
		return route.Hostname(r.SNI), true
	case "port":
		return int64(r.Port), true
	case "grpc":
		return r.GRPCCall(), true
	case "content_type":
		return r.MediaType(), true
	case "body_size":
		return r.Length, r.Length >= 0
	}
	return nil, false
}

// Parent is for the interpreter.
func (a *activation) Parent() cel.Activation { return nil }

// named looks up the names that the expression asks a variable for.
func (a *activation) named(variable string) map[string]string {
	found := map[string]string{}
	for _, name := range a.names[variable] {
		if value, ok := a.value(variable, name); ok {
			found[name] = value
		}
	}
	return found
}

func (a *activation) value(variable, name string) (value string, ok bool) {
	switch variable {
	case "header":
		return a.request.HeaderValue(name)
	case "cookie":
		return a.request.CookieValue(name)
	}
	return a.request.QueryValue(name)
}
