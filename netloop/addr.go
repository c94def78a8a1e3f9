package netloop

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// unixScheme is before the path of a Unix socket where a host and port could stand.
const unixScheme = "unix:"

// Addr is where to connect to: an address and a port, or the path of a Unix socket.
type Addr struct {
	netip.AddrPort
	Path string // of a Unix socket; empty for TCP
}

// String is "address:port", or "unix:" and the path.
func (a Addr) String() string {
	if a.Path != "" {
		return unixScheme + a.Path
	}
	return a.AddrPort.String()
}

// sockaddr is a in the system's form.
func (a Addr) sockaddr() (family int, sa unix.Sockaddr) {
	switch {
	case a.Path != "":
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: a.Path}
	case a.Addr().Is4():
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// addrPort is the address of a TCP socket, and the zero AddrPort of any other.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// checkPath refuses what is no path of a Unix socket.
func checkPath(path string) error {
	switch longest := len(unix.RawSockaddrUnix{}.Path) - 1; {
	case path == "" || path[0] == '@':
		return fmt.Errorf("%q is no path of a Unix socket; write %s/path/of.sock", path, unixScheme)
	case len(path) > longest:
		return fmt.Errorf("the path has %d bytes; that of a Unix socket has at most %d", len(path), longest)
	}
	return nil
}
