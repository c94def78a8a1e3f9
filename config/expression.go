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

// environment has the variables: scheme (http or https), method, host (lower case, without port) and path are strings,
// header (names in lower case) and query (the first value of each) are maps of strings. It is made
// when the first expression is there, because most configurations have none.
var environment = sync.OnceValue(func() *cel.Env {
	env, err := cel.NewEnv(
		cel.Variable("scheme", cel.StringType),
		cel.Variable("method", cel.StringType),
		cel.Variable("host", cel.StringType),
		cel.Variable("path", cel.StringType),
		cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("query", cel.MapType(cel.StringType, cel.StringType)),
	)
	if err != nil {
		panic("BUG: the environment of expressions: " + err.Error())
	}
	return env
})

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
}

var (
	forCondition = purpose{cel.BoolType, "is true or false", "is neither a short form such as method=GET nor an expression: "}
	forKey       = purpose{cel.StringType, "is a text", "is not an expression: "}
)

// compileExpression makes the match of an expression: of native conditions if that is possible,
// because they cost a hundredth, else with a function.
func compileExpression(text string) (route.Match, error) {
	checked, names, err := check(text, forCondition)
	if err != nil {
		return route.Match{}, err
	}
	if m, ok := native(checked.NativeRep().Expr()); ok && serves(m) {
		return m, nil
	}
	f, err := program(checked, names)
	return route.Match{When: text, Func: f}, err
}

// serves says whether a native match is within what a route may have.
func serves(m route.Match) bool {
	mirror := &route.Mirror{Name: "m", Match: m, Targets: []route.Target{{URL: "http://t"}}}
	_, errs := route.New([]*route.Route{{
		Name: "r", Backends: []route.Backend{{URL: "http://b", Weight: 1}}, Mirrors: []*route.Mirror{mirror},
	}})
	return len(errs) == 0
}

// check parses and checks an expression.
func check(text string, to purpose) (*cel.Ast, lookups, error) {
	if len(text) > 4096 {
		return nil, lookups{}, fmt.Errorf("has %d bytes; use up to 4096", len(text))
	}
	checked, issues := environment().Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, lookups{}, &ExpressionError{first.Location.Column() + 1, to.unknown + first.Message}
	}
	if checked.OutputType() != to.value {
		return nil, lookups{}, &ExpressionError{1, "has the type " + checked.OutputType().String() + "; use an expression that " + to.wanted}
	}
	var names lookups
	if err := names.collect(checked); err != nil {
		return nil, lookups{}, err
	}
	return checked, names, nil
}

// lookups are the headers and parameters that an expression asks for.
type lookups struct{ header, query []string }

// collect finds them, and makes sure that the maps are used for nothing else: a request's headers
// can be looked up, but not listed.
func (l *lookups) collect(checked *cel.Ast) error {
	root := checked.NativeRep()
	uses, named := 0, 0
	var wrong error
	note := func(variable, name string) {
		named++
		if variable == "query" {
			l.query = append(l.query, name)
			return
		}
		if name != strings.ToLower(name) {
			wrong = fmt.Errorf("the names of headers are in lower case; use %q", strings.ToLower(name))
		}
		l.header = append(l.header, name)
	}
	ast.PostOrderVisit(root.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && (e.AsIdent() == "header" || e.AsIdent() == "query") {
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
		wrong = errors.New(`header and query can only be asked for a name, as in header["x-env"], "x-env" in header, has(header.env)`)
	}
	slices.Sort(l.header)
	slices.Sort(l.query)
	l.header, l.query = slices.Compact(l.header), slices.Compact(l.query)
	return wrong
}

// program makes the function of a checked expression.
func program(checked *cel.Ast, names lookups) (func(*route.Request) bool, error) {
	evaluate, err := evaluator(checked, names)
	return func(r *route.Request) bool { return evaluate(r) == types.True }, err
}

// evaluator computes a checked expression: nil where it has no value.
func evaluator(checked *cel.Ast, names lookups) (func(*route.Request) ref.Val, error) {
	p, err := environment().Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		return nil, fmt.Errorf("can't be computed: %w", err)
	}
	return func(r *route.Request) ref.Val {
		value, _, err := p.Eval(&activation{r, names})
		if err != nil {
			return nil
		}
		return value
	}, nil
}

// activation gives an expression the parts of a request, each when it is asked for.
type activation struct {
	request *route.Request
	names   lookups
}

// ResolveName is for the interpreter.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "scheme":
		return a.request.Scheme, true
	case "method":
		return a.request.Method, true
	case "host":
		return route.Hostname(a.request.Host), true
	case "path":
		return a.request.Path, true
	case "header":
		return a.headers(), true
	case "query":
		return a.params(), true
	}
	return nil, false
}

// Parent is for the interpreter.
func (a *activation) Parent() cel.Activation { return nil }

func (a *activation) headers() map[string]string {
	found := map[string]string{}
	if a.request.Header == nil {
		return found
	}
	for _, name := range a.names.header {
		if value, ok := a.request.Header(name); ok {
			found[name] = value
		}
	}
	return found
}

func (a *activation) params() map[string]string {
	found := map[string]string{}
	for name, value := range route.Params(a.request.Query) {
		if _, taken := found[name]; !taken && slices.Contains(a.names.query, name) {
			found[name] = value
		}
	}
	return found
}
