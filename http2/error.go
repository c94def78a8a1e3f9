package http2

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrCode is why a stream or a connection ends (RFC 9113, section 7).
type ErrCode uint32

// The error codes.
const (
	NoError ErrCode = iota
	ProtocolError
	InternalError
	FlowControlError
	SettingsTimeout
	StreamClosed
	FrameSizeError
	RefusedStream
	Cancel
	CompressionError
	ConnectError
	EnhanceYourCalm
	InadequateSecurity
	HTTP11Required
	numCodes
)

var codeNames = [numCodes]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
	"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
	"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String is the name that the RFC gives the code.
func (e ErrCode) String() string {
	if e < numCodes {
		return codeNames[e]
	}
	return "error code 0x" + strconv.FormatUint(uint64(e), 16)
}

// StreamError is a stream that was reset, by its peer or, for what the peer did wrong, by this
// side.
type StreamError struct {
	Code  ErrCode
	fault *fault // what the peer did wrong; nil when it was the peer who reset the stream
}

func (e *StreamError) Error() string {
	if e.fault != nil {
		return "http2: the stream was reset: " + e.fault.describe()
	}
	return "http2: the peer reset the stream: " + e.Code.String()
}

// ConnError is the end of a connection that a stream was on.
type ConnError struct {
	Code   ErrCode
	Reason string // for people: what the peer said in its GOAWAY, or what was wrong with the connection

	err         error // the cause, where there is one
	unprocessed bool
}

func (e *ConnError) Error() string {
	return fmt.Sprintf("http2: the connection ended: %s (%s)", e.Code, e.Reason)
}

func (e *ConnError) Unwrap() error { return e.err }

// Unprocessed says whether an error of a client's stream means that the peer did nothing with the
// request: it refused the stream, or said goodbye before it, or the request was never sent. Such a
// request may be sent again, whatever its method.
func Unprocessed(err error) bool {
	var stream *StreamError
	if errors.As(err, &stream) {
		return stream.Code == RefusedStream && stream.fault == nil
	}
	var conn *ConnError
	return errors.As(err, &conn) && conn.unprocessed
}

// ErrNoConnect says that a request wants to switch protocols and the peer does not offer extended
// CONNECT (RFC 8441). Nothing was sent.
var ErrNoConnect = errors.New("http2: the peer does not offer extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL), so an upgrade can't be asked of it")

// ErrNotSwitched says that an extended CONNECT can't be answered with success by anything but 101,
// since the client would take the body for the tunnel. Nothing was sent.
var ErrNotSwitched = errors.New("http2: an answer of 2xx other than 101 to a request for an upgrade")

// ErrLargeHead says that the head of an answer exceeds Settings.MaxHead or Settings.MaxFields. The
// stream was reset.
var ErrLargeHead = errors.New("http2: the head of the answer is too large")

var errSecondHead = errors.New("http2: the final head of the answer was sent before")

// errNoRoom is a stream that came to send when the peer had lowered the number of streams.
var errNoRoom = &ConnError{Code: RefusedStream, Reason: "the peer takes no more streams at present", unprocessed: true}

// lost is the end of a connection by err, without a word of HTTP/2.
func lost(err error) *ConnError {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &ConnError{Code: InternalError, Reason: err.Error(), err: err}
}
