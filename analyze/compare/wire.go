package compare

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// wireType says how a value of protobuf lies on the wire. Groups, types 3 and 4, are long deprecated
// and are not known here.
type wireType uint8

const (
	varint  wireType = 0
	fixed64 wireType = 1
	sized   wireType = 2 // text, bytes, a message, or a packed list: the wire does not say which
	fixed32 wireType = 5
)

func (t wireType) String() string {
	switch t {
	case varint:
		return "varint"
	case fixed64:
		return "fixed64"
	case fixed32:
		return "fixed32"
	}
	return "bytes"
}

// A wireField is one field of a protobuf message as it lies on the wire:
//
//	varint   number<<3 | wireType
//	value    a varint, 8 bytes, 4 bytes, or a varint with the length and that many bytes
type wireField struct {
	number uint32
	wire   wireType
	bits   uint64 // of a number
	bytes  []byte // of what is sized
}

// maxFieldNumber is the largest number that a .proto file may give to a field.
const maxFieldNumber = 1<<29 - 1

// cutField splits the first field off a message. ok is false if there is no whole one.
func cutField(b []byte) (f wireField, rest []byte, ok bool) {
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag>>3 > maxFieldNumber {
		return f, b, false
	}
	b = b[n:]
	f.number, f.wire = uint32(tag>>3), wireType(tag&7)
	switch f.wire {
	case varint, sized:
		if f.bits, n = binary.Uvarint(b); n <= 0 {
			return f, b, false
		}
	case fixed64:
		if n = 8; len(b) >= n {
			f.bits = binary.LittleEndian.Uint64(b)
		}
	case fixed32:
		if n = 4; len(b) >= n {
			f.bits = uint64(binary.LittleEndian.Uint32(b))
		}
	default:
		return f, b, false
	}
	if n > len(b) {
		return f, b, false
	}
	if b = b[n:]; f.wire != sized {
		return f, b, true
	}
	if f.bits > uint64(len(b)) {
		return f, b, false
	}
	f.bytes, b, f.bits = b[:f.bits], b[f.bits:], 0
	return f, b, true
}

// appendFields adds the fields of a message to list, sorted by number. It reports whether b is a message
// of at most most fields; list grows by those before an error, too.
func appendFields(list []wireField, b []byte, most int) ([]wireField, bool) {
	base, last, sorted := len(list), uint32(0), true
	for len(b) > 0 {
		f, rest, ok := cutField(b)
		if !ok || len(list)-base == most {
			return list, false
		}
		sorted = sorted && last <= f.number
		list, b, last = append(list, f), rest, f.number
	}
	if !sorted {
		slices.SortStableFunc(list[base:], func(x, y wireField) int { return cmp.Compare(x.number, y.number) })
	}
	return list, true
}

// same reports whether two fields have the same value.
func (f *wireField) same(g *wireField) bool {
	return f.wire == g.wire && f.bits == g.bits && bytes.Equal(f.bytes, g.bytes)
}

// text returns the value as people read it. A fixed one is mostly a floating-point number, and an
// integer where it would be an odd one.
func (f *wireField) text() string {
	switch f.wire {
	case varint:
		return strconv.FormatInt(int64(f.bits), 10)
	case fixed64:
		return floatText(math.Float64frombits(f.bits), 64, int64(f.bits))
	case fixed32:
		return floatText(float64(math.Float32frombits(uint32(f.bits))), 32, int64(int32(f.bits)))
	}
	if isText(f.bytes) {
		return `"` + clip(f.bytes) + `"`
	}
	return clip(f.bytes)
}

// floatText writes x, of so many bits, or, if it is an odd number, the whole one that its bits are.
func floatText(x float64, bits int, whole int64) string {
	if amount := math.Abs(x); x != 0 && !(1e-9 <= amount && amount <= 1e15) {
		return strconv.FormatInt(whole, 10)
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

// plain returns the value as [sameMoment] reads it. It may use room.
func (f *wireField) plain(room []byte) []byte {
	if f.wire == sized {
		return f.bytes
	}
	return strconv.AppendUint(room, f.bits, 10)
}
