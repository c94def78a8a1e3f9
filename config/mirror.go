package config

import (
	"cmp"
	"errors"
	"fmt"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// CompileMirror makes the mirror of a spec. What it could not read is in the errors, each an
// [*Error] whose Setting is the name in the spec; [route.New] checks the rest.
func CompileMirror(name string, spec *v1alpha1.MirrorSpec) (*route.Mirror, []error) {
	m := &route.Mirror{Name: name, PerMillion: route.All, Writes: spec.Writes, Host: route.ParseHostRewrite(spec.Host)}
	var errs []error
	set := func(setting, text string, read func() error) {
		if text == "" {
			return
		}
		if err := read(); err != nil {
			errs = append(errs, &Error{Setting: setting, Text: err.Error()})
		}
	}
	set("percent", string(spec.Percent), func() (err error) {
		m.PerMillion, err = route.ParsePercent(string(spec.Percent))
		return err
	})
	set("timeout", spec.Timeout, func() (err error) {
		m.Timeout, err = parseDuration(spec.Timeout)
		return err
	})
	set("maxBody", spec.MaxBody, func() (err error) {
		m.MaxBody, err = ParseSize(spec.MaxBody)
		return err
	})
	match, matchErrs := ParseMatch(spec.Match)
	m.Match = match
	for _, t := range spec.Targets {
		m.Targets = append(m.Targets, route.Target{Name: t.Name, URL: t.URL, Baseline: t.Baseline})
	}
	return m, append(errs, matchErrs...)
}

// mirrorUse is a mirror of a route: one of its own, or the name of one that is defined once.
type mirrorUse struct {
	Use  string `json:"use" short:"true"`
	Name string `json:"name"`
	v1alpha1.MirrorSpec
}

// routeSpec is a route as it is written.
type routeSpec struct {
	Name     string        `json:"name"`
	Hosts    []string      `json:"hosts"`
	Match    []string      `json:"match"`
	Timeout  string        `json:"timeout"`
	Backends []backendSpec `json:"backends"`
	Mirrors  []mirrorUse   `json:"mirrors"`
}

type backendSpec struct {
	URL    string  `json:"url" short:"true"`
	Weight *uint32 `json:"weight"`
}

// compile makes the route. The errors have the settings of the spec.
func (s *routeSpec) compile(named map[string]*route.Mirror) (*route.Route, []error) {
	r := &route.Route{Name: s.Name, Hosts: s.Hosts}
	var errs []error
	fail := func(setting, format string, args ...any) {
		errs = append(errs, &Error{Setting: setting, Text: fmt.Sprintf(format, args...)})
	}
	match, matchErrs := ParseMatch(s.Match)
	errs = append(errs, matchErrs...)
	if len(match.Hosts) > 0 && len(s.Hosts) > 0 {
		fail("match", "has a host, and there are hosts besides; use one of them")
	} else if len(match.Hosts) > 0 {
		r.Hosts, match.Hosts = match.Hosts, nil
	}
	r.Match = match
	if s.Timeout != "" {
		var err error
		if r.Timeout, err = parseDuration(s.Timeout); err != nil {
			fail("timeout", "%v", err)
		}
	}
	for _, b := range s.Backends {
		backend := route.Backend{URL: b.URL, Weight: 1}
		if b.Weight != nil {
			backend.Weight = *b.Weight
		}
		r.Backends = append(r.Backends, backend)
	}
	for i := range s.Mirrors {
		field := fmt.Sprintf("mirrors[%d]", i)
		m, mirrorErrs := s.Mirrors[i].compile(named)
		errs = append(errs, prefixed(field, mirrorErrs)...)
		r.Mirrors = append(r.Mirrors, m)
	}
	return r, errs
}

// compile makes the mirror, or takes the one that is named. It never returns nil.
func (u *mirrorUse) compile(named map[string]*route.Mirror) (*route.Mirror, []error) {
	if u.Use == "" {
		return CompileMirror(cmp.Or(u.Name, "mirror"), &u.MirrorSpec)
	}
	m, ok := named[u.Use]
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
