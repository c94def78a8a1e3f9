// Package file watches the file or folder in which a person wrote the configuration, and delivers it
// anew whenever it changed.
package file

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"tain.dev/tain/config"
)

const (
	// quiet is how long nothing may change before the files are read, because editors and copying
	// write in several steps.
	quiet = 100 * time.Millisecond
	// interval is how often the files are compared in any case, because some file systems, such as
	// network ones, do not tell of changes.
	interval = 10 * time.Second
)

// Watcher watches one path. Make it with [New].
type Watcher struct {
	path  string
	looks []config.Look
	// Of Run:
	log  *slog.Logger
	take func(*config.Config, []error)

	reload chan struct{}
	// seen is what the files held when they were last read, and glimpsed at the last look.
	seen, glimpsed [sha256.Size]byte
	late           map[string]bool // folders that can't be watched
}

// New makes a watcher of a file or folder, at whose mirrors looks are taken, see [config.Load].
func New(path string, looks ...config.Look) *Watcher {
	return &Watcher{path: path, looks: looks, reload: make(chan struct{}, 1), late: map[string]bool{}}
}

// Load reads the configuration now, without a delivery. It is for the start, before Run: what has
// not changed since is not delivered again.
func (w *Watcher) Load() (*config.Config, []error) {
	w.seen = fingerprint(w.path)
	return config.Load(w.path, w.looks...)
}

// Reload asks Run to read and deliver, whether there is a change or not. It returns at once and is
// safe for concurrent use.
func (w *Watcher) Reload() {
	select {
	case w.reload <- struct{}{}:
	default: // one is asked for already
	}
}

// Run delivers what has changed since Load, and then every change, until ctx ends: it calls take, from
// its own goroutine. What there is to say about watching itself goes to log. It returns nil.
func (w *Watcher) Run(ctx context.Context, log *slog.Logger, take func(*config.Config, []error)) error {
	w.log, w.take = log, take
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.warnLate(w.path, err)
		w.loop(ctx, nil, nil, func() {})
		return nil
	}
	defer notify.Close()
	w.loop(ctx, notify.Events, notify.Errors, func() { w.watchFolders(notify) })
	return nil
}

func (w *Watcher) warnLate(path string, err error) {
	w.log.Warn("changes of the configuration are noticed late, because they can't be watched",
		"path", path, "interval", interval.String(), "error", err)
}

// loop waits for something that may be a change. It calls watch before it reads, so that what
// changes during the reading is noticed.
func (w *Watcher) loop(ctx context.Context, events <-chan fsnotify.Event, errs <-chan error, watch func()) {
	calm := time.NewTimer(0) // at first, look at once
	defer calm.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			calm.Reset(quiet)
		case err := <-errs:
			w.log.Warn("watching the configuration", "path", w.path, "error", err)
			calm.Reset(quiet)
		case <-w.reload:
			watch()
			w.take(w.Load())
		case <-calm.C:
			watch()
			if !w.takeChange() {
				calm.Reset(quiet)
			}
		case <-tick.C:
			watch()
			if !w.takeChange() {
				calm.Reset(quiet)
			}
		}
	}
}

// takeChange delivers a change that two looks in a row have found. After the first one it returns
// false: a look may come upon a file that is being written, and half a file can be one without
// error, but with half of the routes.
func (w *Watcher) takeChange() (done bool) {
	now := fingerprint(w.path)
	if now == w.seen {
		return true
	}
	if now != w.glimpsed {
		w.glimpsed = now
		return false
	}
	w.take(w.Load())
	return true
}

// watchFolders watches the folders where a change can happen, and no others. What can't be watched is
// said once.
func (w *Watcher) watchFolders(notify *fsnotify.Watcher) {
	folders := foldersOf(w.path)
	for _, watched := range notify.WatchList() {
		if !folders[watched] {
			_ = notify.Remove(watched) // it is gone already if this fails
		}
		delete(folders, watched)
	}
	for folder := range folders {
		err := notify.Add(folder)
		if err != nil && !w.late[folder] {
			w.late[folder] = true
			w.warnLate(folder, err)
		}
	}
}

// foldersOf returns the path's folder, the path itself if it is one, and those that links lead to. A
// folder is watched rather than a file, because files are replaced by others of the same name.
// Kubernetes replaces a link to a folder, ..data, beside links that lead through it.
func foldersOf(path string) map[string]bool {
	folders := map[string]bool{filepath.Dir(path): true}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folders[filepath.Clean(path)] = true
	}
	files, _ := config.Files(path)
	for _, file := range append(files, path) {
		if target, err := filepath.EvalSymlinks(file); err == nil {
			folders[filepath.Dir(target)] = true
		}
	}
	return folders
}

// fingerprint tells apart what the files hold, or why they can't be read.
func fingerprint(path string) [sha256.Size]byte {
	hash := sha256.New()
	files, err := config.Files(path)
	if err != nil {
		fmt.Fprint(hash, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		fmt.Fprintf(hash, "%q %d %v\n", file, len(data), err)
		hash.Write(data)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
