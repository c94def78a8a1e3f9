package compare

import (
	"bytes"
	"hash/maphash"

	"tain.dev/tain/finding"
)

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
	live, mirror := d.matches[base:mid], d.matches[mid:end]
	pairEqual(live, mirror, d.equal, d.live.hashed, d.mirror.hashed)
	identified := pairLonely(live, mirror, d.pairIdentified)
	if shuffled(live) {
		d.report(finding.Order, i, j)
	}
	length := len(d.path)
	d.path = append(d.path, "[*]"...)
	eachPair(live, mirror, identified, d.matched)
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

func (d *differ) equal(a, b int32) bool { return bytes.Equal(d.live.raw(a), d.mirror.raw(b)) }

// pairIdentified pairs elements by the first field that tells all of them apart and pairs some. It
// reports whether there is such a field.
func (d *differ) pairIdentified(live, mirror []match) bool {
	for _, name := range identities {
		hashLive := func(node int32) (uint64, bool) { return d.live.identity(node, name) }
		hashMirror := func(node int32) (uint64, bool) { return d.mirror.identity(node, name) }
		if pairHashed(live, mirror, hashLive, hashMirror) > 0 {
			return true
		}
	}
	return false
}

// matched compares one element at its place in the arrays.
func (d *differ) matched(a, b match) {
	atLive, atMirror := d.atLive, d.atMirror
	d.atLive, d.atMirror = d.veil.element(atLive, a.place), d.veil.element(atMirror, b.place)
	d.element(a.node, b.node)
	d.atLive, d.atMirror = atLive, atMirror
}

// element compares one element, which one of the sides may lack.
func (d *differ) element(a, b int32) {
	switch {
	case a == none:
		d.report(finding.Added, a, b)
	case b == none:
		d.report(finding.Removed, a, b)
	default:
		d.value(a, b)
	}
}

var seed = maphash.MakeSeed()

// hashed is hash as a [hasher].
func (d *document) hashed(i int32) (uint64, bool) { return d.hash(i), true }

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
