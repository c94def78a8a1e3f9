package compare

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// weight says how much of a header field is compared. The zero value is all of it.
type weight uint8

const (
	exact    weight = iota
	ignored         // says something about the moment, the connection or the server
	presence        // whether it is there; the value is another for every answer
	cookie          // the name of the cookie
	ending          // all of it, but among the trailers, since in gRPC a head may be a trailer too
)

// weights lists, in lower case, the fields that are not compared exactly.
var weights = map[string]weight{
	"date": ignored, "age": ignored, "via": ignored, "server": ignored, "x-powered-by": ignored,
	"content-length": ignored, "transfer-encoding": ignored, "trailer": ignored,
	"connection": ignored, "keep-alive": ignored, "proxy-connection": ignored,

	"etag": presence, "last-modified": presence, "expires": presence,
	"x-request-id": presence, "request-id": presence, "x-correlation-id": presence,
	"x-trace-id": presence, "x-b3-traceid": presence, "x-amzn-trace-id": presence,
	"traceparent": presence, "tracestate": presence, "server-timing": presence,
	"x-response-time": presence, "x-runtime": presence,

	"set-cookie": cookie,

	"grpc-status": ignored, // it is the status
	grpcMessage:   ending, "grpc-status-details-bin": ending,
	"grpc-trace-bin": presence, "grpc-tags-bin": presence, "grpc-server-stats-bin": presence,
}

func weightOf(name []byte) weight {
	var low [24]byte
	if len(name) > len(low) {
		return exact
	}
	for i, c := range name {
		low[i] = lower(c)
	}
	return weights[string(low[:len(name)])]
}

// weigh returns what of a value is compared, and whether the field is.
func (w weight) weigh(kind finding.Kind, name, value []byte) (part []byte, compared bool) {
	switch w {
	case ignored:
		return nil, false
	case presence:
		return nil, true
	case cookie:
		crumb, _, _ := bytes.Cut(value, []byte("="))
		return bytes.TrimSpace(crumb), true
	case ending:
		if kind != finding.Trailer {
			return nil, false
		}
	}
	return meaning(name, value), true
}

// sameLines reports whether two lists of lines have fields of equal weight in the same order. It is
// the usual case, and passes both once.
func sameLines(kind finding.Kind, a, b []byte) bool {
	for len(a) > 0 && len(b) > 0 {
		var x, y []byte
		x, a = cutLine(a)
		y, b = cutLine(b)
		if !bytes.Equal(x, y) && !sameField(kind, x, y) {
			return false
		}
	}
	return len(a) == len(b)
}

func cutLine(head []byte) (line, rest []byte) {
	i := bytes.IndexByte(head, '\n')
	if i < 0 {
		return head, nil
	}
	return head[:i], head[i+1:]
}

func sameField(kind finding.Kind, x, y []byte) bool {
	nameX, valueX, _ := bytes.Cut(x, []byte(":"))
	nameY, valueY, _ := bytes.Cut(y, []byte(":"))
	if !bytes.EqualFold(nameX, nameY) {
		return false
	}
	w := weightOf(nameX)
	partX, compared := w.weigh(kind, nameX, bytes.TrimSpace(valueX))
	partY, _ := w.weigh(kind, nameY, bytes.TrimSpace(valueY))
	return !compared || bytes.Equal(partX, partY)
}

// field is a header field as it is compared.
type field struct{ name, part, value []byte }

// headers compares the fields of two heads, or two trailers, as multisets. It reuses its memory.
type headers struct {
	mask         *redact.Mask
	veil         *veil
	note         func(kind finding.Kind, path []byte) *diff
	live, mirror []field
	name         []byte
}

