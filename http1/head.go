package http1

import (
	"bytes"
	"iter"
	"math"
)

// MaxFields is the number of fields that a head may have.
const MaxFields = 256

// maxOptions bounds what a Connection field may name, since every option is looked for among all
// fields.
const maxOptions = 32

// Body says how the end of a message's body is found.
type Body uint8

// The framings of a body.
const (
	BodyNone    Body = iota // there is no body
	BodyLength              // Length bytes, of which there may be 0
	BodyChunked             // until a [Chunked] is done
	BodyClose               // until the connection closes; responses only
)

// Head is what requests and responses share. Its slices point into the parsed bytes and are valid
// as long as those. Parse overwrites it, and keeps the capacity of Fields.
type Head struct {
	Minor     uint8   // the version is HTTP/1.Minor: 0 or 1
	Fields    []Field // in the order received
	Body      Body
	Length    int64 // bytes of the body when Body is BodyLength, else 0
	KeepAlive bool  // version, Connection and framing let the connection go on after this message
	// Upgrade of a request: an HTTP/1.1 client asks to switch to what the Upgrade field names.
	// Upgrade of a response: its status is 101, and the connection has switched.
	Upgrade bool
	Size    int // bytes of the head with its empty line

	seen   uint64 // bit set of the IDs among Fields
	host   []byte // value of the Host field
	length int64  // value of the Content-Length field
	// What the Connection fields say; names is for any option that the others are not.
	closes, keeps, upgrades, names bool
}

// Has says whether there is a field of that ID, in constant time. It is false for Other.
func (h *Head) Has(id ID) bool { return h.seen>>id&1 != 0 }

// Get returns the value of the first field of that ID, and whether there is one.
func (h *Head) Get(id ID) (value []byte, ok bool) {
	if !h.Has(id) {
		return nil, false
	}
	for i := range h.Fields {
		if f := &h.Fields[i]; f.ID == id {
			return f.Value, true
		}
	}
	return nil, false
}

