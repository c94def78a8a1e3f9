// Package http2 is both sides of HTTP/2 (RFC 9113) on the event loops of netloop: connections with
// flow control, and streams whose heads are text in the form of HTTP/1.1.
package http2
