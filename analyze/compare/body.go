package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// maxDecoded bounds, in bytes, what a compressed body may unpack to, and the JSON that is compared
// by path.
const maxDecoded = 1 << 20

// decoder unpacks bodies. It reuses its memory.
type decoder struct {
	out  bytes.Buffer
	gzip gzip.Reader
}

// decode returns body without its content encoding, and reports whether it could: the encoding is
// known, the body complete, and the result within maxDecoded. The result is valid until the next
// call.
func (d *decoder) decode(encoding, body []byte) ([]byte, bool) {
	if len(encoding) == 0 {
		return body, true
	}
	switch strings.ToLower(string(bytes.TrimSpace(encoding))) {
	case "", "identity":
		return body, true
	case "gzip", "x-gzip":
		if d.gzip.Reset(bytes.NewReader(body)) != nil {
			return nil, false
		}
		return d.read(&d.gzip)
	case "deflate":
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

// bodies compares two bodies that are not equal byte for byte: JSON by path, everything else as a
// whole.
func (c *Comparer) bodies(live, mirror *traffic.Message, liveHead, mirrorHead []byte) {
	x, y := live.Body(&c.liveBody), mirror.Body(&c.mirrorBody)
	if live.Truncated() || mirror.Truncated() {
		c.noteBody(live, mirror)
		return
	}
	x, okX := c.liveDecoder.decode(headerValue(liveHead, "Content-Encoding"), x)
	y, okY := c.mirrorDecoder.decode(headerValue(mirrorHead, "Content-Encoding"), y)
	if okX && okY {
		if bytes.Equal(x, y) {
			return
		}
		json := isJSON(headerValue(liveHead, "Content-Type")) && isJSON(headerValue(mirrorHead, "Content-Type"))
		if json && len(x) <= maxDecoded && len(y) <= maxDecoded && c.differ.json(x, y) {
			return
		}
	}
	c.noteBody(live, mirror)
}

// noteBody notes that two bodies differ, without saying where.
func (c *Comparer) noteBody(live, mirror *traffic.Message) {
	if example := c.note(finding.Body, nil); example != nil {
		example.live, example.mirror = fmt.Sprintf("%d bytes", live.Size), fmt.Sprintf("%d bytes", mirror.Size)
	}
}

// isJSON reports whether a content type is JSON: application/json, or any that ends in +json.
func isJSON(contentType []byte) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	kind = bytes.TrimSpace(kind)
	return hasSuffixFold(kind, "/json") || hasSuffixFold(kind, "+json")
}

func hasSuffixFold(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && strings.EqualFold(string(b[len(b)-len(suffix):]), suffix)
}
