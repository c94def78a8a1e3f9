package route

import (
	"regexp"
	"strconv"
	"strings"
)

// RewriteKind says how a [PathRewrite] makes the new path.
type RewriteKind uint8

// The kinds of path rewrites.
const (
	RewriteNone   RewriteKind = iota
	RewriteFull               // another path
	RewritePrefix             // another prefix instead of the one that the route matched
	RewriteRegexp             // another text instead of what a regular expression matches
)

// PathRewrite makes one path of another. The zero value leaves it. Paths are as in a request:
// percent-encoding is kept, and expected in Value.
type PathRewrite struct {
	Kind RewriteKind
	// Value is the path, the prefix, or the text, in which $1 and ${name} stand for what the
	// groups of Pattern matched, and $$ for a dollar.
	Value   string
	Pattern string // RE2; every match in the path is replaced; only for [RewriteRegexp]

	re *regexp.Regexp
}

// Append appends the path that takes path's place. m is the match that the request fulfilled: it
// says which prefix that was, where whole elements are replaced by whole elements, as the Gateway
// API asks. The path * of OPTIONS stays. Only regular expressions allocate.
func (p *PathRewrite) Append(dst []byte, path string, m *Match) []byte {
	if !strings.HasPrefix(path, "/") {
		return append(dst, path...)
	}
	switch p.Kind {
	case RewriteFull:
		return append(dst, p.Value...)
	case RewritePrefix:
		return p.appendPrefix(dst, path, &m.Path)
	case RewriteRegexp:
		return p.appendRegexp(dst, path)
	}
	return append(dst, path...)
}

// appendPrefix replaces what the route matched.
func (p *PathRewrite) appendPrefix(dst []byte, path string, matched *Path) []byte {
	if matched.Kind == PathBytes {
		return append(append(dst, p.Value...), strings.TrimPrefix(path, matched.Value)...)
	}
	rest := ""
	switch {
	case matched.Kind == PathAny, matched.Value == "/" && matched.Kind == PathElements:
		rest = path
		if path == "/" {
			rest = ""
		}
	case matched.Kind == PathElements:
		rest = strings.TrimPrefix(path, matched.Value)
	}
	if rest == "" {
		return append(dst, p.Value...)
	}
	dst = append(dst, strings.TrimSuffix(p.Value, "/")...)
	return append(dst, rest...)
}

// appendRegexp replaces every match. A path that would not begin with a slash gets one.
func (p *PathRewrite) appendRegexp(dst []byte, path string) []byte {
	replaced := p.re.ReplaceAllString(path, p.Value)
	if !strings.HasPrefix(replaced, "/") {
		dst = append(dst, '/')
	}
	return append(dst, replaced...)
}

// Redirect answers with another place to ask. The query stays.
type Redirect struct {
	Scheme string      // http or https; "" is the request's
	Host   string      // without port; "" is the request's
	Port   uint16      // 0 is the scheme's if Scheme is set, else the request's
	Path   PathRewrite // the zero value leaves the path
	Status int         // 301, 302, 303, 307 or 308; 0 is 302, of which a compiled table holds none
}

// AppendLocation appends the value of Location for a request: its scheme, its Host with or without
// port, its path, its query without question mark, the port on which the user asked (0 is the
// scheme's), and the match that it fulfilled. A port that the scheme implies is left out.
func (r *Redirect) AppendLocation(dst []byte, scheme, host, path, query string, port uint16, m *Match) []byte {
	if r.Scheme != "" {
		scheme, port = r.Scheme, 0
	}
	if r.Port != 0 {
		port = r.Port
	}
	name, _ := splitPort(host)
	if r.Host != "" {
		name = r.Host
	}
	dst = append(dst, scheme...)
	dst = append(dst, "://"...)
	dst = append(dst, name...)
	if port != 0 && !(scheme == "http" && port == 80) && !(scheme == "https" && port == 443) {
		dst = append(dst, ':')
		dst = strconv.AppendUint(dst, uint64(port), 10)
	}
	dst = r.Path.Append(dst, path, m)
	if query != "" {
		dst = append(dst, '?')
		dst = append(dst, query...)
	}
	return dst
}
