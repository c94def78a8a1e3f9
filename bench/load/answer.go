package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var (
	headEnd       = []byte("\r\n\r\n")
	lineEnd       = []byte("\r\n")
	contentLength = []byte("content-length")
	errLength     = errors.New("an answer has no Content-Length; the generator reads no other")
)

// answer returns the size in bytes of the answer at the beginning of b and its status, or 0 as
// long as its head is not complete. It understands what it asks for: HTTP/1.1 with a
// Content-Length.
func answer(b []byte) (size, status int, err error) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return 0, 0, nil
	}
	line, rest, _ := bytes.Cut(b[:end], lineEnd)
	if len(line) < len("HTTP/1.1 200") || string(line[:9]) != "HTTP/1.1 " {
		return 0, 0, fmt.Errorf("an answer begins with %.40q; want HTTP/1.1", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("an answer's status is %.3q: %w", line[9:], err)
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, lineEnd)
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, contentLength) {
			continue
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
		if err != nil {
			return 0, 0, fmt.Errorf("an answer's Content-Length: %w", err)
		}
		return end + len(headEnd) + int(n), status, nil
	}
	return 0, 0, errLength
}
