package proxyproto

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
)

// What stands before the addresses.
const fixed = 16

const (
	version2 = 2 << 4
	local    = 0
	proxy    = 1

	unspec = 0
	inet   = 1
	inet6  = 2
	unix   = 3

	stream = 1
	dgram  = 2
)

// Types of values. All others are passed over.
const (
	typeALPN      = 0x01
	typeAuthority = 0x02
	typeCRC32C    = 0x03
	typeUniqueID  = 0x05
)

var (
	errVersion  = errors.New("PROXY header: the version is not 2, or the command neither LOCAL nor PROXY")
	errSize     = errors.New("PROXY header: longer than 4096 bytes")
	errFamily   = errors.New("PROXY header: unknown address family or protocol")
	errShort    = errors.New("PROXY header: too short for its addresses")
	errValue    = errors.New("PROXY header: a value goes beyond the end, comes twice, or has a wrong length")
	errChecksum = errors.New("PROXY header: wrong checksum")
)

// addressSize is how many bytes the addresses of a family take.
var addressSize = [...]int{inet: 12, inet6: 36, unix: 216}

func parseV2(b []byte) (h Header, n int, err error) {
	if len(b) < fixed {
		return Header{}, 0, ErrMore
	}
	command, family, protocol := b[12]&15, b[13]>>4, b[13]&15
	n = fixed + int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case b[12]&^15 != version2 || command > proxy:
		return Header{}, 0, errVersion
	case n > MaxSize:
		return Header{}, 0, errSize
	case command == proxy && (family > unix || protocol > dgram):
		return Header{}, 0, errFamily
	case len(b) < n:
		return Header{}, 0, ErrMore
	case command == local:
		return Header{Local: true}, n, nil // whatever else it holds is to be ignored
	case family == unspec:
		return Header{}, n, nil // the addresses are of any length, and so are the values beyond reach
	case n < fixed+addressSize[family]:
		return Header{}, 0, errShort
	}
	if protocol == stream {
		h.addresses(b[fixed:], family)
	}
	if err := h.values(b[:n], fixed+addressSize[family]); err != nil {
		return Header{}, 0, err
	}
	return h, n, nil
}

// addresses reads the address block. Unix sockets have no addresses that anybody asks for.
func (h *Header) addresses(b []byte, family byte) {
	be := binary.BigEndian
	switch family {
	case inet:
		h.Source = endpoint(netip.AddrFrom4([4]byte(b)), be.Uint16(b[8:]))
		h.Dest = endpoint(netip.AddrFrom4([4]byte(b[4:])), be.Uint16(b[10:]))
	case inet6:
		h.Source = endpoint(netip.AddrFrom16([16]byte(b)), be.Uint16(b[32:]))
		h.Dest = endpoint(netip.AddrFrom16([16]byte(b[16:])), be.Uint16(b[34:]))
	}
}

// values reads the values of the header b, which begin at pos.
func (h *Header) values(b []byte, pos int) error {
	for pos < len(b) {
		if len(b)-pos < 3 {
			return errValue
		}
		kind, start := b[pos], pos+3
		pos = start + int(binary.BigEndian.Uint16(b[pos+1:]))
		if pos > len(b) {
			return errValue
		}
		value := b[start:pos:pos]
		var into *[]byte
		switch kind {
		case typeALPN:
			into = &h.ALPN
		case typeAuthority:
			into = &h.Authority
		case typeUniqueID:
			into = &h.UniqueID
		case typeCRC32C:
			if len(value) != 4 {
				return errValue
			}
			if binary.BigEndian.Uint32(value) != checksum(b, start) {
				return errChecksum
			}
			continue
		default:
			continue
		}
		if *into != nil || kind == typeUniqueID && len(value) > 128 {
			return errValue
		}
		*into = value
	}
	return nil
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	zeros      [4]byte
)

// checksum is that of the header b with zeros where the checksum itself stands.
func checksum(b []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, b[:at])
	sum = crc32.Update(sum, castagnoli, zeros[:])
	return crc32.Update(sum, castagnoli, b[at+4:])
}

// AppendV2 appends the header in version 2. A value that makes it longer than MaxSize is left out,
// and so are all if the addresses are not known.
func (h *Header) AppendV2(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, signature...)
	switch {
	case h.Local:
		return append(dst, version2|local, unspec, 0, 0)
	case !h.known():
		return append(dst, version2|proxy, unspec, 0, 0)
	case h.is4():
		dst = append(dst, version2|proxy, inet<<4|stream, 0, 0)
		source, dest := h.Source.Addr().Unmap().As4(), h.Dest.Addr().Unmap().As4()
		dst = append(append(dst, source[:]...), dest[:]...)
	default:
		dst = append(dst, version2|proxy, inet6<<4|stream, 0, 0)
		source, dest := h.Source.Addr().As16(), h.Dest.Addr().As16()
		dst = append(append(dst, source[:]...), dest[:]...)
	}
	dst = binary.BigEndian.AppendUint16(dst, h.Source.Port())
	dst = binary.BigEndian.AppendUint16(dst, h.Dest.Port())
	dst = appendValue(dst, start, typeALPN, h.ALPN)
	dst = appendValue(dst, start, typeAuthority, h.Authority)
	dst = appendValue(dst, start, typeUniqueID, h.UniqueID)
	binary.BigEndian.PutUint16(dst[start+14:], uint16(len(dst)-start-fixed))
	return dst
}

// appendValue appends a value to the header that begins at start.
func appendValue(dst []byte, start int, kind byte, value []byte) []byte {
	if len(value) == 0 || len(dst)-start+3+len(value) > MaxSize {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(append(dst, kind), uint16(len(value)))
	return append(dst, value...)
}
