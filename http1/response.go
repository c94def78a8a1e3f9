package http1

import (
	"net/http"
	"strconv"
)

// Response is the head of a response. The zero value is ready; it is meant to be reused, by one
// goroutine at a time.
type Response struct {
	Head
	Status int    // 100 to 999
	Reason []byte // may be empty
}

// Parse parses a whole head, buf[:[HeadEnd]], of a response to a request with that method, which
// decides with the status whether there is a body. Its error is an [*Error] of status 502, after
// which r holds nothing of use. r points into head.
//
// An interim response (1xx) has no body and is followed by another response, save 101. After 101,
// see Upgrade, and a 2xx answer to CONNECT the connection no longer speaks HTTP.
func (r *Response) Parse(head, method []byte) error {
	if err := r.parse(head, method); err != nil {
		return blameUpstream(err)
	}
	return nil
}

// Early returns an error, an [*Error] of status 502, when buf is the beginning of what can never
// become a valid head, so that nobody need wait for its end.
func (r *Response) Early(buf []byte) error {
	const version = "HTTP/"
	if n := min(len(buf), len(version)); string(buf[:n]) != version[:n] {
		return blameUpstream(errVersionSyntax)
	}
	return nil
}

// AppendHead appends the head in normal form: the status line, in HTTP/1.1, and the fields that are
// forwarded, as received. The empty line is left to the caller, who may add fields.
func (r *Response) AppendHead(dst []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(r.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, r.Reason...)
	dst = append(dst, crlf...)
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.Hop {
			dst = append(dst, f.Line...)
		}
	}
	return dst
}

// blameUpstream changes the status of a refusal: the client is not to blame for what an upstream
// said.
func blameUpstream(err *Error) *Error {
	return &Error{Status: http.StatusBadGateway, Code: err.Code, Reason: err.Reason}
}

func (r *Response) parse(head, method []byte) *Error {
	i, err := r.parseLine(head)
	if err != nil {
		return err
	}
	if err := r.parseRest(head, i); err != nil {
		return err
	}
	return r.frame(method)
}

// parseLine resets r, parses the status line and returns the index behind it. The space behind the
// status code is left out by some servers, together with the reason.
func (r *Response) parseLine(b []byte) (next int, err *Error) {
	*r = Response{Head: Head{Fields: r.Fields[:0]}}
	minor, i, err := parseVersion(b, 0)
	if err != nil {
		return 0, err
	}
	r.Minor = minor
	if i+4 >= len(b) || b[i] != ' ' {
		return 0, errStartLine
	}
	for _, c := range b[i+1 : i+4] {
		if c < '0' || c > '9' {
			return 0, errStatus
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	if r.Status < 100 {
		return 0, errStatus
	}
	i += 4
	if b[i] == ' ' {
		start := i + 1
		i = scanText(b, start)
		r.Reason = b[start:i:i]
	} else if '0' <= b[i] && b[i] <= '9' {
		return 0, errStatus
	}
	next, err = lineEnd(b, i)
	if err == errControl {
		return 0, errStartLine
	}
	return next, err
}

// frame decides the body by status and method (RFC 9112, section 6.3).
func (r *Response) frame(method []byte) *Error {
	if r.Status == http.StatusSwitchingProtocols {
		if !r.Upgrade {
			return errSwitch
		}
	} else {
		r.Upgrade = false
	}
	tunnel := r.Status/100 == 2 && string(method) == "CONNECT"
	switch {
	case r.Status/100 == 1 || r.Status == http.StatusNoContent || tunnel:
		r.refuseBody()
	case r.Status == http.StatusNotModified || string(method) == "HEAD":
		r.noBody() // its length is that of the response to a GET
	case r.Body == BodyNone:
		r.Body = BodyClose
		r.KeepAlive = false
	}
	return nil
}

// refuseBody ends the response with its head, whatever the head says. A Content-Length is not
// forwarded, since it is forbidden here (RFC 9110, section 8.6). Some servers send one with 204,
// or chunked; when a body may really follow, the connection can't be used again, because its bytes
// would be taken for the next response.
func (r *Response) refuseBody() {
	if r.Body == BodyChunked || r.Length > 0 {
		r.KeepAlive = false
	}
	r.dropField(ContentLength)
	r.noBody()
}

func (r *Response) noBody() { r.Body, r.Length = BodyNone, 0 }
