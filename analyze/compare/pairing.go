package compare

import (
	"cmp"
	"slices"
)

// match is an element of a list and, once one is found, its counterpart in the other side's list.
type match struct {
	node  int32 // names the element to whoever made the list
	place int32 // where it stands in its list
	other int32 // the counterpart's place, none without one
	hash  uint64
}

// none stands for the element of a side that has no such one.
const none = -1

// hasher returns a hash by which an element's counterpart is known, if it has one.
type hasher func(node int32) (hash uint64, ok bool)

// pairEqual pairs equal elements, and leaves the others without a counterpart. Most of the time all
// but a few stand where they stood, counted from the front or from the back.
func pairEqual(live, mirror []match, equal func(live, mirror int32) bool, hashLive, hashMirror hasher) {
	for len(live) > 0 && len(mirror) > 0 && equal(live[0].node, mirror[0].node) {
		live, mirror = live[1:], mirror[1:]
	}
	for len(live) > 0 && len(mirror) > 0 {
		a, b := len(live)-1, len(mirror)-1
		if !equal(live[a].node, mirror[b].node) {
			break
		}
		live[a].other, mirror[b].other = mirror[b].place, live[a].place
		live, mirror = live[:a], mirror[:b]
	}
	pairHashed(live, mirror, hashLive, hashMirror)
}

// pairHashed hashes both lists and pairs elements of equal hash, in order. It returns how many it
// paired, and pairs nothing if any element has no hash.
func pairHashed(live, mirror []match, hashLive, hashMirror hasher) (pairs int) {
	if !hashAll(live, hashLive) || !hashAll(mirror, hashMirror) {
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

func hashAll(list []match, hash hasher) bool {
	for i := range list {
		m := &list[i]
		var ok bool
		if m.hash, ok = hash(m.node); !ok {
			return false
		}
		m.other = none
	}
	return true
}

// pairLonely pairs the elements that are left over by what identifies them: pair is told all of them
// and reports whether it paired some. So does pairLonely, or that one side has none left over.
func pairLonely(live, mirror []match, pair func(live, mirror []match) bool) bool {
	a, b := moveLonely(live), moveLonely(mirror)
	defer byPlace(live)
	defer byPlace(mirror)
	return len(a) == 0 || len(b) == 0 || pair(a, b)
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

func byHash(list []match) {
	slices.SortFunc(list, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.place, b.place))
	})
}

func byPlace(list []match) {
	slices.SortFunc(list, func(a, b match) int { return cmp.Compare(a.place, b.place) })
}

// shuffled reports whether the counterparts of live's elements stand in another order.
func shuffled(live []match) bool {
	last := int32(none)
	for _, m := range live {
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

// nobody is the counterpart of an element that has none.
var nobody = match{node: none, place: none, other: none}

// eachPair gives every element to compare with its counterpart, or with nobody. Those without one are
// paired in order, unless they are identified and hence are known to have none.
func eachPair(live, mirror []match, identified bool, compare func(live, mirror match)) {
	b := 0
	for _, m := range live {
		if m.other != none {
			compare(m, mirror[m.other])
			continue
		}
		b = nextLonely(mirror, b)
		if identified || b == len(mirror) {
			compare(m, nobody)
			continue
		}
		compare(m, mirror[b])
		b++
	}
	for b = nextLonely(mirror, b); b < len(mirror); b = nextLonely(mirror, b+1) {
		compare(nobody, mirror[b])
	}
}

func nextLonely(list []match, at int) int {
	for at < len(list) && list[at].other != none {
		at++
	}
	return at
}
