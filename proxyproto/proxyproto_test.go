package proxyproto

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

var (
	four = Header{Source: netip.MustParseAddrPort("192.0.2.1:56324"), Dest: netip.MustParseAddrPort("198.51.100.1:443")}
	six  = Header{Source: netip.MustParseAddrPort("[2001:db8::1]:1"), Dest: netip.MustParseAddrPort("[2001:db8::2]:65535")}
)

// v2 is a header of version 2: version and command, family, and what follows them.
func v2(command, family byte, parts ...[]byte) []byte {
	b := append([]byte(nil), signature...)
	b = append(b, command, family, 0, 0)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint16(b[14:], uint16(len(b)-fixed))
	return b
}

func value(kind byte, v string) []byte {
	return append([]byte{kind, byte(len(v) >> 8), byte(len(v))}, v...)
}

// withChecksum puts a checksum's value at the end of a header.
func withChecksum(b []byte) []byte {
	b = append(b, value(typeCRC32C, "\x00\x00\x00\x00")...)
	binary.BigEndian.PutUint16(b[14:], uint16(len(b)-fixed))
	binary.BigEndian.PutUint32(b[len(b)-4:], checksum(b, len(b)-4))
	return b
}

var (
	block4    = []byte("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb")
	block6    = []byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\xff\xff")
	blockUnix = make([]byte, 216)
)

func TestParse(t *testing.T) {
	f := func(in string, want Header) {
		t.Helper()
		got, n, err := Parse([]byte(in + "GET"))
		if err != nil || n != len(in) || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %d, %v", in, got, n, err)
		}
	}
	f("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", four)
	f("PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 1 65535\r\n", six)
	f("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 56324 443\r\n", four)
	f("PROXY UNKNOWN\r\n", Header{})
	f("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", Header{})
	f("PROXY UNKNOWN  anything else\r\n", Header{})

	f(string(v2(0x21, 0x11, block4)), four)
	f(string(v2(0x21, 0x21, block6)), six)
	f(string(withChecksum(v2(0x21, 0x21, block6, value(typeNoop, "xyz")))), six)
	f(string(v2(0x21, 0x31, blockUnix)), Header{})
	f(string(v2(0x21, 0x12, block4)), Header{}) // UDP
	f(string(v2(0x21, 0x10, block4)), Header{})
	f(string(v2(0x21, 0x00)), Header{})
	f(string(v2(0x21, 0x00, []byte("?"))), Header{})
	f(string(v2(0x20, 0x00)), Header{Local: true})
	f(string(v2(0x20, 0xff, []byte("ignored"))), Header{Local: true})

	full := four
	full.ALPN, full.Authority, full.UniqueID = []byte("h2"), []byte("a.example"), []byte("id")
	values := [][]byte{block4, value(typeUniqueID, "id"), value(0xe0, "cloud"), value(typeALPN, "h2"), value(typeAuthority, "a.example")}
	f(string(v2(0x21, 0x11, values...)), full)
	f(string(withChecksum(v2(0x21, 0x11, values...))), full)
	f(string(v2(0x21, 0x11, block4, value(0xe0, strings.Repeat("x", MaxSize-fixed-12-3)))), four)
}

const typeNoop = 0x04

