package traffic

import (
	"bytes"
	"hash/maphash"
	"iter"
	"net/netip"
	"sync/atomic"
	"time"
)

// Exchange is one request with its response. While it runs it belongs to the event loop that
// carries it; once its pair is handed to the analysers it is read-only.
type Exchange struct {
	ID       uint64     // counts up in the process; the same on both sides of a pair
	Route    string     // name of the route that matched
	Upstream string     // host:port that answered, or was asked
	Client   netip.Addr // who asked tain
	Start    int64      // when the head of the request was read, nanoseconds since 1970
	Request  Message
	Response Message
	Status   int // status code of the final answer, 0 without one
	// FirstByte and LastByte count from Start on the live side, and from the moment that the
	// copy was sent on the mirror side, to the first and last byte of the answer.
	FirstByte, LastByte time.Duration
	// Fault says in one word why there is no complete answer; "" when there is one.
	Fault string

	// Progress is called on the loop that carries a live exchange: when the request's body grew or
	// ended, and when the exchange ended, after which Done is set. Set once, like Recycle.
	Progress func()
	Done     bool

	refs atomic.Int32
	// Recycle gets the exchange back when the last holder released it; its memory is already
	// free. It may be called on any goroutine. Set once, by whoever makes the exchange.
	Recycle func(*Exchange)
}

// Reset prepares x for a new request, with one holder. Captures grow in m.
func (x *Exchange) Reset(m *Memory) {
	request, response := x.Request.emptyTrailer(), x.Response.emptyTrailer()
	*x = Exchange{Recycle: x.Recycle, Progress: x.Progress}
	x.Request.data.mem, x.Request.Trailer = m, request
	x.Response.data.mem, x.Response.Trailer = m, response
	x.refs.Store(1)
}

// Hold adds a holder.
func (x *Exchange) Hold() { x.refs.Add(1) }

// Release drops a holder. The last one frees the captured bytes.
func (x *Exchange) Release() {
	if x.refs.Add(-1) > 0 {
		return
	}
	x.Request.data.Free()
	x.Response.data.Free()
	if x.Recycle != nil {
		x.Recycle(x)
	}
}

// Message is a captured request or response in normal form: a start line and header lines, each
// ended by CRLF, without hop-by-hop fields and without the empty line, then the decoded body.
type Message struct {
	data Bytes
	head int
	// Limit is how many bytes of the body are captured at most.
	Limit int
	// Size is the length of the decoded body in bytes, of which Body may hold only a beginning.
	Size int64
	// Trailer holds the trailer fields in the order in which they came, as lines that are ended by
	// CRLF; [Lines] reads them. Names are as they were sent, so in lower case from HTTP/2. It is whole
	// once the body has ended. Whoever fills it appends: the storage outlives the exchange. It is
	// small, bounded by what the codecs take for a trailer section, and lies on the heap, outside of
	// the budget.
	Trailer []byte
	// Ended says that the body came to its end.
	Ended     bool
	discarded bool
	// rest hashes what came after the captured beginning; nil while nothing did.
	rest *maphash.Hash
}

// keptTrailer is the capacity, in bytes, up to which the storage of trailers is used again: every
// answer of gRPC has some.
const keptTrailer = 1 << 10

// emptyTrailer returns the storage of the trailers for the next message, or nil.
func (m *Message) emptyTrailer() []byte {
	if cap(m.Trailer) > keptTrailer {
		return nil
	}
	return m.Trailer[:0]
}

// seed is one for all messages, so that their hashes can be compared.
var seed = maphash.MakeSeed()

// SetHead captures head. It must come before any body; false means that the budget is spent.
func (m *Message) SetHead(head []byte) bool {
	if m.discarded || !m.data.Append(head) {
		return false
	}
	m.head = len(head)
	return true
}

// HasHead says whether a head was captured.
func (m *Message) HasHead() bool { return m.head > 0 }

// Append adds p to the body. It captures no more than Limit bytes in all, and nothing more once
// the budget refused; the rest is only counted and hashed. It reports whether all of p was
// captured.
func (m *Message) Append(p []byte) bool {
	if m.discarded {
		m.Size += int64(len(p))
		return false
	}
	room := m.Limit - m.Captured()
	whole := m.Size == int64(m.Captured())
	m.Size += int64(len(p))
	if whole && len(p) <= room && m.data.Append(p) {
		return true
	}
	if whole && room > 0 && room < len(p) && m.data.Append(p[:room]) {
		p = p[room:]
	}
	if m.rest == nil {
		m.rest = new(maphash.Hash)
		m.rest.SetSeed(seed)
	}
	m.rest.Write(p)
	return false
}

// Discard frees what was captured and captures no more: nobody wants it. What comes is counted
// only.
func (m *Message) Discard() {
	m.data.Free()
	m.head, m.discarded = 0, true
}

// Captured is the number of body bytes that are held.
func (m *Message) Captured() int { return m.data.Len() - m.head }

// Truncated says that Body holds only a beginning.
func (m *Message) Truncated() bool { return int64(m.Captured()) < m.Size }

// Head is the start line and the header lines. It may use scratch, see [Bytes.Slice].
func (m *Message) Head(scratch *[]byte) []byte { return m.data.Slice(0, m.head, scratch) }

// Body is the captured body. It may use scratch, see [Bytes.Slice].
func (m *Message) Body(scratch *[]byte) []byte { return m.data.Slice(m.head, m.Captured(), scratch) }

// SameBody says whether both bodies are equal: byte for byte where both were captured whole, else by
// length, captured beginning and a 64-bit hash of the rest. It is not known where the budget cut
// the two at different places.
func (m *Message) SameBody(o *Message, scratchM, scratchO *[]byte) (same, known bool) {
	if m.Size != o.Size {
		return false, true
	}
	if m.Captured() != o.Captured() {
		return false, false
	}
	same = bytes.Equal(m.Body(scratchM), o.Body(scratchO))
	if same && m.Truncated() {
		same = m.rest.Sum64() == o.rest.Sum64()
	}
	return same, true
}

// Fields yields name and value of every header line of a head as [Message.Head] returns it.
func Fields(head []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		_, lines, _ := bytes.Cut(head, crlf)
		eachLine(lines, yield)
	}
}

// Lines yields name and value of every line as [Message.Trailer] holds them.
func Lines(lines []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) { eachLine(lines, yield) }
}

func eachLine(lines []byte, yield func(name, value []byte) bool) {
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, crlf)
		name, value, _ := bytes.Cut(line, colon)
		if !yield(name, bytes.TrimLeft(value, " \t")) {
			return
		}
	}
}

var crlf, colon = []byte("\r\n"), []byte(":")
