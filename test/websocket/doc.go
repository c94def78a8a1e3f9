// Package websocket sends WebSocket through the built tain: over HTTP/1.1, TLS, and streams of HTTP/2
// (RFC 8441). The cases are written from RFC 6455 and RFC 7692, with a reader and a writer of frames
// that can break every rule, against a server of this package and against Node's ws, which is reached over
// HTTP/1.1 and over streams of HTTP/2.
//
// The tests need node with the package ws.
package websocket
