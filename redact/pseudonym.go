package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"unicode/utf8"
)

// instead returns what stands in the place of a value of a kind, decoded. It is valid until the next
// call.
func (sc *scratch) instead(rule *rule, kind Detector, value []byte) []byte {
	sc.out = sc.out[:0]
	switch rule.do {
	case Replace:
		sc.out = append(sc.out, rule.text...)
	case KeepLast4:
		sc.lastFour(value)
	case Pseudonym:
		sc.pseudonym(kind, value)
	}
	return sc.out
}

// lastFour leaves nothing of a short value, of which four characters would be too much.
func (sc *scratch) lastFour(value []byte) {
	if utf8.RuneCount(value) < 8 {
		sc.out = append(sc.out, Masked...)
		return
	}
	begin := len(value)
	for range 4 {
		_, n := utf8.DecodeLastRune(value[:begin])
		begin -= n
	}
	sc.out = append(append(sc.out, "****"...), value[begin:]...)
}

// hash sets sum to the HMAC-SHA-256 of a value. Further ones, of the same value, have a number.
func (sc *scratch) hash(value []byte, number byte) {
	sc.mac.Reset()
	sc.mac.Write(value)
	if number > 0 {
		sc.mac.Write([]byte{0, number})
	}
	sc.sum = sc.mac.Sum(sc.sum[:0])
}

// pseudonym appends the pseudonym of a value to out: an e-mail address for one, digits for digits,
// with the check digits that belong there, and 22 letters and digits otherwise.
func (sc *scratch) pseudonym(kind Detector, value []byte) {
	switch {
	case kind == Email:
		for _, c := range value {
			sc.out = append(sc.out, foldASCII[c])
		}
		sc.hash(sc.out, 0)
		sc.out = hex.AppendEncode(sc.out[:0], sc.sum[:16])
		sc.out = append(sc.out, "@pseudonym.invalid"...)
	case kind == Card:
		sc.card(value)
	case kind == IBAN:
		sc.alike(value, 4)
		sc.checkIBAN()
	case kind == Phone:
		sc.alike(value, 2)
	case len(value) > 0 && len(value) <= maxDigits && digitsEnd(value, 0) == len(value):
		sc.alike(value, 0)
	default:
		sc.hash(value, 0)
		sc.out = base64.RawURLEncoding.AppendEncode(sc.out, sc.sum[:16])
	}
}

// maxDigits is the length up to which digits have digits for a pseudonym.
const maxDigits = 64

// alike appends value with other digits for its digits and other letters for its letters, but the first
// so many. What stands between them is kept, and has no part in the hash.
func (sc *scratch) alike(value []byte, keep int) {
	for _, c := range value {
		if isDigit(c) || isLetter(c) {
			sc.out = append(sc.out, foldASCII[c])
		}
	}
	sc.hash(sc.out, 0)
	sc.out = sc.out[:0]
	n := 0
	for _, c := range value {
		if isDigit(c) || isLetter(c) {
			if n >= keep {
				c = sc.other(c, n, value)
			}
			n++
		}
		sc.out = append(sc.out, c)
	}
}

// other returns the n-th digit or letter of a pseudonym.
func (sc *scratch) other(c byte, n int, value []byte) byte {
	h := sc.sum[n%len(sc.sum)] + byte(n/len(sc.sum))*7
	switch {
	case isDigit(c):
		return '0' + h%10
	case c >= 'a':
		return 'a' + h%26
	}
	return 'A' + h%26
}

// card appends the pseudonym of a card number, of the same issuer.
func (sc *scratch) card(value []byte) {
	var digits [maxCard]byte
	_, keep := issuer(digits[:cardDigits(&digits, value)])
	sc.alike(value, keep)
	n := cardDigits(&digits, sc.out)
	digits[n-1] = 0
	sc.out[len(sc.out)-1] = '0' + byte((10-luhn(digits[:n]))%10)
}

// cardDigits takes the digits out of a card number and says how many there are.
func cardDigits(digits *[maxCard]byte, number []byte) (n int) {
	for _, c := range number {
		if isDigit(c) {
			digits[n] = c - '0'
			n++
		}
	}
	return n
}

// checkIBAN makes the check digits of the account number in out right.
func (sc *scratch) checkIBAN() {
	sc.out[2], sc.out[3] = '0', '0'
	var chars [maxIBAN]byte
	n := 0
	for _, c := range sc.out {
		if c != ' ' {
			chars[n] = foldASCII[c]
			n++
		}
	}
	check := byte(98 - ibanRest(chars[:n]))
	sc.out[2], sc.out[3] = '0'+check/10, '0'+check%10
}

// appendNumber appends the pseudonym of a JSON number, which has as many digits, and the same sign,
// point and no exponent.
func (sc *scratch) appendNumber(dst, raw []byte) []byte {
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		raw = raw[:i]
	}
	sc.out = sc.out[:0]
	kind := noKind
	if classify(raw) == Card {
		kind = Card
	}
	switch {
	case kind == Card || raw[0] != '-' && bytes.IndexByte(raw, '.') < 0 && len(raw) <= maxDigits:
		sc.pseudonym(kind, raw)
	default:
		sc.alike(raw, 0)
	}
	begin := len(dst)
	dst = append(dst, sc.out...)
	if dst[begin] == '-' {
		begin++
	}
	whole := digitsEnd(dst, begin) - begin
	if whole > 1 && dst[begin] == '0' {
		dst[begin] = '1' + sc.sum[0]%9
	}
	return dst
}