// compare notes the fields that differ in two lists of lines, as differences of that kind.
func (h *headers) compare(kind finding.Kind, live, mirror []byte) {
	h.live = sortedFields(h.live[:0], kind, live)
	h.mirror = sortedFields(h.mirror[:0], kind, mirror)
	for a, b := h.live, h.mirror; len(a) > 0 || len(b) > 0; {
		var x, y []field
		switch order := compareHeads(a, b); {
		case order < 0:
			x, a = cutName(a)
		case order > 0:
			y, b = cutName(b)
		default:
			x, a = cutName(a)
			y, b = cutName(b)
		}
		if !slices.EqualFunc(x, y, samePart) && !h.veil.hidesFields(x, y) {
			h.report(kind, x, y)
		}
	}
}

func sortedFields(list []field, kind finding.Kind, lines []byte) []field {
	for name, value := range traffic.Lines(lines) {
		value = bytes.TrimRight(value, " \t")
		if part, compared := weightOf(name).weigh(kind, name, value); compared {
			list = append(list, field{name, part, value})
		}
	}
	slices.SortFunc(list, func(x, y field) int {
		return cmp.Or(compareFold(x.name, y.name), bytes.Compare(x.part, y.part))
	})
	return list
}

// compareHeads orders two sorted lists by the name of their first field; an empty one comes last.
func compareHeads(a, b []field) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return compareFold(a[0].name, b[0].name)
}

// cutName splits off the fields that have the name of the first.
func cutName(list []field) (same, rest []field) {
	n := 1
	for n < len(list) && bytes.EqualFold(list[n].name, list[0].name) {
		n++
	}
	return list[:n], list[n:]
}

func compareFold(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(lower(a[i]), lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// report notes that the fields of one name differ; one side may have none.
func (h *headers) report(kind finding.Kind, live, mirror []field) {
	present := live
	if len(live) == 0 {
		present = mirror
	}
	name := present[0].name
	h.name = h.name[:0]
	for i, c := range name[:min(len(name), longName)] {
		c = lower(c)
		if (i == 0 || h.name[i-1] == '-') && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		h.name = append(h.name, c)
	}
	if example := h.note(kind, h.name); example != nil {
		example.live, example.mirror = h.show(live), h.show(mirror)
	}
}

// show returns the values as they may be shown.
func (h *headers) show(fields []field) string {
	if len(fields) == 0 {
		return absent
	}
	values := make([]string, len(fields))
	for i, f := range fields {
		values[i] = h.showValue(f)
	}
	return clip([]byte(strings.Join(values, ", ")))
}

// showValue returns one value as it may be shown. What is binary says so.
func (h *headers) showValue(f field) string {
	if isBinary(f.name) && !h.mask.Any() && h.veil.rules == nil {
		if data, err := base64.RawStdEncoding.DecodeString(string(meaning(f.name, f.value))); err == nil {
			return clip(data)
		}
	}
	value, kept := h.veil.header(f.name, meaning(f.name, f.value))
	if !kept {
		return redact.Masked
	}
	return h.mask.Header(string(f.name), string(value))
}

// isBinary reports whether a field is one of those in which gRPC sends binary data.
func isBinary(name []byte) bool { return hasSuffixFold(name, "-bin") }

const grpcMessage = "grpc-message"

// meaning returns what a value stands for: gRPC sends text with some characters percent-encoded, and
// binary data as base64 with padding or without.
func meaning(name, value []byte) []byte {
	switch {
	case isBinary(name):
		return bytes.TrimRight(value, "=")
	case equalFold(name, grpcMessage):
		return unescape(value)
	}
	return value
}

// unescape decodes percent-encoding. What is none stays as it is.
func unescape(text []byte) []byte {
	if bytes.IndexByte(text, '%') < 0 {
		return text
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		var c [1]byte
		if text[i] == '%' && i+2 < len(text) {
			if _, err := hex.Decode(c[:], text[i+1:i+3]); err == nil {
				plain = append(plain, c[0])
				i += 2
				continue
			}
		}
		plain = append(plain, text[i])
	}
	return plain
}

// headerValue returns the value of the first line of that name, or nil.
func headerValue(lines []byte, name string) []byte {
	for n, value := range traffic.Lines(lines) {
		if equalFold(n, name) {
			return value
		}
	}
	return nil
}
