//go:build linux

package main

import (
	"flag"
	"os"

	"tain.dev/tain/test/faulty"
)

// role is what a process of this program is for, when another one has started it: so that its
// processor time, memory and descriptors are its own. The zero role is to measure.
type role struct {
	faulty string // be a target that misbehaves in this mode
	origin bool   // be an [origin]
	crowd  string // be a [crowd] at this address
	size   int    // of the crowd
	listen string
}

func (r *role) flags(f *flag.FlagSet) {
	f.StringVar(&r.faulty, "faulty", "", "serve as a misbehaving target in this mode; this and the following flags are for the bench itself")
	f.BoolVar(&r.origin, "origin", false, "serve bodies and their digests")
	f.StringVar(&r.crowd, "crowd-at", "", "be a crowd of connections to this address")
	f.IntVar(&r.size, "crowd-size", 1, "connections of the crowd")
	f.StringVar(&r.listen, "role-listen", "127.0.0.1:0", "where such a process listens")
}

// play does what the role is for. It reports false for the zero role.
func (r *role) play() (bool, error) {
	switch {
	case r.faulty != "":
		return true, serveFaulty(r.faulty, r.listen)
	case r.origin:
		return true, serveOrigin(r.listen)
	case r.crowd != "":
		return true, serveCrowd(r.crowd, r.size, r.listen)
	}
	return false, nil
}

// self starts this program in a role, and waits until it listens.
func (b *bench) self(name string, args ...string) (*server, error) {
	addr := freeAddr()
	argv, err := selfCommand(addr, args...)
	if err != nil {
		return nil, err
	}
	return b.start(name, addr, argv...)
}

func selfCommand(addr string, args ...string) ([]string, error) {
	path, err := os.Executable()
	return append([]string{path, "-role-listen", addr}, args...), err
}

// faulty starts a target that misbehaves.
func (b *bench) faulty(mode string) (*server, error) {
	if mode != "refuse" {
		return b.self("faulty-"+mode, "-faulty", mode)
	}
	addr := freeAddr()
	argv, err := selfCommand(addr, "-faulty", mode)
	if err != nil {
		return nil, err
	}
	s, err := startServer(b.dir, "faulty-"+mode, addr, argv...) // never accepts: nothing to wait for
	if err != nil {
		return nil, err
	}
	b.servers = append(b.servers, s)
	return s, nil
}

// serveFaulty is the process of [bench.faulty].
func serveFaulty(mode, addr string) error {
	if _, err := faulty.Listen(addr, mode); err != nil {
		return err
	}
	select {} // until killed, or until the bench dies
}
