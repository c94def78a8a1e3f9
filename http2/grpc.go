package http2

import (
	"bytes"
	"strconv"
	"time"
)

// IsGRPC says whether messages of that type are those of gRPC ("gRPC over HTTP2", PROTOCOL-HTTP2.md).
func IsGRPC(mediaType []byte) bool {
	rest, ok := bytes.CutPrefix(mediaType, []byte("application/grpc"))
	return ok && (len(rest) == 0 || rest[0] == '+' || rest[0] == ';')
}

// GRPCTimeout reads the value of a grpc-timeout field: up to eight digits and a unit. It returns 0 for
// anything else, and for what is longer than anybody waits.
func GRPCTimeout(value []byte) time.Duration {
	last := len(value) - 1
	if last < 1 || last > 8 {
		return 0
	}
	n, err := strconv.ParseUint(string(value[:last]), 10, 32)
	if err != nil {
		return 0
	}
	var unit time.Duration
	switch value[last] {
	case 'H':
		unit = time.Hour
	case 'M':
		unit = time.Minute
	case 'S':
		unit = time.Second
	case 'm':
		unit = time.Millisecond
	case 'u':
		unit = time.Microsecond
	case 'n':
		unit = time.Nanosecond
	default:
		return 0
	}
	const longest = 10 * 365 * 24 * time.Hour
	if time.Duration(n) > longest/unit {
		return 0
	}
	return max(time.Duration(n)*unit, 1)
}
