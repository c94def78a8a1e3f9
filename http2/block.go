package http2

import (
	"errors"
	"net/http"
	"sync"

	"golang.org/x/net/http2/hpack"
)

const (
	maxContinuations = 32 // CONTINUATION frames of a head

	// The limits of a trailer section, as in HTTP/1.1.
	maxTrailer       = 16 << 10
	maxTrailerFields = 100
)

// blockKind says what a block of fields is.
type blockKind uint8

const (
	blockDropped blockKind = iota // decoded for the table's sake alone
	blockRequest
	blockAnswer
	blockTrailer
)

// fieldBlock is the head or trailer section that is being received.
type fieldBlock struct {
	stream        uint32 // 0 when there is none
	kind          blockKind
	end           bool   // it ends its stream
	refusal       *fault // why the stream is to be reset, whatever the block holds
	bytes, frames int    // of its encoded form
	text          *headText
}

// maxBlock is how many bytes of one encoded head are taken. More would be decoded and dropped.
func (c *Conn) maxBlock() int { return max(2*c.set.MaxHead, maxFrame) }

// headRoom is how many bytes a server holds of the heads and trailer sections of one connection's
// streams together: some of the largest, and all of those as they are everywhere.
func (c *Conn) headRoom() int {
	return max(16*c.set.MaxHead, c.set.MaxStreams*min(c.set.MaxHead, keptHead))
}

// hold makes n more bytes count, and returns false where there is no room for them. The stream that
// they are of lets go of them.
func (c *Conn) hold(n int) bool {
	if c.heads+n > c.headRoom() {
		return false
	}
	c.heads += n
	return true
}

var texts = sync.Pool{New: func() any { return new(headText) }}

// takeText borrows what makes text of a block of the stream s, which is nil for a new one.
func (c *Conn) takeText(kind blockKind, s *Stream) *headText {
	t := texts.Get().(*headText)
	if kind == blockTrailer {
		t.begin(kind, min(c.set.MaxHead, maxTrailer), min(c.set.MaxFields, maxTrailerFields))
	} else {
		t.begin(kind, c.set.MaxHead, c.set.MaxFields)
	}
	if kind == blockAnswer {
		t.asked = s.asked
	}
	return t
}

func (c *Conn) onHeaders(f frame, payload []byte) *fault {
	if f.stream == 0 {
		return errStreamID
	}
	payload, fault := f.unpad(payload)
	if fault != nil {
		return fault
	}
	c.block = fieldBlock{stream: f.stream, end: f.has(flagEndStream)}
	b := &c.block
	if fault := c.classify(f.stream); fault != nil {
		return fault
	}
	if f.has(flagPriority) {
		if len(payload) < prioritySize {
			return errFrameSize
		}
		if dependency(payload) == f.stream {
			b.refusal = errSelfDependency
		}
		payload = payload[prioritySize:]
	}
	if b.kind != blockDropped && b.refusal == nil {
		b.text = c.takeText(b.kind, c.byID[f.stream])
	}
	c.decoder.SetEmitEnabled(b.text != nil)
	return c.fragment(f, payload)
}

func (c *Conn) onContinuation(f frame, payload []byte) *fault {
	if c.block.frames++; c.block.frames > maxContinuations {
		return errLongBlock
	}
	return c.fragment(f, payload)
}

// fragment decodes a part of a block.
func (c *Conn) fragment(f frame, payload []byte) *fault {
	b := &c.block
	if b.bytes += len(payload); b.bytes > c.maxBlock() {
		return errLongBlock
	}
	if s := c.byID[b.stream]; s != nil {
		s.in += uint64(headerSize + len(payload))
	}
	if _, err := c.decoder.Write(payload); err != nil {
		if errors.Is(err, hpack.ErrStringLength) {
			return errLongString
		}
		return errCompression
	}
	if !f.has(flagEndHeaders) {
		if len(payload) == 0 {
			return c.meter(glitchEmpty)
		}
		return nil
	}
	if c.decoder.Close() != nil {
		return errCompression
	}
	return c.finishBlock()
}

