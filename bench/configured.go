//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// configured starts tain with a configuration that has ADDR for where it listens. Its admin API is on.
func (b *bench) configured(text string) (*server, error) {
	if b.tainErr != nil {
		return nil, b.tainErr
	}
	dir, err := os.MkdirTemp(b.dir, "tain-")
	if err != nil {
		return nil, err
	}
	addr, admin, file := freeAddr(), freeAddr(), filepath.Join(dir, "tain.yaml")
	if err := configure(file, addr, admin, text); err != nil {
		return nil, err
	}
	s, err := b.start("tain", addr, b.tainPath, "run", "-f", file)
	if err != nil {
		return nil, err
	}
	s.admin, s.file = admin, file
	return s, nil
}

// configure gives a running tain another configuration. It takes effect when tain hears of it.
func (s *server) configure(text string) error { return configure(s.file, s.addr, s.admin, text) }

func configure(file, addr, admin, text string) error {
	head := fmt.Sprintf("admin: %s\nloops: 1\ndata: {dir: %s}\n", admin, filepath.Join(filepath.Dir(file), "data"))
	return replaceFile(file, []byte(head+strings.ReplaceAll(text, "ADDR", addr)))
}
