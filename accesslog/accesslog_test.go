package accesslog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/test/wire"
)

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// start runs a log of $route until stop is called, or the test ends.
func start(t testing.TB, cfg Config) (l *Log, stop func()) {
	t.Helper()
	cfg.Format, cfg.Lanes = "$route", max(cfg.Lanes, 1)
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return l, stop
}

func route(name string) *Entry { return &Entry{Route: name} }

func TestLinesReachTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, Config{Path: file, Lanes: 2})
		f := func(wait time.Duration, want string) {
			t.Helper()
			time.Sleep(wait) // of the fake clock
			synctest.Wait()
			if got := readFile(t, file); got != want {
				t.Errorf("the file has %q, want %q", got, want)
			}
		}
		f(time.Hour, "")
		l.Add(0, route("a"))
		l.Add(1, route("b"))
		l.Add(0, route("c"))
		f(pause-1, "")
		f(1, "a\nc\nb\n")
		l.Add(1, route("d"))
		f(pause, "a\nc\nb\nd\n")
		l.Add(0, route("e"))
		stop()
		f(0, "a\nc\nb\nd\ne\n")
		if l.Written() != 5 || l.Lost() != 0 {
			t.Errorf("%d written, %d lost", l.Written(), l.Lost())
		}
	})
}

func TestHalfFullLaneIsWrittenAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, Config{Path: file, Buffer: leastBuffer})
		line := strings.Repeat("x", 1023)
		for range 32 {
			l.Add(0, route(line))
		}
		synctest.Wait()
		if got := len(readFile(t, file)); got != 32<<10 {
			t.Errorf("%d bytes are written", got)
		}
		stop()
	})
}

func TestAppends(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, stop := start(t, Config{Path: file})
	l.Add(0, route("a"))
	stop()
	if got := readFile(t, file); got != "before\na\n" {
		t.Errorf("%q", got)
	}
}

func TestNewFileIsNotForAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	start(t, Config{Path: file})
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	file, old := filepath.Join(dir, "log"), filepath.Join(dir, "log.1")
	var warned atomic.Value
	l, stop := start(t, Config{Path: file, Warn: func(lost uint64, err error) { warned.Store(err.Error()) }})
	l.Add(0, route("a"))
	wire.Until(t, "a", func() bool { return l.Written() == 1 })
	if err := os.Rename(file, old); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	wire.Until(t, "a new file", func() bool { _, err := os.Stat(file); return err == nil })
	l.Add(0, route("b"))
	wire.Until(t, "b", func() bool { return l.Written() == 2 })

	// What can't be opened changes nothing.
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o755)); err != nil {
		t.Fatal(err)
	}
	kept := l.out.file
	l.Reopen()
	l.Add(0, route("c"))
	wire.Until(t, "c", func() bool { return l.Written() == 3 })
	stop()
	if text, _ := warned.Load().(string); !strings.Contains(text, "it goes on in the old file: open "+file) {
		t.Errorf("warned of %q", text)
	}
	if got := readFile(t, old); got != "a\n" || l.out.file != kept {
		t.Errorf("the old file has %q", got)
	}
}

// TestFullDisk logs to a device that is always full, and then to a file.
func TestFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.Symlink("/dev/full", file); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	synctest.Test(t, func(t *testing.T) {
		var warnings []string
		l, stop := start(t, Config{Path: file, Warn: func(lost uint64, err error) {
			warnings = append(warnings, strconv.FormatUint(lost, 10)+" "+err.Error())
		}})
		for range 300 { // five minutes
			l.Add(0, route("a"))
			time.Sleep(time.Second) // of the fake clock
		}
		synctest.Wait()
		if len(warnings) < 4 || len(warnings) > 6 || warnings[1] != "60 write "+file+": no space left on device" {
			t.Errorf("warnings: %q", warnings)
		}
		if l.Lost() != 300 || l.Written() != 0 {
			t.Errorf("%d lost, %d written", l.Lost(), l.Written())
		}
		if err := errors.Join(os.Remove(file), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		l.Reopen()
		time.Sleep(time.Second)
		l.Add(0, route("b"))
		time.Sleep(time.Second)
		if got := readFile(t, file); got != "b\n" {
			t.Errorf("with room again: %q", got)
		}
		stop()
		if l.Lost() != 300 || l.Written() != 1 {
			t.Errorf("%d lost, %d written", l.Lost(), l.Written())
		}
	})
}

// pipe makes a named pipe with an end to read from.
func pipe(t *testing.T) (name string, reader *os.File) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	return name, reader
}

// TestSlowReader fills a pipe that nobody reads: Add goes on and counts. Once it is read again,
// lines come whole.
func TestSlowReader(t *testing.T) {
	name, reader := pipe(t)
	l, stop := start(t, Config{Path: name, Buffer: leastBuffer})
	line := strings.Repeat("x", 99)
	added := uint64(0)
	wire.Until(t, "losses", func() bool {
		for range 100 {
			l.Add(0, route(line))
			added++
		}
		return l.Lost() > 1000
	})
	got := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(reader)
		got <- all
	}()
	wire.Until(t, "the end of the backlog", l.lanes[0].empty)
	l.Add(0, route("last"))
	added++
	stop()
	all := <-got
	if !bytes.HasSuffix(all, []byte("x\nlast\n")) {
		t.Errorf("the last lines are %q", all[max(0, len(all)-200):])
	}
	for text := range bytes.Lines(bytes.TrimSuffix(all, []byte("last\n"))) {
		if string(text) != line+"\n" {
			t.Fatalf("the line %q is broken", text)
		}
	}
	if w := l.Written(); w != uint64(bytes.Count(all, []byte("\n"))) || w+l.Lost() != added {
		t.Errorf("%d lines added, %d written, %d lost, %d read", added, w, l.Lost(), bytes.Count(all, []byte("\n")))
	}
}

