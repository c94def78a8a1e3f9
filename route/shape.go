package route

import (
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
	likes   fieldLikes
	maybe   []conditional // by the bits of verbs
	lines   []byte        // that every copy has: those that are set, credentials, and the marker
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
		s.verbs.set(holdTrace, c.Trace.fields()...)
	}
	err := s.setCredentials(t.Secrets, c.Credentials.Set)
	s.editHeader(&c.Header)
	s.lines = (&HeaderField{marker, by}).appendTo(s.lines)
	return s, err
}

func (s *Shape) editHeader(e *CopyEdits) {
	s.likes = e.likes
	for _, f := range e.Set {
		s.verbs.set(dropField, f.Name)
	}
	s.verbs.set(dropField, e.Remove...)
	s.lines = e.AppendTo(s.lines)
	for i := range e.Default {
		s.setIf(&e.Default[i], noteField)
	}
	for i := range e.Replace {
		s.setIf(&e.Replace[i], swapField)
	}
}

// setIf sets a field that depends on whether there is one of its name. One that is dropped for another
// reason is not there.
func (s *Shape) setIf(f *HeaderField, as verb) {
	switch dropped := s.verbs.find([]byte(f.Name)) != nil; {
	case dropped && as == noteField:
		s.lines = f.appendTo(s.lines)
	case !dropped:
		s.verbs.set(as, f.Name)
		s.verbs.find([]byte(f.Name)).bit = len(s.maybe)
		s.maybe = append(s.maybe, conditional{f.appendTo(nil), as == noteField})
	}
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
// that depend on what there was.
func (s *Shape) appendFields(dst, lines []byte, seed uint64) []byte {
	if s.verbs.empty() && len(s.likes) == 0 {
		return append(dst, lines...)
	}
	var h held
	there := uint64(0) // a bit for each of s.maybe
	run := 0           // where the lines begin that stay and are not copied yet
	for at := 0; at < len(lines); {
		line := lines[at : at+lineEnd(lines[at:])]
		at += len(line)
		does, name := s.decide(line, &there)
		if does == keepField {
			continue
		}
		dst = append(dst, lines[run:at-len(line)]...)
		run = at
		switch does {
		case sortCookie:
			dst = s.cookies.append(dst, trimBlank(line[name+1:]))
		case holdTrace:
			h.hold(line[:name], trimBlank(line[name+1:]))
		}
	}
	dst = append(dst, lines[run:]...)
	for i := range s.maybe {
		if s.maybe[i].absent == (there>>i&1 == 0) {
			dst = append(dst, s.maybe[i].line...)
		}
	}
	if s.tracer != nil {
		dst = s.tracer.append(dst, lines, &h, seed)
	}
	return dst
}

// decide says what becomes of a field line: one of keepField, dropField, sortCookie and holdTrace, with
// the length of its name for the last two. It notes who is there of those that count.
func (s *Shape) decide(line []byte, there *uint64) (does verb, name int) {
	found, name := s.verbs.of(line)
	switch {
	case found != nil && found.verb == holdTrace:
		return holdTrace, name
	case len(s.likes) > 0 && s.likes.removes(line):
		return dropField, name
	case found == nil:
		return keepField, name
	case found.verb == noteField:
		*there |= 1 << found.bit
		return keepField, name
	case found.verb == swapField:
		*there |= 1 << found.bit
		return dropField, name
	}
	return found.verb, name
}
