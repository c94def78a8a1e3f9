package redact

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A Detector knows a kind of value by its looks, in strings and texts of any place, and card numbers
// in JSON numbers too.
type Detector uint8

const (
	noKind Detector = iota
	// Card finds card numbers: the prefixes and lengths of known issuers, with a valid check digit.
	Card
	// Email finds e-mail addresses.
	Email
	// IBAN finds bank account numbers: the lengths of known countries, with valid check digits.
	IBAN
	// Phone finds numbers in international form, and national ones in common writings.
	Phone
	// JWT finds JSON web tokens, signed or encrypted.
	JWT

	kinds
)

// shortest is the length of the shortest text that a detector finds, a@b.cd.
const shortest = 6

// detectors is which kinds are looked for in a place, and the first rule for each.
type detectors struct {
	any  kindSet
	rule [kinds]int
}

// A kindSet has a bit for each Detector.
type kindSet uint8

func (s kindSet) has(d Detector) bool { return s>>d&1 != 0 }

func (d *detectors) has(kind Detector) bool { return d.any.has(kind) }

func (d *detectors) add(kind Detector, rule int) {
	if !d.has(kind) {
		d.any |= 1 << kind
		d.rule[kind] = rule
	}
}

// suspect quickly leaves out the kinds that text can't hold.
func (d *detectors) suspect(text []byte) (found kindSet) {
	digits, at := census(text)
	if at {
		found |= 1 << Email
	}
	if digits >= minIBANDigits && d.any&(1<<Phone|1<<Card|1<<IBAN) != 0 {
		found |= suspectNumbers(text)
	}
	if len(text) >= minJWT && d.has(JWT) && mentionsJWT(text) {
		found |= 1 << JWT
	}
	return found & d.any
}

// suspectNumbers is suspect for the kinds that have many digits.
func suspectNumbers(text []byte) (found kindSet) {
	digits, chars := longestRuns(text)
	if digits > minPhone || digits == minPhone && bytes.IndexByte(text, '+') >= 0 { // most dates have eight
		found |= 1 << Phone
	}
	if digits >= minCard {
		found |= 1 << Card
	}
	if chars >= minIBAN {
		found |= 1 << IBAN
	}
	return found
}

// census counts the digits of a text, and says whether there is an @.
func census(text []byte) (digits int, at bool) {
	var ats uint64
	for ; len(text) >= 8; text = text[8:] {
		w := binary.LittleEndian.Uint64(text)
		low := w & (ones * 0x7f)
		// The highest bit of a byte of low+0x46 is set from ':' on, of low+0x50 from '0' on.
		digits += bits.OnesCount64((low + ones*0x50) &^ (low + ones*0x46) &^ w & highs)
		x := w ^ ones*'@'
		ats |= (x - ones) &^ x & highs
	}
	at = ats != 0
	for _, c := range text {
		if isDigit(c) {
			digits++
		}
		at = at || c == '@'
	}
	return digits, at
}

// longestRuns counts the digits of the longest run in which only separators of numbers are between
// digits, and the characters of the longest run of letters and digits with spaces between.
func longestRuns(text []byte) (digits, chars int) {
	var runs uint64 // of digits in the lower half, of letters and digits in the upper one
	for _, c := range text {
		runs = runs&runKeeps[c] + runAdds[c]
		digits = max(digits, int(uint32(runs)))
		chars = max(chars, int(runs>>32))
	}
	return digits, chars
}

// A character adds to runs, and keeps or ends them.
var runKeeps, runAdds = func() (keeps, adds [256]uint64) {
	const digits, chars = 1<<32 - 1, (1<<32 - 1) << 32
	for c := range keeps {
		switch b := byte(c); {
		case isDigit(b):
			keeps[c], adds[c] = digits|chars, 1<<32|1
		case isLetter(b):
			keeps[c], adds[c] = chars, 1<<32
		case b == ' ':
			keeps[c] = digits | chars
		case bytes.IndexByte([]byte("-./()"), b) >= 0:
			keeps[c] = digits
		}
	}
	return keeps, adds
}()

// A finder goes through what several detectors find in a text, from left to right.
type finder struct {
	kinds kindSet
	text  []byte

	// What was found last.
	kind       Detector
	begin, end int

	ahead [kinds]span // what each detector finds next
}

type span struct{ begin, end int }

// next finds what begins first behind what was found last; of two that begin together, the longer.
func (f *finder) next() bool {
	if f.kinds == 0 {
		return false
	}
	from := f.end
	best := span{len(f.text), len(f.text)}
	f.kind = noKind
	for kind := noKind + 1; kind < kinds; kind++ {
		if !f.kinds.has(kind) {
			continue
		}
		s := &f.ahead[kind]
		if s.end == 0 || s.begin < from {
			*s = find(kind, f.text, from)
		}
		if s.begin < best.begin || s.begin == best.begin && s.end > best.end {
			best, f.kind = *s, kind
		}
	}
	f.begin, f.end = best.begin, best.end
	return f.kind != noKind
}

// find returns the first of a kind that begins at from or later, or an empty span at the text's end.
func find(kind Detector, text []byte, from int) span {
	switch kind {
	case Card:
		return findCard(text, from)
	case Email:
		return findEmail(text, from)
	case IBAN:
		return findIBAN(text, from)
	case Phone:
		return findPhone(text, from)
	default:
		return findJWT(text, from)
	}
}

// classify says what a whole value is, or noKind.
func classify(value []byte) Detector {
	all := detectors{any: 1<<kinds - 2}
	suspects := all.suspect(value)
	for kind := noKind + 1; kind < kinds; kind++ {
		if suspects.has(kind) && find(kind, value, 0) == (span{0, len(value)}) {
			return kind
		}
	}
	return noKind
}

// isWord reports whether a character of ASCII is part of a word. Numbers and names that border on one
// are parts of something else.
func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' }

// startsWord reports whether no word goes on at a place.
func startsWord(text []byte, at int) bool { return at == 0 || !isWord(text[at-1]) }

// endsWord reports whether no word goes on behind a place.
func endsWord(text []byte, at int) bool { return at == len(text) || !isWord(text[at]) }