// TestRunEndsWithoutReader ends a log whose write waits for ever.
func TestRunEndsWithoutReader(t *testing.T) {
	name, _ := pipe(t)
	l, stop := start(t, Config{Path: name, Buffer: leastBuffer})
	wire.Until(t, "losses", func() bool {
		for range 100 {
			l.Add(0, route(strings.Repeat("x", 99)))
		}
		return l.Lost() > 0
	})
	begin := time.Now()
	stop()
	if took := time.Since(begin); took < drainTime || took > 2*drainTime {
		t.Errorf("Run ended after %v", took)
	}
}

// TestTornLine has half a line in the pipe when a write fails, and asks that the next line begins on
// a line of its own.
func TestTornLine(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := &output{file: w}
	lines := bytes.Repeat([]byte(strings.Repeat("x", 9_998)+"\n"), 20)
	if err := w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	o.write(lines)
	if !o.torn || o.written.Load()+o.lost.Load() != 20 || !errors.Is(o.takeError(), os.ErrDeadlineExceeded) || o.takeError() != nil {
		t.Fatalf("torn %v, %d written, %d lost", o.torn, o.written.Load(), o.lost.Load())
	}
	written := o.written.Load()
	if o.write([]byte("lost\n")); !o.torn || o.lost.Load() != 20-written+1 {
		t.Errorf("while it is full: torn %v, %d lost", o.torn, o.lost.Load())
	}
	got := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(r)
		got <- all
	}()
	if err := w.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	o.write([]byte("next\n"))
	o.close()
	if all := <-got; !bytes.HasSuffix(all, []byte("x\nnext\n")) || uint64(bytes.Count(all, []byte("\n"))) != written+2 || o.torn {
		t.Errorf("%d line ends, the last line %q", bytes.Count(all, []byte("\n")), all[max(0, len(all)-50):])
	}
}

// TestStdoutWithoutReader runs itself as a program whose reader leaves: the program goes on.
func TestStdoutWithoutReader(t *testing.T) {
	if os.Getenv("ACCESSLOG_TO_STDOUT") != "" {
		l, stop := start(t, Config{Path: "stdout"})
		l.Add(0, route("first"))
		wire.Until(t, "a lost line", func() bool {
			l.Add(0, route("next"))
			return l.Lost() > 0
		})
		stop()
		os.Exit(7)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestStdoutWithoutReader$")
	cmd.Env = append(os.Environ(), "ACCESSLOG_TO_STDOUT=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, len("first\n"))
	if _, err := io.ReadFull(out, first); err != nil || string(first) != "first\n" {
		t.Errorf("%q, %v", first, err)
	}
	out.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("the program ended with %v", err)
	}
}

func TestStandardStreams(t *testing.T) {
	f := func(path string, std **os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		old := *std
		*std = w
		l, stop := start(t, Config{Path: path})
		*std = old
		l.Reopen() // is nothing to do here
		l.Add(0, route("a"))
		stop()
		if _, err := w.WriteString("b\n"); err != nil {
			t.Errorf("%s: the stream itself is closed: %v", path, err)
		}
		w.Close()
		if got, err := io.ReadAll(r); string(got) != "a\nb\n" {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	f("-", &os.Stdout)
	f("stdout", &os.Stdout)
	f("stderr", &os.Stderr)
}

func TestRefusedSettings(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(cfg Config, want string) {
		t.Helper()
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
	f(Config{Format: "json", Lanes: 1}, "no path")
	f(Config{Path: "-", Lanes: 1}, "the format")
	f(Config{Path: "-", Format: "json"}, "no lanes")
	f(Config{Path: "-", Format: "json", Lanes: 1, Buffer: 1}, "buffer of 1 bytes is too small")
	f(Config{Path: "-", Format: strings.Repeat("$host", 200), Lanes: 1}, "fewer variables or a buffer of ")
	f(Config{Path: dir, Format: "json", Lanes: 1}, "open "+dir)
	f(Config{Path: filepath.Join(dir, "no", "log"), Format: "json", Lanes: 1}, "no such file")
	f(Config{Path: fifo, Format: "json", Lanes: 1}, "it is a pipe that nobody reads")
}

func TestAddDoesNotAllocate(t *testing.T) {
	for _, format := range []string{"combined", "json", "$route $time_iso8601 $msec $path $args"} {
		l, err := New(Config{Path: filepath.Join(t.TempDir(), "log"), Format: format, Lanes: 1, Buffer: leastBuffer})
		if err != nil {
			t.Fatal(err)
		}
		e := everything()
		e.UserAgent = []byte("é\"\\") // has to be escaped
		allocs := testing.AllocsPerRun(2000, func() {
			l.Add(0, e) // until the lane is full, and after
			e.Time += 1e9
		})
		if allocs != 0 || l.Lost() == 0 {
			t.Errorf("%s: %v allocations, %d lost", format, allocs, l.Lost())
		}
		l.out.close()
	}
}
