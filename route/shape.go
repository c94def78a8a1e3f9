package route

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// Shape makes the heads of the copies that go to one target: a [Copy] compiled, with the values of its
// credentials, which it shows to nobody. It never changes, and is safe for concurrent use.
type Shape struct {
	host    HostRewrite
	path    *PathRewrite
	prefix  *Match // which says what prefix the path has
	query   *queryEditor
	verbs   fieldVerbs
	cookies cookieSorter
	tracer  *tracer // nil tells nothing
	lines   []byte  // that every copy has: those that are set, credentials, and the marker
}

// NewShape compiles how the copies of a route's mirror look that go to one of its targets, all of them
// of a compiled table. The copies bear the field marker with the value by. NewShape reads the files of
// credentials, so it may block. Where one can't be read there is an error, and no copy may be made: it
// would bear no credential, or the user's.
func NewShape(r *Route, m *Mirror, t *Target, marker, by string) (*Shape, error) {
	c := &m.Copy
	s := &Shape{host: m.Host, path: &c.Path, prefix: &m.Match, query: newQueryEditor(&c.Query)}
	if m.Match.Path.Kind == PathAny {
		s.prefix = &r.Match
	}
	if c.HideClient {
		s.verbs.set(dropField, ClientHeaders...)
	}
	s.dropCredentials(&c.Credentials)
	if c.Trace != (Trace{}) {
		s.tracer = &tracer{Trace: c.Trace, member: baggageMember(by), salt: hash64(by+" "+t.Name, 0)}
		s.holdTrace()
	}
	err := s.setCredentials(t.Secrets, c.Credentials.Set)
	for _, f := range c.Header.Set {
		s.verbs.set(dropField, f.Name)
	}
	s.verbs.set(dropField, c.Header.Remove...)
	s.lines = c.Header.AppendTo(s.lines)
	s.lines = (&HeaderField{marker, by}).appendTo(s.lines)
	return s, err
}

func (s *Shape) dropCredentials(c *Credentials) {
	if c.Usual {
		s.verbs.set(dropField, UsualHeaders...)
		s.query.dropFolded(UsualParams)
	}
	s.verbs.set(dropField, c.Headers...)
	s.query.dropFolded(c.Params)
	if s.cookies = (cookieSorter{c.DropCookies, c.KeepCookies}); len(c.DropCookies)+len(c.KeepCookies) > 0 {
		s.verbs.set(sortCookie, "Cookie")
	}
}

func (s *Shape) holdTrace() {
	if s.tracer.changes() {
		s.verbs.set(holdTrace, traceparent, tracestate)
	}
	if s.tracer.Baggage {
		s.verbs.set(holdTrace, baggage)
	}
}

// setCredentials has the copies bear the target's own credentials, and those of the mirror that they
// do not stand in for.
func (s *Shape) setCredentials(own, common []Secret) (err error) {
	secrets := slices.Clone(own)
	for _, secret := range common {
		if !slices.ContainsFunc(own, func(o Secret) bool { return o.standsInFor(&secret) }) {
			secrets = append(secrets, secret)
		}
	}
	for i := range secrets {
		value, readErr := secrets[i].Read()
		err = errors.Join(err, readErr)
		if secrets[i].Query {
			s.query.set(QueryParam{secrets[i].Name, value})
			continue
		}
		s.verbs.set(dropField, secrets[i].Name)
		s.lines = (&HeaderField{secrets[i].Name, value}).appendTo(s.lines)
	}
	return err
}

// standsInFor says whether a secret and another one are the same field or parameter.
func (s *Secret) standsInFor(other *Secret) bool {
	return s.Query == other.Query && (s.Name == other.Name || !s.Query && strings.EqualFold(s.Name, other.Name))
}

// Append appends the head of a copy, without the empty line. head is that of the request in normal
// form: a request line in origin-form, the Host line, which end at lineEnd and hostEnd, and further
// lines, each with its CRLF. Of seed are made the ids of traces; it is random, or at least another one
// for each request. Only regular expressions allocate.
func (s *Shape) Append(dst, head []byte, lineEnd, hostEnd int, seed uint64) []byte {
	dst = s.appendLine(dst, head[:lineEnd])
	dst = s.appendHost(dst, head[lineEnd:hostEnd])
	dst = s.appendFields(dst, head[hostEnd:], seed)
	return append(dst, s.lines...)
}

func (s *Shape) appendLine(dst, line []byte) []byte {
	if s.query.empty() {
		return s.path.AppendLine(dst, line, s.prefix)
	}
	method, path, query, version := cutRequestLine(line)
	if len(path) == 0 || path[0] != '/' {
		return append(dst, line...)
	}
	dst = append(dst, method...)
	dst = s.path.Append(dst, asString(path), s.prefix)
	dst = s.query.append(dst, query)
	return append(dst, version...)
}

func (s *Shape) appendHost(dst, line []byte) []byte {
	if s.host.Kind == HostKeep {
		return append(dst, line...)
	}
	const name, end = "Host: ", "\r\n"
	dst = append(dst, name...)
	dst = s.host.AppendTo(dst, asString(line[len(name):len(line)-len(end)]))
	return append(dst, end...)
}

// appendFields appends the fields that stay, in runs of lines that are copied at once, and then those
// of traces.
func (s *Shape) appendFields(dst, lines []byte, seed uint64) []byte {
	if s.verbs.empty() {
		return append(dst, lines...)
	}
	var h held
	run := 0 // where the lines begin that stay and are not copied yet
	for at := 0; at < len(lines); {
		line := lines[at : at+lineEnd(lines[at:])]
		at += len(line)
		verb, name := s.verbs.of(line)
		if verb == keepField {
			continue
		}
		dst = append(dst, lines[run:at-len(line)]...)
		run = at
		switch value := bytes.TrimSpace(line[name+1:]); verb {
		case sortCookie:
			dst = s.cookies.append(dst, value)
		case holdTrace:
			h.hold(line[:name], value)
		}
	}
	dst = append(dst, lines[run:]...)
	if s.tracer != nil {
		dst = s.tracer.append(dst, lines, &h, seed)
	}
	return dst
}
