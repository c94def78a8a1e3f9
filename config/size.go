package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units are the units of sizes. The first that divides a size is the one it is written in.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"kB", 1e3}, {"B", 1},
}

// ParseSize reads a size such as 64MiB or 1.5GB, in bytes where no unit is given.
func ParseSize(text string) (int64, error) {
	number, factor := text, int64(1)
	for _, unit := range units {
		if rest, ok := strings.CutSuffix(text, unit.name); ok {
			number, factor = strings.TrimRight(rest, " "), unit.bytes
			break
		}
	}
	if n, err := strconv.ParseUint(number, 10, 63); err == nil && n <= math.MaxInt64/uint64(factor) {
		return int64(n) * factor, nil
	}
	whole, fraction, dotted := strings.Cut(number, ".")
	x, err := strconv.ParseFloat(number, 64)
	if !dotted || !digits(whole) || !digits(fraction) || err != nil || x*float64(factor) >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size; use one such as 64MiB", text)
	}
	return int64(x * float64(factor)), nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// FormatSize writes a size in bytes so that [ParseSize] reads back the same.
func FormatSize(bytes int64) string {
	for _, unit := range units {
		if bytes != 0 && bytes%unit.bytes == 0 {
			return strconv.FormatInt(bytes/unit.bytes, 10) + unit.name
		}
	}
	return "0"
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration; use one such as 10s or 500ms", text)
	}
	return d, nil
}
