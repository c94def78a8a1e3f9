package compare

import (
	"bytes"
	"cmp"
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
}

// weigh returns what of a field's value is compared, and whether the field is.
func weigh(name, value []byte) (part []byte, compared bool) {
	var low [24]byte
	if len(name) > len(low) {
		return value, true
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	switch weights[string(low[:len(name)])] {
	case ignored:
		return nil, false
	case presence:
		return nil, true
	case cookie:
		crumb, _, _ := bytes.Cut(value, []byte("="))
		return bytes.TrimSpace(crumb), true
	}
	return value, true
}

// sameHeader reports whether two heads have fields of equal weight in the same order. It is the
// usual case, and passes both heads once.
func sameHeader(a, b []byte) bool {
	_, a = cutLine(a)
	_, b = cutLine(b)
	for len(a) > 0 && len(b) > 0 {
		var x, y []byte
		x, a = cutLine(a)
		y, b = cutLine(b)
		if !bytes.Equal(x, y) && !sameField(x, y) {
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

func sameField(x, y []byte) bool {
	nameX, valueX, _ := bytes.Cut(x, []byte(":"))
	nameY, valueY, _ := bytes.Cut(y, []byte(":"))
	if !bytes.EqualFold(nameX, nameY) {
		return false
	}
	partX, compared := weigh(nameX, valueX)
	partY, _ := weigh(nameY, valueY)
	return !compared || bytes.Equal(bytes.TrimSpace(partX), bytes.TrimSpace(partY))
}

// field is a header field as it is compared.
type field struct{ name, part, value []byte }

// headers compares the fields of two heads as multisets. It reuses its memory.
type headers struct {
	mask         *redact.Mask
	note         func(kind finding.Kind, path []byte) *diff
	live, mirror []field
	name         []byte
}

// compare notes the fields that differ.
func (h *headers) compare(live, mirror []byte) {
	h.live = sortedFields(h.live[:0], live)
	h.mirror = sortedFields(h.mirror[:0], mirror)
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
		if !slices.EqualFunc(x, y, func(x, y field) bool { return bytes.Equal(x.part, y.part) }) {
			h.report(x, y)
		}
	}
}

func sortedFields(list []field, head []byte) []field {
	for name, value := range traffic.Fields(head) {
		value = bytes.TrimRight(value, " \t")
		if part, compared := weigh(name, value); compared {
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
func (h *headers) report(live, mirror []field) {
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
	if example := h.note(finding.Header, h.name); example != nil {
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
		values[i] = h.mask.Header(string(f.name), string(f.value))
	}
	return clip([]byte(strings.Join(values, ", ")))
}

// headerValue returns the value of the first field of that name, or nil.
func headerValue(head []byte, name string) []byte {
	for n, value := range traffic.Fields(head) {
		if len(n) == len(name) && strings.EqualFold(string(n), name) {
			return value
		}
	}
	return nil
}
