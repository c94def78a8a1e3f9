package route

import (
	"slices"
	"strconv"
	"strings"
)

// The words for the kinds of rewrites, sessions and failures.
var (
	rewriteWords = []string{RewriteNone: "", RewriteFull: "full", RewritePrefix: "prefix", RewriteRegexp: "regexp"}
	sessionWords = []string{SessionCookie: "cookie", SessionHeader: "header"}
	retryOnWords = []string{"connect", "reset", "refused", "timeout", "gateway-error"} // in the order of the bits
)

// ParseSessionKind reads cookie or header. [SessionKind.String] is its inverse.
func ParseSessionKind(text string) (SessionKind, error) {
	i, err := indexOf(sessionWords, text, "kind of session")
	return SessionKind(i), err
}

func (k SessionKind) String() string { return wordOf(sessionWords, k) }

// ParseRetryOn reads one failure: connect, reset, refused, timeout or gateway-error.
func ParseRetryOn(text string) (RetryOn, error) {
	i, err := indexOf(retryOnWords, text, "failure to retry on")
	if err != nil {
		return 0, err
	}
	return 1 << i, nil
}

// String lists the failures, with commas.
func (o RetryOn) String() string {
	var words []string
	for i, word := range retryOnWords {
		if o&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, ",")
}

func (r *Retry) settings() []setting {
	after := setting{
		name: "after",
		get:  func() string { return r.On.String() },
		set: func(text string) error {
			for word := range strings.SplitSeq(text, ",") {
				one, err := ParseRetryOn(word)
				if err != nil {
					return err
				}
				r.On |= one
			}
			return nil
		},
	}
	return []setting{
		after,
		statusesOf("statuses", &r.Statuses),
		durationOf("per-try", &r.PerTry),
		durationOf("backoff", &r.Backoff),
		flagOf("unsafe", &r.Unsafe),
	}
}

func (s *Session) settings() []setting {
	return []setting{
		durationOf("max-age", &s.MaxAge),
		durationOf("idle", &s.Idle),
		stringOf("path", &s.Path),
		flagOf("permanent", &s.Permanent),
	}
}

func (r *Redirect) settings() []setting {
	return []setting{
		stringOf("scheme", &r.Scheme),
		stringOf("host", &r.Host),
		numberOf("port", &r.Port),
		numberOf("status", &r.Status),
	}
}

func (c *CORS) settings() []setting {
	return []setting{
		stringsOf("origins", &c.AllowOrigins),
		stringsOf("methods", &c.AllowMethods),
		stringsOf("headers", &c.AllowHeaders),
		stringsOf("expose", &c.ExposeHeaders),
		flagOf("credentials", &c.AllowCredentials),
		durationOf("max-age", &c.MaxAge),
	}
}

// retry writes how requests are tried again, and where sessions are kept.
func (p *printer) retry(indent string, r *Route) {
	if r.Retry != nil {
		attempts := []string{strconv.Itoa(r.Retry.Attempts)}
		byDefault := Retry{Statuses: r.Retry.Statuses}.withDefaults()
		byDefault.Statuses = nil
		p.settings(indent+"retry", attempts, r.Retry.settings(), byDefault.settings())
	}
	if s := r.Session; s != nil {
		p.settings(indent+"session", []string{s.Kind.String(), s.Name}, s.settings(), new(Session).settings())
	}
}

// filters writes what is not nil or zero, in the order of the fields.
func (p *printer) filters(indent string, f *Filters) {
	p.edits(indent+"request ", &f.Request)
	if f.Host != "" {
		p.line(indent+"rewrite-host", f.Host)
	}
	p.rewrite(indent+"rewrite-path", &f.Path)
	p.edits(indent+"response ", &f.Response)
	if f.CORS != nil {
		p.settings(indent+"cors", nil, f.CORS.settings(), new(CORS).settings())
	}
	if f.Redirect != nil {
		p.settings(indent+"redirect", nil, f.Redirect.settings(), (&Redirect{Status: defaultRedirect}).settings())
		p.rewrite(indent+"redirect-path", &f.Redirect.Path)
	}
	if r := f.Respond; r != nil {
		words := []string{strconv.Itoa(r.Status), r.ContentType, r.Body}
		for len(words) > 1 && words[len(words)-1] == "" {
			words = words[:len(words)-1]
		}
		p.line(indent+"respond", words...)
	}
}

func (p *printer) edits(keyword string, e *HeaderEdits) {
	for _, f := range e.Set {
		p.line(keyword+"set", f.Name, f.Value)
	}
	for _, f := range e.Add {
		p.line(keyword+"add", f.Name, f.Value)
	}
	for _, name := range e.Remove {
		p.line(keyword+"remove", name)
	}
}

func (p *printer) rewrite(keyword string, r *PathRewrite) {
	switch r.Kind {
	case RewriteFull, RewritePrefix:
		p.line(keyword, rewriteWords[r.Kind], r.Value)
	case RewriteRegexp:
		p.line(keyword, rewriteWords[r.Kind], r.Pattern, r.Value)
	}
}

