package route

import (
	"fmt"
	"strconv"
	"strings"
)

// ParsePercent reads a percentage such as 12.5 or 12.5%, down to 0.0001, as parts per million.
func ParsePercent(text string) (perMillion uint32, err error) {
	whole, fraction, dotted := strings.Cut(strings.TrimSuffix(text, "%"), ".")
	n, err := strconv.ParseUint(whole, 10, 16)
	if err != nil || n > 100 || dotted && fraction == "" || len(fraction) > 4 || !only(fraction, isDigit) {
		return 0, wrongPercent(text)
	}
	part, _ := strconv.ParseUint((fraction + "0000")[:4], 10, 16)
	perMillion = uint32(n*10_000 + part)
	if perMillion > All {
		return 0, wrongPercent(text)
	}
	return perMillion, nil
}

// ParseFraction reads a fraction such as 1/3, or a numerator alone of which the denominator is 100, as
// parts per million, see [PerMillion].
func ParseFraction(text string) (perMillion uint32, err error) {
	above, below, given := strings.Cut(text, "/")
	if !given {
		below = "100"
	}
	numerator, err1 := strconv.ParseUint(above, 10, 32)
	denominator, err2 := strconv.ParseUint(below, 10, 32)
	if err1 != nil || err2 != nil || denominator == 0 || numerator > denominator {
		return 0, fmt.Errorf("%q is not a fraction; use one such as 1/3, from 0 to 1", text)
	}
	return PerMillion(uint32(numerator), uint32(denominator)), nil
}

// PerMillion is the nearest number of parts per million of a fraction from 0 to 1, whose denominator is
// not 0. But only 0 becomes 0, which is never, and only 1 becomes [All].
func PerMillion(numerator, denominator uint32) uint32 {
	n, d := uint64(numerator), uint64(denominator)
	if n == 0 || n == d {
		return uint32(n / d * All)
	}
	return uint32(min(max((n*All+d/2)/d, 1), All-1))
}

func wrongPercent(text string) error {
	return fmt.Errorf("%q is not a percentage; use 0 to 100 with up to four decimals", text)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// FormatPercent writes parts per million as the shortest percentage, such as 12.5%.
func FormatPercent(perMillion uint32) string {
	text := fmt.Sprintf("%d.%04d", perMillion/10_000, perMillion%10_000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
