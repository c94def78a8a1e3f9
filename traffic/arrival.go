package traffic

import "net/netip"

// Arrival is what is known of a live request once its head was read. The proxy, a capture or a
// replay offers it; the slices are valid during the call.
type Arrival struct {
	// Head is the request in normal form: the request line in origin-form, the Host line, and the
	// other end-to-end fields, each ended by CRLF, without the empty line.
	Head []byte
	// LineEnd and HostEnd are where the request line and the Host line end in Head.
	LineEnd, HostEnd int
	// Length is the length of the body: 0 without one, -1 when it comes in chunks.
	Length  int64
	Upgrade bool  // asks for another protocol
	Marked  bool  // is itself a mirror's copy
	At      int64 // nanoseconds since 1970
	Client  netip.Addr
}
