package http2

import (
	"bytes"
	"math"
	"net/http"

	"tain.dev/tain/http1"
)

// The pseudo-header fields.
const (
	pseudoMethod = iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
	pseudoProtocol
	pseudoStatus
	numPseudo
)

var pseudoNames = [numPseudo]string{":method", ":scheme", ":authority", ":path", ":protocol", ":status"}

// fieldOverhead is what a field counts besides its bytes (RFC 9113, section 6.5.2).
const fieldOverhead = 32

// asked is what the reading of an answer depends on.
type asked struct {
	isHead   bool   // the method is HEAD
	tunnel   bool   // it was an extended CONNECT
	protocol string // for which protocol
	key      string // the Sec-WebSocket-Key, if there was one
}

// headText turns the fields of a block into the text that HTTP/1.1 would have: a head with its
// start line and empty line, or trailer lines. It writes nothing that could be read as more or
// other lines than the fields that came, since that is how requests are smuggled; whether the
// target or the host makes sense is left to who parses the text.
type headText struct {
	kind        blockKind
	limit, most int   // how large, and how many fields
	asked       asked // of an answer

	text        []byte
	cookie      []byte // all cookie fields, joined
	pseudo      [numPseudo]string
	seen        [numPseudo]bool
	regular     bool   // a field came that is not a pseudo-header: the start line stands
	hosts       int    // Host fields
	size, count int    // of the fields so far
	status      int    // of an answer
	length      int64  // of the body; -1 where no Content-Length says it
	tunnel      bool   // an extended CONNECT, or the answer that begins what it asks for
	keyed       bool   // there is a Sec-WebSocket-Key
	tooLarge    bool   // the limits are exceeded; what there is of text is of no use but the request line
	fault       *fault // what is wrong with the fields
}

func (t *headText) begin(kind blockKind, limit, most int) {
	*t = headText{kind: kind, limit: limit, most: most, text: t.text[:0], cookie: t.cookie[:0], length: -1}
}

// field adds a field. After a fault, or when it is too large, t wants no more.
func (t *headText) field(name, value string) {
	t.size += len(name) + len(value) + fieldOverhead
	t.count++
	switch {
	case t.size > t.limit || t.count > t.most:
		t.tooLarge = true
	case len(name) > 0 && name[0] == ':':
		t.fault = t.addPseudo(name, value)
	default:
		t.fault = t.addField(name, value)
	}
}

func (t *headText) addPseudo(name, value string) *fault {
	if t.regular || t.kind == blockTrailer {
		return errPseudo
	}
	for i := range pseudoNames {
		if name != pseudoNames[i] {
			continue
		}
		if t.seen[i] || (i == pseudoStatus) != (t.kind == blockAnswer) {
			return errPseudo
		}
		t.seen[i], t.pseudo[i] = true, value
		return nil
	}
	return errPseudo
}

func (t *headText) addField(name, value string) *fault {
	if !validName(name) {
		return errFieldName
	}
	if !validValue(value) {
		return errFieldValue
	}
	if !t.regular {
		t.regular = true
		if fault := t.startLine(); fault != nil {
			return fault
		}
	}
	if t.kind == blockTrailer {
		return t.addTrailer(name, value)
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return errConnSpecific
	case "te":
		if t.kind != blockRequest || value != "trailers" {
			return errConnSpecific
		}
	case "host":
		return t.addHost(value)
	case "content-length":
		return t.addLength(value)
	case "cookie":
		t.addCookie(value)
		return nil
	case "trailer":
		t.addAnnounced(value)
		return nil
	case "sec-websocket-key":
		t.keyed = true
	case "sec-websocket-accept":
		if t.tunnel && t.kind == blockAnswer {
			return nil // ours will be right
		}
	}
	t.line(name, value)
	return nil
}

func (t *headText) line(name, value string) {
	t.text = append(t.text, name...)
	t.text = append(t.text, ": "...)
	t.text = append(t.text, value...)
	t.text = append(t.text, "\r\n"...)
}

// addHost takes a Host field, which repeats the authority or stands for it.
func (t *headText) addHost(value string) *fault {
	if t.kind != blockRequest {
		t.line("host", value)
		return nil
	}
	if t.hosts++; t.hosts > 1 || !validAuthority(value) {
		return errAuthority
	}
	switch {
	case !t.seen[pseudoAuthority]:
		t.line("Host", value)
	case !http1.EqualFold(value, t.pseudo[pseudoAuthority]):
		return errAuthority
	}
	return nil
}

func (t *headText) addLength(value string) *fault {
	if t.length >= 0 || len(value) == 0 || len(value) > 19 {
		return errLengthField
	}
	var n uint64 // 19 digits can't overflow it
	for _, c := range []byte(value) {
		if c < '0' || c > '9' {
			return errLengthField
		}
		n = n*10 + uint64(c-'0')
	}
	if n > math.MaxInt64 {
		return errLengthField
	}
	t.length = int64(n)
	if !t.tunnel {
		t.line("content-length", value)
	}
	return nil
}

// addCookie joins what HTTP/2 lets come in pieces (RFC 9113, section 8.2.3).
func (t *headText) addCookie(value string) {
	if len(t.cookie) > 0 {
		t.cookie = append(t.cookie, "; "...)
	}
	t.cookie = append(t.cookie, value...)
}

