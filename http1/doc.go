// Package http1 is the syntax of HTTP/1.0 and HTTP/1.1 messages (RFC 9110, RFC 9112), strict and
// without allocation. It knows nothing of connections: bytes go in, slices of them come out.
//
//	head    = start-line *( name ":" OWS value OWS CRLF ) CRLF
//	start   = method SP target SP "HTTP/1." ( "0" / "1" ) CRLF
//	        / "HTTP/1." ( "0" / "1" ) SP 3DIGIT [ SP reason ] CRLF
//	chunked = *( size [ ";" extensions ] CRLF data CRLF ) "0" CRLF *trailer-line CRLF
//
// A reader skips empty lines with [SkipEmpty], waits for a whole head with [HeadEnd], asks
// [Request.Early] whether waiting makes sense, and then parses with [Request.Parse] or
// [Response.Parse]. A body is read by its [Body] and Length, a chunked one with [Chunked].
//
// What two parsers may read differently is refused rather than repaired: that difference is what
// request smuggling lives on. So every line ends with CRLF and no CR or LF stands anywhere else,
// a message has one framing, a field has one line, and no white space stands before a colon or
// inside a chunk size. What was accepted is therefore safe to send on as it was received, see
// [Field.Line]. Whatever is accepted, net/http accepts too and reads alike; the fuzz targets hold
// that, with the exceptions listed beside them.
package http1
