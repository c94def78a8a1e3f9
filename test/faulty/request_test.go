package faulty

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
)

// FuzzRequest checks that where net/http reads a request too, both see it end at the same byte.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(get))
	f.Add([]byte("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET"))
	f.Add([]byte("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\nGET"))
	f.Add([]byte("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n"))
	f.Add([]byte("HEAD / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		left, ok := leftByNetHTTP(data)
		server, client := net.Pipe()
		defer client.Close()
		defer server.Close()
		c := newConn(newServer(Mode{}), server)
		c.in = bufio.NewReader(bytes.NewReader(data))
		r, err := c.readHead()
		if err == nil {
			err = c.readBody(r)
		}
		if err != nil || !ok {
			return
		}
		if got, _ := io.ReadAll(c.in); len(got) != left {
			t.Errorf("%q: %d bytes left after the request, net/http leaves %d", data, len(got), left)
		}
	})
}

// leftByNetHTTP is how many bytes of data net/http leaves after the first request, if it can
// read one.
func leftByNetHTTP(data []byte) (left int, ok bool) {
	in := bufio.NewReader(bytes.NewReader(data))
	r, err := http.ReadRequest(in)
	if err != nil || r.ProtoMajor != 1 || r.ProtoMinor != 1 {
		return 0, false
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return 0, false
	}
	rest, err := io.ReadAll(in)
	return len(rest), err == nil
}
