package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// output is the file. Apart from the counters, takeError and close it belongs to one goroutine.
type output struct {
	path string // "" if it can't be opened anew
	torn bool   // the last byte in the file is not the end of a line

	written, lost atomic.Uint64 // lines

	mu   sync.Mutex
	file *os.File // changed under mu, so that close finds it
	err  error    // the last one that nobody took
}

func open(path string) (*output, error) {
	var std *os.File
	switch path {
	case "":
		return nil, errors.New("no path; use a file's, stdout or stderr")
	case "-", "stdout":
		std = os.Stdout
	case "stderr":
		std = os.Stderr
	default:
		file, err := openFile(path)
		return &output{path: path, file: file}, err
	}
	file, err := duplicate(std)
	return &output{file: file}, err
}

// openFile opens a file to append to. It never waits for somebody to read from a pipe.
func openFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("%w: it is a pipe that nobody reads", err)
	}
	return file, err
}

// duplicate returns another descriptor of a standard stream: writing to number 1 or 2 when the reader
// is gone would end the process with SIGPIPE.
func duplicate(std *os.File) (*os.File, error) {
	conn, err := std.SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	var dupErr error
	err = conn.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var dup int
		if dup, dupErr = syscall.Dup(int(fd)); dupErr == nil {
			syscall.CloseOnExec(dup)
			file = os.NewFile(uintptr(dup), std.Name())
		}
	})
	return file, errors.Join(err, os.NewSyscallError("dup", dupErr))
}

// write writes whole lines. What does not get into the file is lost: newer lines will come.
func (o *output) write(lines []byte) {
	n, err := 0, error(nil)
	if o.torn {
		_, err = o.file.Write([]byte("\n"))
	}
	if err == nil {
		o.torn = false
		n, err = o.file.Write(lines)
	}
	if n > 0 {
		o.torn = lines[n-1] != '\n'
	}
	o.written.Add(count(lines[:n]))
	if err != nil {
		o.lost.Add(count(lines[n:]))
		o.keepError(err)
	}
}

func count(lines []byte) uint64 { return uint64(bytes.Count(lines, []byte("\n"))) }

// reopen goes on with the file that has the path now, or with the one that is open if there is none.
func (o *output) reopen() {
	if o.path == "" {
		return
	}
	file, err := openFile(o.path)
	if err != nil {
		o.keepError(fmt.Errorf("opening the access log anew, it goes on in the old file: %w", err))
		return
	}
	o.file.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.file, o.torn = file, false
}

// close ends a write that waits, on most kinds of files.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.file.Close()
}

func (o *output) keepError(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

func (o *output) takeError() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.err
	o.err = nil
	return err
}
