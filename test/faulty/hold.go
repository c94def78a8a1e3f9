package faulty

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"
)

// port is a bound socket that does not listen: the kernel refuses whoever connects to it, and
// gives its number to nobody else. A port that was merely closed could be taken by anyone.
type port struct {
	addr string
	fd   int
}

func hold(addr string) (*port, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%w; use an IP address and a port", err)
	}
	family, sa := socketAddr(ap)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	p := &port{fd: fd}
	syscall.CloseOnExec(fd)
	if err := syscall.Bind(fd, sa); err != nil {
		p.Close()
		return nil, os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		p.Close()
		return nil, os.NewSyscallError("getsockname", err)
	}
	p.addr = netip.AddrPortFrom(ap.Addr(), boundPort(bound)).String()
	return p, nil
}

// Close gives the port back.
func (p *port) Close() error { return syscall.Close(p.fd) }

func socketAddr(ap netip.AddrPort) (family int, sa syscall.Sockaddr) {
	if ap.Addr().Is4() {
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
}

func boundPort(sa syscall.Sockaddr) uint16 {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return uint16(sa.Port)
	case *syscall.SockaddrInet6:
		return uint16(sa.Port)
	}
	panic("BUG: a TCP socket is bound to an address that is not TCP's")
}
