package compare

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"

	"tain.dev/tain/finding"
)

// match is an element of an array and, once one is found, its counterpart on the other side.
type match struct {
	node  int32
	place int32 // where it stands in its array
	other int32 // the counterpart's place, none without one
	hash  uint64
}

// identities are the fields by which elements of two arrays are known as the same thing, the most
// telling first.
var identities = []string{"id", "_id", "uuid", "key", "sku", "code", "slug", "name"}

// array compares two arrays. Elements are paired first where they are equal, wherever they stand;
// then by a field that identifies them; then in the order that is left. Pairs that changed their
// order are one difference of the array, what has no counterpart is removed or added.
func (d *differ) array(i, j int32) {
	base := len(d.matches)
	mid := d.elements(&d.live, i)
	end := d.elements(&d.mirror, j)
	d.pairEqual(base, mid, end)
	identified := d.pairIdentified(base, mid, end)
	if d.shuffled(base, mid) {
		d.report(finding.Order, i, j)
	}
	length := len(d.path)
	d.path = append(d.path, "[*]"...)
	d.compareElements(base, mid, end, identified)
	d.path = d.path[:length]
	d.matches = d.matches[:base]
}

// elements puts the elements of an array on the stack and returns its height.
func (d *differ) elements(doc *document, array int32) int {
	place := int32(0)
	for n := array + 1; n < doc.nodes[array].next; n = doc.nodes[n].next {
		d.matches = append(d.matches, match{node: n, place: place, other: place})
		place++
	}
	return len(d.matches)
}

// pairEqual pairs equal elements, and leaves the others without a counterpart. Most of the time all
// but a few stand where they stood, counted from the front or from the back.
func (d *differ) pairEqual(base, mid, end int) {
	equal := func(a, b int) bool {
		return bytes.Equal(d.live.raw(d.matches[a].node), d.mirror.raw(d.matches[b].node))
	}
	a, b := base, mid
	for a < mid && b < end && equal(a, b) {
		a, b = a+1, b+1
	}
	lastA, lastB := mid, end
	for a < lastA && b < lastB && equal(lastA-1, lastB-1) {
		lastA, lastB = lastA-1, lastB-1
		x, y := &d.matches[lastA], &d.matches[lastB]
		x.other, y.other = y.place, x.place
	}
	hash := func(doc *document, m *match) (uint64, bool) { return doc.hash(m.node), true }
	d.pair(d.matches[a:lastA], d.matches[b:lastB], hash)
}

// pairIdentified pairs the elements that are left over by the first field that tells all of them
// apart and pairs some. It reports whether there is such a field.
func (d *differ) pairIdentified(base, mid, end int) bool {
	live, mirror := moveLonely(d.matches[base:mid]), moveLonely(d.matches[mid:end])
	defer byPlace(d.matches[base:mid])
	defer byPlace(d.matches[mid:end])
	if len(live) == 0 || len(mirror) == 0 {
		return true
	}
	for _, name := range identities {
		hash := func(doc *document, m *match) (uint64, bool) { return doc.identity(m.node, name) }
		if d.pair(live, mirror, hash) > 0 {
			return true
		}
	}
	return false
}

// pair hashes both lists and pairs elements of equal hash, in order. It returns how many it paired,
// and pairs nothing if any element has no hash.
func (d *differ) pair(live, mirror []match, hash func(*document, *match) (uint64, bool)) (pairs int) {
	if !hashAll(&d.live, live, hash) || !hashAll(&d.mirror, mirror, hash) {
		return 0
	}
	byHash(live)
	byHash(mirror)
	for a, b := 0, 0; a < len(live) && b < len(mirror); {
		switch x, y := &live[a], &mirror[b]; {
		case x.hash < y.hash:
			a++
		case x.hash > y.hash:
			b++
		default:
			x.other, y.other = y.place, x.place
			pairs++
			a++
			b++
		}
	}
	byPlace(live)
	byPlace(mirror)
	return pairs
}

