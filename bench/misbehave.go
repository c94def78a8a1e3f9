//go:build linux

package main

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"time"
)

// behaviour is what members of a crowd do with a connection. An error means that the server ended the
// connection, or broke it.
type behaviour struct {
	share int  // of the crowd, in hundredths
	well  bool // it gives no reason to be refused
	act   func(*crowd, *net.TCPConn) error
}

var behaviours = []behaviour{
	{50, true, polite},
	{11, false, slowHead},
	{11, false, slowBody},
	{6, false, halfClosed},
	{6, false, halfHead},
	{11, false, reset},
	{2, false, zeroWindow},
	{2, false, rapidReset},
	{1, false, pingFlood},
}

// behaviourOf is that of member i. Any hundred members that follow on each other have all the shares.
func behaviourOf(i int) *behaviour {
	place := i * 37 % 100 // so that neighbours differ
	for b := range behaviours {
		if place -= behaviours[b].share; place < 0 {
			return &behaviours[b]
		}
	}
	panic("BUG: the shares of the behaviours are not 100 in all")
}

// drip sends text, and then a byte per second as long as it can.
func drip(c net.Conn, text string) error {
	_, err := io.WriteString(c, text)
	for err == nil {
		time.Sleep(time.Second)
		_, err = io.WriteString(c, "a")
	}
	return err
}

func slowHead(_ *crowd, c *net.TCPConn) error {
	return drip(c, "GET / HTTP/1.1\r\nHost: crowd\r\nX-Slow: ")
}

func slowBody(_ *crowd, c *net.TCPConn) error {
	return drip(c, "POST /slow HTTP/1.1\r\nHost: crowd\r\nContent-Length: 1000000\r\n\r\n")
}

// halfClosed asks, sends no more, and reads until the server closes too.
func halfClosed(_ *crowd, c *net.TCPConn) error {
	return halfClose(c, "GET / HTTP/1.1\r\nHost: crowd\r\n\r\n")
}

// halfHead does so in the middle of a head.
func halfHead(_ *crowd, c *net.TCPConn) error {
	return halfClose(c, "GET / HTTP/1.1\r\nHost: cro")
}

func halfClose(c *net.TCPConn, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	return readAll(c)
}

// readAll reads until the server ends the connection.
func readAll(c net.Conn) error {
	if _, err := io.Copy(io.Discard, c); err != nil {
		return err
	}
	return io.EOF
}

// reset asks for something, leaves no time for the answer or some, and resets the connection.
func reset(_ *crowd, c *net.TCPConn) error {
	for _, text := range []string{"POST /slow HTTP/1.1\r\nHost: crowd\r\nContent-Length: 10000\r\n\r\n", "half of it"} {
		if _, err := io.WriteString(c, text); err != nil {
			return err
		}
		time.Sleep(between(0, 2*time.Second))
	}
	return c.SetLinger(0)
}

// The frames of HTTP/2 that the members need (RFC 9113, section 6).
const (
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6

	endStream, endHeaders = 1, 4 // flags
	initialWindowSize     = 4    // a setting
	cancel                = 8    // an error code
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// getBlock is "GET http://crowd/", compressed: three fields of the static table, and an authority.
const getBlock = "\x82\x86\x84\x41\x05crowd"

func appendFrame(b []byte, kind, flags byte, stream uint32, payload ...byte) []byte {
	b = append(b, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}

func appendGet(b []byte, stream uint32) []byte {
	return appendFrame(b, frameHeaders, endHeaders|endStream, stream, []byte(getBlock)...)
}

// zeroWindow asks fifty times, and takes no byte of a body.
func zeroWindow(_ *crowd, c *net.TCPConn) error {
	b := appendFrame([]byte(preface), frameSettings, 0, 0, 0, initialWindowSize, 0, 0, 0, 0)
	for i := range uint32(50) {
		b = appendGet(b, 2*i+1)
	}
	if _, err := c.Write(b); err != nil {
		return err
	}
	return readAll(c)
}

// rapidReset opens and resets two hundred streams in a second.
func rapidReset(_ *crowd, c *net.TCPConn) error {
	next := uint32(1)
	return flood(c, func(b []byte) []byte {
		for range 20 {
			b = appendGet(b, next)
			b = appendFrame(b, frameReset, 0, next, 0, 0, 0, cancel)
			next += 2
		}
		return b
	})
}

// pingFlood sends two hundred pings in a second, and reads no answer.
func pingFlood(_ *crowd, c *net.TCPConn) error {
	pings := slices.Repeat(appendFrame(nil, framePing, 0, 0, []byte("floodage")...), 20)
	return flood(c, func(b []byte) []byte { return append(b, pings...) })
}

// flood speaks HTTP/2, and appends more ten times a second as long as it can.
func flood(c net.Conn, more func([]byte) []byte) error {
	b := appendFrame([]byte(preface), frameSettings, 0, 0)
	for {
		if _, err := c.Write(more(b)); err != nil {
			return err
		}
		b = b[:0]
		time.Sleep(100 * time.Millisecond)
	}
}
