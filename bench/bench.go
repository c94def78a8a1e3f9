//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// connections is how many keep-alive connections every load has.
const connections = 32

// bench holds what the sections share: the live upstream, a healthy mirror target, and tain.
type bench struct {
	options
	ctx      context.Context
	dir      string // for configurations, logs and data; removed at the end
	servers  []*server
	report   report
	tainPath string
	tainErr  error // why there is no tainPath
}

// newBench checks for the programs that every section needs, and builds tain.
func newBench(ctx context.Context, o options) (*bench, error) {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	if err := installed("nginx", "wrk"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tain-bench-")
	if err != nil {
		return nil, err
	}
	// nginx's worker runs as another user, and must reach its folder for temporary files.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	b := &bench{options: o, ctx: ctx, dir: dir, tainPath: o.binary}
	if b.tainPath == "" {
		b.tainPath = filepath.Join(dir, "tain")
		if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.tainPath, "./cmd/tain").CombinedOutput(); err != nil {
			b.tainErr = fmt.Errorf("building ./cmd/tain: %w: %.300s", err, out)
			fmt.Fprintln(os.Stderr, "bench:", b.tainErr)
		}
	}
	return b, nil
}

// installed says which of these programs is missing.
func installed(programs ...string) error {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s: %w; on Debian: apt-get install nginx-light wrk nghttp2-client haproxy", p, errNotInstalled)
		}
	}
	return nil
}

// close ends every process that the bench started, and removes its folder.
func (b *bench) close() {
	b.stopAll()
	os.RemoveAll(b.dir)
}

func (b *bench) stopAll() {
	for _, s := range slices.Backward(b.servers) {
		s.stop()
	}
	b.servers = nil
}

// stop ends one server before its section does.
func (b *bench) stop(s *server) {
	s.stop()
	b.servers = slices.DeleteFunc(b.servers, func(o *server) bool { return o == s })
}

// start starts a program that will listen on addr, and waits until it does.
func (b *bench) start(name, addr string, argv ...string) (*server, error) {
	s, err := startServer(b.dir, name, addr, argv...)
	if err != nil {
		return nil, err
	}
	b.servers = append(b.servers, s)
	return s, s.wait(b.ctx, 10*time.Second)
}

// tain starts tain in front of live with one loop, and args.
func (b *bench) tain(live string, args ...string) (*server, error) {
	if b.tainErr != nil {
		return nil, b.tainErr
	}
	addr := freeAddr()
	return b.start("tain", addr, b.tainCommand(addr, live, args...)...)
}

// watchedTain starts tain as [bench.tain] does, with its admin API on.
func (b *bench) watchedTain(live string, args ...string) (*server, error) {
	admin := freeAddr()
	s, err := b.tain(live, append(args, "--admin", admin)...)
	if err != nil {
		return nil, err
	}
	s.admin = admin
	return s, nil
}

func (b *bench) tainCommand(addr, live string, args ...string) []string {
	return append([]string{b.tainPath, "mirror", "--listen", addr, "--live", "http://" + live,
		"--loops", "1", "--admin", "off", "--data", filepath.Join(b.dir, "data-"+addr)}, args...)
}

// pause waits for d or the end of the run.
func (b *bench) pause(d time.Duration) error {
	select {
	case <-b.ctx.Done():
		return b.ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// errNotInstalled marks a peer that this machine does not have.
var errNotInstalled = errors.New("not installed")

// freeAddr is a loopback address that nobody listens on.
func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("BUG: no free loopback port: " + err.Error())
	}
	defer l.Close()
	return l.Addr().String()
}
