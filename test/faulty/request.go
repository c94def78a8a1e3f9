package faulty

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
)

// maxHead bounds a request head in bytes, and the trailers of a chunked body too.
const maxHead = 64 << 10

var (
	errHead  = errors.New("the head is over 64 KiB, or is not HTTP/1.1")
	errChunk = errors.New("a chunk has no size")
)

// conn is one connection of a client.
type conn struct {
	srv *Server
	nc  net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{srv: s, nc: nc, in: bufio.NewReader(nc), out: bufio.NewWriter(nc)}
}

// request is what an answer depends on.
type request struct {
	head     bool  // the method is HEAD, so the answer has no body
	length   int64 // length of the body in bytes, or chunked
	expected bool  // the client waits for 100 Continue before it sends the body
}

const chunked = -1

// readHead reads a request up to its body.
func (c *conn) readHead() (request, error) {
	var r request
	line, err := c.readLine()
	if err != nil {
		return r, err
	}
	if bytes.Count(line, []byte(" ")) != 2 {
		return r, errHead
	}
	r.head = bytes.HasPrefix(line, []byte("HEAD "))
	for size := len(line); size < maxHead; size += len(line) + len("\r\n") {
		if line, err = c.readLine(); err != nil {
			return r, err
		}
		if len(line) == 0 {
			c.srv.requests.Add(1)
			return r, nil
		}
		if err := r.field(line); err != nil {
			return r, err
		}
	}
	return r, errHead
}

// field notes what a header line says about the body.
func (r *request) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch len(name) { // so that most lines cost no comparison
	case len("Content-Length"):
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			return nil
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 62)
		if err != nil {
			return errHead
		}
		if r.length != chunked {
			r.length = int64(n)
		}
	case len("Transfer-Encoding"):
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			r.length = chunked
		}
	case len("Expect"):
		r.expected = r.expected || bytes.EqualFold(name, []byte("Expect"))
	}
	return nil
}

// readBody reads the body of r and forgets it.
func (c *conn) readBody(r request) error {
	if r.length == chunked {
		return c.readChunks()
	}
	return c.discard(r.length)
}

func (c *conn) readChunks() error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 62)
		if err != nil {
			return errChunk
		}
		if size == 0 {
			return c.readTrailers()
		}
		if err := c.discard(int64(size) + int64(len("\r\n"))); err != nil {
			return err
		}
	}
}

func (c *conn) readTrailers() error {
	for size := 0; size < maxHead; {
		line, err := c.readLine()
		if err != nil || len(line) == 0 {
			return err
		}
		size += len(line)
	}
	return errHead
}

func (c *conn) discard(n int64) error {
	for n > 0 {
		step := min(n, 1<<20) // an int everywhere
		if _, err := c.in.Discard(int(step)); err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// readLine returns the next line without its end. Of a line that is longer than the buffer only
// the beginning is returned; no field that matters is that long.
func (c *conn) readLine() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err == nil {
		return bytes.TrimRight(line, "\r\n"), nil
	}
	if err != bufio.ErrBufferFull {
		return nil, err
	}
	line = bytes.Clone(line)
	for size := len(line); err == bufio.ErrBufferFull; {
		var more []byte
		more, err = c.in.ReadSlice('\n')
		if size += len(more); size > maxHead {
			return nil, errHead
		}
	}
	return line, err
}
