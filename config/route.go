package config

import (
	"fmt"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// routeSpec is a route as it is written.
type routeSpec struct {
	Name           string               `json:"name"`
	Hosts          []string             `json:"hosts"`
	Match          []v1alpha1.Condition `json:"match"`
	Timeout        string               `json:"timeout"`
	RequestTimeout string               `json:"requestTimeout"`
	filterSpec
	Retry    *retrySpec    `json:"retry"`
	Session  *sessionSpec  `json:"session"`
	Backends []backendSpec `json:"backends"`
	Mirrors  []mirrorUse   `json:"mirrors"`
}

type retrySpec struct {
	Attempts *int     `json:"attempts" short:"true"`
	After    []string `json:"after"`
	Statuses []int    `json:"statuses"`
	PerTry   string   `json:"perTry"`
	Backoff  string   `json:"backoff"`
	Unsafe   bool     `json:"unsafe"`
}

type sessionSpec struct {
	Type      string `json:"type"`
	Name      string `json:"name" short:"true"`
	MaxAge    string `json:"maxAge"`
	Idle      string `json:"idle"`
	Path      string `json:"path"`
	Permanent bool   `json:"permanent"`
}

type backendSpec struct {
	serverSpec
	Weight *uint32 `json:"weight"`
	filterSpec
}

// defined is what routes may use by its name.
type defined struct {
	use     Use
	mirrors map[string]*route.Mirror // nil if it is wrong
}

// compile makes the route. The complaints have the settings of the spec.
func (s *routeSpec) compile(by *defined) (*route.Route, complaints) {
	r := &route.Route{Name: s.Name, Hosts: s.Hosts}
	var errs complaints
	match, matchErrs := matches.all("match", s.Match)
	errs = append(errs, matchErrs...)
	if len(match.Hosts) > 0 && len(s.Hosts) > 0 {
		errs.fail("match", "has a host, and there are hosts besides; use one of them")
	} else if len(match.Hosts) > 0 {
		r.Hosts, match.Hosts = match.Hosts, nil
	}
	r.Match = match
	r.Timeout = read(&errs, "timeout", s.Timeout, parseDuration)
	r.RequestTimeout = read(&errs, "requestTimeout", s.RequestTimeout, parseDuration)
	filters, filterErrs := s.filterSpec.compile()
	errs = append(errs, filterErrs...)
	r.Filters = filters
	if s.Retry != nil {
		r.Retry = s.Retry.compile(&errs)
	}
	if s.Session != nil {
		r.Session = s.Session.compile(&errs)
	}
	for i := range s.Backends {
		b, backendErrs := s.Backends[i].compile(by.use)
		errs.below(fmt.Sprintf("backends[%d]", i), backendErrs)
		r.Backends = append(r.Backends, b)
	}
	for i := range s.Mirrors {
		m, mirrorErrs := s.Mirrors[i].compile(by)
		errs.below(fmt.Sprintf("mirrors[%d]", i), mirrorErrs)
		r.Mirrors = append(r.Mirrors, m)
	}
	return r, errs
}

func (s *backendSpec) compile(use Use) (route.Backend, complaints) {
	b := route.Backend{Weight: 1}
	if s.Weight != nil {
		b.Weight = *s.Weight
	}
	url, o, errs := s.serverSpec.compile(use)
	b.URL, b.Options = url, o
	filters, filterErrs := s.filterSpec.compile()
	b.Filters = filters
	return b, append(errs, filterErrs...)
}

func (s *retrySpec) compile(errs *complaints) *route.Retry {
	r := &route.Retry{
		Attempts: 1,
		Statuses: s.Statuses,
		PerTry:   read(errs, "retry.perTry", s.PerTry, parseDuration),
		Backoff:  read(errs, "retry.backoff", s.Backoff, parseDuration),
		Unsafe:   s.Unsafe,
	}
	if s.Attempts != nil {
		r.Attempts = *s.Attempts
	}
	for _, on := range readAll(errs, "retry.after", s.After, route.ParseRetryOn) {
		r.On |= on
	}
	return r
}

func (s *sessionSpec) compile(errs *complaints) *route.Session {
	return &route.Session{
		Kind:      read(errs, "session.type", s.Type, route.ParseSessionKind),
		Name:      s.Name,
		MaxAge:    read(errs, "session.maxAge", s.MaxAge, parseDuration),
		Idle:      read(errs, "session.idle", s.Idle, parseDuration),
		Path:      s.Path,
		Permanent: s.Permanent,
	}
}
