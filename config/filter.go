package config

import (
	"maps"
	"math"
	"slices"
	"strings"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// filterSpec are the filters of a route or a backend.
type filterSpec struct {
	Request  *v1alpha1.HeaderEdits `json:"request"`
	Rewrite  *rewriteSpec          `json:"rewrite"`
	Response *v1alpha1.HeaderEdits `json:"response"`
	CORS     *corsSpec             `json:"cors"`
	Redirect *redirectSpec         `json:"redirect"`
	Respond  *respondSpec          `json:"respond"`
}

type rewriteSpec struct {
	Host string                `json:"host"`
	Path *v1alpha1.PathRewrite `json:"path"`
}

type corsSpec struct {
	Origins     []string `json:"origins" short:"true"`
	Methods     []string `json:"methods"`
	Headers     []string `json:"headers"`
	Expose      []string `json:"expose"`
	Credentials bool     `json:"credentials"`
	MaxAge      string   `json:"maxAge"`
}

type redirectSpec struct {
	Scheme string                `json:"scheme"`
	Host   string                `json:"host"`
	Port   int                   `json:"port"`
	Path   *v1alpha1.PathRewrite `json:"path"`
	Status int                   `json:"status"`
}

type respondSpec struct {
	Status int    `json:"status" short:"true"`
	Type   string `json:"type"`
	Body   string `json:"body"`
}

// compile makes the filters, or nil if there are none.
func (s *filterSpec) compile() (*route.Filters, complaints) {
	if *s == (filterSpec{}) {
		return nil, nil
	}
	var errs complaints
	f := &route.Filters{Request: compileEdits(s.Request), Response: compileEdits(s.Response)}
	if s.Rewrite != nil {
		f.Host, f.Path = s.Rewrite.Host, compilePath(s.Rewrite.Path)
	}
	if c := s.CORS; c != nil {
		f.CORS = &route.CORS{
			AllowOrigins: c.Origins, AllowMethods: c.Methods, AllowHeaders: c.Headers, ExposeHeaders: c.Expose,
			AllowCredentials: c.Credentials, MaxAge: read(&errs, "cors.maxAge", c.MaxAge, parseDuration),
		}
	}
	if r := s.Redirect; r != nil {
		f.Redirect = &route.Redirect{
			Scheme: r.Scheme, Host: r.Host, Port: fit[uint16](&errs, "redirect.port", r.Port, math.MaxUint16), Path: compilePath(r.Path), Status: r.Status,
		}
	}
	if r := s.Respond; r != nil {
		f.Respond = &route.Respond{Status: r.Status, ContentType: r.Type, Body: r.Body}
	}
	return f, errs
}

// compileEdits makes the edits of a header, each list in the order of the names.
func compileEdits(s *v1alpha1.HeaderEdits) route.HeaderEdits {
	if s == nil {
		return route.HeaderEdits{}
	}
	return route.HeaderEdits{Set: headerFields(s.Set), Add: headerFields(s.Add), Remove: s.Remove}
}

func headerFields(values map[string]string) (list []route.HeaderField) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, route.HeaderField{Name: name, Value: values[name]})
	}
	return list
}

func compilePath(s *v1alpha1.PathRewrite) route.PathRewrite {
	switch {
	case s == nil:
		return route.PathRewrite{}
	case s.Regexp != "":
		return route.PathRewrite{Kind: route.RewriteRegexp, Pattern: s.Regexp, Value: s.To}
	}
	if prefix, ok := strings.CutSuffix(s.To, "/*"); ok {
		return route.PathRewrite{Kind: route.RewritePrefix, Value: prefix}
	}
	return route.PathRewrite{Kind: route.RewriteFull, Value: s.To}
}
