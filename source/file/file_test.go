package file

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"tain.dev/tain/config"
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// routeNamed is a file with one route.
func routeNamed(name string) string {
	return "routes:\n- {name: " + name + ", backends: [http://b]}\n"
}

// delivery says in one word what was delivered.
func delivery(c *config.Config, errs []error) string {
	var names []string
	for _, r := range c.Table.Routes() {
		names = append(names, r.Name)
	}
	if len(errs) > 0 {
		names = append(names, "wrong")
	}
	return strings.Join(names, ",")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// loopTest runs the loop of a watcher of one file on a fake clock.
type loopTest struct {
	*testing.T
	file   string
	w      *Watcher
	events chan fsnotify.Event
	errs   chan error
	got    chan string
}

func testLoop(t *testing.T, f func(*loopTest)) {
	file := filepath.Join(t.TempDir(), "tain.yaml")
	write(t, file, routeNamed("start"))
	synctest.Test(t, func(t *testing.T) {
		l := &loopTest{T: t, file: file, events: make(chan fsnotify.Event), errs: make(chan error), got: make(chan string, 100)}
		l.w = New(file)
		l.w.log, l.w.take = silent, func(c *config.Config, errs []error) { l.got <- delivery(c, errs) }
		l.w.Load()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.w.loop(ctx, l.events, l.errs, func() {})
		}()
		synctest.Wait()
		f(l)
		cancel()
		<-done
	})
}

// after lets time pass, and checks what was delivered since the last check.
func (l *loopTest) after(d time.Duration, want ...string) {
	l.Helper()
	time.Sleep(d) // of the fake clock
	synctest.Wait()
	var got []string
	for range len(l.got) {
		got = append(got, <-l.got)
	}
	if !slices.Equal(got, want) {
		l.Errorf("after %s: %q, want %q", d, got, want)
	}
}

func TestChangeIsTakenWhenItIsQuiet(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		l.after(0)
		write(l.T, l.file, "routes: [")
		l.events <- fsnotify.Event{}
		l.after(quiet - 1)
		write(l.T, l.file, routeNamed("a"))
		l.events <- fsnotify.Event{}
		l.after(2*quiet - 1)
		l.after(1, "a")
	})
}

func TestHalfAFileIsNotTaken(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		write(l.T, l.file, routeNamed("half"))
		l.events <- fsnotify.Event{}
		l.after(2*quiet - 1)
		write(l.T, l.file, routeNamed("half")+"- {name: whole, backends: [http://b]}\n")
		l.after(quiet) // without an event
		l.after(1, "half,whole")
	})
}

func TestEventWithoutChange(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		l.events <- fsnotify.Event{}
		l.after(time.Hour)
	})
}

func TestChangeWithoutEvent(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		write(l.T, l.file, routeNamed("a"))
		l.after(interval + quiet - 1)
		l.after(1, "a")
	})
}

func TestErrorMayHideAnEvent(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		write(l.T, l.file, routeNamed("a"))
		l.errs <- errors.New("the queue is full")
		l.after(2*quiet, "a")
	})
}

func TestReload(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		l.w.Reload()
		l.after(0, "start")
		write(l.T, l.file, "routes: [")
		l.w.Reload()
		l.after(0, "wrong")
		l.after(time.Hour)
	})
}

func TestReloadNeverWaits(t *testing.T) {
	w := New("tain.yaml")
	for range 3 {
		w.Reload() // nobody takes it
	}
}

func TestFileGoesAndComes(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		if err := os.Remove(l.file); err != nil {
			l.Fatal(err)
		}
		l.after(interval+quiet, "wrong")
		l.after(interval)
		write(l.T, l.file, routeNamed("b"))
		l.after(interval, "b")
	})
}

func TestChangeBeforeRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tain.yaml")
	write(t, file, routeNamed("a"))
	delivered := run(t, file, func() { write(t, file, routeNamed("b")) })
	await(t, delivered, "b")
}