// Lookup returns the value of the first field of that name, in any case, and whether there is
// one. A list may go on in further lines, see [Head.Count].
func (h *Head) Lookup(name string) (value []byte, ok bool) {
	for i := range h.Fields {
		if f := &h.Fields[i]; EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return nil, false
}

// Count returns the number of fields of that name, in any case.
func (h *Head) Count(name string) (n int) {
	for i := range h.Fields {
		if EqualFold(h.Fields[i].Name, name) {
			n++
		}
	}
	return n
}

// SkipEmpty returns the length of the empty lines at the beginning of buf. A server ignores them
// before a request line (RFC 9112, section 2.2); the other functions take them for errors.
func SkipEmpty(buf []byte) int {
	n := 0
	for n+1 < len(buf) && buf[n] == '\r' && buf[n+1] == '\n' {
		n += 2
	}
	return n
}

// HeadEnd returns the length of the head at the beginning of buf with its empty line, or 0 when
// more bytes are needed. The first *scanned bytes are not looked at again: begin with 0, and leave
// it alone while buf grows. It is 0 again when a head was found.
//
// A line that ends with LF alone counts as a line here, so that Parse can refuse the head at once,
// rather than the client wait for an end that is never seen.
func HeadEnd(buf []byte, scanned *int) int {
	i := *scanned
	for {
		lf := bytes.IndexByte(buf[i:], '\n')
		if lf < 0 {
			*scanned = len(buf)
			return 0
		}
		lf += i
		i = lf + 1
		if i < len(buf) && buf[i] == '\r' {
			i++
		}
		if i == len(buf) {
			*scanned = lf // what follows decides whether this line was the last
			return 0
		}
		if buf[i] == '\n' {
			*scanned = 0
			return i + 1
		}
	}
}

// parseRest parses what follows the start line, from b[i] on, and decides what it means.
func (h *Head) parseRest(b []byte, i int) *Error {
	if err := h.parseFields(b, i); err != nil {
		return err
	}
	return h.finish()
}

// parseFields parses the field lines from b[i] on and the empty line that must end b.
func (h *Head) parseFields(b []byte, i int) *Error {
	for i < len(b) && b[i] != '\r' {
		if len(h.Fields) == MaxFields {
			return errTooManyFields
		}
		f := h.add()
		next, err := f.parse(b, i)
		if err != nil {
			return err
		}
		if f.ID != Other {
			if err := h.note(f); err != nil {
				return err
			}
		}
		i = next
	}
	end, err := lineEnd(b, i)
	if err != nil {
		return err
	}
	if end != len(b) {
		return errIncomplete
	}
	h.Size = end
	return nil
}

// add makes room for one more field, which still holds what was there before.
func (h *Head) add() *Field {
	n := len(h.Fields)
	if n < cap(h.Fields) {
		h.Fields = h.Fields[:n+1]
	} else {
		h.Fields = append(h.Fields, Field{})
	}
	return &h.Fields[n]
}

// note remembers a known field, and checks those that frame or route the message.
func (h *Head) note(f *Field) *Error {
	again := h.Has(f.ID)
	h.seen |= 1 << f.ID
	switch f.ID {
	case Host:
		if again {
			return errHosts
		}
		h.host = f.Value
	case ContentLength:
		if again {
			return errLengths
		}
		return h.noteLength(f.Value)
	case TransferEncoding:
		if again {
			return errCodings
		}
		return checkCoding(f.Value)
	case Connection:
		h.noteConnection(f.Value)
	}
	return nil
}

func (h *Head) noteLength(value []byte) *Error {
	if len(value) == 0 || len(value) > 19 {
		return errLength
	}
	var n uint64 // 19 digits can't overflow it
	for _, c := range value {
		if c < '0' || c > '9' {
			return errLength
		}
		n = n*10 + uint64(c-'0')
	}
	if n > math.MaxInt64 {
		return errLength
	}
	h.length = int64(n)
	return nil
}

// checkCoding accepts chunked alone. A well-formed list of other codings is merely not
// implemented; whatever looks like chunked and is not, or is not last, is an attempt to be read
// in two ways.
func checkCoding(value []byte) *Error {
	if EqualFold(value, "chunked") {
		return nil
	}
	for rest, more := value, true; more; {
		var coding []byte
		coding, rest, more = bytes.Cut(rest, comma)
		coding = trim(coding)
		if len(coding) == 0 || scan(coding, 0, classToken) != len(coding) {
			return errCoding
		}
		last := !more && EqualFold(coding, "chunked")
		if !last && containsChunked(coding) {
			return errCoding
		}
	}
	return errCodingKind
}

func containsChunked(coding []byte) bool {
	const chunked = "chunked"
	for i := 0; i+len(chunked) <= len(coding); i++ {
		if EqualFold(coding[i:i+len(chunked)], chunked) {
			return true
		}
	}
	return false
}

// noteConnection takes the options of one Connection field that concern the connection itself.
func (h *Head) noteConnection(value []byte) {
	for option := range list(value) {
		switch {
		case EqualFold(option, "keep-alive"):
			h.keeps = true
		case EqualFold(option, "close"):
			h.closes = true
		case EqualFold(option, "upgrade"):
			h.upgrades = true
		default:
			h.names = true
		}
	}
}

// finish decides what only the whole head can tell: persistence and framing, as far as requests
// and responses have it in common.
func (h *Head) finish() *Error {
	h.KeepAlive = !h.closes && (h.Minor == 1 || h.keeps)
	h.Upgrade = h.upgrades && h.Minor == 1 && h.Has(Upgrade)
	switch length, coding := h.Has(ContentLength), h.Has(TransferEncoding); {
	case coding && length:
		return errLengthCoding
	case coding && h.Minor == 0:
		return errCodingOld
	case coding:
		h.Body = BodyChunked
	case length:
		h.Body, h.Length = BodyLength, h.length
	}
	if h.names {
		return h.markNamed()
	}
	return nil
}

// markNamed keeps the fields that Connection names from being forwarded.
func (h *Head) markNamed() *Error {
	options := 0
	for i := range h.Fields {
		if h.Fields[i].ID != Connection {
			continue
		}
		for option := range list(h.Fields[i].Value) {
			if options++; options > maxOptions {
				return errConnection
			}
			if err := h.markHop(option); err != nil {
				return err
			}
		}
	}
	return nil
}

// markHop keeps the fields of that name from being forwarded. Without its Content-Length a
// message would be read differently behind tain, and without its Host be sent elsewhere.
func (h *Head) markHop(name []byte) *Error {
	for i := range h.Fields {
		f := &h.Fields[i]
		if !EqualFold(f.Name, name) {
			continue
		}
		if f.ID == ContentLength || f.ID == Host {
			return errConnection
		}
		f.Hop = true
	}
	return nil
}

// dropField keeps the known field from being forwarded.
func (h *Head) dropField(id ID) {
	for i := range h.Fields {
		if h.Fields[i].ID == id {
			h.Fields[i].Hop = true
		}
	}
}

// list yields the elements of a comma-separated list that are not empty, without white space
// around them.
func list(value []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for more := true; more; {
			var element []byte
			element, value, more = bytes.Cut(value, comma)
			if element = trim(element); len(element) > 0 && !yield(element) {
				return
			}
		}
	}
}

var comma = []byte{','}
