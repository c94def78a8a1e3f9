package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"

	"tain.dev/tain/finding"
)

// maxDecoded bounds, in bytes, what a compressed body, or all messages of one, may unpack to, and what is
// compared by path.
const maxDecoded = 1 << 20

// decoder unpacks bodies. It reuses its memory.
type decoder struct {
	out  bytes.Buffer
	gzip gzip.Reader
}

// encoding is how a body or a message is packed.
type encoding uint8

const (
	noEncoding encoding = iota
	gzipEncoding
	deflateEncoding
	unknownEncoding
)

// encodingOf names the encoding of a Content-Encoding, which may be missing, or of a Grpc-Encoding.
func encodingOf(name []byte) encoding {
	switch name = bytes.TrimSpace(name); {
	case len(name) == 0, equalFold(name, "identity"):
		return noEncoding
	case equalFold(name, "gzip"), equalFold(name, "x-gzip"):
		return gzipEncoding
	case equalFold(name, "deflate"):
		return deflateEncoding
	}
	return unknownEncoding
}

// decode returns body without its encoding, and reports whether it could: the encoding is known, the
// body complete, and the result within maxDecoded. The result is valid until the next call.
func (d *decoder) decode(name, body []byte) ([]byte, bool) {
	switch encodingOf(name) {
	case noEncoding:
		return body, true
	case gzipEncoding:
		if d.gzip.Reset(bytes.NewReader(body)) != nil {
			return nil, false
		}
		return d.read(&d.gzip)
	case deflateEncoding:
		// RFC 9110 means zlib, and some send what zlib wraps.
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return d.read(r)
		}
		return d.read(flate.NewReader(bytes.NewReader(body)))
	}
	return nil, false
}

func (d *decoder) read(r io.Reader) ([]byte, bool) {
	d.out.Reset()
	n, err := io.Copy(&d.out, io.LimitReader(r, maxDecoded+1))
	return d.out.Bytes(), err == nil && n <= maxDecoded
}

// bodies compares two bodies that are not equal byte for byte.
func (c *Comparer) bodies() {
	if !c.live.Truncated() && !c.mirror.Truncated() {
		x, okX := c.live.decoded()
		y, okY := c.mirror.decoded()
		if okX && okY && (bytes.Equal(x, y) || c.parts(x, y)) {
			return
		}
	}
	c.noteBody()
}

// parts compares two unequal bodies by what they consist of: JSON by path, gRPC by message. It
// reports whether it could; otherwise a body is compared as a whole.
func (c *Comparer) parts(x, y []byte) bool {
	switch {
	case len(x) > maxDecoded || len(y) > maxDecoded:
		return false
	case c.live.grpc && c.mirror.grpc:
		return c.messages(x, y)
	case isJSON(headerValue(c.live.lines, "Content-Type")) && isJSON(headerValue(c.mirror.lines, "Content-Type")):
		return c.differ.json(x, y)
	}
	return false
}

// messages compares two bodies of gRPC, and reports whether they are made of messages.
func (c *Comparer) messages(x, y []byte) bool {
	live, okX := c.live.split(x)
	mirror, okY := c.mirror.split(y)
	if !okX || !okY {
		return false
	}
	if c.live.codec != jsonText || c.mirror.codec != jsonText || !c.differ.messages(live, mirror) {
		c.wire.messages(live, mirror, c.live.codec == protobuf && c.mirror.codec == protobuf)
	}
	return true
}

// noteBody notes that two bodies differ, without saying where.
func (c *Comparer) noteBody() {
	if example := c.note(finding.Body, nil); example != nil {
		example.live, example.mirror = fmt.Sprintf("%d bytes", c.live.Size), fmt.Sprintf("%d bytes", c.mirror.Size)
	}
}

// isJSON reports whether a content type is JSON: application/json, or any that ends in +json.
func isJSON(contentType []byte) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	kind = bytes.TrimSpace(kind)
	return hasSuffixFold(kind, "/json") || hasSuffixFold(kind, "+json")
}

func hasSuffixFold(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && equalFold(b[len(b)-len(suffix):], suffix)
}
