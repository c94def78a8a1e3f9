package proxyproto

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
)

// maxV1 is the length of the longest line, with its end.
const maxV1 = 107

var (
	errEnd     = errors.New("PROXY header: the line has no CRLF within 107 bytes")
	errFields  = errors.New("PROXY header: the line is not TCP4 or TCP6 with two addresses and two ports, or UNKNOWN")
	errAddress = errors.New("PROXY header: an address is not one of the line's protocol")
	errPort    = errors.New("PROXY header: a port is not a number from 0 to 65535 without leading zeros")
)

func parseV1(b []byte) (h Header, n int, err error) {
	end := bytes.IndexByte(b[:min(len(b), maxV1)], '\n')
	if end < 0 {
		if len(b) >= maxV1 {
			return Header{}, 0, errEnd
		}
		return Header{}, 0, ErrMore
	}
	if b[end-1] != '\r' {
		return Header{}, 0, errEnd
	}
	if h, err = parseLine(b[len(prefix1) : end-1]); err != nil {
		return Header{}, 0, err
	}
	return h, end + 1, nil
}

// parseLine reads what stands after "PROXY ".
func parseLine(line []byte) (h Header, err error) {
	protocol, rest, more := bytes.Cut(line, []byte(" "))
	var parse func([]byte) (netip.Addr, bool)
	switch string(protocol) {
	case "UNKNOWN": // the rest is to be ignored
		return Header{}, nil
	case "TCP4":
		parse = parse4
	case "TCP6":
		parse = parse6
	}
	source, rest, ok1 := bytes.Cut(rest, []byte(" "))
	dest, rest, ok2 := bytes.Cut(rest, []byte(" "))
	sourcePort, destPort, ok3 := bytes.Cut(rest, []byte(" "))
	if parse == nil || !more || !ok1 || !ok2 || !ok3 {
		return Header{}, errFields
	}
	from, ok1 := parse(source)
	to, ok2 := parse(dest)
	if !ok1 || !ok2 {
		return Header{}, errAddress
	}
	fromPort, ok1 := parseNumber(sourcePort, 65535)
	toPort, ok2 := parseNumber(destPort, 65535)
	if !ok1 || !ok2 {
		return Header{}, errPort
	}
	return Header{Source: endpoint(from, uint16(fromPort)), Dest: endpoint(to, uint16(toPort))}, nil
}

// parseNumber reads a decimal number from 0 to most, at most 65535, without leading zeros.
func parseNumber(b []byte, most int) (n int, ok bool) {
	if len(b) == 0 || len(b) > 5 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= most
}

// The two parsers below exist because those of net/netip take strings, and so would allocate.

func parse4(b []byte) (netip.Addr, bool) {
	var a [4]byte
	for i := range a {
		part, rest, dot := bytes.Cut(b, []byte("."))
		n, ok := parseNumber(part, 255)
		if !ok || dot != (i < 3) {
			return netip.Addr{}, false
		}
		a[i], b = byte(n), rest
	}
	return netip.AddrFrom4(a), true
}

func parse6(b []byte) (netip.Addr, bool) {
	var a [16]byte
	n, gap := 0, -1 // bytes read, and how many of them stand before "::"
	if bytes.HasPrefix(b, []byte("::")) {
		gap, b = 0, b[2:]
		if len(b) == 0 {
			return netip.AddrFrom16(a), true
		}
	}
	for {
		part, rest, colon := bytes.Cut(b, []byte(":"))
		used, ok := parseGroup(a[n:], part, !colon)
		if !ok {
			return netip.Addr{}, false
		}
		n, b = n+used, rest
		if !colon {
			break
		}
		if len(b) > 0 && b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			if gap, b = n, b[1:]; len(b) == 0 {
				break
			}
		}
	}
	if (n == 16) != (gap < 0) {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		tail := n - gap
		copy(a[16-tail:], a[gap:n])
		clear(a[gap : 16-tail])
	}
	return netip.AddrFrom16(a), true
}

// parseGroup reads into a one to four hexadecimal digits, or, at the end, an IPv4 address. It
// returns how many bytes of the address that made.
func parseGroup(a, b []byte, last bool) (n int, ok bool) {
	if last && bytes.IndexByte(b, '.') >= 0 {
		four, ok := parse4(b)
		if !ok || len(a) < 4 {
			return 0, false
		}
		v := four.As4()
		return copy(a, v[:]), true
	}
	if len(b) == 0 || len(b) > 4 || len(a) < 2 {
		return 0, false
	}
	var v uint16
	for _, c := range b {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		v = v<<4 | uint16(digit)
	}
	a[0], a[1] = byte(v>>8), byte(v)
	return 2, true
}

// AppendV1 appends the header in version 1, which has no place for the values of version 2 and for
// Local.
func (h *Header) AppendV1(dst []byte) []byte {
	if !h.known() {
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	source, dest := h.Source.Addr().Unmap(), h.Dest.Addr().Unmap()
	if h.is4() {
		dst = append(dst, "PROXY TCP4 "...)
	} else {
		dst = append(dst, "PROXY TCP6 "...)
		source, dest = netip.AddrFrom16(source.As16()), netip.AddrFrom16(dest.As16())
	}
	dst = append(source.AppendTo(dst), ' ')
	dst = append(dest.AppendTo(dst), ' ')
	dst = append(strconv.AppendUint(dst, uint64(h.Source.Port()), 10), ' ')
	dst = strconv.AppendUint(dst, uint64(h.Dest.Port()), 10)
	return append(dst, "\r\n"...)
}
