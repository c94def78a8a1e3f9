package redact

// The least and the most digits of a card number.
const (
	minCard = 12
	maxCard = 19
)

// issuers lists how card numbers begin that are in use, from one prefix up to another of the same
// length, and how many digits they have.
var issuers = []struct{ from, to, digits, min, max int }{
	{4, 4, 1, 13, 19},           // Visa
	{51, 55, 2, 16, 16},         // Mastercard
	{2221, 2720, 4, 16, 16},     // Mastercard
	{34, 34, 2, 15, 15},         // American Express
	{37, 37, 2, 15, 15},         // American Express
	{6011, 6011, 4, 16, 19},     // Discover
	{644, 649, 3, 16, 19},       // Discover
	{65, 65, 2, 16, 19},         // Discover, RuPay
	{62, 62, 2, 16, 19},         // UnionPay
	{81, 82, 2, 16, 19},         // UnionPay, RuPay
	{3528, 3589, 4, 16, 19},     // JCB
	{300, 305, 3, 14, 19},       // Diners Club
	{3095, 3095, 4, 14, 19},     // Diners Club
	{36, 36, 2, 14, 19},         // Diners Club
	{38, 39, 2, 14, 19},         // Diners Club
	{2200, 2204, 4, 16, 19},     // Mir
	{5018, 5018, 4, 12, 19},     // Maestro
	{5020, 5020, 4, 12, 19},     // Maestro
	{5038, 5038, 4, 12, 19},     // Maestro
	{56, 58, 2, 12, 19},         // Maestro
	{63, 63, 2, 12, 19},         // Maestro
	{67, 67, 2, 12, 19},         // Maestro
	{606282, 606282, 6, 13, 19}, // Hipercard
	{508, 508, 3, 16, 16},       // RuPay
	{60, 60, 2, 16, 16},         // RuPay
}

// findCard finds a card number, whose digits may stand in groups with a space or hyphen between.
func findCard(text []byte, from int) span {
	for i := from; i < len(text); i++ {
		if !isDigit(text[i]) {
			continue
		}
		if startsWord(text, i) && !(i > 1 && text[i-1] == '.' && isDigit(text[i-2])) {
			if end := cardEnd(text, i); end > 0 {
				return span{i, end}
			}
		}
		for i+1 < len(text) && isDigit(text[i+1]) {
			i++
		}
	}
	return span{len(text), len(text)}
}

// cardEnd returns where the longest card number ends that begins at a place, or 0.
func cardEnd(text []byte, begin int) (end int) {
	var digits [maxCard]byte
	var lengths uint32
	n := 0
	for i := begin; i < len(text) && isDigit(text[i]) && n < maxCard; i++ {
		digits[n] = text[i] - '0'
		if n++; n == minCard {
			if lengths, _ = issuer(digits[:n]); lengths == 0 {
				return 0
			}
		}
		if i+1 < len(text) && isDigit(text[i+1]) {
			continue
		}
		if lengths>>n&1 != 0 && endsWord(text, i+1) && luhn(digits[:n]) == 0 {
			end = i + 1
		}
		if i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '-') {
			i++
		}
	}
	return end
}

// issuer says how many digits a card may have whose number begins so, as a set of bits, and by how
// many of them its issuer is known. The digits are minCard or more, each from 0 to 9.
func issuer(digits []byte) (lengths uint32, prefixLen int) {
	for i := range issuers {
		is := &issuers[i]
		prefix := 0
		for _, d := range digits[:is.digits] {
			prefix = prefix*10 + int(d)
		}
		if is.from <= prefix && prefix <= is.to {
			lengths |= 1<<(is.max+1) - 1<<is.min
			prefixLen = max(prefixLen, is.digits)
		}
	}
	return lengths, prefixLen
}

// luhn is the sum of ISO/IEC 7812-1 modulo 10, which is 0 if the last digit is right.
func luhn(digits []byte) int {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i&1 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum % 10
}
