package compare

import (
	"hash/maphash"
	"strconv"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

// Bounds on the protobuf that is compared by field. What exceeds them is compared as bytes.
const (
	maxWireDepth  = 32
	maxWireFields = 1 << 17 // fields of both sides, each counted whenever it is taken apart
)

// wireDiffer walks the messages of two bodies of gRPC side by side and notes where they differ. It
// knows no .proto file: a path is made of field numbers, message[*].3.1, and what the wire leaves
// open is taken for a message where both sides can be read as messages that are alike. It reuses its
// memory.
//
// A field with a default value is not sent, so that to be missing is a value like any other.
type wireDiffer struct {
	mask *redact.Mask
	veil *veil
	// note and now are as in [differ].
	note func(kind finding.Kind, path []byte) *diff
	now  int64

	path    []byte
	depth   int
	left    int         // fields that may still be taken apart
	fields  []wireField // a stack of the lists under way
	matches []match     // likewise
}

// messages notes how two sequences of messages differ: as a list of protobuf messages, or, unless
// they are typed, of anything.
func (w *wireDiffer) messages(live, mirror [][]byte, typed bool) {
	w.fields, w.matches, w.left, w.depth = w.fields[:0], w.matches[:0], maxWireFields, 0
	if !typed {
		w.left = 0
	}
	w.path = append(w.path[:0], "message"...)
	for _, list := range [][][]byte{live, mirror} {
		for _, message := range list {
			w.fields = append(w.fields, wireField{wire: sized, bytes: message})
		}
	}
	w.list(0, len(live), len(live), len(w.fields), "[*]")
}

// list compares values of the same field, w.fields[a:endA] of live with w.fields[b:endB] of the mirror,
// as arrays are compared, see [differ.array]. Each has the path of the list and then element.
func (w *wireDiffer) list(a, endA, b, endB int, element string) {
	base := len(w.matches)
	w.push(a, endA)
	mid := len(w.matches)
	w.push(b, endB)
	live, mirror := w.matches[base:mid], w.matches[mid:]
	pairEqual(live, mirror, w.equal, w.hash, w.hash)
	identified := pairLonely(live, mirror, w.pairIdentified)
	if shuffled(live) {
		w.report(finding.Order, none, none)
	}
	length := len(w.path)
	w.path = append(w.path, element...)
	eachPair(live, mirror, identified, w.matched)
	w.path = w.path[:length]
	w.matches = w.matches[:base]
}

func (w *wireDiffer) push(at, end int) {
	for i := at; i < end; i++ {
		w.matches = append(w.matches, match{node: int32(i), place: int32(i - at), other: int32(i - at)})
	}
}

func (w *wireDiffer) equal(a, b int32) bool { return w.fields[a].same(&w.fields[b]) }

func (w *wireDiffer) hash(i int32) (uint64, bool) {
	f := &w.fields[i]
	return mix(mix(uint64(f.wire), f.bits), maphash.Bytes(seed, f.bytes)), true
}

// pairIdentified pairs messages by their field 1, which mostly is an id, and is the key of a map's entry.
func (w *wireDiffer) pairIdentified(live, mirror []match) bool {
	return pairHashed(live, mirror, w.identity, w.identity) > 0
}

func (w *wireDiffer) identity(i int32) (uint64, bool) {
	first, _, ok := cutField(w.fields[i].bytes)
	if !ok || first.number != 1 || w.left == 0 {
		return 0, false
	}
	return mix(mix(uint64(first.wire), first.bits), maphash.Bytes(seed, first.bytes)), true
}

func (w *wireDiffer) matched(a, b match) { w.element(a.node, b.node) }

// element compares one field, which one of the sides may lack.
func (w *wireDiffer) element(a, b int32) {
	switch {
	case a == none:
		w.report(finding.Added, a, b)
	case b == none:
		w.report(finding.Removed, a, b)
	default:
		w.value(a, b)
	}
}

// value notes how field a of live and field b of the mirror differ.
func (w *wireDiffer) value(a, b int32) {
	f, g := w.fields[a], w.fields[b]
	var room [2][20]byte
	switch {
	case f.same(&g):
	case f.wire != g.wire:
		w.report(finding.Type, a, b)
	case f.wire == sized && w.inside(f.bytes, g.bytes):
	case sameMoment(f.plain(room[0][:0]), g.plain(room[1][:0]), w.now):
	default:
		w.report(finding.Value, a, b)
	}
}

// inside compares two values as messages, and reports whether they are such.
func (w *wireDiffer) inside(x, y []byte) bool {
	root := w.depth == 0
	if w.depth == maxWireDepth || w.left <= 0 || !root && isText(x) && isText(y) {
		return false
	}
	base := len(w.fields)
	defer func() { w.fields = w.fields[:base] }()
	if !w.take(x) {
		return false
	}
	mid := len(w.fields)
	if !w.take(y) || !root && !alike(w.fields[base:mid], w.fields[mid:]) {
		return false
	}
	w.depth++
	w.merge(base, mid, len(w.fields))
	w.depth--
	return true
}

// take puts the fields of a message on the stack, and reports whether it is one.
func (w *wireDiffer) take(message []byte) (ok bool) {
	before := len(w.fields)
	w.fields, ok = appendFields(w.fields, message, w.left)
	w.left -= len(w.fields) - before
	return ok
}

// alike reports whether at least half of the fields of two messages have a counterpart. Bytes that
// can be read as a message by chance seldom do.
func alike(x, y []wireField) bool {
	common := 0
	for a, b := 0, 0; a < len(x) && b < len(y); {
		switch {
		case x[a].number < y[b].number:
			a++
		case x[a].number > y[b].number:
			b++
		default:
			if x[a].wire == y[b].wire {
				common++
			}
			a++
			b++
		}
	}
	return 2*common >= min(len(x), len(y)) && common > 0
}

// merge compares the sorted fields of live, w.fields[at:mid], with those of the mirror, w.fields[mid:end].
func (w *wireDiffer) merge(at, mid, end int) {
	length := len(w.path)
	for a, b := at, mid; a < mid || b < end; {
		number := uint32(maxFieldNumber)
		if a < mid {
			number = w.fields[a].number
		}
		if b < end {
			number = min(number, w.fields[b].number)
		}
		nextA, nextB := w.run(a, mid, number), w.run(b, end, number)
		w.path = strconv.AppendUint(append(w.path, '.'), uint64(number), 10)
		switch {
		case nextA == a:
			w.report(finding.Value, none, int32(b))
		case nextB == b:
			w.report(finding.Value, int32(a), none)
		case nextA-a == 1 && nextB-b == 1:
			w.value(int32(a), int32(b))
		default:
			w.list(a, nextA, b, nextB, "")
		}
		w.path = w.path[:length]
		a, b = nextA, nextB
	}
}

// run returns where the fields of a number that begin at i end.
func (w *wireDiffer) run(i, end int, number uint32) int {
	for i < end && w.fields[i].number == number {
		i++
	}
	return i
}

// report notes a difference at the present path, between field a of live and field b of the mirror.
func (w *wireDiffer) report(kind finding.Kind, a, b int32) {
	if example := w.note(kind, w.path[:min(len(w.path), longPath)]); example != nil {
		example.live, example.mirror = w.show(kind, a), w.show(kind, b)
	}
}

// show returns a value as it may be shown. Any may belong to a secret name, which the wire leaves out.
func (w *wireDiffer) show(kind finding.Kind, i int32) string {
	switch {
	case i == none:
		return absent
	case w.mask.Any(), w.veil.rules != nil && w.veil.rules.Bodies():
		return redact.Masked
	case kind == finding.Type:
		return w.fields[i].wire.String() + " " + w.fields[i].text()
	}
	return w.fields[i].text()
}
