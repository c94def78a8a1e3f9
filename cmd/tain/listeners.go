package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"tain.dev/tain/config"
	"tain.dev/tain/netloop"
	"tain.dev/tain/proxy"
	"tain.dev/tain/tlsconf"
)

// listeners are the sockets that live traffic is taken from. They follow the configuration: an address
// that it names no more is closed, and one that it names in another way begins its next connections
// so.
type listeners struct {
	certs *tlsconf.Store
	proxy *proxy.Proxy

	mu   sync.Mutex // guards open
	open []*listener
}

type listener struct {
	address string
	socket  *netloop.Listener
	entry   atomic.Pointer[proxy.Entry]
}

// moves are the addresses of listeners that a configuration changed.
type moves struct{ opened, changed, closed []string }

// set makes the listeners those of the configuration, and says what that changed. Where one can't be
// had, nothing changes.
func (l *listeners) set(next []config.Listener) (m moves, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := make([]*proxy.Entry, len(next))
	for i := range next {
		entry, err := l.entry(&next[i])
		if err != nil {
			return m, err
		}
		entries[i] = entry
	}
	var kept, fresh []*listener
	for i := range next {
		now := l.find(next[i].Address)
		if now == nil {
			socket, err := netloop.Listen(next[i].Address)
			if err != nil {
				closeAll(fresh)
				return m, environment(fmt.Errorf("--listen %s: %w", next[i].Address, cause(err)), listenHint(err))
			}
			now = &listener{address: next[i].Address, socket: socket}
			fresh = append(fresh, now)
		}
		kept = append(kept, now)
	}
	for i, now := range kept {
		if old := now.entry.Swap(entries[i]); old != nil && *old != *entries[i] {
			m.changed = append(m.changed, addrOf(now.socket.Addr()))
		}
	}
	for _, now := range fresh {
		l.proxy.Listen(now.socket, now.entry.Load)
	}
	m.opened, m.closed = addrsOf(fresh), l.closeOthers(kept)
	l.open = kept
	return m, nil
}

// cause is an error of package net without the address, which whoever reports it has said.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}

func (l *listeners) find(address string) *listener {
	for _, now := range l.open {
		if now.address == address {
			return now
		}
	}
	return nil
}

// closeOthers closes the sockets that are not kept, and returns their addresses.
func (l *listeners) closeOthers(kept []*listener) (closed []string) {
	for _, now := range l.open {
		if !slices.Contains(kept, now) {
			closed = append(closed, addrOf(now.socket.Addr()))
			l.proxy.Unlisten(now.socket)
			now.socket.Close()
		}
	}
	return closed
}

func closeAll(all []*listener) {
	for _, l := range all {
		l.socket.Close()
	}
}

// entry says how the connections of a listener begin.
func (l *listeners) entry(c *config.Listener) (*proxy.Entry, error) {
	e := &proxy.Entry{ProxyProtocol: c.ProxyProtocol, NoHTTP2: c.HTTP2 != nil && !*c.HTTP2}
	if c.TLS == nil {
		return e, nil
	}
	conf := tlsconf.Listener{
		MinVersion: c.TLS.MinVersion,
		ALPN:       c.TLS.ALPN,
		ClientCA:   c.TLS.ClientCA,
		ClientAuth: c.TLS.ClientAuth,
	}
	if e.NoHTTP2 && len(conf.ALPN) == 0 {
		conf.ALPN = []string{"http/1.1"}
	}
	for _, pair := range c.TLS.Certificates {
		conf.Certificates = append(conf.Certificates, tlsconf.Pair{Cert: pair.Cert, Key: pair.Key})
	}
	var err error
	if e.TLS, err = l.certs.Server(conf); err != nil {
		return nil, environment(fmt.Errorf("TLS of the listener %s: %w", c.Address, err), "")
	}
	return e, nil
}

// addrs are the addresses as they are, with the ports that the system chose.
func (l *listeners) addrs() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return addrsOf(l.open)
}

func addrsOf(all []*listener) (addrs []string) {
	for _, l := range all {
		addrs = append(addrs, addrOf(l.socket.Addr()))
	}
	return addrs
}

func addrOf(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return a.String()
}

// close closes the sockets. The loops run.
func (l *listeners) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closeOthers(nil)
	l.open = nil
}

// keptListeners says of listeners that could not be changed what still holds.
func keptListeners(err error) error {
	var e *exitError
	if errors.As(err, &e) && e.hint != "" {
		err = fmt.Errorf("%w (%s)", e.err, e.hint)
	}
	return fmt.Errorf("the listeners stay as they are: %w", err)
}
