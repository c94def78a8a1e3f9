package tlsconf

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long after a change the files are read, and how long they have to stay the same,
	// because a certificate and its key are replaced one after the other.
	quiet = 100 * time.Millisecond
	// interval is how often the files are looked at in any case, because some file systems, such as
	// network ones, do not tell of changes.
	interval = time.Minute
)

// Run watches the files and takes what changes, until ctx ends. It returns nil.
func (s *Store) Run(ctx context.Context) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("new certificates are noticed late, because files can't be watched", "interval", interval.String(), "error", err)
		s.loop(ctx, nil, nil, func() {})
		return nil
	}
	defer notify.Close()
	late := map[string]bool{}
	s.loop(ctx, notify.Events, notify.Errors, func() { s.watchFolders(notify, late) })
	return nil
}

// loop waits for something that may be a change. It calls watch before it looks, so that what
// changes while it looks is noticed.
func (s *Store) loop(ctx context.Context, events <-chan fsnotify.Event, errs <-chan error, watch func()) {
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
			continue
		case err := <-errs:
			s.log.Warn("watching certificate files", "error", err)
			calm.Reset(quiet)
			continue
		case <-s.poke:
		case <-calm.C:
		case now := <-tick.C:
			s.warnExpiry(now)
		}
		watch()
		if !s.look(false) {
			calm.Reset(quiet)
		}
	}
}

// watchFolders watches the folders where a change can happen, and no others. What can't be watched is
// said once, and remembered in late.
func (s *Store) watchFolders(notify *fsnotify.Watcher, late map[string]bool) {
	folders := s.folders()
	for _, watched := range notify.WatchList() {
		if !folders[watched] {
			_ = notify.Remove(watched) // it is gone already if this fails
		}
		delete(folders, watched)
	}
	for folder := range folders {
		if err := notify.Add(folder); err != nil && !late[folder] {
			late[folder] = true
			s.log.Warn("new certificates are noticed late, because their folder can't be watched",
				"path", folder, "interval", interval.String(), "error", err)
		}
	}
}

// folders returns those of the files, and those that links lead to. A folder is watched rather than
// a file, because files are replaced by others of the same name. Kubernetes replaces a link to a
// folder, ..data, beside links that lead through it.
func (s *Store) folders() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	folders := map[string]bool{}
	for f := range s.kept {
		for _, name := range []string{f.cert, f.key} {
			if name == "" {
				continue
			}
			folders[filepath.Dir(name)] = true
			if target, err := filepath.EvalSymlinks(name); err == nil {
				folders[filepath.Dir(target)] = true
			}
		}
	}
	return folders
}
