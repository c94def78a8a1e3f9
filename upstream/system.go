package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"time"
)

// system looks names up as the machine says: in /etc/hosts first, then at the name servers of
// /etc/resolv.conf. Changes of the files count at once. Where there is no such file, and on darwin,
// which asks otherwise, it leaves names to package net.
type system struct {
	etcHosts   *watched[map[string][]netip.Addr]
	resolvConf *watched[resolvConf]
	port       uint16 // of name servers
	routable   func(netip.Addr) bool
	net        *net.Resolver
}

const (
	// hostsTTL is for how long a line of /etc/hosts holds: asking costs no more than a look at the
	// time of the file.
	hostsTTL = 5 * time.Second
	// netTTL is for how long an answer of package net holds, which does not say.
	netTTL = 30 * time.Second
)

func newSystem() *system {
	s := &system{
		etcHosts:   &watched[map[string][]netip.Addr]{path: "/etc/hosts", parse: parseHosts},
		resolvConf: &watched[resolvConf]{path: "/etc/resolv.conf", parse: parseResolvConf},
		port:       dnsPort,
		routable:   routable,
		net:        net.DefaultResolver,
	}
	if runtime.GOOS == "darwin" {
		s.resolvConf.path = ""
	}
	return s
}

func (s *system) lookups() lookups { return lookups{s.hosts, s.services} }

func (s *system) dns() (*dns, bool) {
	conf, err := s.resolvConf.load()
	return &dns{conf, s.port}, err == nil
}

// hosts looks up the addresses of a name.
func (s *system) hosts(ctx context.Context, name string) (hosts, error) {
	if ip, err := netip.ParseAddr(name); err == nil {
		return hosts{[]netip.Addr{ip}, maxTTL}, nil // a target of SRV records, against the rules
	}
	if etc, err := s.etcHosts.load(); err == nil && etc[name] != nil {
		return hosts{etc[name], hostsTTL}, nil
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return hosts{[]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, maxTTL}, nil // RFC 6761, section 6.3
	}
	h, err := s.ask(ctx, name)
	h.addrs = s.reachable(h.addrs)
	return h, err
}

func (s *system) ask(ctx context.Context, name string) (hosts, error) {
	if d, ok := s.dns(); ok {
		return d.hosts(ctx, name)
	}
	addrs, err := s.net.LookupNetIP(ctx, "ip", name)
	return hosts{addrs, netTTL}, notFound(err)
}

// services looks up the SRV records of a name.
func (s *system) services(ctx context.Context, name string) (services, error) {
	if d, ok := s.dns(); ok {
		return d.services(ctx, name)
	}
	_, found, err := s.net.LookupSRV(ctx, "", "", name)
	var records []service
	for _, r := range found {
		if host := strings.ToLower(strings.TrimSuffix(r.Target, ".")); host != "" {
			records = append(records, service{host: host, port: r.Port, priority: r.Priority, weight: r.Weight})
		}
	}
	if err == nil && records == nil {
		err = errNoName
	}
	return services{records, netTTL}, notFound(err)
}

// notFound returns [errNoName] where package net says that a name is not there.
func notFound(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return errNoName
	}
	return err
}

// reachable leaves out the addresses to which this machine has no route, while it has one to others:
// those of version 6, where only names know of it.
func (s *system) reachable(addrs []netip.Addr) []netip.Addr {
	var some []netip.Addr
	for _, a := range addrs {
		if s.routable(a) {
			some = append(some, a)
		}
	}
	if some == nil {
		return addrs
	}
	return some
}

// routable says whether the machine has a route. Connecting a datagram socket sends nothing.
func routable(a netip.Addr) bool {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 9)))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
