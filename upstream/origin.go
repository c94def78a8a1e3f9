package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
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

	places []place                        // guarded by the cluster's mu
	err    atomic.Pointer[error]          // of the last look-up
	tlses  [2]atomic.Pointer[credentials] // by protocol; none before they were loaded
	follow follower
}

// credentials are a TLS configuration, or why there is none.
type credentials struct {
	conf *tls.Config
	err  error
}

// protocols are those that a connection to an upstream is secured for.
var protocols = [2]string{"http/1.1", "h2"}

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
	for i := range protocols {
		if protocols[i] == protocol {
			if c := o.tlses[i].Load(); c != nil {
				return c.conf, c.err
			}
		}
	}
	return nil, fmt.Errorf("TLS for %s with the protocol %s is not ready", o.host, protocol)
}

// loadTLS loads what secures connections, as far as it is not there, and says whether all is there
// then. It may read files.
func (c *Cluster) loadTLS() bool {
	all := true
	for _, o := range c.origins {
		for i := range protocols {
			before := o.tlses[i].Load()
			if before != nil && before.err == nil {
				continue
			}
			conf, err := c.secure(o.host, protocols[i])
			o.tlses[i].Store(&credentials{conf, err})
			all = all && err == nil
			if before == nil && err != nil {
				c.log.Error("connections to an upstream can't be secured", "host", o.host, "error", err)
			} else if before != nil && err == nil {
				c.log.Info("connections to an upstream can be secured now", "host", o.host)
			}
		}
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
