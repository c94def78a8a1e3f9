package faulty

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"strconv"
)

const okBody = `{"id":7,"name":"green tea","price":3.5,"stock":12}`

const jsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "

var (
	okAnswer = []byte(jsonHead + strconv.Itoa(len(okBody)) + "\r\n\r\n" + okBody)

	// dripAnswer is long enough for a day of one byte per second.
	dripAnswer = append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 86400\r\n\r\n"), bytes.Repeat([]byte("."), 86400)...)

	endlessHead  = []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	endlessChunk = []byte("4000\r\n" + string(bytes.Repeat([]byte("."), 0x4000)) + "\r\n")
)

// exchanges answers one request after the other until answer fails or the client ends.
func (c *conn) exchanges(answer func(request) error) {
	for {
		r, err := c.readHead()
		if err != nil || answer(r) != nil {
			return
		}
		// Answers to pipelined requests leave together.
		if c.in.Buffered() == 0 && c.out.Flush() != nil {
			return
		}
	}
}

// receive reads the body of r, after the 100 Continue that the client may be waiting for.
func (c *conn) receive(r request) error {
	if r.expected {
		c.out.WriteString("HTTP/1.1 100 Continue\r\n\r\n")
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
	return c.readBody(r)
}

// send writes an answer, without its body where the request was HEAD.
func (c *conn) send(r request, answer []byte) error {
	if r.head {
		answer = answer[:bytes.Index(answer, []byte("\r\n\r\n"))+4]
	}
	_, err := c.out.Write(answer)
	return err
}

// first reads one whole request, for the modes that answer only one per connection.
func (c *conn) first() bool {
	r, err := c.readHead()
	return err == nil && c.receive(r) == nil
}

func serveOK(c *conn) {
	c.exchanges(func(r request) error {
		if err := c.receive(r); err != nil {
			return err
		}
		return c.send(r, okAnswer)
	})
}

func serveNothing(c *conn) { <-c.srv.done }

func serveSilence(c *conn) { io.Copy(io.Discard, c.nc) }

func serveDrip(c *conn) {
	if !c.first() {
		return
	}
	for i := range dripAnswer {
		if _, err := c.nc.Write(dripAnswer[i : i+1]); err != nil || !c.srv.wait(c.srv.mode.Pause) {
			return
		}
	}
}

func serveReset(c *conn) {
	if !c.first() {
		return
	}
	c.nc.Write(okAnswer[:len(okAnswer)-len(okBody)/2])
	if tcp, ok := c.nc.(*net.TCPConn); ok {
		tcp.SetLinger(0) // so that closing resets
	}
}

func serveGarbage(c *conn) {
	if !c.first() {
		return
	}
	junk := make([]byte, 4096)
	rand.Read(junk)
	c.nc.Write(junk)
}

func serveEndless(c *conn) {
	if !c.first() {
		return
	}
	_, err := c.nc.Write(endlessHead)
	for err == nil {
		if c.srv.mode.Pause > 0 && !c.srv.wait(c.srv.mode.Pause) {
			return
		}
		_, err = c.nc.Write(endlessChunk)
	}
}

func serveSlow(c *conn) {
	c.exchanges(func(r request) error {
		if err := c.receive(r); err != nil {
			return err
		}
		if !c.srv.wait(c.srv.mode.Pause) {
			return io.ErrClosedPipe
		}
		return c.send(r, okAnswer)
	})
}

func serveClose(c *conn) {
	r, err := c.readHead()
	if err == nil && c.receive(r) == nil && c.send(r, okAnswer) == nil {
		c.out.Flush()
	}
}

func serveDiffer(c *conn) {
	var body, answer []byte
	c.exchanges(func(r request) error {
		if err := c.receive(r); err != nil {
			return err
		}
		body = appendDifferent(body[:0], c.srv.requests.Load())
		answer = strconv.AppendInt(append(answer[:0], jsonHead...), int64(len(body)), 10)
		answer = append(append(answer, "\r\n\r\n"...), body...)
		return c.send(r, answer)
	})
}

// appendDifferent appends a JSON object whose values follow from n. Every third one lacks the
// stock, every fifth one has the price as text.
func appendDifferent(b []byte, n uint64) []byte {
	b = strconv.AppendUint(append(b, `{"id":`...), n, 10)
	b = strconv.AppendUint(append(b, `,"name":"tea `...), n*31%1009, 10)
	if n%5 == 0 {
		b = strconv.AppendUint(append(b, `","price":"`...), n%97, 10)
		b = append(b, '"')
	} else {
		b = strconv.AppendUint(append(b, `","price":`...), n%97, 10)
	}
	if n%3 != 0 {
		b = strconv.AppendUint(append(b, `,"stock":`...), n%13, 10)
	}
	b = strconv.AppendUint(append(b, `,"tags":["`...), n%7, 10)
	b = strconv.AppendUint(append(b, `","`...), n%11, 10)
	return append(b, `"]}`...)
}

func serveEarly(c *conn) {
	c.exchanges(func(r request) error {
		if err := c.send(r, okAnswer); err != nil {
			return err
		}
		if err := c.out.Flush(); err != nil {
			return err
		}
		return c.readBody(r)
	})
}