// run loads the path, does something, and then runs a watcher with real events until the test ends.
func run(t *testing.T, path string, before func()) <-chan string {
	t.Helper()
	delivered := make(chan string, 100)
	w := New(path)
	w.Load()
	before()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	take := func(c *config.Config, errs []error) { delivered <- delivery(c, errs) }
	go func() { done <- w.Run(ctx, silent, take) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return delivered
}

// await waits until want is delivered.
func await(t *testing.T, delivered <-chan string, want string) {
	t.Helper()
	late := time.After(interval / 2) // before a change is noticed without an event
	var got []string
	for {
		select {
		case one := <-delivered:
			if got = append(got, one); one == want {
				return
			}
		case <-late:
			t.Fatalf("delivered %q, want %q", got, want)
		}
	}
}

// settled starts a watcher and waits until it watches.
func settled(t *testing.T, path string, change func()) <-chan string {
	t.Helper()
	delivered := run(t, path, change)
	await(t, delivered, "first")
	return delivered
}

func TestWatchFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tain.yaml")
	write(t, file, "")
	delivered := settled(t, file, func() { write(t, file, routeNamed("first")) })
	write(t, file, routeNamed("written"))
	await(t, delivered, "written")
	write(t, file+"~", routeNamed("renamed"))
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
	await(t, delivered, "renamed")
	write(t, file, routeNamed("again"))
	await(t, delivered, "again")
}

func TestWatchFolder(t *testing.T) {
	dir := t.TempDir()
	delivered := settled(t, dir, func() { write(t, filepath.Join(dir, "a.yaml"), routeNamed("first")) })
	write(t, filepath.Join(dir, "b.yaml"), routeNamed("b"))
	await(t, delivered, "first,b")
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	await(t, delivered, "b")
	if err := os.Remove(filepath.Join(dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	await(t, delivered, "wrong")
	write(t, filepath.Join(dir, "c.yaml"), routeNamed("c"))
	await(t, delivered, "c")
}

// TestWatchConfigMap replaces files as Kubernetes does in a mounted ConfigMap: each is a link through
// ..data, which is replaced by a link to another folder.
func TestWatchConfigMap(t *testing.T) {
	dir := t.TempDir()
	version := func(n string) {
		folder := filepath.Join(dir, "..v"+n)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "tain.yaml"), routeNamed(n))
		link(t, "..v"+n, filepath.Join(dir, "..data"))
	}
	version("zero")
	link(t, "..data/tain.yaml", filepath.Join(dir, "tain.yaml"))
	for _, path := range []string{dir, filepath.Join(dir, "tain.yaml")} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			name := filepath.Ext(path)
			name = strings.TrimPrefix(name, ".")
			delivered := run(t, path, func() { version("first" + name) })
			await(t, delivered, "first"+name)
			version("second" + name)
			await(t, delivered, "second"+name)
			version("third" + name)
			await(t, delivered, "third"+name)
		})
	}
}

// TestWatchLink changes a file through the folder that a link leads to.
func TestWatchLink(t *testing.T) {
	real, dir := filepath.Join(t.TempDir(), "real.yaml"), t.TempDir()
	write(t, real, "")
	link(t, real, filepath.Join(dir, "tain.yaml"))
	delivered := settled(t, filepath.Join(dir, "tain.yaml"), func() { write(t, real, routeNamed("first")) })
	write(t, real, routeNamed("second"))
	await(t, delivered, "second")
}

func TestWhatCannotBeWatchedIsSaidOnce(t *testing.T) {
	var said strings.Builder
	w := New(filepath.Join(t.TempDir(), "none", "tain.yaml"))
	w.log = slog.New(slog.NewTextHandler(&said, nil))
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	w.watchFolders(notify)
	w.watchFolders(notify)
	if n := strings.Count(said.String(), "noticed late"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
}