// startLine writes what the pseudo-header fields say.
func (t *headText) startLine() *fault {
	switch t.kind {
	case blockRequest:
		return t.requestLine()
	case blockAnswer:
		return t.statusLine()
	}
	return nil
}

func (t *headText) requestLine() *fault {
	method, path, authority := t.pseudo[pseudoMethod], t.pseudo[pseudoPath], t.pseudo[pseudoAuthority]
	if !validToken(method) || t.seen[pseudoAuthority] && !validAuthority(authority) {
		return errPseudo
	}
	t.tunnel = t.seen[pseudoProtocol]
	switch {
	case t.tunnel:
		if method != http.MethodConnect || !validToken(t.pseudo[pseudoProtocol]) || !t.hasTarget() || path[0] != '/' {
			return errPseudo
		}
		method = http.MethodGet
	case method == http.MethodConnect:
		if t.seen[pseudoScheme] || t.seen[pseudoPath] || !t.seen[pseudoAuthority] {
			return errPseudo
		}
		path = authority
	case !t.hasTarget() || path[0] != '/' && (path != "*" || method != http.MethodOptions):
		return errPseudo
	}
	t.text = append(t.text, method...)
	t.text = append(t.text, ' ')
	t.text = append(t.text, path...)
	t.text = append(t.text, " HTTP/1.1\r\n"...)
	if t.seen[pseudoAuthority] {
		t.line("Host", authority)
	}
	if t.tunnel {
		t.upgradeLines(t.pseudo[pseudoProtocol])
	}
	return nil
}

// hasTarget says whether a request that is not a plain CONNECT says what it is for. The scheme is a
// claim of the peer's, and goes no further.
func (t *headText) hasTarget() bool {
	return validScheme(t.pseudo[pseudoScheme]) && validTarget(t.pseudo[pseudoPath])
}

func (t *headText) upgradeLines(protocol string) {
	t.line("Connection", "Upgrade")
	t.line("Upgrade", protocol)
}

func (t *headText) statusLine() *fault {
	status := t.pseudo[pseudoStatus]
	if len(status) != 3 {
		return errStatus
	}
	for _, c := range []byte(status) {
		if c < '0' || c > '9' {
			return errStatus
		}
		t.status = t.status*10 + int(c-'0')
	}
	if t.status < 100 || t.status == http.StatusSwitchingProtocols {
		return errStatus
	}
	if t.tunnel = t.asked.tunnel && t.status/100 == 2; t.tunnel {
		t.text = append(t.text, "HTTP/1.1 101 Switching Protocols\r\n"...)
		t.upgradeLines(t.asked.protocol)
		if t.asked.key != "" {
			t.line("Sec-WebSocket-Accept", acceptKey(t.asked.key))
		}
		return nil
	}
	t.text = append(t.text, "HTTP/1.1 "...)
	t.text = append(t.text, status...)
	t.text = append(t.text, " \r\n"...)
	return nil
}

// finish ends the text. end says that the block ends its stream.
func (t *headText) finish(end bool) {
	if t.tooLarge {
		t.cut()
	}
	if t.fault != nil || t.tooLarge {
		return
	}
	if t.kind == blockTrailer {
		if !end {
			t.fault = errTrailerEnd
		}
		return
	}
	if !t.regular {
		if t.fault = t.startLine(); t.fault != nil {
			return
		}
	}
	if t.kind == blockRequest {
		t.finishRequest(end)
	} else {
		t.finishAnswer(end)
	}
	if len(t.cookie) > 0 {
		t.text = append(t.text, "cookie: "...)
		t.text = append(t.text, t.cookie...)
		t.text = append(t.text, "\r\n"...)
	}
	t.text = append(t.text, "\r\n"...)
}

// cut leaves the request line of a head that is too large, as far as it is known.
func (t *headText) cut() {
	if t.kind != blockRequest || !t.regular && t.startLine() != nil {
		t.text = t.text[:0]
		return
	}
	t.text = t.text[:bytes.IndexByte(t.text, '\n')+1]
}

func (t *headText) finishRequest(end bool) {
	switch {
	case !t.seen[pseudoAuthority] && t.hosts == 0:
		t.fault = errAuthority
	case t.tunnel:
		t.length = -1
		if !t.keyed && http1.EqualFold(t.pseudo[pseudoProtocol], "websocket") {
			t.line("Sec-WebSocket-Key", newKey())
		}
	case end && t.length > 0:
		t.fault = errLength
	case !end && t.length < 0:
		t.line("Transfer-Encoding", "chunked")
	}
}

func (t *headText) finishAnswer(end bool) {
	bodiless := t.asked.isHead || t.status == http.StatusNoContent || t.status == http.StatusNotModified
	switch {
	case t.tunnel:
		t.length = -1
	case t.interim():
		t.length = -1
		if end {
			t.fault = errStatus
		}
	case bodiless:
		t.length = 0 // whatever Content-Length says
	case end && t.length > 0:
		t.fault = errLength
	case !end && t.length < 0:
		t.line("Transfer-Encoding", "chunked")
	}
}

// interim says that another head follows.
func (t *headText) interim() bool { return t.kind == blockAnswer && t.status/100 == 1 }
