package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// namedIn lists what a file defines by names below a setting.
func namedIn[T any](r *reader, setting string, specs map[string]T) []named[T] {
	var all []named[T]
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		field := join(setting, name)
		all = append(all, named[T]{field, name, specs[name], r.places, len(r.errorsIn(field)) > 0})
	}
	return all
}

// compileBackend makes a backend that routes and targets may use, and checks it by itself.
func (l *loader) compileBackend(n *named[serverSpec]) {
	if _, ok := l.backends[n.name]; ok {
		l.addTwice(n.field, n.places)
		return
	}
	var b *route.Backend
	url, o, errs := n.spec.compile(func(string) (string, *route.Options, error) {
		return "", nil, errors.New("is a backend itself; use it where routes and mirrors name their backends")
	})
	r := &route.Route{Name: "check", Backends: []route.Backend{{URL: url, Weight: 1, Options: o}}}
	errs = append(errs, checkAlone(r, "backends[0].")...)
	l.addNamed(n.field, n.places, errs)
	if len(errs) == 0 && !n.broken {
		b = &r.Backends[0]
	}
	l.backends[n.name] = b
}

// use is a [Use] of the backends that the files define.
func (l *loader) use(name string) (string, *route.Options, error) {
	b, ok := l.backends[name]
	if !ok {
		return "", nil, fmt.Errorf("there is no backend %q; define it under backends", name)
	}
	if b == nil {
		return "", nil, fmt.Errorf("the backend %q is wrong, see there", name)
	}
	return b.URL, b.Options, nil
}

// compileMirror makes a mirror that routes may use, and checks it by itself.
func (l *loader) compileMirror(n *named[v1alpha1.MirrorSpec]) {
	if _, ok := l.mirrors[n.name]; ok {
		l.addTwice(n.field, n.places)
		return
	}
	m, errs := CompileMirror(n.name, &n.spec, l.use)
	backends := []route.Backend{{URL: "http://check", Weight: 1}}
	for _, err := range checkAlone(&route.Route{Name: "check", Backends: backends, Mirrors: []*route.Mirror{m}}, "mirrors[0].") {
		var e *Error
		if errors.As(err, &e) {
			e.Setting = writtenInMirror(&n.spec, e.Setting)
		}
		errs = append(errs, err)
	}
	l.addNamed(n.field, n.places, errs)
	if len(errs) > 0 || n.broken {
		m = nil
	}
	l.mirrors[n.name] = m
}

// checkAlone returns what is wrong with a part of a route that is there only to be checked.
func checkAlone(r *route.Route, part string) (errs complaints) {
	_, checks := route.New([]*route.Route{r})
	for _, err := range checks {
		var e *route.Error
		if errors.As(err, &e) {
			errs.fail(strings.TrimPrefix(e.Field, part), "%s", e.Text)
		}
	}
	return errs
}

func (l *loader) addTwice(field string, places map[string]place) {
	l.add(&Error{Text: "is defined in another file already; names are unique"}, field, "", places)
}

func (l *loader) addNamed(field string, places map[string]place, errs []error) {
	for _, err := range errs {
		l.add(err, field, "", places)
	}
}
