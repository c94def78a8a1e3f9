package load

import (
	"strings"
	"testing"
)

func TestAnswer(t *testing.T) {
	f := func(text string, size, status int, complaint string) {
		t.Helper()
		gotSize, gotStatus, err := answer([]byte(text))
		if gotSize != size || gotStatus != status && err == nil {
			t.Errorf("%q: size %d, status %d, want %d, %d", text, gotSize, gotStatus, size, status)
		}
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%q: error %v, want %q", text, err, complaint)
		}
	}
	f("", 0, 0, "")
	f("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", 0, 0, "")
	f("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 40, 200, "")
	f("HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length:2\r\n\r\nhi", 48, 200, "")
	f("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 38, 503, "")
	f("HTTP/1.1 200 OK\r\n\r\n", 0, 0, "no Content-Length")
	f("HTTP/1.0 200 OK\r\n\r\n", 0, 0, "want HTTP/1.1")
	f("HTTP/1.1 2x0 OK\r\n\r\n", 0, 0, "status")
	f("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, 0, "Content-Length")
}

func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	f.Add("HTTP/1.1 200\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		size, _, err := answer([]byte(text))
		if size < 0 || err != nil && size != 0 {
			t.Errorf("%q: size %d, error %v", text, size, err)
		}
	})
}
