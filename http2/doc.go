// Package http2 is both sides of HTTP/2 (RFC 9113) on event loops: connections with flow control, and
// streams that are read and written like connections.
//
// A head is text in the form of HTTP/1.1, in both directions, because that is what the rest of tain
// matches, changes, captures and compares: [Stream.Head] is read with [http1.Request.Parse] or
// [http1.Response.Parse], and what [Stream.WriteRequest] and [Stream.WriteResponse] are given is
// written as if for HTTP/1.1. An extended CONNECT (RFC 8441) looks like an upgrade to both. The body
// of a stream has no framing; a head without Content-Length whose body is still to come says
// Transfer-Encoding: chunked, as a word for "until it ends".
//
// One coroutine reads the frames of a connection ([Serve], [NewClient]), and holds neither a stack nor
// a buffer while there are none. Each request has a coroutine of its own on a server. Frames are
// queued, and go out together at the end of the loop's turn.
//
// # What a peer can't do
//
// Fields are checked before they become text, so that a head has the lines that its fields stand
// for and no others; a body is as long as its Content-Length. Whatever costs its sender little and
// is no use is counted, and too much of it ends the connection (flood.go). Streams count for as long as
// their handler runs. [Settings].Refused hears of every stream and connection that was ended so, by one
// of the words of [Reasons].
//
// The memory of a connection is bounded. An idle one has itself and HPACK's table of 4 KiB. One that is
// used as badly as the default [Settings] allow has, besides:
//
//	2 MiB    heads and trailer sections: 16 × MaxHead, or 8 KiB for each of MaxStreams where that is
//	         more; and what their buffers of 8 KiB have to spare. (On a client, whose user chooses the
//	         peer, each stream may hold two heads of MaxHead.)
//	4 MiB    bodies that nobody consumes: ConnWindow, in buffers up to four times as large as what
//	         they hold; and 1 KiB for each stream
//	0.5 MiB  one head that is being decoded, encoded and as text
//	0.3 MiB  output that the peer does not read
//	16 KiB   what was read and is no whole frame
//
// # What is left out
//
// Nothing is pushed, priorities are ignored, HTTP/1.1 is not upgraded to HTTP/2, plain CONNECT is not
// offered to servers, and what is sent is compressed by the static table alone (hpack.go).
package http2
