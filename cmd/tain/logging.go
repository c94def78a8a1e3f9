package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"tain.dev/tain/config"
)

// logQueue is how many lines may wait for a slow log before further ones are dropped.
const logQueue = 1024

// logWriter hands lines to a goroutine of its own, so that a full disk or a pipe that nobody reads
// can't hold anybody up. Lines that find no room are counted, and told of later.
type logWriter struct {
	out     io.Writer
	lines   chan []byte
	done    chan struct{}
	dropped atomic.Uint64
	failed  bool
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, lines: make(chan []byte, logQueue), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *logWriter) Write(p []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), p...):
	default:
		w.dropped.Add(1)
	}
	return len(p), nil
}

func (w *logWriter) run() {
	defer close(w.done)
	for line := range w.lines {
		w.write(line)
		if n := w.dropped.Swap(0); n > 0 {
			w.write(fmt.Appendf(nil, "tain: %d log lines were dropped: whatever stderr leads to takes them too slowly\n", n))
		}
	}
}

// write tells of a log that can't be written where a person may see it, once.
func (w *logWriter) write(line []byte) {
	_, err := w.out.Write(line)
	if err == nil || w.failed {
		return
	}
	w.failed = true
	if term.IsTerminal(int(os.Stdout.Fd())) {
		fmt.Fprintf(os.Stdout, "tain: writing the log to stderr: %v; free the disk, or send stderr elsewhere. Traffic goes on.\n", err)
	}
}

// close writes what waits, for a second at most.
func (w *logWriter) close() {
	close(w.lines)
	select {
	case <-w.done:
	case <-time.After(time.Second):
	}
}

func newLogger(cfg config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		panic("BUG: a checked configuration has a bad log level: " + err.Error())
	}
	options := &slog.HandlerOptions{Level: level}
	json := cfg.Format == "json" || cfg.Format == "auto" && !term.IsTerminal(int(os.Stderr.Fd()))
	if json {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