func hashAll(doc *document, list []match, hash func(*document, *match) (uint64, bool)) bool {
	for i := range list {
		m := &list[i]
		var ok bool
		if m.hash, ok = hash(doc, m); !ok {
			return false
		}
		m.other = none
	}
	return true
}

func byHash(list []match) {
	slices.SortFunc(list, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.place, b.place))
	})
}

func byPlace(list []match) {
	slices.SortFunc(list, func(a, b match) int { return cmp.Compare(a.place, b.place) })
}

// moveLonely moves the elements without a counterpart to the front and returns them.
func moveLonely(list []match) []match {
	n := 0
	for i := range list {
		if list[i].other == none {
			list[i], list[n] = list[n], list[i]
			n++
		}
	}
	byPlace(list[:n])
	return list[:n]
}

// shuffled reports whether the counterparts of live's elements stand in another order.
func (d *differ) shuffled(base, mid int) bool {
	last := int32(none)
	for _, m := range d.matches[base:mid] {
		if m.other == none {
			continue
		}
		if m.other < last {
			return true
		}
		last = m.other
	}
	return false
}

// compareElements compares every element with its counterpart. Those without one are paired in
// order, unless they are identified and hence are known to have none.
func (d *differ) compareElements(base, mid, end int, identified bool) {
	b := mid
	for a := base; a < mid; a++ {
		m := d.matches[a]
		if m.other != none {
			d.value(m.node, d.matches[mid+int(m.other)].node)
			continue
		}
		b = d.nextLonely(b, end)
		if identified || b == end {
			d.report(finding.Removed, m.node, none)
			continue
		}
		d.value(m.node, d.matches[b].node)
		b++
	}
	for b = d.nextLonely(b, end); b < end; b = d.nextLonely(b+1, end) {
		d.report(finding.Added, none, d.matches[b].node)
	}
}

func (d *differ) nextLonely(b, end int) int {
	for b < end && d.matches[b].other != none {
		b++
	}
	return b
}

var seed = maphash.MakeSeed()

// hash returns a hash that is the same for equal values, whatever the order of fields and the
// notation of numbers and strings.
func (d *document) hash(i int32) uint64 {
	n := &d.nodes[i]
	sum := uint64(n.kind)
	switch n.kind {
	case '{':
		for c := i + 1; c < n.next; c = d.nodes[c].next {
			sum += mix(maphash.Bytes(seed, d.name(c)), d.hash(c))
		}
	case '[':
		for c := i + 1; c < n.next; c = d.nodes[c].next {
			sum = mix(sum, d.hash(c))
		}
	case '"':
		sum = mix(sum, maphash.Bytes(seed, d.content(i)))
	case '0':
		x := parseDecimal(d.raw(i))
		var h maphash.Hash
		h.SetSeed(seed)
		h.Write(x.whole)
		h.Write(x.part)
		sum = mix(mix(sum, h.Sum64()), uint64(x.exp))
		if x.negative {
			sum++
		}
	default:
		sum = mix(sum, uint64(n.end-n.start))
	}
	return sum
}

func mix(a, b uint64) uint64 {
	x := (a ^ b>>29) * 0x9e3779b97f4a7c15
	x = (x ^ x>>32 ^ b) * 0xd6e8feb86659fd93
	return x ^ x>>32
}

// identity returns a hash of the string or number that the object i has in the field name, if it
// has one. The number 5 and the string "5" have the same, so that an id that changed its type is
// found to have done so.
func (d *document) identity(i int32, name string) (uint64, bool) {
	if d.nodes[i].kind != '{' {
		return 0, false
	}
	for c := i + 1; c < d.nodes[i].next; c = d.nodes[c].next {
		if string(d.key(c)) == name {
			switch d.nodes[c].kind {
			case '"':
				return maphash.Bytes(seed, d.content(c)), true
			case '0':
				return maphash.Bytes(seed, d.raw(c)), true
			}
			return 0, false
		}
	}
	return 0, false
}
