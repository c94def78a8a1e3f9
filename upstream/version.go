package upstream

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
)

// VersionError is a server that speaks something else than it was spoken to: the other version of
// HTTP, or TLS. It unwraps to an [*http1.Error], as everything does that can't be read.
type VersionError struct {
	Addr   netloop.Addr
	Speaks string // what the server does
	Fix    string // what to change
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the backend %s %s; %s", e.Addr, e.Speaks, e.Fix)
}

func (e *VersionError) Unwrap() error { return errVersion }

var errVersion = &http1.Error{Status: http.StatusBadGateway, Code: "other_version", Reason: "the backend speaks another version of HTTP, or TLS"}

// otherThanHTTP2 returns an error where a server that was to speak HTTP/2 begins with an answer of
// HTTP/1.1, else nil.
func (k *conns) otherThanHTTP2(begins []byte) error {
	if !bytes.HasPrefix(begins, []byte("HTTP/1.")) {
		return nil
	}
	return k.versionError(fmt.Sprintf("does not speak HTTP/2: it answered %q", firstLine(begins)), protocolHTTP1, k.pool.cluster.address.TLS)
}

// otherThanHTTP1 returns an error where a server that was to speak HTTP/1.1 begins with something
// else that is known, else nil.
func (k *conns) otherThanHTTP1(begins []byte) error {
	secure := k.pool.cluster.address.TLS
	switch {
	case beginsHTTP2(begins):
		return k.versionError("speaks HTTP/2 only", protocolHTTP2, secure)
	case beginsTLS(begins) && !secure:
		return k.versionError("speaks TLS only", protocolHTTP1, true)
	}
	return nil
}

// versionError says which scheme is the right one for a server that speaks protocol, as in ALPN.
func (k *conns) versionError(speaks, protocol string, secure bool) error {
	right := schemes[protocol][secure]
	e := &VersionError{Addr: k.server.Addr, Speaks: speaks}
	now, _, _ := strings.Cut(k.pool.cluster.url, "://")
	switch {
	case !k.pool.cluster.options.FollowVersion:
		e.Fix = fmt.Sprintf("use %s:// instead of %s:// in its URL", right, now)
	case now == right:
		e.Fix = "leave out its followVersion"
	default:
		e.Fix = fmt.Sprintf("leave out its followVersion, and use %s:// instead of %s:// in its URL", right, now)
	}
	return e
}

// schemes are those of URLs, by protocol and whether it is secured.
var schemes = map[string]map[bool]string{
	protocolHTTP1: {false: "http", true: "https"},
	protocolHTTP2: {false: "h2c", true: "h2"},
}

// firstLine is the first line of what a server said, as far as it is here. People need no more than
// its beginning.
func firstLine(p []byte) []byte {
	const most = 80
	line, _, _ := bytes.Cut(p[:min(len(p), most)], []byte("\r\n"))
	return line
}

// beginsHTTP2 says whether p begins with a frame of SETTINGS, as all that a server of HTTP/2 says
// does.
func beginsHTTP2(p []byte) bool {
	const kind, behind = 3, 9 // of the frame's header: the type, and its end
	return len(p) >= behind && p[0] == 0 && string(p[kind:behind]) == "\x04\x00\x00\x00\x00\x00"
}

// beginsTLS says whether p begins with an alert, with which a server of TLS answers cleartext.
func beginsTLS(p []byte) bool { return bytes.HasPrefix(p, []byte("\x15\x03")) }

// misfit is the last connection on which it showed that its server does not speak HTTP/2.
type misfit struct {
	conn *http2.Conn
	err  error
}

// explain returns why the connection of a stream that failed with err, which is not nil, was no good,
// if that is known; else err.
func (k *conns) explain(c *http2.Conn, err error) error {
	if k.misfit.conn == c {
		return k.misfit.err
	}
	return k.late(err)
}
