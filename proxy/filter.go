package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"tain.dev/tain/route"
)

// appendFiltered writes a request's head in normal form as the filters want it, and returns where its
// request line and its Host line end. m is the condition whose prefix a path rewrite replaces.
func appendFiltered(dst, head []byte, f *route.Filters, m *route.Match) (h []byte, lineEnd, hostEnd int) {
	line, rest := route.CutLine(head)
	host, rest := route.CutLine(rest)
	h = f.Path.AppendLine(dst, line, m)
	lineEnd = len(h)
	if f.Host == "" {
		h = append(h, host...)
	} else {
		h = append(h, "Host: "...)
		h = append(h, f.Host...)
		h = append(h, "\r\n"...)
	}
	hostEnd = len(h)
	return f.Request.Apply(h, rest), lineEnd, hostEnd
}

// respond answers a request that its route answers without live: by a redirect, a fixed answer, or
// as the preflight of CORS. It returns false for every other request.
func (r *request) respond() (answered, goesOn bool) {
	f := r.route.Filters
	if f == nil {
		return false, false
	}
	if f.CORS != nil && r.isPreflight() {
		return true, r.reply(http.StatusNoContent, r.preflight(f.CORS), nil)
	}
	if d := f.Redirect; d != nil {
		r.fields = r.appendLocation(r.fields[:0], d)
		return true, r.reply(d.Status, r.fields, nil)
	}
	if d := f.Respond; d != nil {
		r.fields = r.fields[:0]
		if d.ContentType != "" {
			r.fields = append(append(append(r.fields, "Content-Type: "...), d.ContentType...), "\r\n"...)
		}
		return true, r.reply(d.Status, r.fields, []byte(d.Body))
	}
	return false, false
}

// appendLocation writes where a redirect leads to.
func (r *request) appendLocation(a []byte, d *route.Redirect) []byte {
	host, path := text(r.in.Authority), text(r.in.Path)
	if host == "" && d.Host == "" { // HTTP/1.0 knows no Host
		host = r.ownHost()
	}
	if path == "*" {
		path = "" // of OPTIONS: the server as a whole
	}
	a = append(a, "Location: "...)
	a = d.AppendLocation(a, r.scheme(), host, path, text(r.in.Query), portOf(host), &r.route.Match)
	return append(a, "\r\n"...)
}

// ownHost is what a user could say whom they ask.
func (r *request) ownHost() string {
	if local := r.client.conn().Local(); local.IsValid() {
		return local.String()
	}
	return "localhost" // a Unix socket
}

// isPreflight is what the Fetch standard calls a CORS-preflight request.
func (r *request) isPreflight() bool {
	return string(r.in.Method) == "OPTIONS" && r.field("Origin") != "" && r.field("Access-Control-Request-Method") != ""
}

func (r *request) preflight(c *route.CORS) []byte {
	r.fields = c.AppendPreflight(r.fields[:0], r.field("Origin"), r.field("Access-Control-Request-Method"), r.field("Access-Control-Request-Headers"))
	return r.fields
}

// field is the first value of a field, or "".
func (r *request) field(name string) string { return text(r.value(name)) }

func (r *request) value(name string) []byte {
	value, _ := r.in.Lookup(name)
	return value
}

// scheme is how the user asked.
func (r *request) scheme() string {
	if r.secure {
		return "https"
	}
	return "http"
}

// portOf is the port in a Host, 0 where it says none.
func portOf(host string) uint16 {
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 {
		if n, err := strconv.ParseUint(host[colon+1:], 10, 16); err == nil {
			return uint16(n)
		}
	}
	return 0
}

// reply gives an answer of tain's own that is none of failure. It ends the use of the request's head,
// and returns whether the user's connection goes on.
func (r *request) reply(status int, fields, body []byte) bool {
	r.client.takeHead()
	r.unread = r.hasBody()
	r.lane.classes[min(status/100, 5)].Add(1)
	return r.give(status, fields, body, false)
}

// give gives the user an answer of tain's own.
func (r *request) give(status int, fields, body []byte, last bool) (goesOn bool) {
	r.status = status
	if !r.isHead {
		r.answered = int64(len(body))
	}
	return r.client.reply(status, fields, body, last)
}

// appendOwnHead writes the head of an answer of tain's own.
func (r *request) appendOwnHead(a []byte, status int, fields []byte, length int) []byte {
	a = append(a, "HTTP/1.1 "...)
	a = strconv.AppendInt(a, int64(status), 10)
	a = append(a, ' ')
	a = append(a, http.StatusText(status)...)
	a = append(a, "\r\n"...)
	a = append(a, fields...)
	if status != http.StatusNoContent && status != http.StatusNotModified {
		a = append(a, "Content-Length: "...)
		a = strconv.AppendInt(a, int64(length), 10)
		a = append(a, "\r\n"...)
	}
	return a
}

// appendAnswer writes the head of live's answer as the user gets it.
func (r *request) appendAnswer(a, head []byte) []byte {
	line, rest := route.CutLine(head)
	a = append(a, line...)
	f, b := r.route.Filters, r.backend.filters
	if b != nil { // the backend's come first, because they are nearer to live
		r.body = b.Response.Apply(r.body[:0], rest)
		rest = r.body
	}
	if f == nil {
		return r.appendSession(append(a, rest...))
	}
	if f.CORS != nil {
		r.fields = route.AppendWithout(r.fields[:0], rest, f.CORS.Drops)
		rest = r.fields
	}
	a = f.Response.Apply(a, rest)
	if f.CORS != nil {
		a = f.CORS.AppendActual(a, text(r.origin))
	}
	return r.appendSession(a)
}
