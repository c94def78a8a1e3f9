//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// startup measures the time from starting tain to its first answer.
func (b *bench) startup() error {
	live, err := b.upstream("live")
	if err != nil {
		return err
	}
	if b.tainErr != nil {
		return b.tainErr
	}
	var took []float64
	for range b.starts {
		addr := freeAddr()
		began := time.Now()
		s, err := startServer(b.dir, "tain", addr, b.tainCommand(addr, live.addr, "--to", "http://"+live.addr)...)
		if err != nil {
			return err
		}
		b.servers = append(b.servers, s)
		for !answers(addr) {
			if time.Since(began) > 10*time.Second {
				return fmt.Errorf("tain gave no answer for 10 s: %s", s.tail())
			}
			if err := b.pause(200 * time.Microsecond); err != nil {
				return err
			}
		}
		took = append(took, time.Since(began).Seconds()*1e3)
		b.stop(s)
	}
	b.report.add(row{What: "from exec to the first answer", Measured: middle("ms", took), Limit: limit{Must: 50}, Note: fmt.Sprintf("%d starts", b.starts)})
	return nil
}

// answers says whether a request to addr is answered with 200.
func answers(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	return get(c) == nil
}

// get asks once and leaves the connection open.
func get(c net.Conn) error {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(c, 1024), nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered with %s", answer.Status)
	}
	return nil
}

// idle measures what an idle keep-alive connection costs.
func (b *bench) idle() error {
	if err := descriptors(b.idleConns); err != nil {
		return err
	}
	live, err := b.upstream("live")
	if err != nil {
		return err
	}
	s, err := b.tain(live.addr, "--to", "http://"+live.addr)
	if err != nil {
		return err
	}
	before, err := s.resident("VmRSS")
	if err != nil {
		return err
	}
	for i := range b.idleConns {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		defer c.Close()
		if err := get(c); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	if err := b.pause(3 * time.Second); err != nil {
		return err
	}
	after, err := s.resident("VmRSS")
	if err != nil {
		return err
	}
	each := float64(after-before) / float64(b.idleConns) / 1024
	b.report.add(row{What: "resident memory per connection", Measured: single(each, "KiB"), Limit: limit{Must: 8, Aim: 2},
		Note: fmt.Sprintf("%d connections, each made one request: %.1f MiB, %.1f MiB before", b.idleConns, float64(after)/(1<<20), float64(before)/(1<<20))})
	return nil
}

// descriptors says whether n connections are possible here.
func descriptors(n int) error {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	if files.Cur < uint64(n)+200 {
		return fmt.Errorf("%d connections need as many descriptors, the limit is %d; raise it with ulimit -n, or ask for fewer with -idle or -crowd", n, files.Cur)
	}
	return nil
}

var benchLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op.*?(\d+) B/op\s+(\d+) allocs/op`)

// goBenchmarks quotes the benchmarks that lie beside the hot path's code.
func (b *bench) goBenchmarks() error {
	for _, pkg := range []string{"route", "proxy", "mirror", "analyze/compare"} {
		out, err := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", "200ms", "./"+pkg).CombinedOutput()
		if err != nil {
			b.report.note(fmt.Sprintf("%s: %v: %.300s", pkg, err, out))
			continue
		}
		for line := range strings.Lines(string(out)) {
			if r, ok := parseBench(pkg, line); ok {
				b.report.add(r)
			}
		}
	}
	b.report.note("Asked: a look-up among 10,000 routes takes at most 1 µs, no allocation, and twice the time of 100 routes; a request allocates nothing plain and twice at most when mirrored.")
	return nil
}

// parseBench reads one line of go test -bench -benchmem.
func parseBench(pkg, line string) (row, bool) {
	m := benchLine.FindStringSubmatch(line)
	if m == nil {
		return row{}, false
	}
	ns, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return row{}, false
	}
	return row{What: pkg + ": " + m[1], Measured: single(ns, "ns"), Note: m[4] + " allocations, " + m[3] + " bytes"}, true
}
