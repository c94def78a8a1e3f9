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

func wrongPercent(text string) error {
	return fmt.Errorf("%q is not a percentage; use 0 to 100 with up to four decimals", text)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// FormatPercent writes parts per million as the shortest percentage, such as 12.5%.
func FormatPercent(perMillion uint32) string {
	text := fmt.Sprintf("%d.%04d", perMillion/10_000, perMillion%10_000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
