package proxy

import (
	"bytes"
	"net/netip"
	"slices"

	"tain.dev/tain/http1"
)

// maxHops is how many addresses of a header are looked at.
const maxHops = 32

// user is the user's address: that of the peer or, where the trusted peers are listed and it is one of
// them, the last that they tell of which is not. Where they tell something that is no address, it is the
// peer's. It may be asked as long as the head is there.
func (r *request) user() netip.Addr {
	if !r.source.IsValid() {
		r.source = r.peer
		if r.lane.p.lists(r.peer) {
			r.source = r.userBehind()
		}
	}
	return r.source
}

// userBehind is the user's address behind a trusted peer.
func (r *request) userBehind() netip.Addr {
	id, parse := http1.XForwardedFor, parseHop
	if !r.in.Has(id) {
		id, parse = http1.Forwarded, parseForwarded
	}
	user, hops := r.peer, 0
	for _, f := range slices.Backward(r.in.Fields) {
		if f.ID != id {
			continue
		}
		for rest, more := f.Value, true; more; {
			var element []byte
			rest, element, more = cutLast(rest)
			if len(element) == 0 {
				continue
			}
			addr, ok := parse(element)
			if hops++; !ok || hops > maxHops {
				return r.peer
			}
			if user = addr; !r.lane.p.lists(addr) {
				return user
			}
		}
	}
	return user
}

// cutLast cuts the last element from a list with commas.
func cutLast(list []byte) (rest, element []byte, more bool) {
	i := bytes.LastIndexByte(list, ',')
	return list[:max(i, 0)], bytes.Trim(list[i+1:], " \t"), i >= 0
}

// parseHop reads an address with or without a port, as X-Forwarded-For has it.
func parseHop(hop []byte) (netip.Addr, bool) {
	if inner, ok := bytes.CutPrefix(hop, []byte("[")); ok {
		hop, _, ok = bytes.Cut(inner, []byte("]"))
		if !ok {
			return netip.Addr{}, false
		}
	} else if i := bytes.IndexByte(hop, ':'); i >= 0 && bytes.LastIndexByte(hop, ':') == i {
		hop = hop[:i]
	}
	if bytes.IndexByte(hop, '%') >= 0 {
		return netip.Addr{}, false // a zone means something only on its own machine
	}
	addr, err := netip.ParseAddr(text(hop))
	return addr.Unmap(), err == nil
}

// parseForwarded reads the address in the for of an element of Forwarded (RFC 7239, section 4).
func parseForwarded(element []byte) (netip.Addr, bool) {
	for rest, more := element, true; more; {
		var pair []byte
		pair, rest, more = bytes.Cut(rest, []byte(";"))
		name, value, ok := bytes.Cut(bytes.Trim(pair, " \t"), []byte("="))
		if !ok || !http1.EqualFold(name, "for") {
			continue
		}
		if quoted, ok := bytes.CutPrefix(value, []byte(`"`)); ok {
			if value, ok = bytes.CutSuffix(quoted, []byte(`"`)); !ok {
				return netip.Addr{}, false
			}
		}
		return parseHop(value)
	}
	return netip.Addr{}, false
}
