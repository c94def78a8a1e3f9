package compare

import (
	"bytes"
	"strconv"
	"strings"

	"tain.dev/tain/traffic"
)

// protocol is what a content type says of gRPC ("gRPC over HTTP2" and "gRPC Web", PROTOCOL-HTTP2.md
// and PROTOCOL-WEB.md). The zero value is not gRPC.
type protocol struct {
	grpc  bool
	web   bool // the trailer is the last frame of the body
	text  bool // the body is in base64
	codec codec
}

// codec says what a message of gRPC is written in.
type codec uint8

const (
	protobuf codec = iota
	jsonText
	unknown
)

func readProtocol(contentType []byte) (p protocol) {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	rest, ok := cutPrefixFold(bytes.TrimSpace(kind), "application/grpc")
	if !ok {
		return p
	}
	if rest, p.web = cutPrefixFold(rest, "-web"); p.web {
		rest, p.text = cutPrefixFold(rest, "-text")
	}
	switch {
	case len(rest) == 0, equalFold(rest, "+proto"):
	case equalFold(rest, "+json"):
		p.codec = jsonText
	case rest[0] == '+':
		p.codec = unknown
	default:
		return protocol{}
	}
	p.grpc = true
	return p
}

func cutPrefixFold(b []byte, prefix string) ([]byte, bool) {
	if len(b) < len(prefix) || !equalFold(b[:len(prefix)], prefix) {
		return b, false
	}
	return b[len(prefix):], true
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && strings.EqualFold(string(b), s) }

// code is the status of an answer of gRPC, or what stands in its place.
type code int

const (
	codeOK            code = 0
	codeUnimplemented code = 12

	noCode  code = -1 // the answer has none
	oddCode code = -2 // what it has is no number
	cutCode code = -3 // it lies behind what was captured
)

var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// parseCode reads the value of grpc-status.
func parseCode(value []byte) code {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || len(value) > 3 {
		return oddCode
	}
	n := code(0)
	for _, c := range value {
		if c < '0' || c > '9' {
			return oddCode
		}
		n = 10*n + code(c-'0')
	}
	return n
}

// label names a code in a path.
func (c code) label() string {
	switch {
	case c == noCode:
		return "none"
	case c < 0:
		return "malformed"
	case int(c) < len(codeNames):
		return codeNames[c]
	}
	return "code " + strconv.Itoa(int(c))
}

// String names a code in a sentence: "OK", "NOT_FOUND (5)".
func (c code) String() string {
	switch {
	case c == noCode:
		return "missing"
	case c < 0:
		return "malformed"
	case c == codeOK, int(c) >= len(codeNames):
		return c.label()
	}
	return c.label() + " (" + strconv.Itoa(int(c)) + ")"
}

// sameCode reports whether two codes are equal, as far as is known.
func sameCode(a, b code) bool { return a == b || a == cutCode || b == cutCode }

// readStatus finds the status of an answer of gRPC, and the fields that end it: in the trailer, or,
// where the answer is all head, there.
func (r *reader) readStatus() {
	whole := true
	if r.web && len(r.trailer) == 0 {
		whole = r.readLastFrame()
	}
	status := headerValue(r.trailer, "Grpc-Status")
	r.ending = r.trailer
	if status == nil {
		status = headerValue(r.lines, "Grpc-Status")
		r.endingBuf = append(r.endingBuf[:0], r.trailer...)
		for name, value := range traffic.Lines(r.lines) {
			if weightOf(name) == ending {
				r.endingBuf = appendLine(r.endingBuf, name, value)
			}
		}
		r.ending = r.endingBuf
	}
	switch {
	case status != nil:
		r.code = parseCode(status)
	case !whole:
		r.code = cutCode
	}
}

func appendLine(lines, name, value []byte) []byte {
	lines = append(append(lines, name...), ": "...)
	return append(append(lines, value...), "\r\n"...)
}

// readLastFrame looks for the trailer in a body of gRPC-Web, and reports whether all of the body was
// there to look at.
func (r *reader) readLastFrame() (whole bool) {
	if r.Truncated() {
		return false
	}
	body, ok := r.decoded()
	for ok && len(body) > 0 {
		var f frame
		if f, body, ok = cutFrame(body); ok && f.trailer() {
			lines, _ := r.inflate(f)
			r.trailerBuf = append(r.trailerBuf[:0], wholeLines(lines)...)
			r.trailer = r.trailerBuf
		}
	}
	return ok
}
