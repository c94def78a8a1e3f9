package websocket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
)

// The kinds of frames.
const (
	more  = 0x0 // continues a message
	text  = 0x1
	bin   = 0x2
	shut  = 0x8
	ping  = 0x9
	pong  = 0xa
	maxOp = 0xf
)

// frame is a frame of RFC 6455, section 5.2, whether it is valid or not.
type frame struct {
	op      byte
	payload string
	open    bool // more of the message follows: FIN is not set
	rsv     byte // the three reserved bits; 4 says that the message is compressed
	bare    bool // not masked: what a server sends
}

func (f frame) String() string {
	return fmt.Sprintf("{op %d, open %v, rsv %d, bare %v, %d bytes %.40q}", f.op, f.open, f.rsv, f.bare, len(f.payload), f.payload)
}

// key masks whatever a client sends.
var key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// mask masks or unmasks p.
func mask(p []byte, key [4]byte) {
	for i := range p {
		p[i] ^= key[i%4]
	}
}

// appendFrame appends the bytes of f, with the shortest form of its length.
func appendFrame(dst []byte, f frame) []byte {
	first := f.op | f.rsv<<4
	if !f.open {
		first |= 0x80
	}
	var masked byte
	if !f.bare {
		masked = 0x80
	}
	dst = append(dst, first)
	switch n := len(f.payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	if f.bare {
		return append(dst, f.payload...)
	}
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, f.payload...)
	mask(dst[start:], key)
	return dst
}

// readFrame reads the next frame.
func readFrame(in io.Reader) (f frame, err error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return f, err
	}
	f = frame{op: head[0] & 0xf, open: head[0]&0x80 == 0, rsv: head[0] >> 4 & 7, bare: head[1]&0x80 == 0}
	length, err := readLength(in, head[1]&0x7f)
	if err != nil {
		return f, err
	}
	var key [4]byte
	if !f.bare {
		if _, err := io.ReadFull(in, key[:]); err != nil {
			return f, err
		}
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(in, payload); err != nil {
		return f, err
	}
	mask(payload, key)
	f.payload = string(payload)
	return f, nil
}

// readLength reads the length of a payload that begins with that number.
func readLength(in io.Reader, first byte) (uint64, error) {
	extra := map[byte]int{126: 2, 127: 8}[first]
	if extra == 0 {
		return uint64(first), nil
	}
	var b [8]byte
	if _, err := io.ReadFull(in, b[8-extra:]); err != nil {
		return 0, err
	}
	length := binary.BigEndian.Uint64(b[:])
	if length > 1<<28 {
		return 0, fmt.Errorf("a frame of %d bytes", length)
	}
	return length, nil
}

// TestFrame writes and reads the frames of the examples in RFC 6455, section 5.7, and of each form of
// length.
func TestFrame(t *testing.T) {
	f := func(in frame, want string) {
		t.Helper()
		b := appendFrame(nil, in)
		if got := string(b[:min(len(b), len(want))]); got != want {
			t.Errorf("%v begins with %x, want %x", in, got, want)
		}
		if got, err := readFrame(bytes.NewReader(b)); got != in || err != nil {
			t.Errorf("read %v and %v, want %v", got, err, in)
		}
	}
	f(frame{op: text, payload: "Hello", bare: true}, "\x81\x05Hello")
	f(frame{op: text, payload: "Hello"}, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
	f(frame{op: text, payload: "Hel", open: true, bare: true}, "\x01\x03Hel")
	f(frame{op: more, payload: "lo", bare: true}, "\x80\x02lo")
	f(frame{op: ping, payload: "Hello", bare: true}, "\x89\x05Hello")
	f(frame{op: bin, payload: strings.Repeat("x", 125), bare: true}, "\x82\x7dx")
	f(frame{op: bin, payload: strings.Repeat("x", 126), bare: true}, "\x82\x7e\x00\x7ex")
	f(frame{op: bin, payload: strings.Repeat("x", 256), bare: true}, "\x82\x7e\x01\x00x")
	f(frame{op: bin, payload: strings.Repeat("x", 65535), bare: true}, "\x82\x7e\xff\xffx")
	f(frame{op: bin, payload: strings.Repeat("x", 65536), bare: true}, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00x")
	f(frame{op: maxOp, rsv: 7, open: true, payload: "x"}, "\x7f\x81")
}