func TestRefused(t *testing.T) {
	f := func(in string, want error) {
		t.Helper()
		if h, n, err := Parse([]byte(in)); err != want || n != 0 || !reflect.DeepEqual(h, Header{}) {
			t.Errorf("%q: %+v, %d, %v; want %v", in, h, n, err, want)
		}
	}
	f("GET / HTTP/1.1\r\n", errNone)
	f("proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n", errNone)
	f("\r\n\r\n\r\n", errNone)
	f("\x16\x03\x01", errNone)

	f("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", errEnd)
	f("PROXY \n", errEnd)
	f("PROXY "+strings.Repeat("x", 101), errEnd)
	f("PROXY UNKNOWN"+strings.Repeat(" ", 93)+"\r\n", errEnd)
	f("PROXY \r\n", errFields)
	f("PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", errFields)
	f("PROXY TCP4\r\n", errFields)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", errFields)
	f("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", errFields)
	f("PROXY UNKNOWNS\r\n", errFields)
	f("PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n", errFields)
	f("PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n", errAddress)
	f("PROXY TCP4 ::1 ::2 1 2\r\n", errAddress)
	f("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", errAddress)
	f("PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n", errAddress)
	f("PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n", errAddress)
	f("PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n", errAddress)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n", errPort)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n", errPort)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n", errPort)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", errPort)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n", errPort)
	f("PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n", errPort)

	f(string(v2(0x11, 0x11, block4)), errVersion)
	f(string(v2(0x22, 0x11, block4)), errVersion)
	f(string(v2(0x21, 0x41, block4)), errFamily)
	f(string(v2(0x21, 0x13, block4)), errFamily)
	f(string(v2(0x21, 0x11, block4[:11])), errShort)
	f(string(v2(0x21, 0x31, block6)), errShort)
	f(string(v2(0x21, 0x11, block4, []byte("\x01\x00"))), errValue)
	f(string(v2(0x21, 0x11, block4, []byte("\x01\x00\x02x"))), errValue)
	f(string(v2(0x21, 0x11, block4, value(typeALPN, ""), value(typeALPN, "h2"))), errValue)
	f(string(v2(0x21, 0x11, block4, value(typeUniqueID, strings.Repeat("x", 129)))), errValue)
	f(string(v2(0x21, 0x11, block4, value(typeCRC32C, "abc"))), errValue)
	f(string(v2(0x21, 0x11, block4, value(typeCRC32C, "abcd"))), errChecksum)
	f(string(v2(0x21, 0x11, block4, value(0xe0, strings.Repeat("x", MaxSize)))[:fixed]), errSize)
}

