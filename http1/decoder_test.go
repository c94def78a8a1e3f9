package http1

import (
	"io"
	"testing"
)

func TestDecoder(t *testing.T) {
	f := func(lines, rest, want, trailer string, left int, wantDone bool, onClose error) {
		t.Helper()
		var r Response
		if err := r.Parse([]byte(ok(lines)), []byte("GET")); err != nil {
			t.Fatal(err)
		}
		for _, step := range []int{1, len(rest) + 1} {
			var d Decoder
			d.Reset(&r.Head)
			got, used, done := "", 0, false
			for end := min(step, len(rest)); ; {
				data, n, ended, err := d.Next([]byte(rest[used:end]))
				if err != nil {
					t.Fatal(err)
				}
				got, used, done = got+string(data), used+n, ended
				if done || n == 0 && end == len(rest) {
					break
				}
				end = min(used+step, len(rest))
			}
			if got != want || len(rest)-used != left || done != wantDone || string(d.Trailer()) != trailer {
				t.Errorf("%q: %q, left %q, done %v, trailer %q", lines, got, rest[used:], done, d.Trailer())
			}
			if !done && d.Close() != onClose {
				t.Errorf("%q: the close is %v, want %v", lines, d.Close(), onClose)
			}
			if d.Chunked() != r.Has(TransferEncoding) {
				t.Errorf("%q: chunked is %v", lines, d.Chunked())
			}
		}
	}
	f("Content-Length: 0\r\n", "next", "", "", 4, true, nil)
	f("Content-Length: 5\r\n", "hellonext", "hello", "", 4, true, nil)
	f("Content-Length: 5\r\n", "hell", "hell", "", 0, false, io.ErrUnexpectedEOF)
	f("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nA: b\r\n\r\nnext", "hello", "A: b\r\n", 4, true, nil)
	f("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n", "hello", "", 0, false, io.ErrUnexpectedEOF)
	f("", "hello", "hello", "", 0, false, nil)
}

func TestDecoderZeroValue(t *testing.T) {
	var d Decoder
	if data, n, done, err := d.Next([]byte("next")); len(data) != 0 || n != 0 || !done || err != nil {
		t.Errorf("%q %d %v %v", data, n, done, err)
	}
}
