package http1

// Field is one field line of a head. Its slices point into the parsed bytes, are valid as long as
// those, and must not be changed.
type Field struct {
	Name  []byte // as received: case is the sender's
	Value []byte // without surrounding white space; may be empty
	// Line is the whole line as received, with its CRLF. It was validated, so it is safe to
	// send on.
	Line []byte
	ID   ID // which known field, or Other
	// Hop says that the field is for this connection alone and must not be forwarded: it is one
	// of [ID.Hop], or the Connection field names it.
	Hop bool
}

// ID names the fields that a proxy looks at. It fits in a bit set of 64.
type ID uint8

// The known fields; every other one is Other.
const (
	Other ID = iota
	Host
	Connection
	ContentLength
	TransferEncoding
	Expect
	TE
	Trailer
	Upgrade
	KeepAlive
	ProxyConnection
	ProxyAuthenticate
	ProxyAuthorization
	Via
	Forwarded
	XForwardedFor
	XForwardedProto
	XForwardedHost
	Date
	Server
	ContentType
	ContentEncoding
	ContentRange
	Cookie
	SetCookie
	Authorization
	WWWAuthenticate
	CacheControl
	Age
	Expires
	Pragma
	Vary
	Location
	RetryAfter
	MaxForwards
	Range
	IfMatch
	IfNoneMatch
	IfModifiedSince
	IfUnmodifiedSince
	IfRange
	numIDs
)

var names = [numIDs]string{
	Host:               "Host",
	Connection:         "Connection",
	ContentLength:      "Content-Length",
	TransferEncoding:   "Transfer-Encoding",
	Expect:             "Expect",
	TE:                 "TE",
	Trailer:            "Trailer",
	Upgrade:            "Upgrade",
	KeepAlive:          "Keep-Alive",
	ProxyConnection:    "Proxy-Connection",
	ProxyAuthenticate:  "Proxy-Authenticate",
	ProxyAuthorization: "Proxy-Authorization",
	Via:                "Via",
	Forwarded:          "Forwarded",
	XForwardedFor:      "X-Forwarded-For",
	XForwardedProto:    "X-Forwarded-Proto",
	XForwardedHost:     "X-Forwarded-Host",
	Date:               "Date",
	Server:             "Server",
	ContentType:        "Content-Type",
	ContentEncoding:    "Content-Encoding",
	ContentRange:       "Content-Range",
	Cookie:             "Cookie",
	SetCookie:          "Set-Cookie",
	Authorization:      "Authorization",
	WWWAuthenticate:    "WWW-Authenticate",
	CacheControl:       "Cache-Control",
	Age:                "Age",
	Expires:            "Expires",
	Pragma:             "Pragma",
	Vary:               "Vary",
	Location:           "Location",
	RetryAfter:         "Retry-After",
	MaxForwards:        "Max-Forwards",
	Range:              "Range",
	IfMatch:            "If-Match",
	IfNoneMatch:        "If-None-Match",
	IfModifiedSince:    "If-Modified-Since",
	IfUnmodifiedSince:  "If-Unmodified-Since",
	IfRange:            "If-Range",
}

// String is the usual spelling of the name, "" for Other.
func (id ID) String() string { return names[id] }

// hopIDs are the fields of RFC 9110 section 7.6.1, and the credentials that a client and its own
// proxy exchange: tain asks for none, so those were meant for somebody before it, and neither live
// nor a mirror should learn them (httputil.ReverseProxy drops them too). Trailer is not among
// them, because trailers are forwarded and it announces them. TE is; who forwards trailers says
// "TE: trailers" anew.
const hopIDs = 1<<Connection | 1<<KeepAlive | 1<<ProxyConnection | 1<<TE | 1<<TransferEncoding |
	1<<Upgrade | 1<<ProxyAuthenticate | 1<<ProxyAuthorization

// Hop says that the field is for one connection by its nature and never forwarded.
func (id ID) Hop() bool { return hopIDs>>id&1 != 0 }

// slots finds a known name by a hash that happens to have no collisions among them, so that any
// name is compared with one candidate at most. (Comparing words instead of bytes gained nothing.)
var slots [256]ID

func init() {
	for id := Host; id < numIDs; id++ {
		slot := &slots[hash([]byte(names[id]))]
		if *slot != Other {
			panic("BUG: " + slot.String() + " and " + id.String() + " have the same hash")
		}
		*slot = id
	}
}

// hash spreads the known names by their length and their first, middle and last letter, without
// regard to case. The name is not empty.
func hash(name []byte) uint8 {
	n := len(name)
	return uint8(n) + (name[0] | 0x20) + 7*(name[n/2]|0x20) + 3*(name[n-1]|0x20)
}

// identify says which known field a name is. The name is not empty.
func identify(name []byte) ID {
	if id := slots[hash(name)]; EqualFold(name, names[id]) {
		return id
	}
	return Other
}

// parse parses the field line that begins at b[i] and returns the index behind it.
func (f *Field) parse(b []byte, i int) (next int, err *Error) {
	colon := scan(b, i, classToken)
	if colon == i || colon == len(b) || b[colon] != ':' {
		return 0, nameError(b, i, colon)
	}
	start := colon + 1
	for start < len(b) && isSpace(b[start]) {
		start++
	}
	end := scanText(b, start)
	next, err = lineEnd(b, end)
	if err != nil {
		return 0, err
	}
	for end > start && isSpace(b[end-1]) {
		end--
	}
	f.Name = b[i:colon:colon]
	f.Value = b[start:end:end]
	f.Line = b[i:next:next]
	f.ID = identify(f.Name)
	f.Hop = f.ID.Hop()
	return next, nil
}

// nameError says what is wrong with a line that begins at b[i] and whose name stops at b[stop].
func nameError(b []byte, i, stop int) *Error {
	if stop == len(b) {
		return errIncomplete
	}
	switch c := b[stop]; {
	case stop == i && isSpace(c):
		return errFold
	case c == '\n':
		return errBareLF
	case c == '\r' && (stop+1 == len(b) || b[stop+1] != '\n'):
		return errBareCR
	case c == '\r':
		return errNoColon
	}
	return errName
}
