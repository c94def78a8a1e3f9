// Package proxyproto reads and writes the header that a load balancer puts before a connection's
// first byte to say who the client is: the PROXY protocol, versions 1 and 2.
//
// Version 1 is a line of text, of 107 bytes at most:
//
//	PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
//
// Version 2 is binary:
//
//	12  signature  \r\n\r\n\0\r\nQUIT\n
//	 1  version    high 4 bits: 2; low 4 bits: 0 LOCAL, 1 PROXY
//	 1  family     high 4 bits: 0 UNSPEC, 1 INET, 2 INET6, 3 UNIX; low 4 bits: 0 UNSPEC, 1 STREAM, 2 DGRAM
//	 2  length     of all that follows
//	    addresses  12 bytes for INET, 36 for INET6, 216 for UNIX: source, destination, their ports
//	    values     each: 1 byte of type, 2 bytes of length, the value
//
// Whoever can send a header can pretend to be anyone, so that a listener takes headers from all of
// its connections or from none; nothing here guesses.
package proxyproto

import (
	"bytes"
	"errors"
	"net/netip"
)

// MaxSize is the size of the longest header that is taken or written. The specification wants a
// header to fit into one segment, 536 bytes at worst; but load balancers of clouds add values of their
// own, and nginx takes as much as this.
const MaxSize = 4096

// ErrMore says that the bytes are the beginning of a header. Every other error of Parse says that
// they are not.
var ErrMore = errors.New("PROXY header: incomplete")

// Header is what a header says.
type Header struct {
	// Source is the client, Dest is what it connected to. They are both valid, or both zero if the
	// sender did not know, or they are not those of TCP: then the connection's own are right.
	// IPv4 addresses are never in IPv6's form.
	Source, Dest netip.AddrPort
	Local        bool // the sender speaks for itself, say for a health check
	// Values of version 2, nil if absent. Parse lets them point into its argument.
	ALPN      []byte // protocol that the client speaks
	Authority []byte // host that the client asked for: SNI, as a rule
	UniqueID  []byte // of the connection, opaque, 128 bytes at most
}

var (
	prefix1   = []byte("PROXY ")
	signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

	errNone = errors.New("PROXY header: the connection does not begin with one")
)

// Parse reads the header at the beginning of b, which takes n bytes. It is strict: what is not
// exactly as the specification says is an error. It does not allocate.
func Parse(b []byte) (h Header, n int, err error) {
	switch {
	case bytes.HasPrefix(b, prefix1):
		return parseV1(b)
	case bytes.HasPrefix(b, signature):
		return parseV2(b)
	case bytes.HasPrefix(prefix1, b) || bytes.HasPrefix(signature, b):
		return Header{}, 0, ErrMore
	}
	return Header{}, 0, errNone
}

// known says whether the header can tell the addresses of the connection.
func (h *Header) known() bool { return !h.Local && h.Source.IsValid() && h.Dest.IsValid() }

// is4 says whether both addresses are IPv4's.
func (h *Header) is4() bool {
	return h.Source.Addr().Unmap().Is4() && h.Dest.Addr().Unmap().Is4()
}

// endpoint is an address as a Header has it.
func endpoint(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a.Unmap(), port) }
