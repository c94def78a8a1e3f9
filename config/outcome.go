package config

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"tain.dev/tain/route"
)

// CompileOutcome makes the function of a CEL expression on an exchange. It is a [route.Compile.After].
// The error may be an [*ExpressionError].
func CompileOutcome(text string) (func(*route.Exchanged) bool, error) {
	checked, names, err := check(text, forOutcome)
	if err != nil {
		return nil, err
	}
	p, err := runnable(outcomeEnvironment(), checked)
	return func(x *route.Exchanged) bool {
		return value(p, &outcomeActivation{activation{nil, names}, x}) == types.True
	}, err
}

func compileOutcome(text string) (route.After, error) {
	f, err := CompileOutcome(text)
	return route.After{When: text, Func: f}, err
}

// outcomeActivation gives an expression the parts of an exchange, each when it is asked for.
type outcomeActivation struct {
	head     activation
	exchange *route.Exchanged
}

// ResolveName is for the interpreter.
func (a *outcomeActivation) ResolveName(name string) (any, bool) {
	x := a.exchange
	switch name {
	case "request.body_size", "body_size":
		return x.BodySize, true
	case "response.status":
		return int64(x.Status), true
	case responseHeader:
		return a.headers(), true
	case "latency":
		return x.Latency, true
	case "backend":
		return x.Backend, true
	case "fault":
		return x.Fault, true
	}
	a.head.request = x.Asked()
	return a.head.ResolveName(name)
}

// Parent is for the interpreter.
func (a *outcomeActivation) Parent() cel.Activation { return nil }

// headers looks up the headers of the answer that the expression asks for.
func (a *outcomeActivation) headers() map[string]string {
	found := map[string]string{}
	for _, name := range a.head.names[responseHeader] {
		if a.exchange.Header == nil {
			break
		}
		if value, ok := a.exchange.Header(name); ok {
			found[name] = value
		}
	}
	return found
}
