package upstream

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// origin is where servers of an upstream come from: a host of its URL, a socket, or SRV records.
type origin struct {
	host string // the name that its servers are asked for, and that their certificates are for
	name string // to look up; "" if there is nothing to look up
	port uint16
	srv  bool

	places []place // guarded by the cluster's mu
	err    atomic.Pointer[error]
	secure [2]atomic.Pointer[tls.Config] // by protocol
}

// originsOf returns the origins of a URL. Addresses and sockets have their places at once.
func originsOf(a route.Address) []*origin {
	switch {
	case a.Path != "":
		o := &origin{host: "localhost"}
		o.places = []place{{addr: netloop.Addr{Path: a.Path}, origin: o, weight: 1}}
		return []*origin{o}
	case a.SRV:
		return []*origin{{host: serviceHost(a.Host), name: a.Host, srv: true}}
	}
	origins := make([]*origin, len(a.Hosts))
	for i, h := range a.Hosts {
		host := strings.Trim(h.Host, "[]")
		o := &origin{host: host, name: host, port: h.Port}
		if ip, err := netip.ParseAddr(host); err == nil {
			o.name, o.places = "", []place{o.place(ip)}
		}
		origins[i] = o
	}
	return origins
}

// serviceHost is the name of SRV records without the labels that say which service it is, such as
// _http._tcp: the name that certificates are for (RFC 6125, section 6.2.1).
func serviceHost(name string) string {
	for strings.HasPrefix(name, "_") {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			break
		}
		name = rest
	}
	return name
}

func (o *origin) place(ip netip.Addr) place {
	return place{addr: netloop.Addr{AddrPort: netip.AddrPortFrom(ip.Unmap(), o.port)}, origin: o, weight: 1}
}

// tls returns the configuration for a protocol.
func (o *origin) tls(protocol string) (*tls.Config, error) {
	if conf := o.secure[0].Load(); conf != nil {
		return conf, nil
	}
	return nil, errors.New("TLS to upstreams is not there yet")
}
