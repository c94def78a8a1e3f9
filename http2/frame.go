package http2

import "encoding/binary"

// preface is what a client sends first (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// IsPreface says whether b begins with the client preface, or is too short to tell and could become
// it.
func IsPreface(b []byte) (is, more bool) {
	n := min(len(b), len(preface))
	if string(b[:n]) != preface[:n] {
		return false, false
	}
	return n == len(preface), n < len(preface)
}

type frameType uint8

const (
	frameData frameType = iota
	frameHeaders
	framePriority
	frameReset
	frameSettings
	framePush
	framePing
	frameGoAway
	frameWindow
	frameContinuation
)

const (
	flagEndStream  = 0x1
	flagAck        = 0x1 // of SETTINGS and PING
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	headerSize   = 9       // bytes of a frame's header
	maxFrame     = 1 << 14 // payload bytes that a frame has at most, ours and the peer's
	maxStreamID  = 1<<31 - 1
	maxWindow    = 1<<31 - 1
	firstWindow  = 1<<16 - 1 // of streams and connections, until it is changed
	prioritySize = 5
)

// frame is the header of a frame:
//
//	length (24) | type (8) | flags (8) | reserved (1) | stream (31)
type frame struct {
	length int
	kind   frameType
	flags  uint8
	stream uint32
}

// parseFrame reads the header at the beginning of b, which has headerSize bytes at least.
func parseFrame(b []byte) frame {
	return frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   frameType(b[3]),
		flags:  b[4],
		stream: binary.BigEndian.Uint32(b[5:]) & maxStreamID,
	}
}

func (f frame) has(flag uint8) bool { return f.flags&flag != 0 }

func (f frame) append(dst []byte) []byte {
	dst = append(dst, byte(f.length>>16), byte(f.length>>8), byte(f.length), byte(f.kind), f.flags)
	return binary.BigEndian.AppendUint32(dst, f.stream)
}

func appendReset(dst []byte, stream uint32, code ErrCode) []byte {
	dst = frame{length: 4, kind: frameReset, stream: stream}.append(dst)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

func appendWindow(dst []byte, stream uint32, increment int) []byte {
	dst = frame{length: 4, kind: frameWindow, stream: stream}.append(dst)
	return binary.BigEndian.AppendUint32(dst, uint32(increment))
}

// appendPing appends a PING; data has 8 bytes.
func appendPing(dst, data []byte, flags uint8) []byte {
	return append(frame{length: 8, kind: framePing, flags: flags}.append(dst), data...)
}

func appendGoAway(dst []byte, last uint32, code ErrCode, text string) []byte {
	dst = frame{length: 8 + len(text), kind: frameGoAway}.append(dst)
	dst = binary.BigEndian.AppendUint32(dst, last)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, text...)
}

// setting is one of a SETTINGS frame.
type setting struct {
	id    uint16
	value uint32
}

const (
	settingTableSize uint16 = iota + 1
	settingPush
	settingMaxStreams
	settingWindow
	settingMaxFrame
	settingMaxHead

	settingConnect uint16 = 8 // RFC 8441

	settingSize = 6 // bytes
)

func appendSettings(dst []byte, settings ...setting) []byte {
	dst = frame{length: settingSize * len(settings), kind: frameSettings}.append(dst)
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, s.id)
		dst = binary.BigEndian.AppendUint32(dst, s.value)
	}
	return dst
}

// unpad strips the padding and its length from the payload of a frame.
func (f frame) unpad(payload []byte) ([]byte, *fault) {
	if !f.has(flagPadded) {
		return payload, nil
	}
	if len(payload) == 0 {
		return nil, errFrameSize
	}
	pad := int(payload[0])
	if pad >= len(payload) {
		return nil, errPadding
	}
	return payload[1 : len(payload)-pad], nil
}
