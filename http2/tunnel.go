package http2

import (
	"crypto/sha1"
	"encoding/base64"
	"math/rand/v2"
)

// What HTTP/1.1 has a WebSocket handshake prove, HTTP/2 leaves out (RFC 8441, section 5): so between
// the two, keys are made up and answered here.

// newKey is a Sec-WebSocket-Key. It has to be unlikely to be repeated, not hard to guess.
func newKey() string {
	var nonce [16]byte
	for i := range nonce {
		nonce[i] = byte(rand.Uint32())
	}
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// acceptKey is the Sec-WebSocket-Accept that belongs to a key (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
