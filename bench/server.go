//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// server is a child process, with the processes that it started itself.
type server struct {
	name  string
	addr  string
	admin string // address of tain's admin API; "" where it is off, and of others
	file  string // tain's configuration; "" where it has none, and of others
	cmd   *exec.Cmd
	log   string
	done  chan struct{} // closed when the process ended
}

func startServer(dir, name, addr string, argv ...string) (*server, error) {
	log, err := os.CreateTemp(dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{name: name, addr: addr, cmd: exec.Command(argv[0], argv[1:]...), log: log.Name(), done: make(chan struct{})}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, log, log
	// A group of its own, so that an interrupt at the terminal leaves the stopping to the bench.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		s.cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// wait returns when the server accepts connections.
func (s *server) wait(ctx context.Context, limit time.Duration) error {
	until := time.After(limit)
	for {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			c.Close()
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("%s ended: %s", s.name, s.tail())
		case <-until:
			return fmt.Errorf("%s does not listen on %s after %v: %s", s.name, s.addr, limit, s.tail())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tail is the end of what the server said.
func (s *server) tail() string {
	text, _ := os.ReadFile(s.log)
	return string(text[max(0, len(text)-400):])
}

// stop ends the server: first by asking, then by force.
func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(time.Second):
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	}
}

// cpu is the processor time, user and system, that the server and its workers have spent.
func (s *server) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range s.pids() {
		// The clock of another process, as clock_getcpuclockid(3) makes it; in nanoseconds.
		var ts unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
			return 0, fmt.Errorf("reading the CPU time of %s: %w", s.name, err)
		}
		sum += time.Duration(ts.Nano())
	}
	return sum, nil
}

// resident is a field of /proc/PID/status, VmRSS or VmHWM, in bytes, of the server alone.
func (s *server) resident(field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of %s: %w: %s", s.name, err, s.tail())
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("reading the memory of %s: no %s", s.name, field)
}

// pids is the server's process and its children: nginx and HAProxy work in a child.
func (s *server) pids() []int {
	pids := []int{s.cmd.Process.Pid}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // ended meanwhile
		}
		// The second field, the command, may hold anything; it ends with the last parenthesis.
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(s.cmd.Process.Pid) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}
