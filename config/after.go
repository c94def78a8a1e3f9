package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tain.dev/tain/route"
)

// outcomes makes conditions on exchanges: those of after.
var outcomes = combiner[route.After]{
	parse: parseOutcome,
	and:   andAfter,
	join: func(a, b route.After) route.After {
		joined, err := andAfter(a, b)
		if err != nil {
			a.Any = append(a.Any, []route.After{b})
			return a
		}
		return joined
	},
	any: func(a *route.After, alternatives []route.After) { a.Any = append(a.Any, alternatives) },
	not: func(a *route.After, inner route.After) { a.Not = append(a.Not, inner) },

	counts: afterCounts,
}

// outcomeForm is a short form that is only of after, as shortForm is of the others.
var outcomeForm = regexp.MustCompile(`^(!?)(status|latency|backend|fault|size|response\.header\.([^\s=!~^<>."'\[\]()]+)|json:(\$[^\s=!~^<>]*))` +
	`(?:(=|\^=|~=|!=|!~=|<=|>=|<|>)([^="'].*)?)?$`)

// parseOutcome reads a condition of after: one of the short forms
//
//	status=2xx,404  status>=500  response.header.X-Cache=HIT  latency>200ms  backend=shop:9000  fault
//	json:$.user.country=CH  json:$.items[*].id  size>1MiB
//
// or one of those of [ParseMatch], about the head as live got it; else it is a CEL expression.
func parseOutcome(text string) (route.After, error) {
	groups := outcomeForm.FindStringSubmatch(text)
	if groups == nil {
		m, ok, err := parseShort(text)
		switch {
		case !ok:
			return compileOutcome(text)
		case len(m.Not) > 0:
			return route.After{Not: []route.After{{Request: m.Not[0]}}}, err
		}
		return route.After{Request: m}, err
	}
	negated, o := groups[1] != "", outcome{groups[2], groups[3], groups[4], groups[5], groups[6]}
	if strings.ContainsAny(o.op, "<>") && (o.value == "" || o.value[0] < '0' || o.value[0] > '9') {
		return compileOutcome(text)
	}
	if negated && o.op != "" {
		return route.After{}, fmt.Errorf("has ! and %s; use one of them", o.op)
	}
	if strings.HasPrefix(o.op, "!") {
		negated, o.op = true, o.op[1:]
	}
	a, err := o.after()
	if err == nil && negated {
		a = route.After{Not: []route.After{a}}
	}
	return a, err
}

// outcome is a short form.
type outcome struct{ subject, header, path, op, value string }

// after makes the condition of a short form that is not negated.
func (o *outcome) after() (a route.After, err error) {
	op, known := conditionOps[o.op]
	switch {
	case o.header != "" && known:
		a.Headers = []route.Condition{{Name: o.header, Op: op, Value: o.value}}
	case o.path != "" && known:
		a.Fields = []route.Condition{{Name: o.path, Op: op, Value: o.value}}
	case o.subject == "fault" && o.op == "":
		a.Fault = true
	case o.op == "":
		err = fmt.Errorf("has no value; use one such as %s=…", o.subject)
	case o.subject == "size":
		a.Size, err = parseRange(o.op, o.value, ParseSize)
	case o.subject == "latency":
		a.Latency, err = parseRange(o.op, o.value, parseDuration)
	case o.subject == "status" && o.op == "=":
		a.Status, err = parseEach(strings.Split(o.value, ","), parseStatuses)
	case o.subject == "status" && strings.ContainsAny(o.op, "<>"):
		a.Status, err = compareStatus(o.op, o.value)
	case o.subject == "backend" && o.op == "=":
		a.Backends = strings.Split(o.value, ",")
	default:
		err = fmt.Errorf("%s can't be used with %s; look for another operator, or write an expression", o.op, o.subject)
	}
	return a, err
}

// parseStatuses reads a status, a range of them, or a class such as 2xx.
func parseStatuses(text string) (route.StatusRange, error) {
	if class, ok := strings.CutSuffix(text, "xx"); ok && len(class) == 1 {
		text = class + "00-" + class + "99"
	}
	r, err := route.ParseStatusRange(text)
	if err != nil {
		return r, fmt.Errorf("%q is not a status; use one such as 404, 2xx or 200-399", text)
	}
	return r, nil
}

// The statuses that there are.
const leastStatus, mostStatus = 100, 599

// compareStatus makes the range of what compares so with a status.
func compareStatus(op, value string) ([]route.StatusRange, error) {
	r, err := parseRange(op, value, func(text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < leastStatus || n > mostStatus {
			return 0, fmt.Errorf("%q is not a status; use %d to %d", text, leastStatus, mostStatus)
		}
		return n, nil
	})
	if err != nil {
		return nil, err
	}
	from, to := max(r.Low, leastStatus), min(r.High, mostStatus)
	if from > to {
		return nil, fmt.Errorf("no status is %s %s", op, value)
	}
	return []route.StatusRange{{From: int(from), To: int(to)}}, nil
}

// andAfter is what holds where both do.
func andAfter(a, b route.After) (route.After, error) {
	request, err := and(a.Request, b.Request)
	if err != nil {
		return a, err
	}
	status, ok := andStatus(a.Status, b.Status)
	switch {
	case !ok:
		return a, errors.New("there is a status already; list them as status=2xx,404")
	case len(a.Backends) > 0 && len(b.Backends) > 0:
		return a, errors.New("there is a backend already; list them as backend=a:80,b:80")
	}
	a.Request, a.Status = request, status
	a.Fields = slices.Concat(a.Fields, b.Fields)
	a.Size, a.Latency = andRange(a.Size, b.Size), andRange(a.Latency, b.Latency)
	a.Headers = slices.Concat(a.Headers, b.Headers)
	a.Backends = slices.Concat(a.Backends, b.Backends)
	a.Fault = a.Fault || b.Fault
	a.Any, a.Not = slices.Concat(a.Any, b.Any), slices.Concat(a.Not, b.Not)
	if a.Func == nil {
		a.When, a.Func = b.When, b.Func
	} else if f, g := a.Func, b.Func; g != nil {
		a.When = "(" + a.When + ") && (" + b.When + ")"
		a.Func = func(x *route.Exchanged) bool { return f(x) && g(x) }
	}
	return a, nil
}

// andStatus joins two comparisons to a range. Lists can't be joined.
func andStatus(a, b []route.StatusRange) (list []route.StatusRange, ok bool) {
	if len(a) == 0 || len(b) == 0 {
		return slices.Concat(a, b), true
	}
	both := route.StatusRange{From: max(a[0].From, b[0].From), To: min(a[0].To, b[0].To)}
	return []route.StatusRange{both}, len(a)+len(b) == 2 && both.From <= both.To
}
