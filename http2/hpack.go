package http2

import (
	"unsafe"

	"tain.dev/tain/http1"
)

// What is sent uses HPACK's static table and literals alone (RFC 7541), like nginx. So there is no
// table that could grow with the peer's wishes, no string is kept, and a head can be encoded without
// knowing what went before it. Literals are not compressed by Huffman's code, like HAProxy's: a
// fifth fewer bytes are not worth, to either side, what coding them costs.

// How a field is represented.
const (
	indexed = 0x80 // name and value are in the table
	literal = 0x00 // the value, and perhaps the name, follow
	secret  = 0x10 // and nobody on the way is to put it into a table either
)

// The places of pseudo-header fields in the static table.
const (
	indexAuthority = 1
	indexMethod    = 2
	indexPath      = 4
	indexScheme    = 6
	indexStatus    = 8
)

// noTable is the first thing that is sent in HPACK: the size of the dynamic table is 0.
const noTable = 0x20

// staticNames are the names of the static table that are not pseudo-header fields, from firstName
// on.
var staticNames = [...]string{
	"accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept",
	"access-control-allow-origin", "age", "allow", "authorization", "cache-control",
	"content-disposition", "content-encoding", "content-language", "content-length",
	"content-location", "content-range", "content-type", "cookie", "date", "etag", "expect",
	"expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
	"if-unmodified-since", "last-modified", "link", "location", "max-forwards",
	"proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after",
	"server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary",
	"via", "www-authenticate",
}

const firstName = 15

var nameIndex = func() map[string]byte {
	m := make(map[string]byte)
	for i, name := range staticNames {
		m[name] = byte(firstName + i)
	}
	return m
}()

// staticValues are the places of the pseudo-header fields that the table has with their values, and
// of those names alone.
var staticValues = func() map[string]struct{ name, index byte } {
	m := make(map[string]struct{ name, index byte })
	add := func(name byte, values ...string) {
		for i, value := range values {
			m[value] = struct{ name, index byte }{name, name + byte(i)}
		}
	}
	add(indexMethod, "GET", "POST")
	add(indexPath, "/", "/index.html")
	add(indexScheme, "http", "https")
	add(indexStatus, "200", "204", "206", "304", "400", "404", "500")
	return m
}()

// teTrailers is "te: trailers".
var teTrailers = appendString(appendString([]byte{literal}, "te"), "trailers")

// pseudo encodes the pseudo-header field whose name stands at index.
func (w *headWriter) pseudo(index byte, value string) {
	if at, ok := staticValues[value]; ok && at.name == index {
		w.block = append(w.block, indexed|at.index)
		return
	}
	w.block = appendString(append(w.block, literal|index), value)
}

// field encodes a field, but none that is for a connection of HTTP/1.1.
func (w *headWriter) field(f *http1.Field) {
	if f.Hop {
		return
	}
	how := byte(literal)
	switch f.ID {
	case http1.Authorization, http1.Cookie, http1.SetCookie:
		how = secret
	}
	start := len(w.block)
	w.block = appendString(append(w.block, how), text(f.Name))
	name := w.block[len(w.block)-len(f.Name):]
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	if index, ok := nameIndex[string(name)]; ok {
		w.block = appendInt(w.block[:start], how, 4, int(index))
	}
	w.block = appendString(w.block, text(f.Value))
}

// appendString appends a literal string.
func appendString(dst []byte, s string) []byte {
	return append(appendInt(dst, 0, 7, len(s)), s...)
}

// appendInt appends n behind the bits of first, with a prefix of that many bits (RFC 7541, section
// 5.1).
func appendInt(dst []byte, first byte, prefix uint, n int) []byte {
	most := 1<<prefix - 1
	if n < most {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}

// text gives b as a string that is valid as long as b is not changed.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