// parseFilter reads a line that belongs to the route or its last backend. The fields are those of
// owner. It reports whether there is such a line.
func (p *parser) parseFilter(keyword word, pointer **Filters, owner string) bool {
	f := *pointer
	if f == nil {
		f = new(Filters)
	}
	below := joinField(owner, camel(keyword.text))
	switch keyword.text {
	case "request":
		p.parseEdit(keyword, &f.Request, below)
	case "response":
		p.parseEdit(keyword, &f.Response, below)
	case "rewrite-host":
		if p.need(keyword, 1, 1, "rewrite-host NAME") {
			f.Host = p.words[0].text
			p.mark(joinField(owner, "rewrite.host"), p.words[0])
		}
	case "rewrite-path":
		p.parseRewrite(keyword, &f.Path, joinField(owner, "rewrite.path"))
	case "cors":
		f.CORS = new(CORS)
		p.parseSettings(p.words, f.CORS.settings(), below)
	case "redirect":
		f.Redirect = new(Redirect)
		p.parseSettings(p.words, f.Redirect.settings(), below)
	case "redirect-path":
		if f.Redirect == nil {
			p.fail(keyword.column, "redirect-path follows after redirect")
			return true
		}
		p.parseRewrite(keyword, &f.Redirect.Path, joinField(owner, "redirect.path"))
	case "respond":
		p.parseRespond(keyword, f, below)
	default:
		return false
	}
	p.mark(below, keyword)
	*pointer = f
	return true
}

// joinField is the field below an owner, which may be the route itself.
func joinField(owner, field string) string {
	if owner == "" {
		return field
	}
	return owner + "." + field
}

func (p *parser) parseEdit(keyword word, e *HeaderEdits, field string) {
	const form = "set NAME VALUE, add NAME VALUE, or remove NAME"
	if !p.need(keyword, 2, 3, keyword.text+" "+form) {
		return
	}
	verb, name := p.words[0], p.words[1]
	p.mark(field+"."+verb.text, name)
	p.mark(field+"."+verb.text+"."+name.text, name)
	if verb.text == "remove" && len(p.words) == 2 {
		e.Remove = append(e.Remove, name.text)
		return
	}
	if len(p.words) != 3 || !slices.Contains([]string{"set", "add"}, verb.text) {
		p.fail(verb.column, "%s %s is no edit of a header; write %s", keyword.text, verb.text, form)
		return
	}
	edit := HeaderField{Name: name.text, Value: p.words[2].text}
	if verb.text == "set" {
		e.Set = append(e.Set, edit)
	} else {
		e.Add = append(e.Add, edit)
	}
}

func (p *parser) parseRewrite(keyword word, r *PathRewrite, field string) {
	form := keyword.text + " full /path, prefix /path, or regexp PATTERN TEXT"
	if !p.need(keyword, 2, 3, form) {
		return
	}
	p.mark(field, p.words[1])
	kind, err := indexOf(rewriteWords, p.words[0].text, "kind of rewrite")
	if err != nil || (RewriteKind(kind) == RewriteRegexp) != (len(p.words) == 3) {
		p.fail(p.words[0].column, "%s %s is wrong; write %s", keyword.text, p.words[0].text, form)
		return
	}
	*r = PathRewrite{Kind: RewriteKind(kind), Value: p.words[1].text}
	if r.Kind == RewriteRegexp {
		r.Pattern, r.Value = p.words[1].text, p.words[2].text
	}
}

func (p *parser) parseRespond(keyword word, f *Filters, field string) {
	if !p.need(keyword, 1, 3, "respond STATUS, and perhaps a TYPE and a BODY") {
		return
	}
	f.Respond = new(Respond)
	for i, name := range []string{"status", "type", "body"}[:len(p.words)] {
		p.mark(field+"."+name, p.words[i])
	}
	var err error
	if f.Respond.Status, err = parseStatus(p.words[0].text); err != nil {
		p.fail(p.words[0].column, "%v", err)
	}
	if len(p.words) > 1 {
		f.Respond.ContentType = p.words[1].text
	}
	if len(p.words) > 2 {
		f.Respond.Body = p.words[2].text
	}
}

func (p *parser) parseRetry(keyword word, r *Route) {
	if len(p.words) == 0 {
		p.fail(keyword.column, "retry needs the number of attempts after the first")
		return
	}
	r.Retry = new(Retry)
	p.mark("retry", keyword)
	p.mark("retry.attempts", p.words[0])
	if err := numberOf("", &r.Retry.Attempts).set(p.words[0].text); err != nil {
		p.fail(p.words[0].column, "%v", err)
	}
	p.parseSettings(p.words[1:], r.Retry.settings(), "retry")
}

func (p *parser) parseSession(keyword word, r *Route) {
	if len(p.words) < 2 {
		p.fail(keyword.column, "session needs cookie or header, and a name")
		return
	}
	r.Session = &Session{Name: p.words[1].text}
	p.mark("session", keyword)
	p.mark("session.type", p.words[0])
	p.mark("session.name", p.words[1])
	var err error
	if r.Session.Kind, err = ParseSessionKind(p.words[0].text); err != nil {
		p.fail(p.words[0].column, "%v", err)
	}
	p.parseSettings(p.words[2:], r.Session.settings(), "session")
}
