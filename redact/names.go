package redact

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// names finds names whatever their case. A name is first asked for by its first byte and length,
// which most names of a body fail.
type names struct {
	lengths [256]uint64     // by first byte, folded: bit n is set for names whose length modulo 64 is n
	byFirst [256][]foldName // by first byte, folded
	count   int
	longest int // in bytes, folded
}

type foldName struct {
	text []byte // folded
	id   int
}

// add returns the number of a name, and gives it one if it is new. Numbers begin with 0.
func (n *names) add(name string) int {
	text := fold(nil, []byte(name))
	first := text[0]
	for _, known := range n.byFirst[first] {
		if bytes.Equal(known.text, text) {
			return known.id
		}
	}
	n.byFirst[first] = append(n.byFirst[first], foldName{text, n.count})
	n.lengths[first] |= 1 << (len(text) & 63)
	n.count++
	n.longest = max(n.longest, len(text))
	return n.count - 1
}

// find returns the number of a name, or none.
func (n *names) find(name []byte) int {
	if len(name) == 0 || len(name) > 3*n.longest { // three bytes may fold to one
		return none
	}
	if !isASCII(name) {
		var room [128]byte
		name = fold(room[:0], name)
	}
	first := foldASCII[name[0]]
	if n.lengths[first]>>(len(name)&63)&1 == 0 {
		return none
	}
	for i := range n.byFirst[first] {
		if known := &n.byFirst[first][i]; len(known.text) == len(name) && equalFolded(name, known.text) {
			return known.id
		}
	}
	return none
}

// equalFolded compares a name with a folded one of the same length.
func equalFolded(name, folded []byte) bool {
	for i, c := range name {
		if foldASCII[c] != folded[i] {
			return false
		}
	}
	return true
}

// foldASCII gives upper-case letters of ASCII, which fold to themselves, for lower-case ones.
var foldASCII = func() (table [256]byte) {
	for c := range table {
		table[c] = byte(c)
		if 'a' <= c && c <= 'z' {
			table[c] -= 'a' - 'A'
		}
	}
	return table
}()

// fold appends name so that names which differ in case alone become the same: of all the ways to
// write a letter, the one of the smallest code. The Kelvin sign becomes a K, as parsers take it.
func fold(dst, name []byte) []byte {
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			dst = append(dst, foldASCII[c])
			i++
			continue
		}
		r, size := utf8.DecodeRune(name[i:])
		for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(next) {
			if next <= r { // the orbit of a letter is a ring, and goes down once
				r = next
				break
			}
			r = next
		}
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

func isASCII(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&highs != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
