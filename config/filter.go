package config

import (
	"maps"
	"math"
	"slices"
	"strings"

	"tain.dev/tain/route"
)

// filterSpec are the filters of a route or a backend.
type filterSpec struct {
	Request  *editSpec     `json:"request"`
	Rewrite  *rewriteSpec  `json:"rewrite"`
	Response *editSpec     `json:"response"`
	CORS     *corsSpec     `json:"cors"`
	Redirect *redirectSpec `json:"redirect"`
	Respond  *respondSpec  `json:"respond"`
}

type editSpec struct {
	Set    map[string]string `json:"set"`
	Add    map[string]string `json:"add"`
	Remove []string          `json:"remove"`
}

type rewriteSpec struct {
	Host string    `json:"host"`
	Path *pathSpec `json:"path"`
}

// pathSpec is another path, or another prefix if it ends with /*, or what takes the place of what a
// regular expression matches.
type pathSpec struct {
	Regexp string `json:"regexp"`
	To     string `json:"to" short:"true"`
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
	Scheme string    `json:"scheme"`
	Host   string    `json:"host"`
	Port   int       `json:"port"`
	Path   *pathSpec `json:"path"`
	Status int       `json:"status"`
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
	f := &route.Filters{Request: s.Request.compile(), Response: s.Response.compile()}
	if s.Rewrite != nil {
		f.Host, f.Path = s.Rewrite.Host, s.Rewrite.Path.compile()
	}
	if c := s.CORS; c != nil {
		f.CORS = &route.CORS{
			AllowOrigins: c.Origins, AllowMethods: c.Methods, AllowHeaders: c.Headers, ExposeHeaders: c.Expose,
			AllowCredentials: c.Credentials, MaxAge: read(&errs, "cors.maxAge", c.MaxAge, parseDuration),
		}
	}
	if r := s.Redirect; r != nil {
		f.Redirect = &route.Redirect{
			Scheme: r.Scheme, Host: r.Host, Port: fit[uint16](&errs, "redirect.port", r.Port, math.MaxUint16), Path: r.Path.compile(), Status: r.Status,
		}
	}
	if r := s.Respond; r != nil {
		f.Respond = &route.Respond{Status: r.Status, ContentType: r.Type, Body: r.Body}
	}
	return f, errs
}

// compile makes the edits of a header, each list in the order of the names.
func (s *editSpec) compile() route.HeaderEdits {
	if s == nil {
		return route.HeaderEdits{}
	}
	fields := func(values map[string]string) (list []route.HeaderField) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			list = append(list, route.HeaderField{Name: name, Value: values[name]})
		}
		return list
	}
	return route.HeaderEdits{Set: fields(s.Set), Add: fields(s.Add), Remove: s.Remove}
}

func (s *pathSpec) compile() route.PathRewrite {
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
