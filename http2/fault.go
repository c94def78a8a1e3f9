package http2

import (
	"errors"
	"slices"
)

// A fault is something that a peer must not do, or not that often. All are constants of the
// package. One costs its stream or its connection, whichever the RFC says.
type fault struct {
	reason string // one word of a closed list, fit to be the label of a metric
	code   ErrCode
	text   string // for people
}

func (f *fault) Error() string { return "http2: " + f.describe() }

func (f *fault) describe() string { return f.code.String() + ", " + f.text }

var faults []*fault

func newFault(reason string, code ErrCode, text string) *fault {
	f := &fault{reason, code, text}
	faults = append(faults, f)
	return f
}

// Reasons is the closed list of words that Settings.Refused hears, sorted.
func Reasons() []string {
	var all []string
	for _, f := range faults {
		all = append(all, f.reason)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Reason is the word of [Reasons] for an error that Settings.Refused heard, also where it was wrapped
// since. It is "" for any other error.
func Reason(err error) string {
	var f *fault
	if !errors.As(err, &f) {
		return ""
	}
	return f.reason
}

// What costs a connection.
var (
	errPreface       = newFault("preface", ProtocolError, "the connection does not begin with the preface and SETTINGS")
	errFrameSize     = newFault("frame_size", FrameSizeError, "a frame is larger than SETTINGS_MAX_FRAME_SIZE, or has not the size that its type demands")
	errStreamID      = newFault("protocol", ProtocolError, "a frame is on a stream that it can't be on")
	errIdle          = newFault("protocol", ProtocolError, "a frame is on a stream that was not opened")
	errPadding       = newFault("protocol", ProtocolError, "the padding is longer than its frame")
	errInterleaved   = newFault("protocol", ProtocolError, "another frame stands among the frames of a head, or CONTINUATION stands alone")
	errPush          = newFault("protocol", ProtocolError, "the peer pushes, which it must not")
	errSetting       = newFault("protocol", ProtocolError, "a setting has a value that it can't have")
	errSettingWindow = newFault("flow_control", FlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1, or makes a window so")
	errConnWindow    = newFault("flow_control", FlowControlError, "the peer sent more than the window of the connection, or made ours larger than 2^31-1")
	errIncrement     = newFault("protocol", ProtocolError, "a WINDOW_UPDATE of the connection by 0")
	errCompression   = newFault("compression", CompressionError, "a head can't be decompressed")
	errClosedStream  = newFault("stream_closed", StreamClosed, "a frame is on a stream that is closed")

	errSettingsFlood = newFault("settings_flood", EnhanceYourCalm, "too many SETTINGS frames")
	errPingFlood     = newFault("ping_flood", EnhanceYourCalm, "too many PING frames")
	errEmptyFlood    = newFault("empty_flood", EnhanceYourCalm, "too many empty frames")
	errPriorityFlood = newFault("priority_flood", EnhanceYourCalm, "too many PRIORITY frames, or others without an effect")
	errWindowFlood   = newFault("window_flood", EnhanceYourCalm, "too many WINDOW_UPDATE frames for what was sent")
	errRapidReset    = newFault("rapid_reset", EnhanceYourCalm, "too many streams were opened and reset, or made to be reset, before they were answered")
	errLongBlock     = newFault("continuation_flood", EnhanceYourCalm, "a head goes on over too many frames or bytes")
	errLongString    = newFault("large_field", EnhanceYourCalm, "a field is so large that decompressing it would not be safe")
	errSlowHead      = newFault("slow_head", EnhanceYourCalm, "the preface, a head or another frame took too long to arrive (HeadTimeout)")
	errUnread        = newFault("unread_output", EnhanceYourCalm, "the peer does not read the answers to its control frames")
	errSlowRead      = newFault("slow_read", EnhanceYourCalm, "the peer took nothing of what was sent for too long (WriteTimeout)")
)

// What costs a stream.
var (
	errStreamWindow    = newFault("flow_control", FlowControlError, "the peer sent more than the window of the stream, or made ours larger than 2^31-1")
	errStreamIncrement = newFault("protocol", ProtocolError, "a WINDOW_UPDATE of a stream by 0")
	errSelfDependency  = newFault("protocol", ProtocolError, "a stream depends on itself")
	errAfterEnd        = newFault("stream_closed", StreamClosed, "a frame follows the end of its stream")
	errTooMany         = newFault("too_many_streams", RefusedStream, "the peer has opened as many streams as it may (MaxStreams)")
	errHeads           = newFault("head_memory", RefusedStream, "the heads of the peer's streams are too large together")
	errTrailers        = newFault("head_memory", EnhanceYourCalm, "the heads and trailer sections of the peer's streams are too large together")
	errEarlyData       = newFault("protocol", ProtocolError, "DATA comes before the head")
	errLength          = newFault("content_length", ProtocolError, "the body is not as long as its Content-Length")
	errLargeTrailer    = newFault("large_head", EnhanceYourCalm, "the trailer section is too large")
	errLargeAnswer     = newFault("large_head", EnhanceYourCalm, "the head of the answer is too large, or too many interim ones came")

	errFieldName    = newFault("malformed", ProtocolError, "a field name is empty, not a token, or not in lower case")
	errFieldValue   = newFault("malformed", ProtocolError, "a field value holds a control character, or white space at an end")
	errConnSpecific = newFault("malformed", ProtocolError, "a field is for connections of HTTP/1.1")
	errPseudo       = newFault("malformed", ProtocolError, "a pseudo-header field is unknown, repeated, missing, out of place or malformed")
	errAuthority    = newFault("malformed", ProtocolError, "there is no authority, or more than one, or it names a user")
	errLengthField  = newFault("malformed", ProtocolError, "Content-Length is repeated, or not a plain decimal number below 2^63")
	errTrailerEnd   = newFault("malformed", ProtocolError, "a second head does not end the stream")
	errStatus       = newFault("malformed", ProtocolError, "the status can't be, or ends the stream too early")
)
