package compare

import (
	"bytes"
	"slices"
	"strconv"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

// differ walks two JSON documents side by side and notes where they differ, by path: fields are
// joined by dots, elements of arrays are [*], the document itself is $. Equal text is passed over
// without a look inside. It reuses its memory.
type differ struct {
	live, mirror document
	mask         *redact.Mask
	veil         *veil
	// note counts a difference. It returns what is known of it if the values of this pair are
	// wanted as its example, else nil.
	note func(kind finding.Kind, path []byte) *diff
	// now is when the request came, in nanoseconds since 1970.
	now int64

	path   []byte
	secret int // how many of the fields on the path are secret
	// atLive and atMirror are where the values under way are, for the rules of the veil.
	atLive, atMirror redact.Trail
	// nodes is a stack of lists of nodes that the objects and arrays under way have taken apart.
	nodes   []int32
	matches []match
}

// json notes how two bodies differ, and reports whether both are JSON that can be compared.
func (d *differ) json(live, mirror []byte) bool {
	if !d.live.parse(live) || !d.mirror.parse(mirror) {
		return false
	}
	d.walk("")
	return true
}

// messages notes how two sequences of JSON documents differ, as an array of the name message does. It
// reports whether all of them are JSON that can be compared.
func (d *differ) messages(live, mirror [][]byte) bool {
	if !d.live.parseAll(live) || !d.mirror.parseAll(mirror) {
		return false
	}
	d.walk("message")
	return true
}

// walk notes how the two documents differ. root is the path of both.
func (d *differ) walk(root string) {
	d.path, d.nodes, d.matches, d.secret = append(d.path[:0], root...), d.nodes[:0], d.matches[:0], 0
	d.atLive, d.atMirror = d.veil.trail(), d.veil.trail()
	d.value(0, 0)
}

// value notes how node i of live and node j of the mirror differ.
func (d *differ) value(i, j int32) {
	a, b := &d.live.nodes[i], &d.mirror.nodes[j]
	if bytes.Equal(d.live.raw(i), d.mirror.raw(j)) {
		return
	}
	if a.kind != b.kind {
		d.report(finding.Type, i, j)
		return
	}
	switch a.kind {
	case '{':
		d.object(i, j)
	case '[':
		d.array(i, j)
	case '"':
		x, y := d.live.content(i), d.mirror.content(j)
		if !bytes.Equal(x, y) && !sameMoment(x, y, d.now) {
			d.report(finding.Value, i, j)
		}
	case '0':
		x, y := d.live.raw(i), d.mirror.raw(j)
		if !sameNumber(x, y) && !sameMoment(x, y, d.now) {
			d.report(finding.Value, i, j)
		}
	default:
		d.report(finding.Value, i, j)
	}
}

// report notes a difference at the present path, between node i of live and node j of the mirror, unless
// it is nothing but what rules redact.
func (d *differ) report(kind finding.Kind, i, j int32) {
	if d.veil.hides(d.atLive, d.atMirror) || i != none && j != none && kind != finding.Order && d.veil.echoes(d.live.raw(i), d.mirror.raw(j)) {
		return
	}
	path := d.path
	if len(path) == 0 {
		path = []byte("$")
	}
	example := d.note(kind, path[:min(len(path), longPath)])
	if example == nil {
		return
	}
	example.live, example.mirror = absent, absent
	if i != none {
		example.live = d.show(&d.live, i, d.atLive)
	}
	if j != none {
		example.mirror = d.show(&d.mirror, j, d.atMirror)
	}
}

// show returns a value as it may be shown.
func (d *differ) show(doc *document, i int32, at redact.Trail) string {
	if d.secret > 0 || d.veil.hidesWithin(doc, i, at) {
		return redact.Masked
	}
	value, whole := d.veil.value(nil, doc.raw(i))
	if !whole {
		return redact.Masked
	}
	return clip(d.mask.Body("application/json", value))
}

// object compares two objects. Fields mostly come in the same order; from the first one that does
// not, both sides are sorted by name.
func (d *differ) object(i, j int32) {
	endA, endB := d.live.nodes[i].next, d.mirror.nodes[j].next
	a, b := i+1, j+1
	for a < endA && b < endB && d.compareNames(a, b) == 0 {
		d.field(a, b)
		a, b = d.live.nodes[a].next, d.mirror.nodes[b].next
	}
	if a == endA && b == endB {
		return
	}
	base := len(d.nodes)
	mid := d.push(&d.live, a, endA)
	end := d.push(&d.mirror, b, endB)
	slices.SortStableFunc(d.nodes[base:mid], func(x, y int32) int { return bytes.Compare(d.live.name(x), d.live.name(y)) })
	slices.SortStableFunc(d.nodes[mid:end], func(x, y int32) int { return bytes.Compare(d.mirror.name(x), d.mirror.name(y)) })
	d.merge(base, mid, end)
	d.nodes = d.nodes[:base]
}

// push adds the values from first on, up to the node end, to the stack, and returns its height.
func (d *differ) push(doc *document, first, end int32) int {
	for ; first < end; first = doc.nodes[first].next {
		d.nodes = append(d.nodes, first)
	}
	return len(d.nodes)
}

// merge compares the sorted fields of live, nodes[at:mid], with those of the mirror, nodes[mid:end].
func (d *differ) merge(at, mid, end int) {
	for a, b := at, mid; a < mid || b < end; {
		order := 0
		switch {
		case a == mid:
			order = 1
		case b == end:
			order = -1
		default:
			order = d.compareNames(d.nodes[a], d.nodes[b])
		}
		switch {
		case order < 0:
			d.field(d.nodes[a], none)
			a++
		case order > 0:
			d.field(none, d.nodes[b])
			b++
		default:
			d.field(d.nodes[a], d.nodes[b])
			a++
			b++
		}
	}
}

func (d *differ) compareNames(a, b int32) int {
	if !d.live.nodes[a].keyEsc && !d.mirror.nodes[b].keyEsc {
		return bytes.Compare(d.live.key(a), d.mirror.key(b))
	}
	return bytes.Compare(d.live.name(a), d.mirror.name(b))
}

// field compares one field, which one of the sides may lack.
func (d *differ) field(a, b int32) {
	var name []byte
	if a != none {
		name = d.live.name(a)
	} else {
		name = d.mirror.name(b)
	}
	length := len(d.path)
	d.path = appendField(d.path, name)
	secret := d.mask.Field(name)
	if secret {
		d.secret++
	}
	atLive, atMirror := d.atLive, d.atMirror
	d.atLive, d.atMirror = d.veil.field(atLive, name), d.veil.field(atMirror, name)
	d.element(a, b)
	d.atLive, d.atMirror = atLive, atMirror
	if secret {
		d.secret--
	}
	d.path = d.path[:length]
}

// longName and longPath bound what is shown of a field's name and of a path.
const (
	longName = 64
	longPath = 256
)

// appendField adds a field to a path. A name that looks like an id, as in an object that is a map
// from ids, becomes {id}, so that paths stay few; one that is no plain word is quoted.
func appendField(path, name []byte) []byte {
	if len(path) > 0 {
		path = append(path, '.')
	}
	if isID(name) {
		return append(path, "{id}"...)
	}
	if len(name) == 0 {
		return append(path, `""`...)
	}
	name = name[:min(len(name), longName)]
	for _, c := range name {
		if c <= ' ' || c == '.' || c == '"' || c == '[' || c == ']' || c >= 0x7f {
			return strconv.AppendQuote(path, string(name))
		}
	}
	return append(path, name...)
}
