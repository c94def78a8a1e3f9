package http1

import "io"

// Decoder finds the body of one message after the other, however each is framed. The zero value
// is a body that has ended.
type Decoder struct {
	kind    Body
	left    int64
	chunked Chunked
}

// Reset prepares d for the body that follows h.
func (d *Decoder) Reset(h *Head) {
	d.kind, d.left = h.Body, h.Length
	if d.kind == BodyChunked {
		d.chunked.Reset()
	}
}

// Next takes what it can from buf: data is a part of the body, a slice of buf, and n is how many
// bytes of buf it and its framing used. done says that the body ended with them. When n is 0 and
// done is false, more bytes are needed. An error is an [*Error].
func (d *Decoder) Next(buf []byte) (data []byte, n int, done bool, err error) {
	switch d.kind {
	case BodyLength:
		n = int(min(d.left, int64(len(buf))))
		d.left -= int64(n)
		return buf[:n], n, d.left == 0, nil
	case BodyChunked:
		return d.chunked.Next(buf)
	case BodyClose:
		return buf, len(buf), false, nil
	}
	return nil, 0, true, nil
}

// Close says what the end of the connection means for the body: nil, that it ended there.
func (d *Decoder) Close() error {
	if d.kind == BodyClose {
		return nil
	}
	return io.ErrUnexpectedEOF
}

// Trailer returns the trailer lines of a chunked body that is done, see [Chunked.Trailer].
func (d *Decoder) Trailer() []byte {
	if d.kind != BodyChunked {
		return nil
	}
	return d.chunked.Trailer()
}

// Chunked says whether the body is framed in chunks.
func (d *Decoder) Chunked() bool { return d.kind == BodyChunked }
