package upstream

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// origin is where servers of an upstream come from: a host of its URL, a socket, or SRV records.
type origin struct {
	host string // the name that its servers are asked for, and that is in their certificates
	name string // to look up; "" is nothing
	port uint16 // none with srv
	srv  bool   // name is one of SRV records

	places []place               // guarded by the cluster's mu
	err    atomic.Pointer[error] // of the last look-up
	secure atomic.Pointer[secure]
	follow follower
}

// secure is the TLS configuration for each protocol, or why there is none.
type secure struct {
	http1, http2 *tls.Config
	err          error
}

// originsOf returns the origins of a URL, one at least. Addresses and sockets have their place at
// once.
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
			o.name = ""
			o.places = []place{{addr: tcp(ip, h.Port), origin: o, weight: 1}}
		}
		origins[i] = o
	}
	return origins
}

func tcp(ip netip.Addr, port uint16) netloop.Addr {
	return netloop.Addr{AddrPort: netip.AddrPortFrom(ip.Unmap(), port)}
}

// serviceHost is the name of SRV records without the labels of the service, such as _http._tcp. It is
// the name that certificates are for (RFC 6125, section 6.2.1).
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

// authority is what the origin's servers are called in a request.
func (o *origin) authority(secure bool) string {
	usual := uint16(80)
	if secure {
		usual = 443
	}
	if o.port == 0 || o.port == usual {
		if strings.Contains(o.host, ":") {
			return "[" + o.host + "]"
		}
		return o.host
	}
	return net.JoinHostPort(o.host, strconv.Itoa(int(o.port)))
}

// tls returns the configuration for a protocol.
func (o *origin) tls(protocol string) (*tls.Config, error) {
	s := o.secure.Load()
	switch {
	case s == nil:
		return nil, errNoTLS
	case s.err != nil:
		return nil, s.err
	case protocol == protocolHTTP2:
		return s.http2, nil
	}
	return s.http1, nil
}

// The protocols, as ALPN calls them.
const (
	protocolHTTP1 = "http/1.1"
	protocolHTTP2 = "h2"
)

// loadTLS loads what secures connections, as far as it is not there, and says whether all is there
// then. It may read files.
func (c *Cluster) loadTLS() bool {
	all := true
	for _, o := range c.origins {
		before := o.secure.Load()
		if before != nil && before.err == nil {
			continue
		}
		now := &secure{}
		if now.http1, now.err = c.secure(o.host, protocolHTTP1); now.err == nil {
			now.http2, now.err = c.secure(o.host, protocolHTTP2)
		}
		o.secure.Store(now)
		if now.err != nil && before == nil {
			c.log.Error("connections to an upstream can't be secured", "host", o.host, "error", now.err)
		} else if now.err == nil && before != nil {
			c.log.Info("connections to an upstream can be secured now", "host", o.host)
		}
		all = all && now.err == nil
	}
	return all
}

// tlsRetry is when files that could not be loaded are tried again.
const tlsRetry = 5 * time.Second

// keepTLS loads what could not be loaded at first.
func (c *Cluster) keepTLS(ctx context.Context) {
	for !c.loadTLS() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(tlsRetry):
		}
	}
}
