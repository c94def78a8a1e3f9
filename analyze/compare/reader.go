package compare

import (
	"bytes"

	"tain.dev/tain/traffic"
)

// maxTrailer bounds, in bytes, the trailer lines that are compared and kept.
const maxTrailer = 16 << 10

// reader reads one of the messages at hand. It reuses its memory: what it says is valid until it
// opens the next message.
type reader struct {
	*traffic.Message
	start, lines []byte // the start line, and the header lines
	// trailer holds the lines of the trailer, from behind the body or, in gRPC-Web, from its end.
	trailer []byte

	protocol
	code code // of an answer, noCode without one
	// ending is trailer as it is compared: an answer of gRPC that is all head has the fields there
	// that end it.
	ending []byte

	headBuf, bodyBuf, textBuf []byte
	trailerBuf, endingBuf     []byte
	decoder                   decoder // of the body
	inflater                  decoder // of one message in it
	messages                  [][]byte
	inflated                  []byte
}

// open turns to m.
func (r *reader) open(m *traffic.Message) {
	r.Message = m
	start, lines := cutLine(m.Head(&r.headBuf))
	r.start, r.lines = bytes.TrimSuffix(start, []byte("\r")), lines
	r.trailer = wholeLines(m.Trailer)
}

// wholeLines cuts trailers that are too long behind a line.
func wholeLines(lines []byte) []byte {
	if len(lines) <= maxTrailer {
		return lines
	}
	return lines[:bytes.LastIndexByte(lines[:maxTrailer], '\n')+1]
}

// openAnswer turns to m, and reads how it ends.
func (r *reader) openAnswer(m *traffic.Message) {
	r.open(m)
	r.protocol, r.code = readProtocol(headerValue(r.lines, "Content-Type")), noCode
	if r.grpc {
		r.readStatus()
	} else {
		r.ending = r.trailer
	}
}

// decoded returns the captured body without its content encoding, and without base64 where gRPC-Web
// has put it into that. It reports whether it could, see [decoder.decode].
func (r *reader) decoded() ([]byte, bool) {
	body, ok := r.decoder.decode(headerValue(r.lines, "Content-Encoding"), r.Body(&r.bodyBuf))
	if ok && r.text {
		r.textBuf, ok = appendBase64(r.textBuf[:0], body)
		body = r.textBuf
	}
	return body, ok
}