func TestChecksumCoversAll(t *testing.T) {
	good := withChecksum(v2(0x21, 0x11, block4))
	for i := fixed; i < fixed+len(block4); i++ {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		if _, _, err := Parse(bad); err != errChecksum {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

func TestEveryBeginningWantsMore(t *testing.T) {
	h := four
	h.UniqueID = []byte("id")
	for _, whole := range [][]byte{h.AppendV1(nil), h.AppendV2(nil), withChecksum(six.AppendV2(nil)), []byte("PROXY UNKNOWN\r\n")} {
		for i := range whole {
			if _, n, err := Parse(whole[:i]); err != ErrMore || n != 0 {
				t.Errorf("%q: %d, %v", whole[:i], n, err)
			}
		}
	}
}

func TestAppend(t *testing.T) {
	f := func(h Header, want1 string, want2 []byte) {
		t.Helper()
		if got := h.AppendV1([]byte("x")); string(got) != "x"+want1 {
			t.Errorf("%q, want %q", got, want1)
		}
		if got := h.AppendV2([]byte("x")); string(got) != "x"+string(want2) {
			t.Errorf("%q, want %q", got, want2)
		}
	}
	f(four, "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", v2(0x21, 0x11, block4))
	f(six, "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", v2(0x21, 0x21, block6))
	f(Header{}, "PROXY UNKNOWN\r\n", v2(0x21, 0))
	f(Header{Local: true, Source: four.Source, Dest: four.Dest}, "PROXY UNKNOWN\r\n", v2(0x20, 0))
	f(Header{Source: four.Source}, "PROXY UNKNOWN\r\n", v2(0x21, 0))
	f(Header{Source: netip.MustParseAddrPort("[::ffff:192.0.2.1]:56324"), Dest: four.Dest}, "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", v2(0x21, 0x11, block4))

	zone := six
	zone.Source = netip.MustParseAddrPort("[2001:db8::1%eth0]:1")
	f(zone, "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", v2(0x21, 0x21, block6))

	long := four
	long.Authority, long.UniqueID = make([]byte, MaxSize), []byte("id")
	if got := long.AppendV2(nil); string(got) != string(v2(0x21, 0x11, block4, value(typeUniqueID, "id"))) {
		t.Errorf("too long a value: %q", got)
	}
}

func TestAppendMixed(t *testing.T) {
	mixed := Header{Source: four.Source, Dest: six.Dest}
	for _, b := range [][]byte{mixed.AppendV1(nil), mixed.AppendV2(nil)} {
		if got, _, err := Parse(b); err != nil || !reflect.DeepEqual(got, mixed) {
			t.Errorf("%q: %+v, %v", b, got, err)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	full := six
	full.ALPN, full.Authority, full.UniqueID = []byte("h2"), []byte("a.example"), []byte("id")
	line, binary, buf := full.AppendV1(nil), withChecksum(full.AppendV2(nil)), make([]byte, 0, MaxSize)
	f := func(what string, do func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	parse := func(b []byte) func() {
		return func() {
			if _, _, err := Parse(b); err != nil {
				t.Error(err)
			}
		}
	}
	f("parse version 1", parse(line))
	f("parse version 2", parse(binary))
	f("append version 1", func() { full.AppendV1(buf) })
	f("append version 2", func() { full.AppendV2(buf) })
}

// FuzzParse asks that a header is found whole or not at all, whatever follows it, and that what was
// read can be written and read again.
func FuzzParse(f *testing.F) {
	h := four
	h.ALPN, h.Authority, h.UniqueID = []byte("h2"), []byte("a.example"), []byte("id")
	for _, b := range [][]byte{h.AppendV1(nil), h.AppendV2(nil), six.AppendV1(nil), withChecksum(six.AppendV2(nil)), v2(0x21, 0x31, blockUnix), v2(0x20, 0)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Parse(b)
		if err != nil {
			if n != 0 || errors.Is(err, ErrMore) && len(b) >= MaxSize {
				t.Fatalf("%d, %v of %d bytes", n, err, len(b))
			}
			return
		}
		if n > len(b) || n > MaxSize || h.Source.IsValid() != h.Dest.IsValid() {
			t.Fatalf("%+v, %d of %d bytes", h, n, len(b))
		}
		if _, _, err := Parse(b[:n-1]); err != ErrMore {
			t.Fatalf("one byte less: %v", err)
		}
		if again, _, err := Parse(b[:n]); err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("without what follows: %+v, %v", again, err)
		}
		checkRoundTrip(t, h)
	})
}

func checkRoundTrip(t *testing.T, h Header) {
	if !h.known() {
		h = Header{Local: h.Local} // the values of an unknown connection are not sent
	}
	for _, v := range []*[]byte{&h.ALPN, &h.Authority, &h.UniqueID} {
		if len(*v) == 0 {
			*v = nil
		}
	}
	if got, _, err := Parse(h.AppendV2(nil)); err != nil || !reflect.DeepEqual(got, h) {
		t.Fatalf("version 2: %+v became %+v, %v", h, got, err)
	}
	plain := Header{Source: h.Source, Dest: h.Dest}
	if got, _, err := Parse(plain.AppendV1(nil)); err != nil || !reflect.DeepEqual(got, plain) {
		t.Fatalf("version 1: %+v became %+v, %v", plain, got, err)
	}
}

// FuzzAddress compares the parsers of addresses with net/netip's, which take the same apart from zones.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"::", "1::", "::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2::3", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "12345::", "::g", ":1:", "1:", ":", ":::", "1.2.3.4", "1.2.3", "01.2.3.4", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		if strings.Contains(s, "%") {
			want, err = netip.Addr{}, errAddress
		}
		if got, ok := parse4([]byte(s)); ok != (err == nil && want.Is4()) || ok && got != want {
			t.Fatalf("%q as IPv4: %v, %v; net/netip: %v, %v", s, got, ok, want, err)
		}
		if got, ok := parse6([]byte(s)); ok != (err == nil && want.Is6()) || ok && got != want {
			t.Fatalf("%q as IPv6: %v, %v; net/netip: %v, %v", s, got, ok, want, err)
		}
	})
}
