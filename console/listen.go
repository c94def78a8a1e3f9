package console

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Listen opens the addresses of the configuration, so that a mistake shows before traffic is
// served. On an error nothing stays open.
func (c *Console) Listen() error {
	var err error
	if c.admin, err = listen("--admin", c.cfg.Admin); err != nil {
		return err
	}
	if c.health, err = listen("--health", c.cfg.Health); err != nil {
		if c.admin != nil {
			c.admin.Close()
		}
		return err
	}
	if c.admin != nil && !loopback(c.admin.Addr()) {
		c.log.Warn("the admin API has no passwords, and more than this machine can reach it; "+
			"use a loopback address with --admin, and --health for probes and scrapers",
			"admin", c.admin.Addr().String())
	}
	return nil
}

// AdminAddr is the address that the admin API listens on, nil when there is none.
func (c *Console) AdminAddr() net.Addr { return addrOf(c.admin) }

// HealthAddr is the address of the health listener, nil when there is none.
func (c *Console) HealthAddr() net.Addr { return addrOf(c.health) }

func addrOf(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

// listen opens addr, unless that is "". Errors name the flag and what to do.
func listen(flag, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	advice := fmt.Sprintf("choose another with %s, or %s off", flag, flag)
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return nil, fmt.Errorf("%s %s: %w; %s", flag, addr, err, advice)
	}
	switch errno {
	case syscall.EADDRINUSE:
		advice = "another tain? " + advice
	case syscall.EADDRNOTAVAIL:
		advice = "this machine has no such address; " + advice
	case syscall.EACCES:
		advice = "ports below 1024 need a privilege; " + advice
	case syscall.EMFILE, syscall.ENFILE:
		advice = "raise the limit of open files (ulimit -n)"
	}
	return nil, fmt.Errorf("%s %s: %w; %s", flag, addr, errno, advice)
}

func loopback(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
