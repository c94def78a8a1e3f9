package http1

import (
	"net/http"
	"strconv"
)

// Error is a refusal. Errors are constants of the package: they carry nothing of the message.
type Error struct {
	// Status is what the client is to get: 400, 431, 501 or 505 when its request was refused,
	// and 502 when the response for it was.
	Status int
	Code   string // one word of a closed list, fit to be the label of a metric
	Reason string // one short sentence for people
}

func (e *Error) Error() string {
	return "http1: " + strconv.Itoa(e.Status) + " " + e.Code + ": " + e.Reason
}

// bad makes a refusal that blames the client.
func bad(code, reason string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Reason: reason}
}

// The refusals.
var (
	errIncomplete = bad("incomplete_head", "the head does not end with exactly one empty line")
	errBareCR     = bad("bare_cr", "a CR stands without its LF")
	errBareLF     = bad("bare_lf", "a line ends with LF alone")
	errControl    = bad("control_character", "a control character stands in a line")

	errStartLine     = bad("bad_start_line", "the start line is malformed")
	errMethod        = bad("bad_method", "the method is not a token")
	errMethodLength  = &Error{http.StatusNotImplemented, "unknown_method", "the method is longer than any known one"}
	errTarget        = bad("bad_target", "the request target is malformed")
	errVersionSyntax = bad("bad_version", "the HTTP version is malformed or missing")
	errVersion       = &Error{http.StatusHTTPVersionNotSupported, "unsupported_version", "only HTTP/1.0 and HTTP/1.1 are spoken here"}
	errStatus        = bad("bad_status", "the status code is not three digits from 100 on")
	errSwitch        = bad("bad_upgrade", "a 101 response does not say what it upgrades to")

	errName          = bad("bad_field_name", "a field name is empty, not a token, or followed by white space")
	errNoColon       = bad("bad_field_line", "a field line has no colon")
	errFold          = bad("obs_fold", "a field is folded over several lines")
	errTooManyFields = &Error{http.StatusRequestHeaderFieldsTooLarge, "too_many_fields", "the head has more than 256 fields"}

	errNoHost     = bad("missing_host", "an HTTP/1.1 request has no Host field")
	errHosts      = bad("repeated_host", "there is more than one Host field")
	errHost       = bad("bad_host", "the host is malformed")
	errConnection = bad("bad_connection", "the Connection field names a field that can't be dropped, or too many")

	errLength       = bad("bad_content_length", "the Content-Length is not a plain decimal number below 2^63")
	errLengths      = bad("repeated_content_length", "there is more than one Content-Length")
	errLengthCoding = bad("length_and_coding", "there are both Content-Length and Transfer-Encoding")
	errCoding       = bad("bad_transfer_encoding", "the Transfer-Encoding is malformed, or chunked is not alone and last")
	errCodings      = bad("repeated_transfer_encoding", "there is more than one Transfer-Encoding field")
	errCodingOld    = bad("transfer_encoding_in_1_0", "an HTTP/1.0 message has a Transfer-Encoding")
	errCodingKind   = &Error{http.StatusNotImplemented, "unknown_transfer_encoding", "the only transfer coding spoken here is chunked"}

	errChunkSize     = bad("bad_chunk_size", "a chunk size is not a plain hexadecimal number below 2^63")
	errChunkExt      = bad("bad_chunk_extension", "a chunk extension holds a control character")
	errChunkExtSize  = bad("chunk_extension_too_large", "chunk extensions exceed 4 KiB on a line or 16 KiB in a body")
	errChunkEnd      = bad("bad_chunk_end", "the data of a chunk is not followed by CRLF")
	errTrailerSize   = bad("trailer_too_large", "the trailer section exceeds 16 KiB")
	errTrailerFields = bad("too_many_trailers", "the trailer section has more than 100 fields")
)
