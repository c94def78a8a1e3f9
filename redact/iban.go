package redact

// The lengths of account numbers, from Norway's to the longest that ISO 13616 allows.
const (
	minIBAN = 15
	maxIBAN = 34

	minIBANDigits = 5 // with the two that check; Kazakhstan's and Luxembourg's need no more
)

// ibanLengths gives the length of an account number by country, of those in the registry of SWIFT.
var ibanLengths = func() map[[2]byte]int {
	const registry = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24" +
		"FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20" +
		"LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31" +
		"SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"
	lengths := map[[2]byte]int{}
	for i := 0; i < len(registry); i += 4 {
		lengths[[2]byte{registry[i], registry[i+1]}] = int(registry[i+2]-'0')*10 + int(registry[i+3]-'0')
	}
	return lengths
}()

// findIBAN finds an account number, whose characters may stand in groups with a space between.
func findIBAN(text []byte, from int) span {
	for i := from; i+minIBAN <= len(text); i++ {
		if isLetter(text[i]) && isLetter(text[i+1]) && isDigit(text[i+2]) && isDigit(text[i+3]) && startsWord(text, i) {
			if end := ibanEnd(text, i); end > 0 {
				return span{i, end}
			}
		}
	}
	return span{len(text), len(text)}
}

// ibanEnd returns where the account number ends that begins at a place, or 0.
func ibanEnd(text []byte, begin int) int {
	length := ibanLengths[[2]byte{foldASCII[text[begin]], foldASCII[text[begin+1]]}]
	if length == 0 {
		return 0
	}
	var chars [maxIBAN]byte
	n, digits, i := 0, 0, begin
	for ; n < length && i < len(text); i++ {
		c := text[i]
		switch {
		case isDigit(c) || isLetter(c):
			chars[n] = foldASCII[c]
			n++
			if isDigit(c) {
				digits++
			}
		case c != ' ' || text[i-1] == ' ':
			return 0
		}
	}
	if n < length || digits < minIBANDigits || !endsWord(text, i) || ibanRest(chars[:n]) != 1 {
		return 0
	}
	return i
}

// ibanRest is the rest modulo 97 of ISO 7064, which is 1 if the check digits are right. Letters are
// in upper case.
func ibanRest(chars []byte) int {
	rest := 0
	for i := range chars {
		if c := chars[(i+4)%len(chars)]; isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest
}