// emit takes a field from the decoder.
func (c *Conn) emit(f hpack.HeaderField) {
	t := c.block.text
	t.field(f.Name, f.Value)
	if t.tooLarge || t.fault != nil {
		c.decoder.SetEmitEnabled(false)
	}
}

// classify says what HEADERS on that stream are.
func (c *Conn) classify(id uint32) *fault {
	b := &c.block
	s := c.byID[id]
	switch {
	case s == nil && c.server && id%2 == 1 && id > c.lastID:
		c.admitStream(id)
	case s == nil:
		if id%2 == 0 {
			return errStreamID
		}
		return c.absent(id)
	case s.ended:
		b.refusal = errAfterEnd
	case c.server || s.gotHead:
		b.kind = blockTrailer
	default:
		b.kind = blockAnswer
	}
	return nil
}

// admitStream decides about a new stream of a client. Handlers count that still run for streams
// which were reset: else a client could have any number of them.
func (c *Conn) admitStream(id uint32) {
	c.lastID = id
	c.opened()
	if c.final {
		return // the client was told that it is not processed
	}
	if c.lent >= c.set.MaxStreams {
		c.block.refusal = errTooMany
		return
	}
	c.block.kind = blockRequest
}

// finishBlock is called when the last field of a block is here.
func (c *Conn) finishBlock() *fault {
	b := c.block
	c.block = fieldBlock{}
	fault := b.refusal
	if b.text != nil && fault == nil {
		fault = c.takeBlock(&b)
	}
	if b.text != nil && cap(b.text.text) <= keptHead {
		texts.Put(b.text)
	}
	if fault != nil {
		return c.refuse(b.stream, fault)
	}
	return nil
}

// takeBlock gives a whole block to its stream. What it returns is a fault of the stream.
func (c *Conn) takeBlock(b *fieldBlock) *fault {
	if b.kind == blockRequest {
		return c.takeRequest(b)
	}
	s := c.byID[b.stream]
	if s == nil {
		return nil // it was closed on this side while the block came
	}
	if b.kind == blockTrailer {
		return s.takeTrailer(b)
	}
	return s.takeAnswer(b)
}

// takeRequest starts the handler of a new stream.
func (c *Conn) takeRequest(b *fieldBlock) *fault {
	t := b.text
	t.finish(b.end)
	if t.fault != nil {
		return t.fault
	}
	if !c.hold(len(t.text)) {
		return errHeads
	}
	s := c.lend()
	c.begin(s, b.stream)
	s.in += uint64(headerSize + b.bytes)
	s.heads = append(s.heads[:0], t.text...)
	s.size = len(s.heads)
	s.tooLarge, s.gotHead, s.length = t.tooLarge, true, t.length
	s.asked = asked{isHead: t.pseudo[pseudoMethod] == http.MethodHead, tunnel: t.tunnel}
	if b.end {
		s.end()
	}
	s.task = c.start(s.run)
	return nil
}

// takeAnswer appends a head of an answer to those that wait to be read.
func (s *Stream) takeAnswer(b *fieldBlock) *fault {
	t := b.text
	t.finish(b.end)
	switch {
	case t.fault != nil:
		return t.fault
	case t.tooLarge, len(s.heads)-s.size+len(t.text) > 2*s.conn.set.MaxHead:
		s.fail(ErrLargeHead)
		return errLargeAnswer
	}
	s.heads = append(s.heads, t.text...)
	s.gotHead = !t.interim()
	s.length = t.length
	s.wakeReader()
	if b.end {
		s.end()
	}
	return nil
}

func (s *Stream) takeTrailer(b *fieldBlock) *fault {
	t := b.text
	t.finish(b.end)
	switch {
	case t.tooLarge:
		return errLargeTrailer
	case t.fault != nil:
		return t.fault
	case s.length > 0:
		return errLength
	case s.conn.server && !s.conn.hold(len(t.text)):
		return errTrailers
	}
	s.trailer = append(s.trailer[:0], t.text...)
	s.end()
	return nil
}
