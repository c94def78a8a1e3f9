package config

import (
	"cmp"
	"errors"
	"fmt"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// CompileMirror makes the mirror of a spec, whose targets may use backends. What it could not read
// is in the errors, each an [*Error] whose Setting is the name in the spec; [route.New] checks the
// rest.
func CompileMirror(name string, spec *v1alpha1.MirrorSpec, use Use) (*route.Mirror, []error) {
	m := &route.Mirror{Name: name, Writes: spec.Writes, Host: route.ParseHostRewrite(spec.Host)}
	var errs complaints
	m.Sample = compileSample(&errs, name, spec)
	m.Limits = compileLimits(&errs, spec.Limits)
	m.Timeout = read(&errs, "timeout", spec.Timeout, parseDuration)
	m.MaxBody = read(&errs, "maxBody", spec.MaxBody, ParseSize)
	match, matchErrs := matches.all("match", spec.Match)
	m.Match = match
	if len(spec.After) > 0 {
		after, afterErrs := outcomes.all("after", spec.After)
		m.After = &after
		errs = append(errs, afterErrs...)
	}
	m.Copy = compileCopy(&errs, spec.Copy)
	m.ChooseBy = spec.ChooseBy
	errs = append(errs, matchErrs...)
	for i := range spec.Targets {
		t := &spec.Targets[i]
		server := serverSpec{Use: t.Use, URL: t.URL, URLs: t.URLs, Upstream: t.Upstream}
		url, o, targetErrs := server.compile(use)
		errs.below(fmt.Sprintf("targets[%d]", i), targetErrs)
		m.Targets = append(m.Targets, route.Target{Name: cmp.Or(t.Name, t.Use), URL: url, Baseline: t.Baseline, Secrets: compileSecrets(t.Credentials), Options: o})
	}
	return m, errs
}

// mirrorUse is a mirror of a route: one of its own, or the name of one that is defined once.
type mirrorUse struct {
	Use  string `json:"use" short:"true"`
	Name string `json:"name"`
	v1alpha1.MirrorSpec
}

// compile makes the mirror, or takes the one that is named. It never returns nil.
func (u *mirrorUse) compile(by *defined) (*route.Mirror, []error) {
	if u.Use == "" {
		return CompileMirror(cmp.Or(u.Name, "mirror"), &u.MirrorSpec, by.use)
	}
	m, ok := by.mirrors[u.Use]
	if !ok {
		return &route.Mirror{Name: u.Use}, []error{&Error{Text: fmt.Sprintf("there is no mirror %q; define it under mirrors", u.Use)}}
	}
	if m == nil {
		return &route.Mirror{Name: u.Use}, []error{&Error{Text: fmt.Sprintf("the mirror %q is wrong, see there", u.Use)}}
	}
	if u.Name != "" || len(u.Targets) > 0 {
		return m, []error{&Error{Text: fmt.Sprintf("uses the mirror %q and has settings of its own; choose one", u.Use)}}
	}
	own := *m
	return &own, nil
}

// prefixed puts a field before the settings of errors.
func prefixed(field string, errs []error) []error {
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			e.Setting = join(field, e.Setting)
		}
	}
	return errs
}
