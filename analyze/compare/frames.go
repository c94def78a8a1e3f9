package compare

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
)

// maxMessages bounds the messages of one body that are compared by themselves.
const maxMessages = 1 << 14

// frame is one piece of a body of gRPC: a message, or in gRPC-Web the trailer. On the wire it is
//
//	1 byte    flags
//	4 bytes   length of the content, big-endian
//	content
type frame struct {
	flags   byte
	content []byte
}

const (
	flagCompressed = 0x01
	flagTrailer    = 0x80
	prefixSize     = 5
)

func (f frame) compressed() bool { return f.flags&flagCompressed != 0 }
func (f frame) trailer() bool    { return f.flags&flagTrailer != 0 }

// cutFrame splits the first frame off a body. ok is false if there is no whole one.
func cutFrame(body []byte) (f frame, rest []byte, ok bool) {
	if len(body) < prefixSize || body[0]&^(flagCompressed|flagTrailer) != 0 {
		return f, body, false
	}
	flags, length := body[0], binary.BigEndian.Uint32(body[1:])
	body = body[prefixSize:]
	if uint64(length) > uint64(len(body)) {
		return f, body, false
	}
	return frame{flags, body[:length]}, body[length:], true
}

// split returns the messages of a body of gRPC, unpacked where their encoding is known, and reports
// whether the body is made of frames and stays within the bounds.
func (r *reader) split(body []byte) ([][]byte, bool) {
	r.messages, r.inflated = r.messages[:0], r.inflated[:0]
	for len(body) > 0 {
		f, rest, ok := cutFrame(body)
		if !ok || len(r.messages) == maxMessages {
			return nil, false
		}
		if body = rest; f.trailer() {
			continue
		}
		content, ok := r.inflate(f)
		if !ok || len(r.inflated)+len(content) > maxDecoded {
			return nil, false
		}
		if f.compressed() {
			at := len(r.inflated)
			r.inflated = append(r.inflated, content...)
			content = r.inflated[at:]
		}
		r.messages = append(r.messages, content)
	}
	return r.messages, true
}

// inflate returns the content of a frame, unpacked if its encoding is known. It is false if it is no
// such encoding after all, or unpacks to more than maxDecoded. The result is valid until the next call.
func (r *reader) inflate(f frame) ([]byte, bool) {
	encoding := headerValue(r.lines, "Grpc-Encoding")
	if !f.compressed() || encodingOf(encoding) == unknownEncoding {
		return f.content, true
	}
	return r.inflater.decode(encoding, f.content)
}

// appendBase64 decodes text, which may be several texts in base64, each with its padding. It reports
// whether all of it is base64.
func appendBase64(b, text []byte) ([]byte, bool) {
	for len(text) > 0 {
		end := len(text)
		if i := bytes.IndexByte(text, '='); i >= 0 {
			for end = i; end < len(text) && text[end] == '='; {
				end++
			}
		}
		var err error
		if b, err = base64.StdEncoding.AppendDecode(b, text[:end]); err != nil {
			return b, false
		}
		text = text[end:]
	}
	return b, true
}
